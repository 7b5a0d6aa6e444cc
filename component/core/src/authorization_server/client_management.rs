//! Clients as the application manages them.

use super::client::{AuthenticationMethod, Client, ClientOrigin, GrantType, HashedSecret};
use super::client_id_url::is_url;
use super::client_info::{ChangedClient, ClientChanges, ClientInfo, ClientPage, NewClient};
use super::client_keys::KEY_SET_BYTES;
use super::client_metadata::{ClientMetadata, Rules};
use super::client_metadata_failure::ClientMetadataFailure;
use super::clients::Place;
use super::issuer::AuthorizationServer;
use super::rejection::Rejection;
use super::sealing;
use super::server::Server;
use crate::jose::base64url;
use crate::json::{Json, Object};
use crate::secret::Secret;
use crate::store::UnixSeconds;
use crate::task::Task;

/// The most clients of one page: each is a read of its own.
const PAGE: u32 = 100;
/// The secrets of one client: one in use, and those that it replaces.
const SECRETS: usize = 4;
/// How long a replaced secret may stay valid, in seconds: 90 days.
const OVERLAP: u32 = 90 * 86_400;

/// Clients. Each operation is a task; its errors are those of the store, and what its own comment
/// names.
impl AuthorizationServer {
    /// Creates a client with a random id.
    ///
    /// # Errors
    /// [`Rejection::ClientMetadata`].
    #[must_use]
    pub fn create_client(&self, new: NewClient) -> Task<Result<ChangedClient, Rejection>> {
        self.task(async move |server| server.create_client(&new).await)
    }

    /// A client, wherever it comes from.
    ///
    /// # Errors
    /// [`Rejection::UnknownClient`], [`Rejection::RegistrationExpired`], and those of client ID
    /// metadata documents.
    #[must_use]
    pub fn client(&self, id: String) -> Task<Result<ClientInfo, Rejection>> {
        self.task(async move |server| Ok(ClientInfo::from(&server.client(&id).await?)))
    }

    /// Changes a client that was registered or created.
    ///
    /// # Errors
    /// [`Rejection::UnknownClient`], [`Rejection::ClientMetadata`], and
    /// [`Rejection::ClientNotStored`] for a client of the configuration or of a metadata document.
    #[must_use]
    pub fn update_client(
        &self,
        id: String,
        changes: ClientChanges,
    ) -> Task<Result<ChangedClient, Rejection>> {
        self.task(async move |server| server.update_client(&id, &changes).await)
    }

    /// Deletes a client that was registered or created. Its grants are refused from the answer on,
    /// even if a client is created later under the same id.
    ///
    /// # Errors
    /// [`Rejection::UnknownClient`], and [`Rejection::ClientNotStored`] for a client of the
    /// configuration or of a metadata document.
    #[must_use]
    pub fn delete_client(&self, id: String) -> Task<Result<(), Rejection>> {
        self.task(async move |server| {
            server.check_stored(&id)?;
            server.remove_client(&id).await
        })
    }

    /// A page of the clients that were registered or created: at most `limit`, and at most 100.
    /// `cursor` is that of the page before.
    ///
    /// # Errors
    /// [`Rejection::BadParameter`] for a cursor that is not one of a page.
    #[must_use]
    pub fn list_clients(
        &self,
        cursor: Option<String>,
        limit: u32,
    ) -> Task<Result<ClientPage, Rejection>> {
        self.task(async move |server| {
            let place = match &cursor {
                None => Place::default(),
                Some(text) => Place::from_text(text).ok_or(Rejection::BadParameter("cursor"))?,
            };
            let limit = limit.clamp(1, PAGE) as usize;
            let found = server.clients_from(place, limit).await?;
            Ok(ClientPage {
                clients: found.clients.iter().map(ClientInfo::from).collect(),
                cursor: found.next.as_ref().map(Place::text),
            })
        })
    }
}

