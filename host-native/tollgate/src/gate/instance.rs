//! One instance of the component, with one gate in it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tollgate_config::{
    Config, ConfigError, Grant, Identity, IssuerFault, Settings, Token, TokenTarget,
};
use wasmtime::Store;
use wasmtime::component::ResourceAny;

use super::bindings::Gate as Exports;
use super::bindings::exports::tollgate::auth::resource_server as wit;
use super::bindings::exports::tollgate::auth::token_exchange as wit_exchange;
use super::delegation::CallReport;
use super::known_identities::KnownIdentities;
use super::program::Program;
use super::token_error::TokenError;
use crate::host::capability::{Capabilities, HostServices};
use crate::host::instance::{Instance, Limits, Progress, Step, Task};

/// An instance and its gate. After a call has failed, it must be dropped, because the component may
/// be in an inconsistent state.
pub(super) struct GateInstance {
    store: Store<Capabilities>,
    exports: Exports,
    gate: ResourceAny,
    /// Created when it is first needed.
    client: Option<ResourceAny>,
    identities: KnownIdentities,
    /// The version of the key snapshot that it has.
    pub(super) keys_seen: u64,
}

/// The call that starts a decision.
#[derive(Clone, Copy, Debug)]
pub(super) enum DecisionCall<'a> {
    Decide(&'a wit::RequestHead),
    Metadata(&'a wit::RequestHead),
    Authenticate(&'a wit::RequestHead, &'a [String]),
    Verify(&'a str, &'a [String]),
}

/// The call that starts a token request.
#[derive(Clone, Copy)]
pub(super) enum TokenCall<'a> {
    GetToken(&'a wit_exchange::Delegation),
    GetOwnToken(&'a TokenTarget),
    Request(&'a Grant, &'a TokenTarget, Option<&'a str>),
}

/// A token, or why the request failed.
pub(super) type Issued = Result<Token, TokenError>;

/// A client assertion, or why the request failed.
pub(super) type Assertion = Result<String, TokenError>;

/// The component's decision, and the caller's identity.
pub(super) struct IdentifiedDecision {
    pub(super) decision: wit::Decision,
    /// Present if the decision has an identity.
    pub(super) identity: Option<Identity>,
    pub(super) refresh_due: bool,
}

impl GateInstance {
    /// Creates an instance. The inner error is the component's configuration error.
    pub(super) fn start(
        program: &Program,
        config: &Config,
        limits: Limits,
        services: &Arc<HostServices>,
    ) -> wasmtime::Result<Result<Self, ConfigError>> {
        services.memory.store(0, Ordering::Relaxed);
        let host = Capabilities::new(Arc::clone(services), limits.max_memory);
        let mut store = Store::new(program.engine(), host);
        store.limiter(|host| host);
        store.set_epoch_deadline(limits.call_ticks);
        let exports = program.pre().instantiate(&mut store)?;
        let created = exports
            .tollgate_auth_resource_server()
            .gate()
            .call_create(&mut store, config)?;
        Ok(created.map(|gate| Self {
            store,
            exports,
            gate,
            client: None,
            identities: KnownIdentities::default(),
            keys_seen: 0,
        }))
    }

    /// None if the gate does not answer this request.
    pub(super) fn decide(
        &mut self,
        call: DecisionCall<'_>,
    ) -> wasmtime::Result<Step<Option<IdentifiedDecision>>> {
        let gate = self.exports.tollgate_auth_resource_server().gate();
        let store = &mut self.store;
        let step = match call {
            DecisionCall::Decide(head) => gate.call_decide(store, self.gate, head)?,
            DecisionCall::Metadata(head) => match gate.call_metadata(store, self.gate, head)? {
                Some(step) => step,
                None => return Ok(Step::Done(None)),
            },
            DecisionCall::Authenticate(head, scopes) => {
                gate.call_authenticate(store, self.gate, head, scopes)?
            }
            DecisionCall::Verify(token, scopes) => {
                gate.call_verify(store, self.gate, token, scopes)?
            }
        };
        Ok(match step {
            wit::Step::Done(outcome) => Step::Done(Some(self.decided(outcome)?)),
            wit::Step::Waiting(task) => Step::Waiting(task),
        })
    }

    pub(super) fn poll(
        &mut self,
        task: Task,
    ) -> wasmtime::Result<Progress<Option<IdentifiedDecision>>> {
        let tasks = self.exports.tollgate_auth_resource_server().task();
        Ok(match tasks.call_poll(&mut self.store, task)? {
            wit::Progress::Ready(outcome) => Progress::Ready(Some(self.decided(outcome)?)),
            wit::Progress::Pending(wait) => Progress::Pending(wait),
        })
    }

    fn decided(&mut self, outcome: wit::Outcome) -> wasmtime::Result<IdentifiedDecision> {
        let identity = match &outcome.decision {
            wit::Decision::Allow(wit::Allowed {
                identity: Some(id), ..
            }) => Some(self.identity(*id)?),
            _ => None,
        };
        Ok(IdentifiedDecision {
            decision: outcome.decision,
            identity,
            refresh_due: outcome.refresh_due,
        })
    }

    fn identity(&mut self, id: wit::IdentityId) -> wasmtime::Result<Identity> {
        if let Some(identity) = self.identities.get(id) {
            return Ok(identity);
        }
        let gate = self.exports.tollgate_auth_resource_server().gate();
        let identity = gate.call_identity(&mut self.store, self.gate, id)?;
        // No other call came between, so it cannot have been evicted.
        let identity = identity.ok_or_else(|| wasmtime::format_err!("no record of an identity"))?;
        self.identities.insert(id, identity.clone());
        Ok(identity)
    }

    pub(super) fn require_scopes(
        &mut self,
        head: &wit::RequestHead,
        granted: &[String],
        required: &[String],
    ) -> wasmtime::Result<Option<wit::Answer>> {
        let gate = self.exports.tollgate_auth_resource_server().gate();
        gate.call_require_scopes(&mut self.store, self.gate, head, granted, required)
    }

    pub(super) fn refresh(&mut self) -> wasmtime::Result<Step<()>> {
        let gate = self.exports.tollgate_auth_resource_server().gate();
        gate.call_refresh(&mut self.store, self.gate)
            .map(Step::Waiting)
    }

    pub(super) fn poll_refresh(&mut self, task: Task) -> wasmtime::Result<Progress<()>> {
        let tasks = self.exports.tollgate_auth_resource_server().refresh_task();
        Ok(match tasks.call_poll(&mut self.store, task)? {
            wit::RefreshProgress::Ready => Progress::Ready(()),
            wit::RefreshProgress::Pending(wait) => Progress::Pending(wait),
        })
    }

    /// The client, or the error of its configuration.
    fn client(&mut self) -> wasmtime::Result<Result<ResourceAny, ConfigError>> {
        if let Some(client) = self.client {
            return Ok(Ok(client));
        }
        let clients = self.exports.tollgate_auth_token_exchange().token_client();
        let created = clients.call_create(&mut self.store, self.gate)?;
        self.client = created.as_ref().ok().copied();
        Ok(created)
    }

    /// The error of the client's configuration, if a client is configured.
    pub(super) fn check_client(&mut self) -> wasmtime::Result<Result<(), ConfigError>> {
        let gate = self.exports.tollgate_auth_resource_server().gate();
        if !gate.call_has_client(&mut self.store, self.gate)? {
            return Ok(Ok(()));
        }
        Ok(self.client()?.map(drop))
    }

    pub(super) fn start_token(&mut self, call: TokenCall<'_>) -> wasmtime::Result<Step<Issued>> {
        let client = match self.client()? {
            Ok(client) => client,
            Err(error) => return Ok(Step::Done(Err(error.into()))),
        };
        let clients = self.exports.tollgate_auth_token_exchange().token_client();
        let store = &mut self.store;
        let step = match call {
            TokenCall::GetToken(delegation) => clients.call_get_token(store, client, delegation)?,
            TokenCall::GetOwnToken(target) => clients.call_get_own_token(store, client, target)?,
            TokenCall::Request(grant, target, assertion) => {
                clients.call_request(store, client, grant, target, assertion)?
            }
        };
        Ok(match step {
            wit_exchange::Step::Done(outcome) => Step::Done(issued(outcome)),
            wit_exchange::Step::Waiting(task) => Step::Waiting(task),
        })
    }

    pub(super) fn poll_token(&mut self, task: Task) -> wasmtime::Result<Progress<Issued>> {
        let tasks = self.exports.tollgate_auth_token_exchange().task();
        Ok(match tasks.call_poll(&mut self.store, task)? {
            wit_exchange::Progress::Ready(outcome) => Progress::Ready(issued(outcome)),
            wit_exchange::Progress::Pending(wait) => Progress::Pending(wait),
        })
    }

    pub(super) fn call_again(&mut self, report: &CallReport<'_>) -> wasmtime::Result<bool> {
        let Ok(client) = self.client()? else {
            return Ok(false);
        };
        let clients = self.exports.tollgate_auth_token_exchange().token_client();
        clients.call_call_again(
            &mut self.store,
            client,
            report.delegation,
            report.access_token,
            report.status,
            report.attempt,
        )
    }

    pub(super) fn invalidate(
        &mut self,
        subject: Option<&str>,
        resource: Option<&str>,
    ) -> wasmtime::Result<u32> {
        // A client that was not created yet has no tokens.
        let Some(client) = self.client else {
            return Ok(0);
        };
        let clients = self.exports.tollgate_auth_token_exchange().token_client();
        clients.call_invalidate(&mut self.store, client, subject, resource)
    }

    pub(super) fn client_assertion(&mut self, audience: &str) -> wasmtime::Result<Step<Assertion>> {
        let client = match self.client()? {
            Ok(client) => client,
            Err(error) => return Ok(Step::Done(Err(error.into()))),
        };
        let clients = self.exports.tollgate_auth_token_exchange().token_client();
        let step = clients.call_client_assertion(&mut self.store, client, audience)?;
        Ok(match step {
            wit_exchange::AssertionStep::Done(signed) => Step::Done(signed.map_err(Into::into)),
            wit_exchange::AssertionStep::Waiting(task) => Step::Waiting(task),
        })
    }

    pub(super) fn poll_assertion(&mut self, task: Task) -> wasmtime::Result<Progress<Assertion>> {
        let tasks = self.exports.tollgate_auth_token_exchange().assertion_task();
        Ok(match tasks.call_poll(&mut self.store, task)? {
            wit_exchange::AssertionProgress::Ready(signed) => {
                Progress::Ready(signed.map_err(Into::into))
            }
            wit_exchange::AssertionProgress::Pending(wait) => Progress::Pending(wait),
        })
    }

    pub(super) fn settings(&mut self) -> wasmtime::Result<Settings> {
        let gate = self.exports.tollgate_auth_resource_server().gate();
        gate.call_settings(&mut self.store, self.gate)
    }

    pub(super) fn new_faults(&mut self) -> wasmtime::Result<Vec<IssuerFault>> {
        let gate = self.exports.tollgate_auth_resource_server().gate();
        gate.call_new_faults(&mut self.store, self.gate)
    }

    pub(super) fn export_keys(&mut self) -> wasmtime::Result<String> {
        let gate = self.exports.tollgate_auth_resource_server().gate();
        gate.call_export_keys(&mut self.store, self.gate)
    }

    pub(super) fn import_keys(
        &mut self,
        state: &str,
    ) -> wasmtime::Result<Result<u32, ConfigError>> {
        let gate = self.exports.tollgate_auth_resource_server().gate();
        gate.call_import_keys(&mut self.store, self.gate, state)
    }
}

impl Instance for GateInstance {
    fn set_deadline(&mut self, ticks: u64) {
        self.store.set_epoch_deadline(ticks);
    }

    fn capabilities(&mut self) -> &mut Capabilities {
        self.store.data_mut()
    }

    fn drop_task(&mut self, task: Task) -> wasmtime::Result<()> {
        task.resource_drop(&mut self.store)
    }
}

fn issued(outcome: Result<wit_exchange::Token, wit_exchange::Failure>) -> Issued {
    outcome.map_err(Into::into)
}
