//! Who the client is that sends a request (RFC 6749 section 2.3, RFC 7523).

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::client::{AuthenticationMethod, Client};
use super::client_assertion::UnverifiedAssertion;
use super::client_rejection::ClientAuthenticationFailure as Failure;
use super::issuer::Request;
use super::parameters::Parameters;
use super::rejection::Rejection;
use super::sealing::{self, constant_time_eq};
use super::server::Server;
use crate::secret::Secret;

/// `Authorization`: an id and a secret, each octet perhaps as three.
const HEADER_BYTES: usize = 12 * 1024;

/// `token68` of a Basic header, with or without `=` at its end.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What a request says about its client.
enum Credentials<'a> {
    None { client_id: &'a str },
    Basic { client_id: String, secret: Secret },
    Post { client_id: &'a str, secret: Secret },
    Assertion(UnverifiedAssertion<'a>),
}

impl Server {
    /// The client, if it proved who it is by the method that it registered.
    pub(super) async fn authenticate_client(
        &self,
        request: &Request,
        form: &Parameters,
    ) -> Result<Client, Rejection> {
        let credentials = self.credentials(request, form)?;
        let client = match self.client(credentials.client_id()).await {
            Ok(client) => client,
            Err(rejection) => {
                // As much work as for a client that exists.
                if let Some(secret) = credentials.secret() {
                    let _ = constant_time_eq(&sealing::hash(secret.expose()), &sealing::hash(""));
                }
                return Err(rejection);
            }
        };
        use AuthenticationMethod as Method;
        match (&credentials, client.authentication) {
            (Credentials::None { .. }, Method::None) => Ok(client),
            (Credentials::None { .. }, _) => Err(Failure::Missing.into()),
            (
                Credentials::Basic { secret, .. },
                Method::ClientSecret | Method::ClientSecretBasic,
            )
            | (Credentials::Post { secret, .. }, Method::ClientSecret | Method::ClientSecretPost) => {
                if client.has_secret(secret, self.storage.now()) {
                    Ok(client)
                } else {
                    Err(Failure::WrongSecret.into())
                }
            }
            (Credentials::Assertion(assertion), Method::PrivateKeyJwt) => {
                self.check_assertion(&client, assertion).await?;
                Ok(client)
            }
            _ => Err(Failure::WrongMethod.into()),
        }
    }

    /// The only credentials of a request.
    fn credentials<'a>(
        &self,
        request: &Request,
        form: &'a Parameters,
    ) -> Result<Credentials<'a>, Rejection> {
        let header = authorization(request)?;
        let (secret, assertion) = (form.get("client_secret"), form.get("client_assertion"));
        let given = [header.is_some(), secret.is_some(), assertion.is_some()];
        if given.into_iter().filter(|given| *given).count() > 1 {
            return Err(Failure::TwoMethods.into());
        }
        let named = form.get("client_id");
        if let Some(header) = header {
            let (client_id, secret) = basic(header).ok_or(Failure::BadHeader)?;
            check_same_client(named, &client_id)?;
            return Ok(Credentials::Basic { client_id, secret });
        }
        let assertion_type = form.get("client_assertion_type");
        if let Some(text) = assertion {
            let missing = Rejection::MissingParameter("client_assertion_type");
            let assertion = self.read_assertion(assertion_type.ok_or(missing)?, text)?;
            check_same_client(named, &assertion.client_id)?;
            return Ok(Credentials::Assertion(assertion));
        }
        if assertion_type.is_some() {
            return Err(Rejection::MissingParameter("client_assertion"));
        }
        let client_id = form.required("client_id")?;
        Ok(match secret {
            Some(secret) => Credentials::Post {
                client_id,
                secret: Secret::new(secret),
            },
            None => Credentials::None { client_id },
        })
    }
}

