//! Refresh tokens (RFC 6749, section 6), rotated at each use (RFC 9700, section 4.14.2).

use std::collections::VecDeque;

use rand_chacha::rand_core::Rng;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::SharedIssuer;
use super::access_token::TokenSpec;
use super::audit::Draft;
use super::clients::Client;
use super::form::Form;
use super::key_ring::fresh_rng;
use super::signing_key::base64url;
use super::token_endpoint::{TokenError, answer, requested_scopes, requested_targets};

pub(super) async fn grant(
    issuer: &SharedIssuer,
    client: &Client,
    form: &Form,
    draft: &mut Draft,
) -> Result<Value, TokenError> {
    let token = form
        .get("refresh_token")
        .ok_or(TokenError::InvalidRequest("refresh_token is missing"))?;
    let scopes = requested_scopes(form)?;
    let targets = requested_targets(form)?;

    let (spec, next) = {
        let mut tokens = issuer.refresh_tokens();
        let granted = tokens.find(token, &client.id)?;
        draft.subject.clone_from(&granted.subject);
        // RFC 6749, section 6: no scope that was not granted originally.
        if !scopes.iter().all(|scope| granted.scopes.contains(scope)) {
            return Err(TokenError::InvalidScope);
        }
        if !targets
            .iter()
            .all(|target| granted.audiences.contains(target))
        {
            return Err(TokenError::InvalidTarget(
                "the refresh token is not for this resource",
            ));
        }
        let mut spec = granted.clone();
        if !scopes.is_empty() {
            spec.scopes = scopes;
        }
        if !targets.is_empty() {
            spec.audiences = targets;
        }
        (spec, tokens.rotate(token))
    };
    let scopes = spec.scopes.clone();
    draft.resources.clone_from(&spec.audiences);
    let mut answer = answer(issuer.issue(spec).await, scopes, draft);
    answer["refresh_token"] = next.into();
    Ok(answer)
}

/// Refresh tokens, valid and used.
#[derive(Default)]
pub(super) struct RefreshTokens {
    /// Oldest first.
    tokens: VecDeque<RefreshToken>,
    families: u64,
}

struct RefreshToken {
    digest: [u8; 32],
    /// The family, which a token shares with its successors.
    family: u64,
    state: State,
}

enum State {
    Fresh(Box<TokenSpec>),
    Used,
}

/// How many are stored. The oldest are removed. A family that is refreshed each minute needs 60 an
/// hour.
const MAX_TOKENS: usize = 10_000;

const UNKNOWN: TokenError = TokenError::InvalidGrant("the refresh token is unknown or was used");

impl RefreshTokens {
    /// Creates a refresh token for tokens like this one. Malformations of the token are not
    /// repeated, except for its claims.
    pub(super) fn start(&mut self, spec: &TokenSpec) -> String {
        self.families += 1;
        let spec = TokenSpec {
            client_id: spec.client_id.clone(),
            subject: spec.subject.clone(),
            audiences: spec.audiences.clone(),
            scopes: spec.scopes.clone(),
            claims: spec.claims.clone(),
            ..TokenSpec::default()
        };
        self.add(self.families, spec)
    }

    fn add(&mut self, family: u64, spec: TokenSpec) -> String {
        let mut bytes = [0; 32];
        fresh_rng().fill_bytes(&mut bytes);
        let token = base64url(&bytes);
        if self.tokens.len() == MAX_TOKENS {
            self.tokens.pop_front();
        }
        self.tokens.push_back(RefreshToken {
            digest: Sha256::digest(&token).into(),
            family,
            state: State::Fresh(Box::new(spec)),
        });
        token
    }

    fn position(&self, token: &str) -> Option<usize> {
        let digest: [u8; 32] = Sha256::digest(token).into();
        self.tokens.iter().position(|known| known.digest == digest)
    }

    /// The grant of a refresh token of this client. If it was used before, it or its successor was
    /// stolen: the whole family is revoked.
    fn find(&mut self, token: &str, client_id: &str) -> Result<&TokenSpec, TokenError> {
        let index = self.position(token).ok_or(UNKNOWN)?;
        let RefreshToken { family, state, .. } = &self.tokens[index];
        match state {
            State::Used => {
                let family = *family;
                self.tokens.retain(|known| known.family != family);
                return Err(UNKNOWN);
            }
            State::Fresh(spec) if spec.client_id.as_deref() != Some(client_id) => {
                return Err(TokenError::InvalidGrant(
                    "the refresh token was issued to another client",
                ));
            }
            State::Fresh(_) => {}
        }
        match &self.tokens[index].state {
            State::Fresh(spec) => Ok(spec),
            State::Used => Err(UNKNOWN),
        }
    }

    /// Marks a token as used, and returns its successor.
    fn rotate(&mut self, token: &str) -> String {
        let Some(index) = self.position(token) else {
            return String::new();
        };
        let known = &mut self.tokens[index];
        let family = known.family;
        match std::mem::replace(&mut known.state, State::Used) {
            State::Fresh(spec) => self.add(family, *spec),
            State::Used => String::new(),
        }
    }

    pub(super) fn reset(&mut self) {
        self.tokens.clear();
    }
}
