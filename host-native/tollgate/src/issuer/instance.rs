//! One instance of the component, with one authorization server in it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tollgate_config::{ConfigError, ConfigPart};
use wasmtime::Store;
use wasmtime::component::ResourceAny;

use super::bindings::Issuer as Exports;
use super::bindings::exports::tollgate::auth::authorization_server as wit;
use super::builder::IssuerConfig;
use super::capability::IssuerHost;
use super::hooks::{AuditQueue, Hooks};
use super::program::Program;
use super::store;
use crate::host::capability::{Capabilities, HostServices};
use crate::host::instance::{Instance, Limits, Progress, Step, Task, Template};

/// The parts that all workers of an issuer need to start instances.
pub(super) struct IssuerTemplate {
    pub(super) program: Program,
    pub(super) config: IssuerConfig,
    pub(super) limits: Limits,
    pub(super) store: Arc<dyn store::Store>,
    pub(super) hooks: Arc<dyn Hooks>,
    pub(super) audit: AuditQueue,
    /// Instances that failed so far.
    pub(super) failures: AtomicU64,
}

/// An instance and its authorization server.
pub(super) struct IssuerInstance {
    store: Store<IssuerHost>,
    exports: Exports,
    issuer: ResourceAny,
}

impl Template for IssuerTemplate {
    type Instance = IssuerInstance;

    const ROLE: &'static str = "an issuer";

    fn start(
        &self,
        services: &Arc<HostServices>,
    ) -> wasmtime::Result<Result<IssuerInstance, ConfigError>> {
        services.memory.store(0, Ordering::Relaxed);
        let host = IssuerHost {
            capabilities: Capabilities::new(Arc::clone(services), self.limits.max_memory),
            store: Arc::clone(&self.store),
            hooks: Arc::clone(&self.hooks),
            audit: self.audit.clone(),
        };
        let mut store = Store::new(self.program.engine(), host);
        store.limiter(|host| &mut host.capabilities);
        store.set_epoch_deadline(self.limits.call_ticks);
        let exports = self.program.pre().instantiate(&mut store)?;
        let created = exports
            .tollgate_auth_authorization_server()
            .issuer()
            .call_create(&mut store, self.config.json(), self.config.naming())?;
        Ok(match created {
            Ok(issuer) => Ok(IssuerInstance {
                store,
                exports,
                issuer,
            }),
            Err(problem) => Err(ConfigError {
                part: ConfigPart::Gate,
                field: problem.field,
                message: problem.message,
            }),
        })
    }

    fn prepare(&self, _: &mut IssuerInstance, _: &HostServices) -> wasmtime::Result<()> {
        Ok(())
    }

    fn limits(&self) -> Limits {
        self.limits
    }

    fn count_failure(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }
}

impl Instance for IssuerInstance {
    fn set_deadline(&mut self, ticks: u64) {
        self.store.set_epoch_deadline(ticks);
    }

    fn capabilities(&mut self) -> &mut Capabilities {
        &mut self.store.data_mut().capabilities
    }

    fn drop_task(&mut self, task: Task) -> wasmtime::Result<()> {
        task.resource_drop(&mut self.store)
    }
}

impl IssuerInstance {
    pub(super) fn max_body_bytes(&mut self) -> wasmtime::Result<u32> {
        self.exports
            .tollgate_auth_authorization_server()
            .call_max_body_bytes(&mut self.store)
    }

    pub(super) fn serves(&mut self, url: &str) -> wasmtime::Result<bool> {
        let issuers = self.exports.tollgate_auth_authorization_server().issuer();
        issuers.call_serves(&mut self.store, self.issuer, url)
    }

    pub(super) fn begin(
        &mut self,
        operation: &wit::Operation,
    ) -> wasmtime::Result<Step<wit::Outcome>> {
        let issuers = self.exports.tollgate_auth_authorization_server().issuer();
        issuers
            .call_start(&mut self.store, self.issuer, operation)
            .map(Step::Waiting)
    }

    pub(super) fn poll(&mut self, task: Task) -> wasmtime::Result<Progress<wit::Outcome>> {
        let tasks = self.exports.tollgate_auth_authorization_server().task();
        Ok(match tasks.call_poll(&mut self.store, task)? {
            wit::Progress::Ready(outcome) => Progress::Ready(outcome),
            wit::Progress::Pending(wait) => Progress::Pending(wait),
        })
    }
}