impl Credentials<'_> {
    fn client_id(&self) -> &str {
        match self {
            Self::None { client_id } | Self::Post { client_id, .. } => client_id,
            Self::Basic { client_id, .. } => client_id,
            Self::Assertion(assertion) => &assertion.client_id,
        }
    }

    fn secret(&self) -> Option<&Secret> {
        match self {
            Self::Basic { secret, .. } | Self::Post { secret, .. } => Some(secret),
            Self::None { .. } | Self::Assertion(_) => None,
        }
    }
}

/// `client_id` in the form may repeat the id of the credentials, and no other.
fn check_same_client(named: Option<&str>, client_id: &str) -> Result<(), Rejection> {
    if named.is_none_or(|named| named == client_id) {
        Ok(())
    } else {
        Err(Rejection::BadParameter("client_id"))
    }
}

/// The only `Authorization`.
fn authorization(request: &Request) -> Result<Option<&str>, Failure> {
    let mut values = request.header_values("authorization");
    let (value, other) = (values.next(), values.next());
    match value {
        _ if other.is_some() => Err(Failure::BadHeader),
        Some(value) if value.len() > HEADER_BYTES => Err(Failure::BadHeader),
        value => Ok(value),
    }
}

/// RFC 7617, with the id and the secret encoded as in a form (RFC 6749 section 2.3.1).
fn basic(header: &str) -> Option<(String, Secret)> {
    let (scheme, token) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = BASE64.decode(token.trim_matches(' ')).ok()?;
    let text = String::from_utf8(text).ok()?;
    let (client_id, secret) = text.split_once(':')?;
    let (client_id, secret) = (form_decoded(client_id)?, form_decoded(secret)?);
    if client_id.is_empty() || secret.is_empty() {
        return None;
    }
    Some((client_id, Secret::new(secret)))
}

fn form_decoded(text: &str) -> Option<String> {
    if text.contains(['&', '=']) {
        // These separate fields: an encoded text has none. It may be a secret that was not encoded,
        // which is then taken as it is.
        return Some(text.to_owned());
    }
    // As the name of a field without a value.
    let mut fields = form_urlencoded::parse(text.as_bytes());
    let decoded = fields.next().map(|(name, _)| name.into_owned());
    Some(decoded.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: &str) -> Option<(String, String)> {
        basic(header).map(|(id, secret)| (id, secret.into_exposed()))
    }

    fn encoded(text: &str) -> String {
        format!("Basic {}", BASE64.encode(text))
    }

    #[test]
    fn ids_and_secrets_are_encoded_as_in_a_form() {
        let both = |id: &str, secret: &str| Some((id.to_owned(), secret.to_owned()));
        assert_eq!(read(&encoded("app:secret")), both("app", "secret"));
        assert_eq!(read(&encoded("a%3Ab:s%25+c%C3%A9")), both("a:b", "s% cé"));
        assert_eq!(read(&encoded("app:a:b")), both("app", "a:b"));
        // What is not encoded at all, where that cannot be misread.
        assert_eq!(read(&encoded("app:ab/c==")), both("app", "ab/c=="));
        assert_eq!(read(&encoded("app:a%zz")), both("app", "a%zz"));
    }

    #[test]
    fn the_scheme_has_no_case_and_padding_is_optional() {
        let expected = Some(("app".to_owned(), "se".to_owned()));
        for header in ["Basic YXBwOnNl", "bAsIC  YXBwOnNl ", "Basic YXBwOnNl"] {
            assert_eq!(read(header), expected, "{header}");
        }
        assert!(read("Basic YXBwOnM=").is_some());
        assert!(read("Basic YXBwOnM").is_some());
    }

    #[test]
    fn headers_that_cannot_be_read_are_refused() {
        for bad in [
            "",
            "Basic",
            "Basic ",
            "Bearer YXBwOnNl",
            "BasicYXBwOnNl",
            "Basic YXBwOnNl, Basic YXBwOnNl",
            "Basic YXBw_nNl",
            "Basic YXBwOnNl=",
            "Basic /w==",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
        assert_eq!(read(&encoded("app")), None);
        assert_eq!(read(&encoded(":secret")), None);
        assert_eq!(read(&encoded("app:")), None);
    }
}
