//! A component, compiled for this machine.

use std::fmt;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use wasmtime::component::{Component, InstancePre, Linker};
use wasmtime::{Cache, CacheConfig, Config, Engine};

/// The interval of the clock that limits the duration of calls.
const TICK: Duration = Duration::from_millis(25);

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
pub struct ProgramError(pub(crate) wasmtime::Error);

impl fmt::Display for ProgramError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the component cannot be used: {:#}", self.0)
    }
}

impl std::error::Error for ProgramError {}

/// Compiles a component, with the imports that `link` adds.
pub(crate) fn compile<T: 'static>(
    component: &[u8],
    cache: Option<PathBuf>,
    link: impl FnOnce(&mut Linker<T>) -> wasmtime::Result<()>,
) -> wasmtime::Result<(Engine, InstancePre<T>)> {
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
    link(&mut linker)?;
    let pre = linker.instantiate_pre(&component)?;
    start_ticking(&engine)?;
    Ok((engine, pre))
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
pub(crate) fn ticks(limit: Duration) -> u64 {
    u64::try_from(limit.as_nanos().div_ceil(TICK.as_nanos())).unwrap_or(u64::MAX - 1) + 1
}
