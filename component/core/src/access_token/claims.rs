//! The claims that Tollgate reads, in the forms that their specifications define.

use super::TokenError;
use crate::capability::UnixMillis;
use crate::json::{Json, Object};
use crate::limits;

/// The identity in a verified token.
#[derive(Debug, Clone, PartialEq)]
pub struct Identity {
    /// `sub`.
    pub subject: Option<String>,
    /// `client_id`.
    pub client_id: Option<String>,
    /// The granted scopes: `scope`, otherwise `scp`.
    pub scopes: Vec<String>,
    /// `iss`.
    pub issuer: String,
    /// `aud`, as a list.
    pub audience: Vec<String>,
    /// The dates.
    pub dates: Dates,
    /// `act`: the current actor, then prior actors (RFC 8693 section 4.1).
    pub actors: Vec<Actor>,
    /// The JSON text that was signed.
    pub claims: String,
}

/// A party that acts for the subject. Other members of `act` are in the claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// `sub`.
    pub subject: Option<String>,
    /// `iss`.
    pub issuer: Option<String>,
    /// `client_id`.
    pub client_id: Option<String>,
}

/// `exp`, `nbf` and `iat`: seconds since 1970, possibly with fractions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dates {
    /// The time from which the token is no longer valid.
    pub expires_at: f64,
    /// The time from which it is valid.
    pub not_before: Option<f64>,
    /// When it was issued.
    pub issued_at: Option<f64>,
}

/// The tolerated clock difference, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tolerance {
    /// For `exp` and the maximum age.
    pub end: u32,
    /// For `nbf` and `iat`.
    pub start: u32,
}

impl Dates {
    /// Checks the dates (RFC 7519 sections 4.1.4 to 4.1.6); `max_age` in seconds since `iat`.
    ///
    /// # Errors
    /// The first date for which the token is refused.
    pub fn check(
        &self,
        now: UnixMillis,
        tolerance: Tolerance,
        max_age: Option<u32>,
    ) -> Result<(), TokenError> {
        // Milliseconds are exact below 2^53, so there is no rounding before the year 287396.
        let now = now as f64 / 1000.0;
        let (end, start) = (f64::from(tolerance.end), f64::from(tolerance.start));
        if now >= self.expires_at + end {
            return Err(TokenError::Expired);
        }
        if self.not_before.is_some_and(|nbf| nbf > now + start) {
            return Err(TokenError::NotYetValid);
        }
        if self.issued_at.is_some_and(|iat| iat > now + start) {
            return Err(TokenError::IssuedInFuture);
        }
        if let Some(max_age) = max_age {
            let iat = self
                .issued_at
                .ok_or_else(|| TokenError::MissingClaim("iat".into()))?;
            if now > iat + f64::from(max_age) + end {
                return Err(TokenError::TooOld);
            }
        }
        Ok(())
    }
}

impl Identity {
    /// Reads the claims, except their text. Only the form of their values is checked.
    pub(super) fn read(issuer: &str, claims: &Object<'_>) -> Result<Self, TokenError> {
        let missing = |name: &str| TokenError::MissingClaim(name.to_owned());
        Ok(Self {
            subject: text_claim(claims, "sub")?,
            client_id: text_claim(claims, "client_id")?,
            scopes: scopes(claims)?,
            issuer: issuer.to_owned(),
            audience: audience(claims)?,
            dates: Dates {
                expires_at: date(claims, "exp")?.ok_or_else(|| missing("exp"))?,
                not_before: date(claims, "nbf")?,
                issued_at: date(claims, "iat")?,
            },
            actors: actors(claims)?,
            claims: String::new(),
        })
    }

    /// The approximate memory use, in bytes.
    pub(super) fn weight(&self) -> usize {
        let text = |value: &Option<String>| value.as_ref().map_or(0, String::len);
        let list = |values: &[String]| values.iter().map(|v| v.len() + 32).sum::<usize>();
        self.claims.len()
            + self.issuer.len()
            + text(&self.subject)
            + text(&self.client_id)
            + list(&self.scopes)
            + list(&self.audience)
            // Their text is also in the claims, and is at most as long as there.
            + if self.actors.is_empty() { 0 } else { self.claims.len() }
            + self.actors.len() * size_of::<Actor>()
            + size_of::<Self>()
    }
}

fn text_claim(claims: &Object<'_>, name: &'static str) -> Result<Option<String>, TokenError> {
    match claims.get(name) {
        None => Ok(None),
        Some(Json::String(text)) if !text.is_empty() => Ok(Some(text.to_string())),
        // An empty subject identifies nobody, so different users would share it.
        Some(_) => Err(TokenError::BadClaim(name)),
    }
}

/// RFC 8693 section 4.1: an object that identifies the actor, with the prior actor's inside it.
fn actors(claims: &Object<'_>) -> Result<Vec<Actor>, TokenError> {
    let bad = TokenError::BadClaim("act");
    let mut actors = Vec::new();
    let mut next = claims.get("act");
    while let Some(act) = next {
        let Json::Object(act) = act else {
            return Err(bad);
        };
        if actors.len() == limits::ACTORS {
            return Err(bad);
        }
        let text = |name| text_claim(act, name).map_err(|_| bad.clone());
        actors.push(Actor {
            subject: text("sub")?,
            issuer: text("iss")?,
            client_id: text("client_id")?,
        });
        next = act.get("act");
    }
    Ok(actors)
}

fn date(claims: &Object<'_>, name: &'static str) -> Result<Option<f64>, TokenError> {
    match claims.get(name) {
        None => Ok(None),
        Some(Json::Number(number)) => {
            let date = number.as_f64();
            let usable = date.is_finite() && date.abs() <= limits::NUMERIC_DATE;
            if usable {
                Ok(Some(date))
            } else {
                Err(TokenError::BadClaim(name))
            }
        }
        Some(_) => Err(TokenError::BadClaim(name)),
    }
}

fn audience(claims: &Object<'_>) -> Result<Vec<String>, TokenError> {
    let bad = TokenError::BadClaim("aud");
    match claims.get("aud") {
        None => Err(TokenError::MissingClaim("aud".into())),
        Some(Json::String(aud)) => Ok(vec![aud.to_string()]),
        Some(Json::Array(list)) if list.len() <= limits::AUDIENCES => strings(list).ok_or(bad),
        Some(_) => Err(bad),
    }
}

/// `scope` is a string (RFC 8693 section 4.2, RFC 9068 section 2.2.3); `scp` is what Okta and
/// Entra send instead, as an array or a string.
fn scopes(claims: &Object<'_>) -> Result<Vec<String>, TokenError> {
    let (name, value) = match (claims.get("scope"), claims.get("scp")) {
        (Some(value), _) => ("scope", value),
        (None, Some(value)) => ("scp", value),
        (None, None) => return Ok(Vec::new()),
    };
    let scopes = match value {
        Json::String(text) => Some(
            text.split(' ')
                .filter(|s| !s.is_empty())
                .map(str::to_owned)
                .collect(),
        ),
        Json::Array(list) if name == "scp" => strings(list),
        _ => None,
    };
    scopes
        .filter(|scopes: &Vec<String>| scopes.len() <= limits::SCOPES)
        .ok_or(TokenError::BadClaim(name))
}

fn strings(list: &[Json<'_>]) -> Option<Vec<String>> {
    list.iter()
        .map(|value| value.as_str().map(str::to_owned))
        .collect()
}
