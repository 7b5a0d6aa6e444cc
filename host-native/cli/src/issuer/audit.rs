//! The audit trail: lines of the log, and metrics.

use std::sync::Arc;

use tollgate::issuer::{AuditEvent, HookFuture, Hooks};

use super::metrics::{Metrics, names};

/// See the module.
pub(super) struct AuditTrail(pub(super) Arc<Metrics>);

impl Hooks for AuditTrail {
    fn on_audit(&self, event: AuditEvent) -> HookFuture<'_, ()> {
        self.0.happened(&event);
        let (kind, grant_type) = names(event.kind);
        // With `?`, texts are escaped.
        tracing::info!(
            target: "tollgate::audit",
            kind,
            grant_type,
            at = event.at,
            client_id = ?event.client_id,
            user_id = ?event.user_id,
            grant_id = ?event.grant_id,
            scopes = ?event.scopes,
            resources = ?event.resources,
            "audit"
        );
        Box::pin(std::future::ready(()))
    }
}
