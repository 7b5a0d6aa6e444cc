//! `tollgate issuer grants`: what a user has approved.

use std::num::NonZeroUsize;
use std::sync::Arc;

use serde_json::{Value, json};
use tollgate::issuer::{GrantInfo, Issuer, IssuerError};

use super::audit::AuditTrail;
use super::metrics::Metrics;
use super::{ConfigArgs, GrantsCommand, build, existing_store, read};

pub(super) async fn run(command: GrantsCommand) -> Result<(), String> {
    match command {
        GrantsCommand::List { config, user } => list(&open(&config).await?, &user).await,
        GrantsCommand::Revoke {
            config,
            user,
            grant,
        } => {
            let issuer = open(&config).await?;
            let count = match &grant {
                None => issuer.revoke_user(&user).await,
                Some(grant) => issuer.revoke_grant(&user, grant).await.map(u32::from),
            };
            issuer.flush_audit().await;
            let count = count.map_err(|error| explain(&error))?;
            if count == 0 && grant.is_some() {
                return Err(
                    "the user has no such grant: `tollgate issuer grants list` shows them".into(),
                );
            }
            println!("Revoked grants: {count}");
            Ok(())
        }
    }
}

async fn open(config: &ConfigArgs) -> Result<Issuer, String> {
    let config = read(&config.config)?;
    let store = existing_store(&config.server)?;
    // Revocations are in the audit trail of this process.
    let builder = Issuer::builder(config.issuer.0, store)
        .instances(NonZeroUsize::MIN)
        .hooks(AuditTrail(Arc::new(Metrics::new())));
    build(builder, &config.server).await
}

async fn list(issuer: &Issuer, user: &str) -> Result<(), String> {
    let mut cursor = None;
    loop {
        let page = issuer.user_grants(user, cursor.as_deref()).await;
        let page = page.map_err(|error| explain(&error))?;
        for grant in page.grants {
            println!("{}", line(grant));
        }
        cursor = page.cursor;
        if cursor.is_none() {
            return Ok(());
        }
    }
}

fn line(grant: GrantInfo) -> Value {
    json!({
        "id": grant.id,
        "client_id": grant.client_id,
        "user_id": grant.user_id,
        "scopes": grant.scopes,
        "resources": grant.resources,
        "metadata": grant.metadata,
        "created_at": grant.created_at,
        "expires_at": grant.expires_at,
    })
}

fn explain(error: &IssuerError) -> String {
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