impl Server {
    /// The rules for clients of the application: whatever the server has.
    fn application_rules(&self) -> Rules<'_> {
        const METHODS: [AuthenticationMethod; 4] = [
            AuthenticationMethod::ClientSecretBasic,
            AuthenticationMethod::ClientSecretPost,
            AuthenticationMethod::None,
            AuthenticationMethod::PrivateKeyJwt,
        ];
        Rules {
            grant_types: &GrantType::ALL,
            methods: &METHODS,
            scopes: self.settings.scopes.as_deref(),
            default_scopes: None,
            private_use: self.settings.private_use_redirect_uris,
            leaves_out: false,
            is_foreign: false,
        }
    }

    async fn create_client(&self, new: &NewClient) -> Result<ChangedClient, Rejection> {
        let mut metadata = Object::default();
        let parsed = parsed(new.metadata.as_deref())?;
        for (name, value) in parsed.iter() {
            if !is_field(name) {
                metadata.insert(name.to_owned(), value.clone());
            }
        }
        write_members(
            &mut metadata,
            &ClientChanges {
                authentication: new.authentication,
                grant_types: new.grant_types.clone(),
                redirect_uris: Some(new.redirect_uris.clone()),
                scopes: Some(new.scopes.clone()),
                name: Some(new.name.clone()),
                jwks: new.jwks.clone(),
                jwks_uri: new.jwks_uri.clone(),
                ..ClientChanges::default()
            },
        )?;
        let read = ClientMetadata::read(&metadata, &self.application_rules())?;
        let (client, secret) = self.new_client(read);
        self.insert_client(&client).await?;
        Ok(ChangedClient {
            client: ClientInfo::from(&client),
            secret,
        })
    }

    /// A new client with this metadata, and its secret if it needs one.
    pub(super) fn new_client(&self, read: ClientMetadata) -> (Client, Option<Secret>) {
        let now = self.storage.now();
        let mut client = Client {
            id: self.new_client_id(),
            origin: ClientOrigin::Registered,
            epoch: self.new_epoch(),
            redirect_uris: Vec::new(),
            grant_types: Vec::new(),
            authentication: read.authentication,
            secrets: Vec::new(),
            keys: None,
            scopes: None,
            serves: Vec::new(),
            exchanges_tokens_of_others: false,
            name: None,
            metadata: None,
            registered_at: Some(now),
            expires_at: None,
            lifetime: None,
        };
        client.set_metadata(read);
        let secret = client.needs_secret().then(|| self.new_client_secret());
        if let Some(secret) = &secret {
            client.secrets.push(HashedSecret {
                hash: sealing::hash(secret.expose()),
                expires_at: None,
            });
        }
        (client, secret)
    }

    /// A new secret: 256 random bits.
    fn new_client_secret(&self) -> Secret {
        let mut secret = [0; 32];
        self.scheduler().random(&mut secret);
        Secret::new(base64url::encode(&secret))
    }

    async fn update_client(
        &self,
        id: &str,
        changes: &ClientChanges,
    ) -> Result<ChangedClient, Rejection> {
        self.check_stored(id)?;
        let (client, secret) = self
            .change_client(id, |client| self.changed(client, changes))
            .await?;
        Ok(ChangedClient {
            client: ClientInfo::from(&client),
            secret,
        })
    }

    fn changed(
        &self,
        mut client: Client,
        changes: &ClientChanges,
    ) -> Result<(Client, Option<Secret>), Rejection> {
        let mut metadata = client.to_metadata();
        if client.authentication == AuthenticationMethod::ClientSecret {
            // Still no choice.
            metadata.insert("token_endpoint_auth_method", Json::Null);
        }
        // The members that have no field, unless they are replaced.
        if let Some(replacement) = &changes.metadata {
            let (old, new) = (
                parsed(client.metadata.as_deref())?,
                parsed(Some(replacement))?,
            );
            for (name, _) in old.iter() {
                metadata.insert(name.to_owned(), Json::Null);
            }
            for (name, value) in new.iter() {
                if !is_field(name) {
                    metadata.insert(name.to_owned(), value.clone());
                }
            }
        }
        write_members(&mut metadata, changes)?;
        // It follows from the grant types.
        metadata.insert("response_types", Json::Null);
        let read = ClientMetadata::read(&metadata, &self.application_rules())?;
        client.set_metadata(read);
        let now = self.storage.now();
        let secret = if !client.needs_secret() {
            client.secrets.clear();
            None
        } else if changes.new_secret.is_some() || client.secrets.is_empty() {
            let overlap = changes.new_secret.unwrap_or(0).min(OVERLAP);
            Some(client.replace_secret(self.new_client_secret(), now, u64::from(overlap)))
        } else {
            None
        };
        Ok((client, secret))
    }

    /// Refuses the ids of clients that are not in the store.
    fn check_stored(&self, id: &str) -> Result<(), Rejection> {
        let mut configured = self.settings.clients.iter();
        if configured.any(|client| client.id == id) || is_url(id) {
            return Err(Rejection::ClientNotStored);
        }
        Ok(())
    }
}

