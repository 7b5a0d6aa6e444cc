//! A `client_id` that is a URL (draft-ietf-oauth-client-id-metadata-document section 3): which ones
//! the server fetches, and why it refuses them or what it finds there.

use super::client::GrantType;
use super::client_metadata_failure::ClientMetadataFailure;
use super::clients::ID_BYTES;
use super::rejection::Description;
use super::special_use::is_public_name;
use crate::http_url::HttpUrl;

/// Which documents are accepted.
#[derive(Debug)]
pub(super) struct DocumentRules {
    /// `None`: any public host.
    pub(super) hosts: Option<Vec<String>>,
    pub(super) queries: bool,
    pub(super) grant_types: Vec<GrantType>,
    /// The scopes that the clients may have. `None`: all of the server's.
    pub(super) scopes: Option<Vec<String>>,
}

/// Why a client ID metadata document is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetadataDocumentFailure {
    /// The `client_id` is not a URL as the draft requires: `https`, a path, no user name, no
    /// fragment, no dot segments, and no query unless the configuration allows it.
    Url,
    /// Its host is an address or a name of a local network, or is not one of the configuration.
    Host,
    /// There is no document (404 or 410), or a redirect, which is not followed.
    NotFound,
    /// Longer than the limit.
    TooLarge,
    /// Not `application/json`, or a type that ends in `+json`.
    ContentType,
    /// Its `client_id` is not exactly its URL.
    ClientId,
    /// `client_name` is missing.
    Name,
    /// It has a secret, or names a method that needs one.
    Secret,
    /// Its metadata is refused.
    Metadata(ClientMetadataFailure),
}

impl MetadataDocumentFailure {
    /// A description, and a name for logs.
    pub(super) fn wire(self) -> (Description, &'static str) {
        use Description::Text;
        match self {
            Self::Url => (
                Text(
                    "client_id: a URL must be https with a path, and have no user name, fragment, \
                     query or dot segments",
                ),
                "metadata-document-url",
            ),
            Self::Host => (
                Text("client_id: the server does not fetch documents from this host"),
                "metadata-document-host",
            ),
            Self::NotFound => (
                Text("client_id: there is no document at this URL (redirects are not followed)"),
                "metadata-document-not-found",
            ),
            Self::TooLarge => (
                Text("client_id: the document is longer than 16 KB"),
                "metadata-document-too-large",
            ),
            Self::ContentType => (
                Text("client_id: the document is not application/json"),
                "metadata-document-content-type",
            ),
            Self::ClientId => (
                Text("client_id: the document names another client_id than its URL"),
                "metadata-document-client-id",
            ),
            Self::Name => (
                Text("client_id: the document has no client_name"),
                "metadata-document-name",
            ),
            Self::Secret => (
                Text("client_id: a document cannot have a secret or a method that needs one"),
                "metadata-document-secret",
            ),
            Self::Metadata(failure) => {
                let (_, description, reason) = failure.wire();
                (description, reason)
            }
        }
    }
}

use MetadataDocumentFailure as Failure;

/// Whether a `client_id` is a URL. The server itself gives out no such ids.
pub(super) fn is_url(client_id: &str) -> bool {
    client_id.starts_with("https://")
}

/// Whether the server fetches a document from this URL.
pub(super) fn check_url(text: &str, rules: &DocumentRules) -> Result<(), Failure> {
    if text.len() > ID_BYTES {
        return Err(Failure::Url);
    }
    let url = HttpUrl::parse(text).map_err(|_| Failure::Url)?;
    let is_dot = |segment: &str| {
        let plain = segment.to_ascii_lowercase().replace("%2e", ".");
        plain == "." || plain == ".."
    };
    if url.path() == "/" || url.path().split('/').any(is_dot) || !is_encoded(text) {
        return Err(Failure::Url);
    }
    if url.query().is_some() && !rules.queries {
        return Err(Failure::Url);
    }
    let is_listed = |hosts: &Vec<String>| hosts.iter().any(|host| host == url.host());
    if is_public_name(url.host()) && rules.hosts.as_ref().is_none_or(is_listed) {
        Ok(())
    } else {
        Err(Failure::Host)
    }
}

/// Whether each `%` begins an octet (RFC 3986 section 2.1).
fn is_encoded(text: &str) -> bool {
    let mut parts = text.split('%');
    parts.next();
    parts.all(|part| {
        let octet = part.as_bytes().first_chunk::<2>();
        octet.is_some_and(|octet| octet.iter().all(u8::is_ascii_hexdigit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: DocumentRules = DocumentRules {
        hosts: None,
        queries: false,
        grant_types: Vec::new(),
        scopes: None,
    };

    #[test]
    fn only_urls_as_the_draft_has_them_are_fetched() {
        for good in [
            "https://app.example/client.json",
            "https://app.example:8443/a/",
            "https://app.example/a%20b",
        ] {
            assert_eq!(check_url(good, &RULES), Ok(()), "{good}");
        }
        let long = format!("https://app.example/{}", "a".repeat(ID_BYTES));
        for bad in [
            "https://app.example",
            "https://app.example/",
            "https://app.example/a#b",
            "https://app.example/a?b",
            "https://user@app.example/a",
            "https://app.example/./a",
            "https://app.example/a/..",
            "https://app.example/%2e%2E/a",
            "https://app.example/.%2e",
            "https://app.example/a%",
            "https://app.example/a%2",
            "https://app.example/a%zz",
            "https://app.example/a b",
            &long,
        ] {
            assert_eq!(check_url(bad, &RULES), Err(Failure::Url), "{bad}");
        }
        assert!(is_url("https://app.example/a"));
        assert!(!is_url("http://app.example/a"));
        assert!(!is_url("app"));
    }

    #[test]
    fn queries_and_hosts_are_options() {
        let rules = DocumentRules {
            hosts: Some(vec!["app.example".to_owned()]),
            queries: true,
            ..RULES
        };
        assert_eq!(check_url("https://app.example/a?b=%20", &rules), Ok(()));
        for other in ["https://other.example/a", "https://a.app.example/a"] {
            assert_eq!(check_url(other, &rules), Err(Failure::Host), "{other}");
        }
    }

    #[test]
    fn local_hosts_are_refused() {
        for host in [
            "127.0.0.1",
            "localhost",
            "[::1]",
            "10.0.0.1:8443",
            "a.internal",
        ] {
            let url = format!("https://{host}/a");
            assert_eq!(check_url(&url, &RULES), Err(Failure::Host), "{url}");
        }
    }
}
