//! The client of a deployment. It is compiled apart from the gate, because an invalid client must not
//! stop the gate.

use std::rc::Rc;

use super::Deployment;
use super::config::{ClientConfig, ClientKeyConfig, ClientKeySource};
use super::environment::{
    CLIENT_ID, CLIENT_SECRET, Environment, PRIVATE_KEY, PRIVATE_KEY_NEXT, PRIVATE_KEY_RETIRED,
    TOKEN_ENDPOINT,
};
use crate::config_error::{ConfigError, ConfigPart, Naming, Origins};
use crate::issuers::Issuers;
use crate::resource_server::{GateRules, PublishedKeys};
use crate::secret::Secret;
use crate::token_client::{CompiledClient, TokenClient, compile_client};

/// The client, or what is wrong with its configuration. `None` if there is no client.
#[derive(Clone)]
pub(super) struct Client {
    issuers: Rc<Issuers>,
    compiled: Option<Result<Rc<CompiledClient>, ConfigError>>,
}

impl Client {
    /// Checks the client's part of a configuration, and publishes its keys.
    #[expect(
        clippy::unnecessary_wraps,
        reason = "a build without the role refuses the client"
    )]
    pub(super) fn compile(
        config: Option<&ClientConfig>,
        issuers: &Rc<Issuers>,
        gate: &mut GateRules,
    ) -> Result<Self, ConfigError> {
        Ok(Self {
            issuers: Rc::clone(issuers),
            compiled: config.map(|config| compile(config, issuers, gate)),
        })
    }

    /// Uses the user's names in the error, if there is one.
    pub(super) fn spelled(mut self, naming: Naming, origins: &Origins) -> Self {
        if let Some(Err(error)) = &mut self.compiled {
            *error = error.clone().spelled(naming, origins);
            error.part = ConfigPart::Client;
        }
        self
    }

    pub(super) fn is_configured(&self) -> bool {
        self.compiled.is_some()
    }
}

/// The client, and what its gate publishes at `/.well-known/jwks.json`.
#[inline(never)]
fn compile(
    config: &ClientConfig,
    issuers: &Issuers,
    gate: &mut GateRules,
) -> Result<Rc<CompiledClient>, ConfigError> {
    let client = compile_client(config, &issuers.sources, &issuers.scheduler).map(Rc::new);
    gate.client_keys = match &client {
        Ok(client) => client.keys().cloned().map(PublishedKeys::Of),
        Err(_) if config.keys.is_some() => Some(PublishedKeys::Unusable),
        Err(_) => None,
    };
    client
}

/// Fills in the client's options from the environment. At least one of its settings is there.
#[inline(never)]
pub(super) fn apply(
    env: &mut Environment<'_>,
    client: &mut Option<ClientConfig>,
) -> Result<(), ConfigError> {
    let client = client.get_or_insert_default();
    env.fill(&mut client.id, "client.id", CLIENT_ID);
    env.fill(
        &mut client.token_endpoint,
        "client.token-endpoint",
        TOKEN_ENDPOINT,
    );
    if client.secret.is_none() {
        let mut secret = None;
        env.fill(&mut secret, "client.secret", CLIENT_SECRET);
        client.secret = secret.map(Secret::new);
    }
    if client.keys.is_some() {
        return Ok(());
    }
    const PLACES: [&str; 3] = ["client.keys[0]", "client.keys[1]", "client.keys[2]"];
    let mut keys = Vec::new();
    for name in [PRIVATE_KEY, PRIVATE_KEY_NEXT, PRIVATE_KEY_RETIRED] {
        let mut key = None;
        env.fill(&mut key, PLACES[keys.len()], name);
        let Some(key) = key else { continue };
        // The first key signs.
        if keys.is_empty() && name != PRIVATE_KEY {
            let message =
                "it is only published, and does not sign: set TOLLGATE_PRIVATE_KEY as well";
            return Err(ConfigError::new(name, message));
        }
        keys.push(ClientKeyConfig {
            key: ClientKeySource::Text(Secret::new(key)),
            kid: None,
            algorithm: None,
        });
    }
    client.keys = Some(keys).filter(|keys| !keys.is_empty());
    Ok(())
}

impl Deployment {
    /// Creates a token client with its own cache. It shares the issuers' metadata with the gate.
    ///
    /// # Errors
    /// The error of that part of the configuration, or that it is missing.
    pub fn token_client(&self) -> Result<TokenClient, ConfigError> {
        let Client { issuers, compiled } = &self.client;
        match compiled {
            Some(Ok(client)) => Ok(TokenClient::new(Rc::clone(issuers), Rc::clone(client))),
            Some(Err(error)) => Err(error.clone()),
            None => {
                let message = "no client is configured, so no token can be requested: set \
                               TOLLGATE_CLIENT_ID with TOLLGATE_CLIENT_SECRET or \
                               TOLLGATE_PRIVATE_KEY, or the option `client`";
                let error = ConfigError::new("client", message);
                let error = error.spelled(issuers.naming, &Origins::default());
                Err(ConfigError {
                    part: ConfigPart::Client,
                    ..error
                })
            }
        }
    }
}
