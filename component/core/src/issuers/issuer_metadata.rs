//! Authorization server metadata (RFC 8414, OpenID Connect Discovery 1.0).

use super::FetchError;
use crate::http_url::HttpUrl;
use crate::json::Object;
use crate::limits;

/// A discovery document that names the issuer it was fetched for.
#[derive(Debug)]
pub struct IssuerMetadata {
    document: Object<'static>,
    text: String,
}

impl IssuerMetadata {
    /// Parses a document, and compares its `issuer` by code points (RFC 8414 section 3.3).
    ///
    /// Endpoints other than `jwks_uri` are not checked here. Their users check them.
    ///
    /// # Errors
    /// [`FetchError::NotJson`] or [`FetchError::IssuerMismatch`].
    pub fn parse(issuer: &str, body: &[u8]) -> Result<Self, FetchError> {
        let text = std::str::from_utf8(body).map_err(|_| FetchError::NotJson)?;
        let document = Object::parse(body, limits::JSON_DEPTH).map_err(|_| FetchError::NotJson)?;
        if document.get("issuer").and_then(|value| value.as_str()) != Some(issuer) {
            return Err(FetchError::IssuerMismatch);
        }
        Ok(Self {
            document: document.into_owned(),
            text: text.to_owned(),
        })
    }

    /// The members.
    #[must_use]
    pub fn document(&self) -> &Object<'_> {
        &self.document
    }

    /// The document for publishing, as the issuer wrote it: no number is rounded, and nothing is
    /// left out.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The URL of the keys.
    ///
    /// # Errors
    /// There is none, it is plain HTTP, or it is on another origin than the issuer and
    /// `cross_origin` is false.
    pub fn keys_uri(&self, issuer: &HttpUrl, cross_origin: bool) -> Result<String, FetchError> {
        let text = self
            .document
            .get("jwks_uri")
            .and_then(|value| value.as_str());
        let text = text.ok_or(FetchError::NoKeysUri)?;
        let uri = HttpUrl::parse(text).map_err(|_| FetchError::NoKeysUri)?;
        if !uri.is_trustworthy() {
            return Err(FetchError::NoKeysUri);
        }
        if !cross_origin && !uri.same_origin(issuer) {
            return Err(FetchError::CrossOriginKeys);
        }
        Ok(text.to_owned())
    }
}

/// The URLs of an issuer's metadata, in the order of MCP authorization: RFC 8414 section 3.1, then
/// OpenID with the path inserted, then OpenID with the path before.
pub(super) fn locations(issuer: &HttpUrl) -> Vec<String> {
    let origin = issuer.origin();
    let path = issuer.path().trim_end_matches('/');
    let mut urls = vec![
        format!("{origin}/.well-known/oauth-authorization-server{path}"),
        format!("{origin}/.well-known/openid-configuration{path}"),
    ];
    if !path.is_empty() {
        urls.push(format!("{origin}{path}/.well-known/openid-configuration"));
    }
    urls
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> HttpUrl {
        HttpUrl::parse(text).unwrap()
    }

    #[test]
    fn metadata_has_three_locations() {
        let expected: [&str; 3] = [
            "https://a/.well-known/oauth-authorization-server/t1",
            "https://a/.well-known/openid-configuration/t1",
            "https://a/t1/.well-known/openid-configuration",
        ];
        assert_eq!(locations(&url("https://a/t1")), expected);
        assert_eq!(locations(&url("https://a/t1/")), expected);
        assert_eq!(locations(&url("https://a")).len(), 2);
        assert_eq!(locations(&url("https://a/")), locations(&url("https://a")));
    }

    #[test]
    fn refuses_a_document_of_another_issuer() {
        let parse = |body: &str| IssuerMetadata::parse("https://a", body.as_bytes()).err();
        assert_eq!(parse(r#"{"issuer":"https://a"}"#), None);
        assert_eq!(
            parse(r#"{"issuer":"https://a/"}"#),
            Some(FetchError::IssuerMismatch)
        );
        assert_eq!(
            parse(r#"{"issuer":["https://a"]}"#),
            Some(FetchError::IssuerMismatch)
        );
        assert_eq!(parse("{}"), Some(FetchError::IssuerMismatch));
        assert_eq!(parse("<html>"), Some(FetchError::NotJson));
        assert_eq!(
            parse(r#"{"issuer":"https://b","issuer":"https://a"}"#),
            Some(FetchError::NotJson)
        );
    }

    #[test]
    fn keys_stay_on_the_issuers_origin() {
        let keys = |uri: &str, cross| {
            let body = format!(r#"{{"issuer":"https://a","jwks_uri":{uri}}}"#);
            let metadata = IssuerMetadata::parse("https://a", body.as_bytes()).unwrap();
            metadata.keys_uri(&url("https://a"), cross)
        };
        assert_eq!(
            keys("\"https://a/jwks\"", false),
            Ok("https://a/jwks".into())
        );
        assert_eq!(
            keys("\"https://b/jwks\"", false),
            Err(FetchError::CrossOriginKeys)
        );
        assert_eq!(
            keys("\"https://b/jwks\"", true),
            Ok("https://b/jwks".into())
        );
        assert_eq!(keys("\"http://b/jwks\"", true), Err(FetchError::NoKeysUri));
        assert_eq!(keys("\"file:///jwks\"", true), Err(FetchError::NoKeysUri));
        assert_eq!(keys("7", false), Err(FetchError::NoKeysUri));
    }
}
