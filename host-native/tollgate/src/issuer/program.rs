//! The component of the issuer, compiled for this machine.

use std::fmt;
use std::sync::{Arc, OnceLock};

use wasmtime::Engine;
use wasmtime::component::{HasSelf, Linker};

use super::bindings::IssuerPre;
use super::bindings::tollgate::auth::{hooks, store};
use super::capability::IssuerHost;
use crate::host::bindings::tollgate::auth::{clock, http_client, random, signatures};
use crate::host::capability::Capabilities;
use crate::host::engine::{self, ProgramError, ProgramOptions};

/// The component that this crate was built with.
const EMBEDDED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/issuer.wasm"));

/// A compiled component of the world `issuer`. Compiling can take seconds, so share it between
/// issuers: it is cheap to clone.
#[derive(Clone)]
pub struct Program {
    engine: Engine,
    pre: Arc<IssuerPre<IssuerHost>>,
}

impl Program {
    /// The component that this crate was built with, compiled once in a process.
    ///
    /// # Errors
    ///
    /// The component cannot run on this machine. It is not tried again.
    pub fn embedded() -> Result<Self, ProgramError> {
        static PROGRAM: OnceLock<Result<Program, String>> = OnceLock::new();
        let program = PROGRAM.get_or_init(|| {
            Self::compile(ProgramOptions::default()).map_err(|error| format!("{:#}", error.0))
        });
        program
            .clone()
            .map_err(|text| ProgramError(wasmtime::Error::msg(text)))
    }

    /// Compiles a component of the world `issuer`. This blocks the thread.
    ///
    /// # Errors
    ///
    /// It is not such a component, or the cache directory cannot be used.
    pub fn compile(options: ProgramOptions) -> Result<Self, ProgramError> {
        let component = options.component.as_deref().unwrap_or(EMBEDDED);
        engine::compile(component, options.cache, link)
            .and_then(|(engine, pre)| {
                let pre = Arc::new(IssuerPre::new(pre)?);
                Ok(Self { engine, pre })
            })
            .map_err(ProgramError)
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(super) fn pre(&self) -> &IssuerPre<IssuerHost> {
        &self.pre
    }
}

fn link(linker: &mut Linker<IssuerHost>) -> wasmtime::Result<()> {
    clock::add_to_linker::<_, HasSelf<Capabilities>>(linker, |host| &mut host.capabilities)?;
    random::add_to_linker::<_, HasSelf<Capabilities>>(linker, |host| &mut host.capabilities)?;
    http_client::add_to_linker::<_, HasSelf<Capabilities>>(linker, |host| &mut host.capabilities)?;
    signatures::add_to_linker::<_, HasSelf<Capabilities>>(linker, |host| &mut host.capabilities)?;
    store::add_to_linker::<_, HasSelf<IssuerHost>>(linker, |host| host)?;
    hooks::add_to_linker::<_, HasSelf<IssuerHost>>(linker, |host| host)
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program").finish_non_exhaustive()
    }
}
