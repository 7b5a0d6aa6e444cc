//! The built components with their raw exports, in this process.

mod lent;

use std::path::Path;

use wasmtime::component::{Component, Linker, ResourceAny};
use wasmtime::{Engine, Store};

use crate::vectors::{Answer, Check, Kind};
use bindings::exports::tollgate::auth::raw_signatures::{Failure, Progress};
use bindings::tollgate::auth::{clock, signatures};
use lent::Lent;

mod bindings {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "conformance",
        with: {
            "tollgate:auth/signatures.verifying-key": super::lent::PublicKey,
            "tollgate:auth/signatures.pending-verdict": super::lent::Verdict,
        },
        imports: { default: trappable },
    });
}

/// An instance of `tollgate-conformance.wasm`, or of that one with signatures of its own.
pub(crate) struct RawSignatures {
    store: Store<Lent>,
    instance: bindings::Conformance,
}

impl RawSignatures {
    /// Compiles the component. The host lends it the clock and signatures; any other import traps.
    pub(crate) fn load(file: &Path) -> wasmtime::Result<Self> {
        let engine = Engine::default();
        let component = Component::from_file(&engine, file)?;
        let mut linker = Linker::new(&engine);
        linker.define_unknown_imports_as_traps(&component)?;
        linker.allow_shadowing(true);
        clock::add_to_linker::<_, LentBySelf>(&mut linker, |lent| lent)?;
        signatures::add_to_linker::<_, LentBySelf>(&mut linker, |lent| lent)?;
        let mut store = Store::new(&engine, Lent::default());
        let instance = bindings::Conformance::instantiate(&mut store, &component, &linker)?;
        Ok(Self { store, instance })
    }

    /// The result of a check.
    pub(crate) fn answer(&mut self, check: &Check) -> wasmtime::Result<Answer> {
        let raw = self.instance.tollgate_auth_raw_signatures();
        let task = match check {
            Check::Raw {
                algorithm,
                jwk,
                message,
                signature,
            } => raw.call_verify_raw(&mut self.store, algorithm, jwk, message, signature)?,
            Check::Jws { keys, jws } => raw.call_verify_jws(&mut self.store, keys, jws)?,
        };
        let answer = self.finish(task)?;
        task.resource_drop(&mut self.store)?;
        Ok(answer)
    }

    fn finish(&mut self, task: ResourceAny) -> wasmtime::Result<Answer> {
        let raw = self.instance.tollgate_auth_raw_signatures();
        let progress = raw.check_task().call_poll(&mut self.store, task)?;
        let Progress::Ready(result) = progress else {
            // Both variants answer at the first poll.
            wasmtime::bail!("a check did not end, though its host answers at once");
        };
        Ok(result.map_or_else(failed, Answer::Valid))
    }
}

fn failed(failure: Failure) -> Answer {
    match failure {
        Failure::BadKey(code) => Answer::failed(Kind::BadKey, &code),
        Failure::BadAlgorithm => Answer::failed(Kind::BadAlgorithm, "bad-algorithm"),
        Failure::Invalid(code) => Answer::failed(Kind::Invalid, &code),
        Failure::NoVerdict(code) => Answer::failed(Kind::NoVerdict, &code),
    }
}

/// The store's data is the lent capabilities.
struct LentBySelf;

impl wasmtime::component::HasData for LentBySelf {
    type Data<'a> = &'a mut Lent;
}
