//! In place of the client, in a build without the role `token_client`. A configuration with a client
//! is refused: nothing could use the client, and its operator would take it for working.

use std::rc::Rc;

use super::config::ClientConfig;
use super::environment::{Environment, OF_CLIENT};
use crate::config_error::{ConfigError, Naming, Origins};
use crate::issuers::Issuers;
use crate::resource_server::GateRules;

/// What to do about a client. The file and the import are names, not options.
const REFUSED: &str = "this build of Tollgate only verifies tokens, so it cannot have a client: use the \
                       component \"tollgate-gate.wasm\" (in JavaScript, import from \"tollgate\" \
                       instead of \"tollgate/verifier\"), or remove the client's options and \
                       settings";

/// There is none.
#[derive(Clone)]
pub(super) struct Client;

impl Client {
    /// Refuses a client.
    pub(super) fn compile(
        config: Option<&ClientConfig>,
        _: &Rc<Issuers>,
        _: &mut GateRules,
    ) -> Result<Self, ConfigError> {
        match config {
            None => Ok(Self),
            Some(_) => Err(ConfigError::new("client", REFUSED)),
        }
    }

    pub(super) fn spelled(self, _: Naming, _: &Origins) -> Self {
        self
    }

    #[expect(clippy::unused_self, reason = "a build with the role has one")]
    pub(super) fn is_configured(&self) -> bool {
        false
    }
}

/// Refuses the client's settings. At least one of them is there.
#[cold]
pub(super) fn apply(
    env: &mut Environment<'_>,
    _: &mut Option<ClientConfig>,
) -> Result<(), ConfigError> {
    let given = OF_CLIENT.into_iter().find(|&name| env.has(&[name]));
    Err(ConfigError::new(given.unwrap_or("client"), REFUSED))
}
