//! A deployment: one configuration, compiled once, and the roles that it wires together.
//!
//! Options and settings of the environment are merged and checked here. Each role gets the parts
//! that roles share; no role knows another.

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
use crate::config_error::{ConfigError, ConfigPart, Origins};
use crate::issuers::Issuers;
use crate::resource_server::Gate;
use crate::token_client::{CompiledClient, TokenClient};

/// See the module.
#[derive(Clone)]
pub struct Deployment {
    issuers: Rc<Issuers>,
    gate: Gate,
    client: Option<Result<Rc<CompiledClient>, ConfigError>>,
}

impl Deployment {
    /// Checks the whole configuration, without I/O.
    ///
    /// # Errors
    /// The first part of it that cannot work. An error of the client is not reported here but by
    /// [`Self::token_client`], and everything else works.
    #[inline(never)]
    pub fn new(config: Config, host: Rc<dyn Host>) -> Result<Self, ConfigError> {
        let compiled = compile::compile(config, host)?;
        Ok(Self {
            gate: Gate::new(Rc::clone(&compiled.issuers), compiled.gate),
            issuers: compiled.issuers,
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
        self.client.is_some()
    }

    /// Creates a token client with its own cache. It shares the issuers' metadata with the gate.
    ///
    /// # Errors
    /// The error of that part of the configuration, or that it is missing.
    pub fn token_client(&self) -> Result<TokenClient, ConfigError> {
        match &self.client {
            Some(Ok(client)) => Ok(TokenClient::new(
                Rc::clone(&self.issuers),
                Rc::clone(client),
            )),
            Some(Err(error)) => Err(error.clone()),
            None => {
                let message = "no client is configured, so no token can be requested: set \
                               TOLLGATE_CLIENT_ID with TOLLGATE_CLIENT_SECRET or \
                               TOLLGATE_PRIVATE_KEY, or the option `client`";
                let error = ConfigError::new("client", message);
                let error = error.spelled(self.issuers.naming, &Origins::default());
                Err(ConfigError {
                    part: ConfigPart::Client,
                    ..error
                })
            }
        }
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
