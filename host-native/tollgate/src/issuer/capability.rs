//! What the host lends an issuer beside clock, randomness, HTTP and signatures: storage, and the
//! application's decisions.

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use tokio::sync::Notify;
use tollgate_core::authorization_server::HookError;
use tollgate_core::store::{Committed, Page, Record};
use wasmtime::component::Resource;

use super::bindings::tollgate::auth::{hooks as wit_hooks, store as wit_store};
use super::convert;
use super::hooks::{AuditQueue, Hooks};
use super::store::{Store, StoreFuture};
use crate::host::capability::Capabilities;
use crate::host::spawned::Spawned;

/// The state of one store of wasmtime.
pub(super) struct IssuerHost {
    pub(super) capabilities: Capabilities,
    pub(super) store: Arc<dyn Store>,
    pub(super) hooks: Arc<dyn Hooks>,
    pub(super) audit: AuditQueue,
}

/// A running operation of the store. The result is returned once.
#[expect(unreachable_pub, reason = "the generated bindings export it")]
pub struct PendingOperation<T>(Option<StoreFuture<T>>);

/// A running read.
#[expect(unreachable_pub, reason = "the generated bindings export it")]
pub type PendingRead = PendingOperation<Vec<Option<Record>>>;

/// A running read of a page.
#[expect(unreachable_pub, reason = "the generated bindings export it")]
pub type PendingPage = PendingOperation<Page>;

/// A running commit.
#[expect(unreachable_pub, reason = "the generated bindings export it")]
pub type PendingCommit = PendingOperation<Committed>;

/// A decision that the application is making.
#[expect(unreachable_pub, reason = "the generated bindings export it")]
pub struct PendingDecision(Spawned<Result<wit_hooks::TokenDecision, wit_hooks::HookError>>);

/// Wakes the task of the component that polled.
struct Woken(Arc<Notify>);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.notify_one();
    }
}

impl IssuerHost {
    fn start<T: 'static>(
        &mut self,
        operation: StoreFuture<T>,
    ) -> wasmtime::Result<Resource<PendingOperation<T>>>
    where
        PendingOperation<T>: Send,
    {
        let resources = self.capabilities.resources();
        Ok(resources.push(PendingOperation(Some(operation)))?)
    }

    fn poll<T: 'static>(
        &mut self,
        operation: &Resource<PendingOperation<T>>,
    ) -> wasmtime::Result<Option<Result<T, wit_store::StoreError>>>
    where
        PendingOperation<T>: Send,
    {
        let waker = Waker::from(Arc::new(Woken(self.capabilities.notify())));
        let pending = self.capabilities.resources().get_mut(operation)?;
        let Some(future) = &mut pending.0 else {
            return Ok(None);
        };
        let Poll::Ready(result) = future.as_mut().poll(&mut Context::from_waker(&waker)) else {
            return Ok(None);
        };
        pending.0 = None;
        Ok(Some(result.map_err(convert::store_error)))
    }

    fn delete<T: Send + 'static>(&mut self, resource: Resource<T>) -> wasmtime::Result<()> {
        self.capabilities.resources().delete(resource)?;
        Ok(())
    }
}

impl wit_store::Host for IssuerHost {
    fn read(
        &mut self,
        partition: String,
        keys: Vec<String>,
        now: u64,
    ) -> wasmtime::Result<Resource<PendingRead>> {
        let keys: Vec<_> = keys.iter().map(String::as_str).collect();
        let operation = self.store.read(&partition, &keys, now);
        self.start(operation)
    }

    fn list(
        &mut self,
        partition: String,
        prefix: String,
        after: Option<String>,
        limit: u32,
        now: u64,
    ) -> wasmtime::Result<Resource<PendingPage>> {
        let operation = self
            .store
            .list(&partition, &prefix, after.as_deref(), limit, now);
        self.start(operation)
    }

    fn commit(
        &mut self,
        partition: String,
        changes: wit_store::Changes,
        now: u64,
    ) -> wasmtime::Result<Resource<PendingCommit>> {
        let operation = self.store.commit(&partition, convert::commit(changes), now);
        self.start(operation)
    }
}

impl wit_store::HostPendingRead for IssuerHost {
    fn poll(
        &mut self,
        read: Resource<PendingRead>,
    ) -> wasmtime::Result<Option<Result<Vec<Option<wit_store::StoredRecord>>, wit_store::StoreError>>>
    {
        let records = Self::poll(self, &read)?;
        let stored =
            |records: Vec<Option<Record>>| records.into_iter().map(|own| own.map(convert::record));
        Ok(records.map(|records| records.map(|records| stored(records).collect())))
    }

    fn drop(&mut self, read: Resource<PendingRead>) -> wasmtime::Result<()> {
        self.delete(read)
    }
}

impl wit_store::HostPendingPage for IssuerHost {
    fn poll(
        &mut self,
        page: Resource<PendingPage>,
    ) -> wasmtime::Result<Option<Result<wit_store::Page, wit_store::StoreError>>> {
        let page = Self::poll(self, &page)?;
        Ok(page.map(|page| page.map(convert::page)))
    }

    fn drop(&mut self, page: Resource<PendingPage>) -> wasmtime::Result<()> {
        self.delete(page)
    }
}

impl wit_store::HostPendingCommit for IssuerHost {
    fn poll(
        &mut self,
        commit: Resource<PendingCommit>,
    ) -> wasmtime::Result<Option<Result<wit_store::Committed, wit_store::StoreError>>> {
        let committed = Self::poll(self, &commit)?;
        Ok(committed.map(|committed| committed.map(convert::committed)))
    }

    fn drop(&mut self, commit: Resource<PendingCommit>) -> wasmtime::Result<()> {
        self.delete(commit)
    }
}

impl wit_hooks::Host for IssuerHost {
    fn decides_about_tokens(&mut self) -> wasmtime::Result<bool> {
        Ok(self.hooks.decides_about_tokens())
    }

    fn decide_token(
        &mut self,
        question: wit_hooks::TokenQuestion,
    ) -> wasmtime::Result<Resource<PendingDecision>> {
        let notify = self.capabilities.notify();
        let hooks = Arc::clone(&self.hooks);
        let decision = async move {
            let decided = hooks.on_token(convert::question(question)).await;
            decided.map(convert::decision).map_err(convert::hook_error)
        };
        let decision = Spawned::start(
            self.capabilities.runtime(),
            decision,
            Err(convert::hook_error(HookError::Failed)),
            move || notify.notify_one(),
        );
        Ok(self
            .capabilities
            .resources()
            .push(PendingDecision(decision))?)
    }

    fn audit(&mut self, event: wit_hooks::AuditEvent) -> wasmtime::Result<()> {
        self.audit.send(convert::audit_event(event)?);
        Ok(())
    }
}

impl wit_hooks::HostPendingDecision for IssuerHost {
    fn poll(
        &mut self,
        decision: Resource<PendingDecision>,
    ) -> wasmtime::Result<Option<Result<wit_hooks::TokenDecision, wit_hooks::HookError>>> {
        Ok(self.capabilities.resources().get(&decision)?.0.take())
    }

    fn drop(&mut self, decision: Resource<PendingDecision>) -> wasmtime::Result<()> {
        self.delete(decision)
    }
}
