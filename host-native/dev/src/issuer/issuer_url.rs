//! The issuer's identifier (RFC 8414, section 2).

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

/// An issuer's URL, or how to build it once the port is known.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum IssuerUrl {
    /// The origin of the address, such as `http://127.0.0.1:9400`.
    #[default]
    Origin,
    /// The origin with this path, which begins with a slash.
    Path(String),
    /// This URL. The endpoints are at its path; the caller must make it reachable.
    Url(String),
}

/// A text that is not an issuer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct IssuerUrlError;

impl fmt::Display for IssuerUrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the issuer must be an http or https URL without query and fragment, or a path such \
             as /tenant of letters, digits, '-', '.', '_' and '~'",
        )
    }
}

impl std::error::Error for IssuerUrlError {}

impl FromStr for IssuerUrl {
    type Err = IssuerUrlError;

    fn from_str(text: &str) -> Result<Self, IssuerUrlError> {
        let plain = |path: &str| {
            path.split('/').all(|s| s != "." && s != "..")
                && !path.contains("//")
                && path
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"/-._~".contains(&b))
        };
        if text.starts_with('/') {
            return if plain(text) {
                Ok(Self::Path(text.to_owned()))
            } else {
                Err(IssuerUrlError)
            };
        }
        let url = url::Url::parse(text).map_err(|_| IssuerUrlError)?;
        let usable = matches!(url.scheme(), "http" | "https")
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
            && plain(url.path());
        if usable {
            Ok(Self::Url(text.to_owned()))
        } else {
            Err(IssuerUrlError)
        }
    }
}

impl IssuerUrl {
    pub(super) fn resolve(&self, address: SocketAddr) -> String {
        match self {
            Self::Origin => format!("http://{address}"),
            Self::Path(path) => format!("http://{address}{path}"),
            Self::Url(url) => url.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_urls() {
        assert_eq!("/tenant".parse(), Ok(IssuerUrl::Path("/tenant".into())));
        let url = "https://login.example.com/t/1";
        assert_eq!(url.parse(), Ok(IssuerUrl::Url(url.into())));
        for bad in [
            "tenant",
            "/a/../b",
            "/a//b",
            "/{x}",
            "ftp://a",
            "http://a?b",
            "http://a#b",
        ] {
            assert_eq!(bad.parse::<IssuerUrl>(), Err(IssuerUrlError), "{bad}");
        }
    }
}
