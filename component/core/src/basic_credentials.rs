//! The `Basic` credentials of a client (RFC 6749 section 2.3.1, RFC 7617).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use form_urlencoded::byte_serialize;

use crate::capability::Header;
use crate::secret::Secret;

/// The header `Authorization`. Id and secret are form-encoded first.
pub(crate) fn basic_credentials(id: &str, secret: &Secret) -> Header {
    let encode = |text: &str| -> String { byte_serialize(text.as_bytes()).collect() };
    let pair = format!("{}:{}", encode(id), encode(secret.expose()));
    let value = format!("Basic {}", STANDARD.encode(pair));
    ("authorization".to_owned(), value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_credentials_are_form_encoded() {
        let pair = |id, secret| {
            let (name, value) = basic_credentials(id, &Secret::new(secret));
            assert_eq!(name, "authorization");
            let encoded = value.strip_prefix("Basic ").unwrap();
            String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap()
        };
        assert_eq!(pair("demo", "demo-secret"), "demo:demo-secret");
        assert_eq!(pair("id:with", "a b+c%é"), "id%3Awith:a+b%2Bc%25%C3%A9");
    }
}
