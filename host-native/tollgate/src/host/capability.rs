//! The capabilities that the host lends the component: clock, randomness and HTTP. For signatures,
//! see [`signatures`](super::signatures).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::runtime::Handle;
use tokio::sync::Notify;
use wasmtime::ResourceLimiter;
use wasmtime::component::{Resource, ResourceTable};

use super::exchange::{Exchange, Outcome};
use super::shared_fetch::{self, Reader, SharedFetch};
use super::signer::{Signer, Signers};
use crate::host::bindings::tollgate::auth::{clock, http_client, random};

/// State that outlives an instance, and is shared with its waiting tasks.
pub(crate) struct HostServices {
    pub(crate) runtime: Handle,
    pub(crate) fetch: Arc<SharedFetch>,
    pub(crate) reader: Arc<Reader>,
    /// Notified when a fetched document has arrived, which several tasks may wait for, and when the
    /// instance has processed it.
    pub(crate) progress: Notify,
    /// Signers of the application.
    pub(crate) signers: Arc<Signers>,
    /// Whether the component received a document since its keys were last exported.
    pub(crate) exchanged: AtomicBool,
    /// Linear memory of the current instance, in bytes.
    pub(crate) memory: AtomicUsize,
}

/// The state of one store.
pub(crate) struct Capabilities {
    services: Arc<HostServices>,
    resources: ResourceTable,
    /// How many of them fetch a document.
    documents: usize,
    /// Notified when a token or a signature of the running task has arrived. A single `Notify` for
    /// all tasks would wake each of a thousand tasks a thousand times.
    notify: Option<Arc<Notify>>,
    max_memory: usize,
}

impl Capabilities {
    pub(crate) fn new(services: Arc<HostServices>, max_memory: usize) -> Self {
        Self {
            services,
            resources: ResourceTable::new(),
            documents: 0,
            notify: None,
            max_memory,
        }
    }

    /// Sets who is notified of the results of requests from now on.
    pub(crate) fn set_notify(&mut self, notify: Arc<Notify>) {
        self.notify = Some(notify);
    }

    /// Takes the current `Notify`. None if none was set and no request was made.
    pub(crate) fn take_notify(&mut self) -> Option<Arc<Notify>> {
        self.notify.take()
    }

    /// The `Notify` for operations that the current call starts.
    pub(crate) fn notify(&mut self) -> Arc<Notify> {
        Arc::clone(self.notify.get_or_insert_default())
    }

    pub(crate) fn runtime(&self) -> &Handle {
        &self.services.runtime
    }

    /// The host's resources that the component holds.
    pub(crate) fn resources(&mut self) -> &mut ResourceTable {
        &mut self.resources
    }

    /// A private key of the application.
    pub(crate) fn signer(&self, name: &str) -> Option<Arc<dyn Signer>> {
        self.services.signers.get(name)
    }

    /// Whether it waits for metadata or keys.
    pub(crate) fn is_fetching(&self) -> bool {
        self.documents > 0
    }
}

impl clock::Host for Capabilities {
    fn now(&mut self) -> wasmtime::Result<u64> {
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH)?;
        Ok(u64::try_from(elapsed.as_millis())?)
    }
}

/// The contract's limit for one call.
const MAX_RANDOM_BYTES: u32 = 1024;

impl random::Host for Capabilities {
    fn get_bytes(&mut self, len: u32) -> wasmtime::Result<Vec<u8>> {
        wasmtime::ensure!(len <= MAX_RANDOM_BYTES, "{len} random bytes at once");
        let mut bytes = vec![0; usize::try_from(len)?];
        getrandom::fill(&mut bytes).map_err(|error| wasmtime::format_err!("{error}"))?;
        Ok(bytes)
    }
}

impl http_client::Host for Capabilities {
    fn send(&mut self, request: http_client::Request) -> wasmtime::Result<Resource<Exchange>> {
        let is_document = shared_fetch::is_document(&request);
        let exchange =
            Arc::clone(&self.services.fetch).send(request, Arc::clone(&self.services.reader));
        let services = Arc::clone(&self.services);
        let notify = self.notify();
        let done = move || {
            if is_document {
                services.progress.notify_waiters();
            } else {
                notify.notify_one();
            }
        };
        let exchange = Exchange::start(&self.services.runtime, is_document, exchange, done);
        let exchange = self.resources.push(exchange)?;
        self.documents += usize::from(is_document);
        Ok(exchange)
    }
}

impl http_client::HostPendingResponse for Capabilities {
    fn poll(&mut self, exchange: Resource<Exchange>) -> wasmtime::Result<Option<Outcome>> {
        let exchange = self.resources.get(&exchange)?;
        let outcome = exchange.poll();
        if outcome.is_some() && exchange.is_document() {
            // Set here and not when the fetch ended: the component receives the document now.
            self.services.exchanged.store(true, Ordering::Release);
        }
        Ok(outcome)
    }

    fn drop(&mut self, exchange: Resource<Exchange>) -> wasmtime::Result<()> {
        let exchange = self.resources.delete(exchange)?;
        self.documents -= usize::from(exchange.is_document());
        Ok(())
    }
}

impl ResourceLimiter for Capabilities {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let memory = &self.services.memory;
        let total = memory
            .load(Ordering::Relaxed)
            .saturating_add(desired.saturating_sub(current));
        let allowed = total <= self.max_memory;
        if allowed {
            memory.store(total, Ordering::Relaxed);
        }
        Ok(allowed)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= MAX_TABLE_ELEMENTS)
    }
}

/// More than the component is built with. It never grows a table.
const MAX_TABLE_ELEMENTS: usize = 20_000;
