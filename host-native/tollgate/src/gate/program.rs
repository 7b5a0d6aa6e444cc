//! The component, compiled for this machine.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use wasmtime::component::{Component, HasSelf, Linker};
use wasmtime::{Cache, CacheConfig, Config, Engine};

use super::bindings::{Gate as Exports, GatePre};
use super::capability::Capabilities;

/// The component that this crate was built with.
const EMBEDDED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/gate.wasm"));

/// The interval of the clock that limits the duration of calls.
const TICK: Duration = Duration::from_millis(25);

/// A compiled component. Compiling can take seconds, so share it between gates: it is cheap to
/// clone.
#[derive(Clone)]
pub struct Program {
    engine: Engine,
    pre: Arc<GatePre<Capabilities>>,
}

/// The source of a program, and the cache of its machine code.
#[derive(Clone, Debug, Default)]
pub struct ProgramOptions {
    /// The component. Default: the one that this crate was built with.
    pub component: Option<Vec<u8>>,
    /// A directory that caches machine code between runs. Whoever can write to it can run code in
    /// this process. Default: each process compiles.
    pub cache: Option<PathBuf>,
}

/// The component cannot be compiled or does not fit this host.
#[derive(Debug)]
pub struct ProgramError(wasmtime::Error);

impl fmt::Display for ProgramError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the component cannot be used: {:#}", self.0)
    }
}

impl std::error::Error for ProgramError {}

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
        Self::compile_with(component, options.cache).map_err(ProgramError)
    }

    fn compile_with(component: &[u8], cache: Option<PathBuf>) -> wasmtime::Result<Self> {
        let mut config = Config::new();
        config.epoch_interruption(true);
        if let Some(directory) = cache {
            let mut cache = CacheConfig::new();
            cache.with_directory(directory);
            config.cache(Some(Cache::new(cache)?));
        }
        let engine = Engine::new(&config)?;
        let component = Component::new(&engine, component)?;
        let mut linker = Linker::new(&engine);
        Exports::add_to_linker::<_, HasSelf<Capabilities>>(&mut linker, |host| host)?;
        let pre = Arc::new(GatePre::new(linker.instantiate_pre(&component)?)?);
        start_ticking(&engine)?;
        Ok(Self { engine, pre })
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

/// Advances the engine's epoch for as long as it lives.
fn start_ticking(engine: &Engine) -> wasmtime::Result<()> {
    let engine = engine.weak();
    let ticker = thread::Builder::new().name("tollgate-epoch".to_owned());
    ticker.spawn(move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            thread::sleep(TICK);
        }
    })?;
    Ok(())
}

/// The number of ticks that cover at least this time.
pub(super) fn ticks(limit: Duration) -> u64 {
    u64::try_from(limit.as_nanos().div_ceil(TICK.as_nanos())).unwrap_or(u64::MAX - 1) + 1
}
