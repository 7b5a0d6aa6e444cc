//! What commands that administer an issuer share: they open its database beside it.

use std::num::NonZeroUsize;
use std::sync::Arc;

use tollgate::issuer::{Issuer, IssuerError};

use super::audit::AuditTrail;
use super::metrics::Metrics;
use super::{ConfigArgs, build, existing_store, read};

pub(super) async fn open(config: &ConfigArgs) -> Result<Issuer, String> {
    let config = read(&config.config)?;
    let store = existing_store(&config.server)?;
    // Revocations are in the audit trail of this process.
    let builder = Issuer::builder(config.issuer.0, store)
        .instances(NonZeroUsize::MIN)
        .hooks(AuditTrail(Arc::new(Metrics::new())));
    build(builder, &config.server).await
}

pub(super) fn explain(error: &IssuerError) -> String {
    let next = match error.answer().reason.as_deref() {
        Some("deployment-secret") => {
            "`secrets` does not open this database: set the secret that the issuer runs with"
        }
        Some("store-failed") => "the database is damaged or full: see the log",
        _ => match error {
            IssuerError::Refused(_) => "correct the argument",
            _ => "try again",
        },
    };
    format!("{error}: {next}")
}
