//! `tollgate issuer clients`: registered clients.

use serde_json::{Value, json};
use tollgate::issuer::{ClientInfo, Issuer, NewClient};

use super::ClientsCommand;
use super::administration::{explain, open};

/// Clients of one page.
const PAGE: u32 = 100;

pub(super) async fn run(command: ClientsCommand) -> Result<(), String> {
    match command {
        ClientsCommand::List { config } => list(&open(&config).await?).await,
        ClientsCommand::Create {
            config,
            name,
            redirect_uris,
            metadata,
        } => {
            let issuer = open(&config).await?;
            let new = NewClient {
                name,
                redirect_uris,
                metadata,
                ..NewClient::default()
            };
            let created = issuer.create_client(new).await;
            issuer.flush_audit().await;
            let created = created.map_err(|error| explain(&error))?;
            let mut line = line(created.client);
            line["client_secret"] = created.secret.map(|secret| secret.into_exposed()).into();
            println!("{line}");
            Ok(())
        }
        ClientsCommand::Delete { config, id } => {
            let issuer = open(&config).await?;
            let deleted = issuer.delete_client(&id).await;
            issuer.flush_audit().await;
            deleted.map_err(|error| explain(&error))?;
            println!("The client is deleted.");
            Ok(())
        }
    }
}

async fn list(issuer: &Issuer) -> Result<(), String> {
    let mut cursor = None;
    loop {
        let page = issuer.clients(cursor.as_deref(), PAGE).await;
        let page = page.map_err(|error| explain(&error))?;
        for client in page.clients {
            println!("{}", line(client));
        }
        cursor = page.cursor;
        if cursor.is_none() {
            return Ok(());
        }
    }
}

/// The client's metadata (RFC 7591 section 2) with its id and times.
fn line(client: ClientInfo) -> Value {
    let mut line: Value = serde_json::from_str(&client.metadata).unwrap_or_else(|_| json!({}));
    line["client_id"] = client.id.into();
    line["client_id_issued_at"] = client.registered_at.into();
    line["expires_at"] = client.expires_at.into();
    line
}
