//! An authorization request whose client and redirect URI are proven (RFC 6749 section 4.1.1, RFC
//! 7636, RFC 8707), and its approval.

use super::record::{Reader, Unreadable, Writer};
use crate::secret::Secret;
use crate::store::UnixSeconds;

/// A valid authorization request. The application shows it to the user, or answers it by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuthorizationRequest {
    /// `client_id`
    pub client_id: String,
    /// The redirect URI that the answer goes to: one of the client's.
    pub redirect_uri: String,
    /// Whether the request named it. Then the token request must name it too (RFC 6749 section
    /// 4.1.3).
    pub redirect_uri_given: bool,
    /// `scope`. Each is one that the server and the client may have.
    pub scopes: Vec<String>,
    /// `state`, for the client.
    pub state: Option<String>,
    /// `code_challenge`, always of the method `S256`. `None` only for a client that authenticates.
    pub code_challenge: Option<String>,
    /// `resource`. Each is one of the server's. Never empty: without a `resource`, the server's
    /// first.
    pub resources: Vec<String>,
    /// `prompt` (OpenID Connect Core section 3.1.2.1).
    pub prompt: Prompt,
    /// `login_hint`: whom the client expects. Not verified: nothing may be decided by it.
    pub login_hint: Option<String>,
    /// `max_age`: how long ago the user may have signed in, in seconds.
    pub max_age: Option<u64>,
}

/// What the client asks about pages. Other values of `prompt` are ignored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Prompt {
    /// No page may be shown: answer with an error instead.
    pub none: bool,
    /// The user must sign in again.
    pub login: bool,
    /// The user must consent again.
    pub consent: bool,
    /// The user must choose an account.
    pub select_account: bool,
}

/// What a user, or the application for the user, approved.
#[derive(Clone, Default)]
pub struct Approval {
    /// The user: the `sub` of tokens. 1 to 512 bytes.
    pub user_id: String,
    /// The scopes that were approved: some or all of the request's, or others that the client may
    /// have.
    pub scopes: Vec<String>,
    /// What the application wants back with each token of this grant: JSON. It is stored encrypted.
    pub props: Option<String>,
    /// What the application wants to see in lists of grants: JSON. It is stored as it is.
    pub metadata: Option<String>,
    /// Revoke the user's other grants for this client and these resources, once the code is
    /// redeemed.
    pub replaces_others: bool,
    /// The tokens of the identity provider that signed the user in. They are stored encrypted.
    pub upstream: Option<UpstreamTokens>,
}

/// Tokens of an identity provider, for calls to its APIs on behalf of the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamTokens {
    /// The provider's id in the configuration.
    pub provider: String,
    /// `access_token`
    pub access_token: Secret,
    /// `refresh_token`
    pub refresh_token: Option<Secret>,
    /// When the access token expires, as far as the provider said.
    pub expires_at: Option<UnixSeconds>,
    /// `scope`, if the provider said it.
    pub scope: Option<String>,
}

impl UpstreamTokens {
    /// For a record, which must be encrypted.
    pub(super) fn to_writer(&self) -> Writer {
        let refresh_token = self.refresh_token.as_ref().map(Secret::expose);
        Writer::default()
            .text("provider", &self.provider)
            .text("access_token", self.access_token.expose())
            .optional("refresh_token", refresh_token)
            .optional_number("expires_at", self.expires_at)
            .optional("scope", self.scope.as_deref())
    }

    pub(super) fn read(reader: Reader<'_>) -> Result<Self, Unreadable> {
        Ok(Self {
            provider: reader.text("provider")?.to_owned(),
            access_token: Secret::new(reader.text("access_token")?),
            refresh_token: reader.optional("refresh_token")?.map(Secret::new),
            expires_at: reader.optional_number("expires_at")?,
            scope: reader.optional("scope")?.map(str::to_owned),
        })
    }
}

/// Props are secret.
impl std::fmt::Debug for Approval {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Approval")
            .field("scopes", &self.scopes)
            .field("replaces_others", &self.replaces_others)
            .finish_non_exhaustive()
    }
}

impl AuthorizationRequest {
    pub(super) fn to_writer(&self) -> Writer {
        Writer::default()
            .text("client_id", &self.client_id)
            .text("redirect_uri", &self.redirect_uri)
            .flag("redirect_uri_given", self.redirect_uri_given)
            .texts("scopes", &self.scopes)
            .optional("state", self.state.as_deref())
            .optional("code_challenge", self.code_challenge.as_deref())
            .texts("resources", &self.resources)
            .flag("prompt_none", self.prompt.none)
            .flag("prompt_login", self.prompt.login)
            .flag("prompt_consent", self.prompt.consent)
            .flag("prompt_select_account", self.prompt.select_account)
            .optional("login_hint", self.login_hint.as_deref())
            .optional_number("max_age", self.max_age)
    }

    pub(super) fn read(reader: Reader<'_>) -> Result<Self, Unreadable> {
        let text = |name| Ok(reader.optional(name)?.map(str::to_owned));
        Ok(Self {
            client_id: reader.text("client_id")?.to_owned(),
            redirect_uri: reader.text("redirect_uri")?.to_owned(),
            redirect_uri_given: reader.flag("redirect_uri_given")?,
            scopes: reader.texts("scopes")?,
            state: text("state")?,
            code_challenge: text("code_challenge")?,
            resources: reader.texts("resources")?,
            prompt: Prompt {
                none: reader.flag("prompt_none")?,
                login: reader.flag("prompt_login")?,
                consent: reader.flag("prompt_consent")?,
                select_account: reader.flag("prompt_select_account")?,
            },
            login_hint: text("login_hint")?,
            max_age: reader.optional_number("max_age")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::record;
    use super::*;

    #[test]
    fn records_keep_everything() {
        let request = AuthorizationRequest {
            client_id: "app".to_owned(),
            redirect_uri: "https://app.example/callback".to_owned(),
            redirect_uri_given: true,
            scopes: vec!["read".to_owned()],
            state: Some("s".to_owned()),
            code_challenge: Some("c".to_owned()),
            resources: vec!["https://api.example".to_owned()],
            prompt: Prompt {
                none: true,
                login: true,
                consent: true,
                select_account: true,
            },
            login_hint: Some("alice".to_owned()),
            max_age: Some(7),
        };
        let tokens = UpstreamTokens {
            provider: "google".to_owned(),
            access_token: Secret::new("a"),
            refresh_token: Some(Secret::new("r")),
            expires_at: Some(9),
            scope: Some("openid".to_owned()),
        };
        let bytes = Writer::new(1)
            .record("request", Some(request.to_writer()))
            .record("tokens", Some(tokens.to_writer()))
            .into_bytes();
        let object = record::parse(&bytes, 1).expect("version 1");
        let part = |name| Reader::new(&object).record(name).expect("a record");
        let read = part("request").map(AuthorizationRequest::read);
        assert_eq!(read, Some(Ok(request)));
        assert_eq!(part("tokens").map(UpstreamTokens::read), Some(Ok(tokens)));
    }

    #[test]
    fn an_approval_does_not_print_its_secrets() {
        let approval = Approval {
            user_id: "alice".to_owned(),
            props: Some("{\"key\":\"hunter2\"}".to_owned()),
            ..Approval::default()
        };
        assert!(!format!("{approval:?}").contains("hunter2"));
    }
}
