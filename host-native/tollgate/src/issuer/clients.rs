//! Registered clients: what the application creates, changes and deletes.

use tollgate_core::authorization_server::{
    AuthenticationMethod, ChangedClient, ClientChanges, ClientInfo, ClientOrigin, ClientPage,
    GrantType, NewClient,
};
use tollgate_core::secret::Secret;

use super::bindings::exports::tollgate::auth::authorization_server as wit;
use super::convert::{grant_type, wit_grant_type};
use super::{Issuer, IssuerError, broken};
use crate::host::worker::MAX_RESTARTS;

impl Issuer {
    /// Registers a client.
    ///
    /// # Errors
    ///
    /// It is refused, or it is unknown whether it exists now: an unused one does no harm.
    pub async fn create_client(&self, new: NewClient) -> Result<ChangedClient, IssuerError> {
        // A second client is not made if the first may exist.
        match self
            .operate(&wit::Operation::CreateClient(wit_new(new)), 0)
            .await?
        {
            wit::Outcome::ChangedClient(client) => Ok(changed(client)),
            _ => Err(broken()),
        }
    }

    /// A client by its id: a registered one, or one of the configuration.
    ///
    /// # Errors
    ///
    /// There is none, or it could not be read.
    pub async fn find_client(&self, id: &str) -> Result<ClientInfo, IssuerError> {
        let operation = wit::Operation::FindClient(id.to_owned());
        match self.operate(&operation, MAX_RESTARTS).await? {
            wit::Outcome::Client(client) => Ok(info(client)),
            _ => Err(broken()),
        }
    }

    /// Changes a registered client.
    ///
    /// # Errors
    ///
    /// There is none, the changes are refused, or it is unknown whether they took place.
    pub async fn update_client(
        &self,
        id: &str,
        changes: ClientChanges,
    ) -> Result<ChangedClient, IssuerError> {
        let operation = wit::Operation::UpdateClient((id.to_owned(), wit_changes(changes)));
        match self.operate(&operation, 0).await? {
            wit::Outcome::ChangedClient(client) => Ok(changed(client)),
            _ => Err(broken()),
        }
    }

    /// Deletes a registered client. Its tokens are refused from the answer on.
    ///
    /// # Errors
    ///
    /// It may still be there: call it again.
    pub async fn delete_client(&self, id: &str) -> Result<(), IssuerError> {
        let operation = wit::Operation::DeleteClient(id.to_owned());
        match self.operate(&operation, MAX_RESTARTS).await? {
            wit::Outcome::Deleted => Ok(()),
            _ => Err(broken()),
        }
    }

    /// A page of the registered clients, at most `limit`, in a stable order. `cursor` is that of
    /// the page before. A client that was registered a moment ago may be missing.
    ///
    /// # Errors
    ///
    /// They could not be read, or the cursor is not one.
    pub async fn clients(
        &self,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<ClientPage, IssuerError> {
        let operation = wit::Operation::ListClients((cursor.map(str::to_owned), limit));
        match self.operate(&operation, MAX_RESTARTS).await? {
            wit::Outcome::Clients(page) => Ok(ClientPage {
                clients: page.clients.into_iter().map(info).collect(),
                cursor: page.cursor,
            }),
            _ => Err(broken()),
        }
    }
}

fn wit_new(new: NewClient) -> wit::NewClient {
    wit::NewClient {
        authentication: new.authentication.map(wit_method),
        grant_types: new.grant_types.map(wit_grant_types),
        redirect_uris: new.redirect_uris,
        scopes: new.scopes,
        name: new.name,
        jwks: new.jwks,
        jwks_uri: new.jwks_uri,
        metadata: new.metadata,
    }
}

fn wit_changes(changes: ClientChanges) -> wit::ClientChanges {
    wit::ClientChanges {
        authentication: changes.authentication.map(wit_method),
        grant_types: changes.grant_types.map(wit_grant_types),
        redirect_uris: changes.redirect_uris,
        scopes: changes.scopes,
        name: changes.name,
        jwks: changes.jwks,
        jwks_uri: changes.jwks_uri,
        metadata: changes.metadata,
        new_secret: changes.new_secret,
    }
}

fn changed(client: wit::ChangedClient) -> ChangedClient {
    ChangedClient {
        client: info(client.client),
        secret: client.secret.map(Secret::new),
    }
}

fn info(client: wit::ClientInfo) -> ClientInfo {
    ClientInfo {
        id: client.id,
        origin: match client.origin {
            wit::ClientOrigin::Configured => ClientOrigin::Configured,
            wit::ClientOrigin::Registered => ClientOrigin::Registered,
            wit::ClientOrigin::MetadataDocument => ClientOrigin::MetadataDocument,
        },
        authentication: match client.authentication {
            wit::AuthenticationMethod::None => AuthenticationMethod::None,
            wit::AuthenticationMethod::ClientSecretBasic => AuthenticationMethod::ClientSecretBasic,
            wit::AuthenticationMethod::ClientSecretPost => AuthenticationMethod::ClientSecretPost,
            wit::AuthenticationMethod::ClientSecret => AuthenticationMethod::ClientSecret,
            wit::AuthenticationMethod::PrivateKeyJwt => AuthenticationMethod::PrivateKeyJwt,
        },
        grant_types: client.grant_types.into_iter().map(grant_type).collect(),
        redirect_uris: client.redirect_uris,
        scopes: client.scopes,
        name: client.name,
        metadata: client.metadata,
        registered_at: client.registered_at,
        expires_at: client.expires_at,
    }
}

fn wit_method(method: AuthenticationMethod) -> wit::AuthenticationMethod {
    match method {
        AuthenticationMethod::None => wit::AuthenticationMethod::None,
        AuthenticationMethod::ClientSecretBasic => wit::AuthenticationMethod::ClientSecretBasic,
        AuthenticationMethod::ClientSecretPost => wit::AuthenticationMethod::ClientSecretPost,
        AuthenticationMethod::ClientSecret => wit::AuthenticationMethod::ClientSecret,
        AuthenticationMethod::PrivateKeyJwt => wit::AuthenticationMethod::PrivateKeyJwt,
    }
}

fn wit_grant_types(types: Vec<GrantType>) -> Vec<wit::GrantType> {
    types.into_iter().map(wit_grant_type).collect()
}
