//! Hosts of the component, each as an HTTP server that protects the same routes.
//!
//! The header `x-conformance-gate` has the options of the gate that a request is for, as JSON; a
//! target makes the gate when it first sees them. The handler behind the gate answers with the
//! caller's identity and, on `POST /do`, runs the operation in the body with the gate's client.

mod native;
mod operation;
mod worker;

use clap::ValueEnum;

pub(crate) use worker::{Worker, node};

/// The header with the gate's options.
pub(crate) const GATE: &str = "x-conformance-gate";

/// Which host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Kind {
    /// wasmtime, behind the tower layer.
    Native,
    /// The npm package in workerd.
    Js,
    /// The Rust crate in workerd.
    Rust,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Native, Self::Js, Self::Rust];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Js => "js",
            Self::Rust => "rust",
        }
    }
}

/// A running target.
pub(crate) struct Target {
    pub(crate) kind: Kind,
    /// `127.0.0.1:8787`.
    pub(crate) authority: String,
    /// Ends when dropped.
    _worker: Option<Worker>,
}

impl Target {
    /// Starts a target, which takes some seconds for Workers.
    pub(crate) async fn start(kind: Kind) -> Result<Self, String> {
        let (authority, worker) = match kind {
            Kind::Native => (native::start().await?, None),
            Kind::Js | Kind::Rust => {
                let worker = Worker::start("conformance/workers/serve.mjs", &[kind.name()]).await?;
                (worker.authority.clone(), Some(worker))
            }
        };
        Ok(Self {
            kind,
            authority,
            _worker: worker,
        })
    }
}
