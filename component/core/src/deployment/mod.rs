//! A deployment: one configuration, compiled once, and the roles that it wires together.
//!
//! Options and settings of the environment are merged and checked here. Each role gets the parts
//! that roles share; no role knows another.
//!
//! Without the feature `token-client`, a configuration with a client is an error.

#[cfg_attr(not(feature = "token-client"), path = "no_client.rs")]
mod client;
mod compile;
mod config;
mod environment;

use std::fmt;
use std::rc::Rc;

pub use config::{
    Access, AssertionAudience, ClientAuthenticationMethod, ClientConfig, ClientKeyConfig,
    ClientKeySource, Config, Cors, ExchangeCacheConfig, IssuerConfig, KeyLocationConfig,
    KeyPolicyConfig, Metadata, RouteConfig, TokenCacheConfig,
};
pub use environment::{Setting, ValueKind};

use crate::capability::Host;
use crate::config_error::ConfigError;
use crate::resource_server::Gate;

/// See the module.
#[derive(Clone)]
pub struct Deployment {
    gate: Gate,
    client: client::Client,
}

impl Deployment {
    /// Checks the whole configuration, without I/O.
    ///
    /// # Errors
    /// The first part of it that cannot work. An error of the client is not reported here but by
    /// `token_client`, and everything else works.
    #[inline(never)]
    pub fn new(config: Config, host: Rc<dyn Host>) -> Result<Self, ConfigError> {
        let compiled = compile::compile(config, host)?;
        Ok(Self {
            gate: Gate::new(compiled.issuers, compiled.gate),
            client: compiled.client,
        })
    }

    /// The gate. All clones share one cache.
    #[must_use]
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Whether a client is configured, valid or not.
    #[must_use]
    pub fn has_client(&self) -> bool {
        self.client.is_configured()
    }
}

impl fmt::Debug for Deployment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deployment")
            .field("gate", &self.gate)
            .field("has_client", &self.has_client())
            .finish_non_exhaustive()
    }
}