impl Client {
    fn needs_secret(&self) -> bool {
        use AuthenticationMethod::{ClientSecret, ClientSecretBasic, ClientSecretPost};
        matches!(
            self.authentication,
            ClientSecret | ClientSecretBasic | ClientSecretPost
        )
    }

    pub(super) fn set_metadata(&mut self, read: ClientMetadata) {
        self.redirect_uris = read.redirect_uris;
        self.grant_types = read.grant_types;
        self.authentication = read.authentication;
        self.keys = read.keys;
        self.scopes = read.scopes;
        self.name = read.name;
        let is_empty = read.other.is_empty();
        self.metadata = (!is_empty).then(|| read.other.to_string());
    }

    /// Adds a secret. The others end after `overlap` seconds, or earlier if they did before.
    fn replace_secret(&mut self, secret: Secret, now: UnixSeconds, overlap: u64) -> Secret {
        let end = now + overlap;
        self.secrets
            .retain(|own| own.expires_at.is_none_or(|end| end > now));
        for own in &mut self.secrets {
            own.expires_at = Some(own.expires_at.map_or(end, |old| old.min(end)));
        }
        self.secrets.retain(|own| own.expires_at != Some(now));
        let excess = (self.secrets.len() + 1).saturating_sub(SECRETS);
        self.secrets.drain(..excess);
        self.secrets.push(HashedSecret {
            hash: sealing::hash(secret.expose()),
            expires_at: None,
        });
        secret
    }
}

/// Members that have a field in [`NewClient`].
fn is_field(name: &str) -> bool {
    [
        "redirect_uris",
        "grant_types",
        "response_types",
        "token_endpoint_auth_method",
        "scope",
        "client_name",
        "jwks",
        "jwks_uri",
    ]
    .contains(&name)
}

fn parsed(json: Option<&str>) -> Result<Object<'static>, Rejection> {
    let Some(json) = json else {
        return Ok(Object::default());
    };
    let object = Object::parse(json.as_bytes(), crate::limits::JSON_DEPTH);
    object
        .map(Object::into_owned)
        .map_err(|_| ClientMetadataFailure::NotJson.into())
}

/// Writes changes into metadata. `null` stands for a member that is removed.
fn write_members(metadata: &mut Object<'static>, changes: &ClientChanges) -> Result<(), Rejection> {
    let list = |values: &[String]| Json::Array(values.iter().cloned().map(Json::from).collect());
    if let Some(method) = changes.authentication {
        let name = match method {
            AuthenticationMethod::ClientSecret => Json::Null,
            method => Json::from(method.name().to_owned()),
        };
        metadata.insert("token_endpoint_auth_method", name);
        if method != AuthenticationMethod::PrivateKeyJwt {
            metadata.insert("jwks", Json::Null);
            metadata.insert("jwks_uri", Json::Null);
        }
    }
    if let Some(grant_types) = &changes.grant_types {
        let names = grant_types.iter().map(|own| own.name().to_owned());
        metadata.insert("grant_types", list(&names.collect::<Vec<_>>()));
    }
    if let Some(uris) = &changes.redirect_uris {
        metadata.insert("redirect_uris", list(uris));
    }
    if let Some(scopes) = &changes.scopes {
        // An empty text would count as omitted, and stand for all scopes.
        if scopes.as_ref().is_some_and(Vec::is_empty) {
            return Err(ClientMetadataFailure::Scope.into());
        }
        let text = scopes.as_ref().map(|scopes| scopes.join(" "));
        metadata.insert("scope", text.map_or(Json::Null, Json::from));
    }
    if let Some(name) = &changes.name {
        let text = name.clone();
        metadata.insert("client_name", text.map_or(Json::Null, Json::from));
    }
    if changes.jwks.is_some() || changes.jwks_uri.is_some() {
        metadata.insert("jwks", Json::Null);
        metadata.insert("jwks_uri", Json::Null);
    }
    if let Some(jwks) = &changes.jwks {
        if jwks.len() > KEY_SET_BYTES as usize {
            return Err(ClientMetadataFailure::Malformed("jwks").into());
        }
        let set = Object::parse(jwks.as_bytes(), crate::jose::limits::KEY_SET_DEPTH);
        let set = set.map_err(|_| ClientMetadataFailure::Malformed("jwks"))?;
        metadata.insert("jwks", Json::Object(set.into_owned()));
    }
    if let Some(uri) = &changes.jwks_uri {
        metadata.insert("jwks_uri", Json::from(uri.clone()));
    }
    Ok(())
}
