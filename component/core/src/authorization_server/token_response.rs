//! The answer of the token endpoint (RFC 6749 section 5.1).

use super::record::{self, Reader, Unreadable, Writer};
use crate::answer::Answer;
use crate::json::{Json, Object};
use crate::secret::Secret;
use crate::store::UnixSeconds;

/// See the module. `Debug` shows no token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TokenResponse {
    pub(super) access_token: Secret,
    pub(super) expires_at: UnixSeconds,
    pub(super) refresh_token: Option<Secret>,
    pub(super) scopes: Vec<String>,
    /// `issued_token_type` of a token exchange (RFC 8693 section 2.2.1).
    pub(super) issued_token_type: Option<&'static str>,
}

impl TokenResponse {
    const VERSION: u64 = 1;

    pub(super) fn answer(&self, now: UnixSeconds) -> Answer {
        let mut body = Object::default();
        let text = |text: &str| Json::from(text.to_owned());
        body.insert("access_token", text(self.access_token.expose()));
        body.insert("token_type", text("Bearer"));
        let expires_in = self.expires_at.saturating_sub(now);
        body.insert("expires_in", Json::Number(expires_in.into()));
        if let Some(token) = &self.refresh_token {
            body.insert("refresh_token", text(token.expose()));
        }
        if !self.scopes.is_empty() {
            body.insert("scope", text(&self.scopes.join(" ")));
        }
        if let Some(kind) = self.issued_token_type {
            body.insert("issued_token_type", text(kind));
        }
        Answer::json(200, body.to_string(), "no-store")
    }

    /// For a client that asks again.
    pub(super) fn to_record(&self) -> zeroize::Zeroizing<Vec<u8>> {
        let refresh_token = self.refresh_token.as_ref().map(Secret::expose);
        let bytes = Writer::new(Self::VERSION)
            .text("access_token", self.access_token.expose())
            .number("expires_at", self.expires_at)
            .optional("refresh_token", refresh_token)
            .texts("scopes", &self.scopes)
            .into_bytes();
        zeroize::Zeroizing::new(bytes)
    }

    pub(super) fn from_record(bytes: &[u8]) -> Result<Self, Unreadable> {
        let object = record::parse(bytes, Self::VERSION)?;
        let reader = Reader::new(&object);
        Ok(Self {
            access_token: Secret::new(reader.text("access_token")?),
            expires_at: reader.number("expires_at")?,
            refresh_token: reader.optional("refresh_token")?.map(Secret::new),
            scopes: reader.texts("scopes")?,
            issued_token_type: None,
        })
    }
}
