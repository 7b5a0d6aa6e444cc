//! The registration endpoint (RFC 7591). It is off unless the configuration has it.

use super::client::{AuthenticationMethod, Client, GrantType};
use super::client_metadata::{ClientMetadata, Rules};
use super::client_metadata_failure::ClientMetadataFailure;
use super::client_rejection::InitialAccessTokenFailure;
use super::issuer::Request;
use super::partition::REGISTRATIONS;
use super::record::{self, Reader, Writer};
use super::rejection::Rejection;
use super::sealing::{self, constant_time_eq};
use super::server::Server;
use crate::answer::Answer;
use crate::json::{Json, Object};
use crate::limits;
use crate::secret::Secret;
use crate::store::{Commit, Committed, Condition};

/// The period in which registrations are counted, in seconds.
const PERIOD: u64 = 3600;
/// Attempts to change the count while others change it.
const ATTEMPTS: u32 = 8;
/// The schema version of the count's record.
const VERSION: u64 = 1;

/// Who may register what.
#[derive(Debug)]
pub(super) struct RegistrationRules {
    /// Hashes of initial access tokens. `None`: anybody may register.
    pub(super) tokens: Option<Vec<String>>,
    /// `None`: registrations do not end.
    pub(super) lifetime: Option<u64>,
    pub(super) max_body_bytes: usize,
    pub(super) max_per_hour: u32,
    pub(super) grant_types: Vec<GrantType>,
    pub(super) methods: Vec<AuthenticationMethod>,
    /// `None`: all of the server's.
    pub(super) scopes: Option<Vec<String>>,
}

impl Server {
    /// Registers a client (RFC 7591 section 3).
    pub(super) async fn registration_endpoint(
        &self,
        request: &Request,
    ) -> Result<Answer, Rejection> {
        let Some(rules) = &self.settings.registration else {
            return Err(Rejection::RegistrationOff);
        };
        if request.method != "POST" {
            return Err(Rejection::Method("POST, OPTIONS"));
        }
        rules.check_access(request)?;
        let metadata = rules.read_body(request)?;
        let all_scopes = self.settings.scopes.as_ref();
        let read = ClientMetadata::read(
            &metadata,
            &Rules {
                grant_types: &rules.grant_types,
                methods: &self.possible_methods(&rules.methods),
                scopes: rules.scopes.as_ref().or(all_scopes).map(Vec::as_slice),
                default_scopes: rules.scopes.as_deref(),
                private_use: self.settings.private_use_redirect_uris,
                leaves_out: true,
                is_foreign: true,
            },
        )?;
        self.count_registration(rules.max_per_hour).await?;
        let (mut client, secret) = self.new_client(read);
        client.lifetime = rules.lifetime;
        client.expires_at = rules.lifetime.map(|seconds| self.storage.now() + seconds);
        self.insert_client(&client).await?;
        let body = registered(&client, secret.as_ref()).to_string();
        Ok(Answer::json(201, body, "no-store"))
    }

    /// The methods without `private_key_jwt`, if the host verifies no signatures.
    pub(super) fn possible_methods(
        &self,
        methods: &[AuthenticationMethod],
    ) -> Vec<AuthenticationMethod> {
        let can_verify = !self.scheduler().host().verifying_algorithms().is_empty();
        let is_possible =
            |own: &AuthenticationMethod| can_verify || *own != AuthenticationMethod::PrivateKeyJwt;
        methods.iter().copied().filter(is_possible).collect()
    }

    /// Counts the registrations of this hour, so that strangers cannot fill the store.
    async fn count_registration(&self, max: u32) -> Result<(), Rejection> {
        let now = self.storage.now();
        let hour = now / PERIOD;
        let key = format!("registrations/{hour}");
        let end = (hour + 1) * PERIOD;
        for _ in 0..ATTEMPTS {
            let found = self.storage.read_one(REGISTRATIONS, &key).await?;
            let (count, condition) = match found {
                None => (0, Condition::Absent),
                Some(found) => {
                    let object = record::parse(&found.value, VERSION)?;
                    let count = Reader::new(&object).number("count")?;
                    (count, Condition::Version(found.version))
                }
            };
            if count >= u64::from(max) {
                let left = u32::try_from(end - now).unwrap_or(u32::MAX);
                return Err(Rejection::TooManyRegistrations(left));
            }
            let value = Writer::new(VERSION).number("count", count + 1);
            let commit = Commit {
                conditions: vec![(key.clone(), condition)],
                puts: vec![
                    self.storage
                        .put(key.clone(), value.into_bytes(), Some(end + PERIOD)),
                ],
                deletes: Vec::new(),
            };
            if self.storage.commit(REGISTRATIONS, commit).await? == Committed::Done {
                return Ok(());
            }
        }
        Err(Rejection::Contention)
    }
}

impl RegistrationRules {
    /// Checks the initial access token (RFC 7591 section 3, RFC 6750 section 2.1).
    fn check_access(&self, request: &Request) -> Result<(), Rejection> {
        let Some(tokens) = &self.tokens else {
            return Ok(());
        };
        let refused = |failure| Err(Rejection::InitialAccessToken(failure));
        let mut values = request.header_values("authorization");
        let (value, others) = (values.next().unwrap_or_default(), values.next());
        if others.is_some() || value.len() > limits::AUTHORIZATION_BYTES {
            return refused(InitialAccessTokenFailure::Wrong);
        }
        let (scheme, token) = value.split_once(' ').unwrap_or_default();
        if !scheme.eq_ignore_ascii_case("bearer") {
            return refused(InitialAccessTokenFailure::Missing);
        }
        let hash = sealing::hash(token.trim_matches(' '));
        // All are compared, so that the time does not tell which one is close.
        let fits = tokens
            .iter()
            .fold(false, |fits, own| fits | constant_time_eq(own, &hash));
        if fits {
            Ok(())
        } else {
            refused(InitialAccessTokenFailure::Wrong)
        }
    }

    fn read_body(&self, request: &Request) -> Result<Object<'static>, Rejection> {
        let content_type = request.header("content-type").unwrap_or_default();
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/json") {
            return Err(Rejection::NotJson);
        }
        if request.body.len() > self.max_body_bytes {
            return Err(Rejection::RequestTooLarge);
        }
        let metadata = Object::parse(&request.body, limits::JSON_DEPTH);
        metadata
            .map(Object::into_owned)
            .map_err(|_| ClientMetadataFailure::NotJson.into())
    }
}

/// RFC 7591 section 3.2.1: everything that was registered.
fn registered(client: &Client, secret: Option<&Secret>) -> Object<'static> {
    let mut body = Object::default();
    body.insert("client_id", Json::from(client.id.clone()));
    if let Some(time) = client.registered_at {
        body.insert("client_id_issued_at", Json::Number(time.into()));
    }
    if let Some(secret) = secret {
        body.insert("client_secret", Json::from(secret.expose().to_owned()));
        let end = client.expires_at.unwrap_or(0);
        body.insert("client_secret_expires_at", Json::Number(end.into()));
    }
    for (name, value) in client.to_metadata().iter() {
        body.insert(name.to_owned(), value.clone());
    }
    body
}
