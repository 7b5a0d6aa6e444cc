//! `tollgate issuer grants`: what a user has approved.

use serde_json::{Value, json};
use tollgate::issuer::{GrantInfo, Issuer};

use super::GrantsCommand;
use super::administration::{explain, open};

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
