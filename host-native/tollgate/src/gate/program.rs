//! The component of the gate, compiled for this machine.

use std::fmt;
use std::sync::{Arc, OnceLock};

use wasmtime::Engine;
use wasmtime::component::HasSelf;

use super::bindings::{Gate as Exports, GatePre};
use crate::host::capability::Capabilities;
use crate::host::engine::{self, ProgramError, ProgramOptions};

/// The component that this crate was built with.
const EMBEDDED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/gate.wasm"));

/// A compiled component. Compiling can take seconds, so share it between gates: it is cheap to
/// clone.
#[derive(Clone)]
pub struct Program {
    engine: Engine,
    pre: Arc<GatePre<Capabilities>>,
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

    /// Compiles a component of the world `gate`. This blocks the thread.
    ///
    /// # Errors
    ///
    /// It is not such a component, or the cache directory cannot be used.
    pub fn compile(options: ProgramOptions) -> Result<Self, ProgramError> {
        let component = options.component.as_deref().unwrap_or(EMBEDDED);
        let compiled = engine::compile(component, options.cache, |linker| {
            Exports::add_to_linker::<_, HasSelf<Capabilities>>(linker, |host| host)
        });
        compiled
            .and_then(|(engine, pre)| {
                let pre = Arc::new(GatePre::new(pre)?);
                Ok(Self { engine, pre })
            })
            .map_err(ProgramError)
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(super) fn pre(&self) -> &GatePre<Capabilities> {
        &self.pre
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program").finish_non_exhaustive()
    }
}
