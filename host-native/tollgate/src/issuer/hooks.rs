//! Decisions of the application while tokens are issued, and its audit trail.

use std::pin::Pin;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tollgate_core::authorization_server::{
    AuditEvent, HookError, TokenDecision, TokenDecisionRequest,
};

/// What a hook is doing.
pub type HookFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The application's part. All of it is optional: see [`NoHooks`]. A hook runs as a task of its own
/// on the Tokio runtime, and may call the issuer.
pub trait Hooks: Send + Sync + 'static {
    /// Whether [`Self::on_token`] is to be called. The answer must stay the same. If so, at most one
    /// call runs for a grant at a time, in all instances together.
    fn decides_about_tokens(&self) -> bool {
        false
    }

    /// A token is about to be issued. Nothing has changed yet: if this fails or refuses, the code or
    /// refresh token stays as it is. More than 10 seconds count as [`HookError::Unavailable`], a
    /// panic as [`HookError::Failed`]. Default: the token is issued as it is.
    fn on_token(
        &self,
        request: TokenDecisionRequest,
    ) -> HookFuture<'_, Result<TokenDecision, HookError>> {
        drop(request);
        Box::pin(std::future::ready(Ok(TokenDecision::default())))
    }

    /// Something happened. Events come one after the other, in their order, and no request waits
    /// for this. If events come faster than they are taken, those that do not fit into the queue
    /// are written to the log. Default: nothing.
    fn on_audit(&self, event: AuditEvent) -> HookFuture<'_, ()> {
        drop(event);
        Box::pin(std::future::ready(()))
    }
}

/// An application without decisions and without an audit trail.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHooks;

impl Hooks for NoHooks {}

/// Audit events that may wait for the application: those of some seconds under load.
const WAITING: usize = 8192;

enum Entry {
    Event(AuditEvent),
    /// Answered when everything before it was taken.
    Flush(oneshot::Sender<()>),
}

/// Events on their way to the application.
#[derive(Clone)]
pub(super) struct AuditQueue(mpsc::Sender<Entry>);

impl AuditQueue {
    /// Ends with its last clone, when everything in it was taken.
    pub(super) fn start(runtime: &Handle, hooks: Arc<dyn Hooks>) -> Self {
        let (sender, mut entries) = mpsc::channel(WAITING);
        runtime.spawn(async move {
            while let Some(entry) = entries.recv().await {
                match entry {
                    Entry::Event(event) => {
                        let hooks = Arc::clone(&hooks);
                        // A task of its own, so that a panic does not end this one.
                        let taken = tokio::spawn(async move { hooks.on_audit(event).await });
                        if taken.await.is_err() {
                            tracing::error!("the hook for audit events panicked");
                        }
                    }
                    Entry::Flush(done) => {
                        let _ = done.send(());
                    }
                }
            }
        });
        Self(sender)
    }

    pub(super) fn send(&self, event: AuditEvent) {
        if let Err(error) = self.0.try_send(Entry::Event(event)) {
            // Its fields contain no secret.
            if let Entry::Event(event) = error.into_inner() {
                tracing::error!(
                    ?event,
                    "the application takes audit events too slowly; this one is only here"
                );
            }
        }
    }

    /// Waits until everything that was sent so far was taken.
    pub(super) async fn flush(&self) {
        let (done, taken) = oneshot::channel();
        if self.0.send(Entry::Flush(done)).await.is_ok() {
            let _ = taken.await;
        }
    }
}
