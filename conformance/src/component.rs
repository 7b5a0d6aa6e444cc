//! The built component with its raw exports, in this process.

use std::path::Path;

use wasmtime::component::{Component, ComponentType, Instance, Lift, Linker, TypedFunc};
use wasmtime::{Engine, Store};

/// Where the raw exports are (`wit/raw-signatures.wit`).
const INTERFACE: &str = "tollgate:auth/raw-signatures@0.1.0";

/// The variant `failure`.
#[derive(Clone, Debug, PartialEq, Eq, ComponentType, Lift)]
#[component(variant)]
pub(crate) enum Failure {
    #[component(name = "bad-key")]
    BadKey(String),
    #[component(name = "bad-algorithm")]
    BadAlgorithm,
    #[component(name = "invalid")]
    Invalid(String),
}

impl Failure {
    /// A short text for reports.
    pub(crate) fn code(&self) -> &str {
        match self {
            Self::BadKey(code) | Self::Invalid(code) => code,
            Self::BadAlgorithm => "bad-algorithm",
        }
    }
}

type VerifyRaw = TypedFunc<(String, String, Vec<u8>, Vec<u8>), (Result<(), Failure>,)>;
type VerifyJws = TypedFunc<(String, String), (Result<Vec<u8>, Failure>,)>;

/// An instance of `tollgate-conformance.wasm`.
pub(crate) struct RawSignatures {
    store: Store<()>,
    verify_raw: VerifyRaw,
    verify_jws: VerifyJws,
}

impl RawSignatures {
    /// Compiles the component. Its imports trap: a raw check asks nothing of its host.
    pub(crate) fn load(file: &Path) -> wasmtime::Result<Self> {
        let engine = Engine::default();
        let component = Component::from_file(&engine, file)?;
        let mut linker = Linker::new(&engine);
        linker.define_unknown_imports_as_traps(&component)?;
        let mut store = Store::new(&engine, ());
        let instance = linker.instantiate(&mut store, &component)?;
        Ok(Self {
            verify_raw: function(&instance, &mut store, "verify-raw")?,
            verify_jws: function(&instance, &mut store, "verify-jws")?,
            store,
        })
    }

    /// A raw signature by a JWS algorithm and a public JWK.
    pub(crate) fn verify_raw(
        &mut self,
        algorithm: &str,
        jwk: &str,
        message: &[u8],
        signature: &[u8],
    ) -> wasmtime::Result<Result<(), Failure>> {
        let arguments = (
            algorithm.to_owned(),
            jwk.to_owned(),
            message.to_vec(),
            signature.to_vec(),
        );
        Ok(self.verify_raw.call(&mut self.store, arguments)?.0)
    }

    /// A compact JWS by a JWK or a JWK Set.
    pub(crate) fn verify_jws(
        &mut self,
        keys: &str,
        jws: &str,
    ) -> wasmtime::Result<Result<Vec<u8>, Failure>> {
        let arguments = (keys.to_owned(), jws.to_owned());
        Ok(self.verify_jws.call(&mut self.store, arguments)?.0)
    }
}

fn function<P, R>(
    instance: &Instance,
    store: &mut Store<()>,
    name: &str,
) -> wasmtime::Result<TypedFunc<P, R>>
where
    P: wasmtime::component::ComponentNamedList + wasmtime::component::Lower,
    R: wasmtime::component::ComponentNamedList + Lift,
{
    let missing = || wasmtime::format_err!("the component has no {INTERFACE} {name}");
    let interface = instance
        .get_export_index(&mut *store, None, INTERFACE)
        .ok_or_else(missing)?;
    let function = instance
        .get_export_index(&mut *store, Some(&interface), name)
        .ok_or_else(missing)?;
    instance.get_typed_func(store, function)
}
