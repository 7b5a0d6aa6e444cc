//! Compiles the rules for tokens of one issuer.

use std::fmt::Arguments;

use super::compile::quotable;
use crate::access_token::{Audiences, IssuerPolicy, Tolerance, TypeRule};
use crate::config_error::ConfigError;
use crate::issuers::IssuerConfig;
use crate::jose::{Algorithm, COMPONENTS_WITH_ALL_ALGORITHMS};
use crate::limits;

/// A small clock difference must not refuse a token that was just issued, but an expired token is
/// never accepted. So the default is no tolerance for `exp`, and a little for `nbf` and `iat`.
const DEFAULT_TOLERANCE: Tolerance = Tolerance { end: 0, start: 5 };
/// RFC 9068 section 2.2. It requires `jti` too, but nothing here uses it, and many issuers omit it.
const RFC_9068_CLAIMS: [&str; 3] = ["sub", "client_id", "iat"];

/// The protected resource: the audience of issuers that have no `audiences`.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Resource<'a> {
    Named(&'a str),
    /// The origin of each request.
    OfRequest,
    Unknown,
}

/// Compiles the rules for tokens of one issuer. `lent` has the algorithms that the host verifies.
///
/// # Errors
/// The first part of the configuration that cannot work. `field` is the issuer's option.
#[inline(never)]
pub(crate) fn issuer_policy(
    field: Arguments<'_>,
    config: IssuerConfig,
    resource: Resource<'_>,
    lent: &[Algorithm],
) -> Result<IssuerPolicy, ConfigError> {
    let audiences = match (config.audiences, resource) {
        (Some(names), _) if !names.is_empty() => {
            if names.len() > limits::AUDIENCES {
                let field = format_args!("{field}.audiences");
                return Err(ConfigError::too_many(field, limits::AUDIENCES));
            }
            if names.iter().any(String::is_empty) {
                let message = "an audience is empty: remove the entry, or fill it in";
                return Err(ConfigError::at(format_args!("{field}.audiences"), message));
            }
            Audiences::Named(names)
        }
        (_, Resource::Named(resource)) => Audiences::Resource(resource.to_owned()),
        (_, Resource::OfRequest) => Audiences::OfRequest,
        (_, Resource::Unknown) => {
            return Err(ConfigError::at(
                format_args!("{field}.audiences"),
                "no audience is configured, so tokens for any other API of this issuer would be \
                 accepted: set TOLLGATE_AUDIENCE (the aud of your tokens) or TOLLGATE_RESOURCE \
                 (the public URL of this API)",
            ));
        }
    };
    let strict = config.types.is_none();
    let tolerance = match config.clock_tolerance {
        None => DEFAULT_TOLERANCE,
        Some(seconds) if seconds <= limits::CLOCK_TOLERANCE => Tolerance {
            end: seconds,
            start: seconds,
        },
        Some(_) => {
            let message = format!(
                "the tolerance is more than {} seconds: lower it, and correct the clock instead",
                limits::CLOCK_TOLERANCE
            );
            let field = format_args!("{field}.clock-tolerance");
            return Err(ConfigError::at(field, message));
        }
    };
    let required_claims = match config.required_claims {
        Some(names) => names,
        None if strict => RFC_9068_CLAIMS.map(str::to_owned).to_vec(),
        None => Vec::new(),
    };
    for name in &required_claims {
        quotable(format_args!("{field}.required-claims"), name)?;
    }
    Ok(IssuerPolicy {
        issuer: config.issuer,
        audiences,
        algorithms: algorithms(format_args!("{field}.algorithms"), config.algorithms, lent)?,
        types: types(format_args!("{field}.types"), config.types)?,
        required_claims,
        tolerance,
        max_age: config.max_age,
    })
}

/// `lent` has the algorithms that the host verifies: each configured algorithm must be one of them,
/// and they are the default.
fn algorithms(
    field: Arguments<'_>,
    names: Option<Vec<String>>,
    lent: &[Algorithm],
) -> Result<Vec<Algorithm>, ConfigError> {
    let is_lent = |algorithm: Algorithm| lent.contains(&algorithm.by_one_name());
    let Some(names) = names else {
        let all = Algorithm::ALL.iter().copied().filter(|own| is_lent(*own));
        let all: Vec<_> = all.collect();
        if all.is_empty() {
            let message = format!(
                "this host verifies no signature algorithm: {COMPONENTS_WITH_ALL_ALGORITHMS}"
            );
            return Err(ConfigError::at(field, message));
        }
        return Ok(all);
    };
    if names.is_empty() {
        return Err(ConfigError::at(
            field,
            "the list is empty: remove the option to accept all algorithms",
        ));
    }
    let known = || {
        Algorithm::ALL
            .iter()
            .map(|a| a.name())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let parse = |name: &String| match Algorithm::from_name(name) {
        Some(algorithm) if is_lent(algorithm) => Ok(algorithm),
        Some(_) => {
            let message =
                format!("this host does not verify {name}: {COMPONENTS_WITH_ALL_ALGORITHMS}");
            Err(ConfigError::at(field, message))
        }
        None => {
            let why = if name == "none" || name.starts_with("HS") {
                "is never accepted, because it does not prove who issued a token"
            } else {
                "is not a known algorithm"
            };
            let message = format!("{name:?} {why}: choose from {}", known());
            Err(ConfigError::at(field, message))
        }
    };
    names.iter().map(parse).collect()
}

fn types(field: Arguments<'_>, types: Option<Vec<String>>) -> Result<TypeRule, ConfigError> {
    let Some(types) = types else {
        return Ok(TypeRule::OneOf(vec!["at+jwt".to_owned()]));
    };
    if types.is_empty() {
        let message =
            "the list is empty: remove the option for at+jwt, or write [\"*\"] for any type";
        return Err(ConfigError::at(field, message));
    }
    if types.iter().any(|typ| typ == "*") {
        return Ok(TypeRule::Any);
    }
    let plain = |typ: &String| {
        let typ = typ.to_ascii_lowercase();
        typ.strip_prefix("application/")
            .map_or(typ.clone(), str::to_owned)
    };
    Ok(TypeRule::OneOf(types.iter().map(plain).collect()))
}
