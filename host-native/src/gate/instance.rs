//! One instance of the component, with one gate in it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use wasmtime::Store;
use wasmtime::component::ResourceAny;

use super::bindings::Gate as Exports;
use super::bindings::exports::tollgate::auth::resource_server as wit;
use super::capability::{Capabilities, Lender};
use super::identity::Identity;
use super::known_identities::KnownIdentities;
use super::program::Program;

/// An instance and its gate. After any call here has failed, it must be dropped: the component
/// may be in the middle of anything.
pub(super) struct Instance {
    store: Store<Capabilities>,
    exports: Exports,
    gate: ResourceAny,
    identities: KnownIdentities,
}

/// Bounds of one instance.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Linear memory, in bytes.
    pub(super) max_memory: usize,
    /// How long a call may take, in ticks of the program's clock.
    pub(super) call_ticks: u64,
}

/// What starts a decision.
#[derive(Clone, Copy, Debug)]
pub(super) enum Question<'a> {
    Handle(&'a wit::RequestHead),
    Metadata(&'a wit::RequestHead),
    Authenticate(&'a wit::RequestHead, &'a [String]),
    Verify(&'a str, &'a [String]),
}

/// A decision under way in an instance.
pub(super) type Task = ResourceAny;

/// A decision as the component made it, and whom it is about.
pub(super) struct Verdict {
    pub(super) decision: wit::Decision,
    /// There whenever the decision names an identity.
    pub(super) identity: Option<Identity>,
    pub(super) refresh_due: bool,
}

pub(super) enum Step {
    Done(Verdict),
    Waiting(Task),
    /// The question is none that the gate answers.
    NotMine,
}

pub(super) enum Progress {
    Ready(Verdict),
    /// Poll again after an exchange, or after so many milliseconds.
    Pending(Option<u32>),
}

impl Instance {
    /// A fresh instance. The inner error is what the component finds wrong in the configuration.
    pub(super) fn start(
        program: &Program,
        config: &wit::Config,
        limits: Limits,
        lender: &Arc<Lender>,
    ) -> wasmtime::Result<Result<Self, wit::ConfigError>> {
        lender.memory.store(0, Ordering::Relaxed);
        let host = Capabilities::new(Arc::clone(lender), limits.max_memory);
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
            identities: KnownIdentities::default(),
        }))
    }

    /// To be called before each call from outside: gives it its time.
    pub(super) fn wind_up(&mut self, ticks: u64) {
        self.store.set_epoch_deadline(ticks);
    }

    /// Whether some task in it waits for a response.
    pub(super) fn is_fetching(&self) -> bool {
        self.store.data().is_fetching()
    }

    pub(super) fn ask(&mut self, question: Question<'_>) -> wasmtime::Result<Step> {
        let gate = self.exports.tollgate_auth_resource_server().gate();
        let store = &mut self.store;
        let step = match question {
            Question::Handle(head) => gate.call_handle(store, self.gate, head)?,
            Question::Metadata(head) => match gate.call_metadata(store, self.gate, head)? {
                Some(step) => step,
                None => return Ok(Step::NotMine),
            },
            Question::Authenticate(head, scopes) => {
                gate.call_authenticate(store, self.gate, head, scopes)?
            }
            Question::Verify(token, scopes) => gate.call_verify(store, self.gate, token, scopes)?,
        };
        Ok(match step {
            wit::Step::Done(outcome) => Step::Done(self.verdict(outcome)?),
            wit::Step::Waiting(task) => Step::Waiting(task),
        })
    }

    pub(super) fn poll(&mut self, task: Task) -> wasmtime::Result<Progress> {
        let tasks = self.exports.tollgate_auth_resource_server().task();
        Ok(match tasks.call_poll(&mut self.store, task)? {
            wit::Progress::Ready(outcome) => Progress::Ready(self.verdict(outcome)?),
            wit::Progress::Pending(wait) => Progress::Pending(wait),
        })
    }

    fn verdict(&mut self, outcome: wit::Outcome) -> wasmtime::Result<Verdict> {
        let identity = match &outcome.decision {
            wit::Decision::Allow(wit::Allowed {
                identity: Some(id), ..
            }) => Some(self.identity(*id)?),
            _ => None,
        };
        Ok(Verdict {
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
        let record = gate.call_identity(&mut self.store, self.gate, id)?;
        // Asked in the same breath, so nothing can have evicted it.
        let record = record.ok_or_else(|| wasmtime::format_err!("no record of an identity"))?;
        let identity = Identity::new(record);
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

    pub(super) fn refresh(&mut self) -> wasmtime::Result<Task> {
        let gate = self.exports.tollgate_auth_resource_server().gate();
        gate.call_refresh(&mut self.store, self.gate)
    }

    pub(super) fn poll_refresh(&mut self, task: Task) -> wasmtime::Result<(bool, Option<u32>)> {
        let tasks = self.exports.tollgate_auth_resource_server().refresh_task();
        tasks.call_poll(&mut self.store, task)
    }

    /// Gives a task of either kind up.
    pub(super) fn drop_task(&mut self, task: Task) -> wasmtime::Result<()> {
        task.resource_drop(&mut self.store)
    }

    pub(super) fn export_keys(&mut self) -> wasmtime::Result<String> {
        let gate = self.exports.tollgate_auth_resource_server().gate();
        gate.call_export_keys(&mut self.store, self.gate)
    }

    pub(super) fn import_keys(
        &mut self,
        state: &str,
    ) -> wasmtime::Result<Result<u32, wit::ConfigError>> {
        let gate = self.exports.tollgate_auth_resource_server().gate();
        gate.call_import_keys(&mut self.store, self.gate, state)
    }
}
