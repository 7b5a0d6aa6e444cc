//! Clients, between the contract and core.

use tollgate_core::authorization_server::{
    AuthenticationMethod, ChangedClient, ClientChanges, ClientInfo, ClientOrigin, ClientPage,
    GrantType, NewClient,
};
use tollgate_core::secret::Secret;

use crate::bindings::exports::tollgate::auth::authorization_server as wit;
use crate::bindings::tollgate::auth::hooks;
use crate::hooks::grant_type;

pub(crate) fn new_client(new: wit::NewClient) -> NewClient {
    NewClient {
        authentication: new.authentication.map(method),
        grant_types: new.grant_types.map(grant_types),
        redirect_uris: new.redirect_uris,
        scopes: new.scopes,
        name: new.name,
        jwks: new.jwks,
        jwks_uri: new.jwks_uri,
        metadata: new.metadata,
    }
}

pub(crate) fn changes(changes: wit::ClientChanges) -> ClientChanges {
    ClientChanges {
        authentication: changes.authentication.map(method),
        grant_types: changes.grant_types.map(grant_types),
        redirect_uris: changes.redirect_uris,
        scopes: changes.scopes,
        name: changes.name,
        jwks: changes.jwks,
        jwks_uri: changes.jwks_uri,
        metadata: changes.metadata,
        new_secret: changes.new_secret,
    }
}

pub(crate) fn changed(changed: ChangedClient) -> wit::ChangedClient {
    wit::ChangedClient {
        client: info(changed.client),
        secret: changed.secret.map(Secret::into_exposed),
    }
}

pub(crate) fn page(page: ClientPage) -> wit::ClientPage {
    wit::ClientPage {
        clients: page.clients.into_iter().map(info).collect(),
        cursor: page.cursor,
    }
}

pub(crate) fn info(client: ClientInfo) -> wit::ClientInfo {
    wit::ClientInfo {
        id: client.id,
        origin: match client.origin {
            ClientOrigin::Configured => wit::ClientOrigin::Configured,
            ClientOrigin::Registered => wit::ClientOrigin::Registered,
            ClientOrigin::MetadataDocument => wit::ClientOrigin::MetadataDocument,
        },
        authentication: match client.authentication {
            AuthenticationMethod::None => wit::AuthenticationMethod::None,
            AuthenticationMethod::ClientSecretBasic => wit::AuthenticationMethod::ClientSecretBasic,
            AuthenticationMethod::ClientSecretPost => wit::AuthenticationMethod::ClientSecretPost,
            AuthenticationMethod::ClientSecret => wit::AuthenticationMethod::ClientSecret,
            AuthenticationMethod::PrivateKeyJwt => wit::AuthenticationMethod::PrivateKeyJwt,
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

fn method(method: wit::AuthenticationMethod) -> AuthenticationMethod {
    match method {
        wit::AuthenticationMethod::None => AuthenticationMethod::None,
        wit::AuthenticationMethod::ClientSecretBasic => AuthenticationMethod::ClientSecretBasic,
        wit::AuthenticationMethod::ClientSecretPost => AuthenticationMethod::ClientSecretPost,
        wit::AuthenticationMethod::ClientSecret => AuthenticationMethod::ClientSecret,
        wit::AuthenticationMethod::PrivateKeyJwt => AuthenticationMethod::PrivateKeyJwt,
    }
}

fn grant_types(types: Vec<hooks::GrantType>) -> Vec<GrantType> {
    let types = types.into_iter().map(|kind| match kind {
        hooks::GrantType::AuthorizationCode => GrantType::AuthorizationCode,
        hooks::GrantType::RefreshToken => GrantType::RefreshToken,
        hooks::GrantType::ClientCredentials => GrantType::ClientCredentials,
        hooks::GrantType::TokenExchange => GrantType::TokenExchange,
        hooks::GrantType::JwtBearer => GrantType::JwtBearer,
    });
    types.collect()
}
