//! One decision of the application for a grant at a time, in all instances.
//!
//! The application may refresh tokens of another issuer while it decides, and those can be used
//! once. So a request takes a lease in the store, next to the grant, and the others wait for its
//! result. A lease ends by itself, so that a request that went away blocks nobody for long. Without
//! an application that decides, there are no leases: the condition of the commit is enough.

use super::hooks::DECISION_MS;
use super::opaque_token::Locator;
use super::rejection::Rejection;
use super::server::Server;
use super::storage::Outage;
use crate::lease::poll_after;
use crate::store::{Commit, Committed, Condition};

/// The lifetime of a lease in seconds: a decision, and a commit.
const LEASE: u64 = DECISION_MS / 1000 + 5;
/// How long a request waits for others, in milliseconds: a lease that was abandoned, and a decision.
const PATIENCE_MS: u64 = (LEASE + 5) * 1000;

/// The lease of one request, or its wait for it.
#[derive(Debug, Default)]
pub(super) struct GrantLease {
    held: bool,
    waited: u64,
}

fn key(locator: Locator) -> String {
    format!("lease/{}", locator.grant.text())
}

impl GrantLease {
    /// Does the work of one request, and ends its lease if the work's commit did not.
    pub(super) async fn during<T>(
        server: &Server,
        locator: Locator,
        work: impl AsyncFnOnce(&mut Self) -> T,
    ) -> T {
        let mut lease = Self::default();
        let result = work(&mut lease).await;
        lease.release(server, locator).await;
        result
    }

    /// Carries out the commit of the work, which ends the lease as well.
    pub(super) async fn commit(
        &mut self,
        server: &Server,
        locator: Locator,
        mut commit: Commit,
    ) -> Result<Committed, Outage> {
        commit.deletes.extend(self.held.then(|| key(locator)));
        let partition = locator.shard.partition();
        let committed = server.storage.commit(&partition, commit).await;
        if committed == Ok(Committed::Done) {
            self.held = false;
        }
        committed
    }

    /// Whether the caller may go on. If not, something may have changed: it reads the grant again.
    pub(super) async fn is_ready(
        &mut self,
        server: &Server,
        locator: Locator,
    ) -> Result<bool, Rejection> {
        if self.held || !server.hooks.decides_about_tokens() {
            return Ok(true);
        }
        let storage = &server.storage;
        let put = storage.put(key(locator), b"{}".to_vec(), Some(storage.now() + LEASE));
        let commit = Commit {
            conditions: vec![(put.key.clone(), Condition::Absent)],
            puts: vec![put],
            deletes: Vec::new(),
        };
        let partition = locator.shard.partition();
        if storage.commit(&partition, commit).await? == Committed::Done {
            self.held = true;
        } else if self.waited < PATIENCE_MS {
            let pause = poll_after(self.waited);
            self.waited += pause;
            server.scheduler().wait(pause).await;
        } else {
            return Err(Rejection::Contention);
        }
        Ok(false)
    }

    /// Ends the lease of a request that changed nothing. If the store fails, it ends by itself.
    async fn release(&self, server: &Server, locator: Locator) {
        if self.held {
            let commit = Commit {
                deletes: vec![key(locator)],
                ..Commit::default()
            };
            let partition = locator.shard.partition();
            let _ = server.storage.commit(&partition, commit).await;
        }
    }
}
