//! The token endpoint (RFC 8414 section 2).

use super::failure::TokenFailure;
use crate::http_url::HttpUrl;
use crate::json::Object;

/// The token endpoint in an issuer's metadata.
///
/// # Errors
/// There is none that a secret may be sent to. It must be `https:` (or loopback), and on the
/// issuer's origin: otherwise forged metadata could direct client secrets to an attacker.
pub(super) fn token_endpoint(
    metadata: &Object<'_>,
    issuer: &HttpUrl,
) -> Result<String, TokenFailure> {
    let text = metadata
        .get("token_endpoint")
        .and_then(|value| value.as_str());
    let text = text.ok_or(TokenFailure::NoTokenEndpoint)?;
    let url = HttpUrl::parse(text).map_err(|_| TokenFailure::NoTokenEndpoint)?;
    if !url.is_trustworthy() {
        return Err(TokenFailure::NoTokenEndpoint);
    }
    if !url.same_origin(issuer) {
        return Err(TokenFailure::ForeignTokenEndpoint);
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_stay_on_the_issuers_origin() {
        let issuer = HttpUrl::parse("https://i/t").unwrap();
        let endpoint = |member: &str| {
            let document = format!("{{{member}}}");
            token_endpoint(&Object::parse(document.as_bytes(), 4).unwrap(), &issuer)
        };
        assert_eq!(
            endpoint(r#""token_endpoint":"https://i/token""#),
            Ok("https://i/token".into())
        );
        for (member, failure) in [
            ("", TokenFailure::NoTokenEndpoint),
            (r#""token_endpoint":7"#, TokenFailure::NoTokenEndpoint),
            (
                r#""token_endpoint":"/token""#,
                TokenFailure::NoTokenEndpoint,
            ),
            (
                r#""token_endpoint":"http://i/token""#,
                TokenFailure::NoTokenEndpoint,
            ),
            (
                r#""token_endpoint":"https://i@evil/token""#,
                TokenFailure::NoTokenEndpoint,
            ),
            (
                r#""token_endpoint":"https://evil.example/token""#,
                TokenFailure::ForeignTokenEndpoint,
            ),
            (
                r#""token_endpoint":"https://i:444/token""#,
                TokenFailure::ForeignTokenEndpoint,
            ),
        ] {
            assert_eq!(endpoint(member), Err(failure), "{member}");
        }
    }
}
