//! `tollgate issuer --dev`: an issuer on a loopback address without a configuration, with made-up
//! users, whose store is lost when the program ends.

use std::net::SocketAddr;

use serde_json::{Value, json};

/// The made-up users.
const USERS: [&str; 2] = ["alice", "bob"];

/// A configuration for this address.
pub(super) fn configuration(address: SocketAddr) -> Result<Value, String> {
    let secret = secret()?;
    Ok(json!({
        "issuer": format!("http://{address}"),
        "secrets": [secret],
        "sign-in": { "development-users": USERS },
        "clients": [{
            "id": "demo",
            "name": "Demo",
            "redirect-uris": ["http://127.0.0.1/callback", "http://localhost/callback"],
            "grant-types": ["authorization_code", "refresh_token"],
        }],
    }))
}

/// Adds made-up users, and a secret if there is none, to a configuration from a file.
pub(super) fn extend(configuration: &mut Value) -> Result<(), String> {
    let Some(members) = configuration.as_object_mut() else {
        return Ok(());
    };
    if !members.contains_key("secrets") {
        members.insert("secrets".to_owned(), json!([secret()?]));
    }
    let sign_in = members.entry("sign-in").or_insert_with(|| json!({}));
    if let Some(sign_in) = sign_in.as_object_mut() {
        sign_in
            .entry("development-users")
            .or_insert_with(|| json!(USERS));
    }
    Ok(())
}

fn secret() -> Result<String, String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)
        .map_err(|error| format!("the system has no random bytes ({error}): start it again"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
