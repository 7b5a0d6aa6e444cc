//! Scopes and resources of one token: some or all of those of its grant (RFC 6749 section 6, RFC
//! 8707 section 2.2).

use super::parameters::Parameters;
use super::rejection::{Rejection, ScopeFailure, TargetFailure};
use crate::access_token::is_scope_token;
use crate::limits;

/// Splits `scope` (RFC 6749 section 3.3). Repeated scopes count once.
pub(super) fn split_scopes(text: &str) -> Result<Vec<String>, Rejection> {
    let refused = |failure| Err(Rejection::Scope(failure));
    let mut scopes: Vec<String> = Vec::new();
    for scope in text.split(' ').filter(|scope| !scope.is_empty()) {
        if !is_scope_token(scope) {
            return refused(ScopeFailure::Malformed);
        }
        if scopes.len() == limits::SCOPES {
            return refused(ScopeFailure::TooMany);
        }
        if !scopes.iter().any(|own| own == scope) {
            scopes.push(scope.to_owned());
        }
    }
    Ok(scopes)
}

/// Whether two resources are the same. Only a slash behind a bare origin makes no difference: both
/// forms of it are in use.
pub(super) fn same_resource(one: &str, other: &str) -> bool {
    let bare = |text: &str| match text.strip_suffix('/') {
        Some(origin) if origin.matches('/').count() == 2 => origin.len(),
        _ => text.len(),
    };
    one[..bare(one)] == other[..bare(other)]
}

/// The scopes of a token: those of the request, which must be granted; otherwise all granted.
pub(super) fn narrowed_scopes(
    form: &Parameters,
    granted: &[String],
) -> Result<Vec<String>, Rejection> {
    let Some(text) = form.get("scope") else {
        return Ok(granted.to_vec());
    };
    let scopes = split_scopes(text)?;
    if scopes.iter().all(|scope| granted.contains(scope)) {
        Ok(scopes)
    } else {
        Err(Rejection::Scope(ScopeFailure::BeyondGrant))
    }
}

/// The resources of a token: those of the request, as the grant spells them. None if the request
/// names none.
pub(super) fn narrowed_resources<'a>(
    requested: impl Iterator<Item = &'a str>,
    granted: &[String],
) -> Result<Option<Vec<String>>, Rejection> {
    let refused = |failure| Err(Rejection::Target(failure));
    let mut resources: Vec<String> = Vec::new();
    for (count, requested) in requested.enumerate() {
        if count == limits::TARGETS {
            return refused(TargetFailure::TooMany);
        }
        match granted.iter().find(|own| same_resource(own, requested)) {
            Some(own) if resources.contains(own) => {}
            Some(own) => resources.push(own.clone()),
            None => return refused(TargetFailure::BeyondGrant),
        }
    }
    Ok(Some(resources).filter(|resources| !resources.is_empty()))
}
