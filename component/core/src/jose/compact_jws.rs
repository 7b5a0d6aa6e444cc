//! The compact serialization of a signed token (RFC 7515 section 7.1).

use std::fmt::{self, Debug, Formatter};
use std::rc::Rc;

use super::{JwsError, JwsHeader, KnownHeaders, base64url, limits};

/// A compact JWS whose form was checked, but not its signature.
///
/// `Debug` shows only the header's algorithm: unverified content must not be logged, and a verified
/// token is a credential.
pub struct CompactJws<'a> {
    header_text: &'a str,
    header: Rc<JwsHeader>,
    payload: Vec<u8>,
    signing_input: &'a [u8],
    signature: Vec<u8>,
}

impl<'a> CompactJws<'a> {
    /// Parses a token, and makes all checks that need no key, cheapest first.
    ///
    /// # Errors
    /// The first rule that the token breaks.
    pub fn parse(token: &'a str) -> Result<Self, JwsError> {
        Self::parse_with(token, &KnownHeaders::default())
    }

    /// [`Self::parse`], where headers that are known need not be parsed again.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_with(token: &'a str, known: &KnownHeaders) -> Result<Self, JwsError> {
        if token.len() > limits::TOKEN_BYTES {
            return Err(JwsError::TooLarge);
        }
        let mut parts = token.splitn(6, '.');
        let (Some(header_text), Some(payload), Some(signature)) =
            (parts.next(), parts.next(), parts.next())
        else {
            return Err(JwsError::NotThreeParts);
        };
        match parts.count() {
            0 => {}
            2 => return Err(JwsError::Encrypted),
            _ => return Err(JwsError::NotThreeParts),
        }
        let signing_input = &token.as_bytes()[..header_text.len() + 1 + payload.len()];
        let header = known.read(header_text)?;
        let signature = base64url::decode(signature).ok_or(JwsError::Base64)?;
        let fits = match header.algorithm.signature_len() {
            Some(len) => signature.len() == len,
            None => rsa_signature_len(signature.len()),
        };
        if !fits {
            return Err(JwsError::SignatureLength);
        }
        let payload = base64url::decode(payload).ok_or(JwsError::Base64)?;
        Ok(Self {
            header_text,
            header,
            payload,
            signing_input,
            signature,
        })
    }

    /// The header.
    #[must_use]
    pub fn header(&self) -> &JwsHeader {
        &self.header
    }

    /// Makes the header known. For verified tokens only: others would displace those that matter.
    pub fn keep_header(&self, known: &KnownHeaders) {
        known.keep(self.header_text, &self.header);
    }

    /// The decoded payload: any bytes, possibly none.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The signed text: header and payload as in the token, with the dot.
    #[must_use]
    pub const fn signing_input(&self) -> &[u8] {
        self.signing_input
    }

    /// The signature, of a length that fits the algorithm.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// The payload, by value. It is empty from then on.
    #[must_use]
    pub fn take_payload(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.payload)
    }
}

/// Whether an acceptable RSA modulus has this many bytes.
fn rsa_signature_len(len: usize) -> bool {
    (limits::RSA_BITS.start() / 8..=limits::RSA_BITS.end() / 8).contains(&len)
}

impl Debug for CompactJws<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let algorithm = &self.header.algorithm;
        out.debug_struct("CompactJws")
            .field("algorithm", algorithm)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::Algorithm;
    use crate::json::JsonError;

    fn token(header: &str) -> String {
        let part = base64url::encode;
        format!(
            "{}.{}.{}",
            part(header.as_bytes()),
            part(b"{}"),
            part(&[1; 64])
        )
    }

    fn parse(header: &str) -> Result<JwsHeader, JwsError> {
        CompactJws::parse(&token(header)).map(|jws| jws.header().clone())
    }

    #[test]
    fn parts_are_counted() {
        for (text, error) in [
            ("", JwsError::NotThreeParts),
            ("a", JwsError::NotThreeParts),
            ("a.b", JwsError::NotThreeParts),
            ("a.b.c.d", JwsError::NotThreeParts),
            ("a.b.c.d.e", JwsError::Encrypted),
            ("....", JwsError::Encrypted),
            ("a.b.c.d.e.f", JwsError::NotThreeParts),
            (".........", JwsError::NotThreeParts),
        ] {
            assert_eq!(CompactJws::parse(text).err(), Some(error), "{text}");
        }
    }

    #[test]
    fn size_is_bounded_first() {
        // Of two lengths of the header, one leaves a length that base64url can have.
        let sizes = |len: usize| {
            ["", " "].map(|space| {
                let token = token(&format!(r#"{{"alg":"ES256"{space}}}"#));
                let (head, signature) = token.rsplit_once('.').unwrap();
                let payload = "A".repeat(len - token.len());
                CompactJws::parse(&format!("{head}{payload}.{signature}")).err()
            })
        };
        assert!(sizes(limits::TOKEN_BYTES).contains(&None));
        let too_large = Some(JwsError::TooLarge);
        assert_eq!(sizes(limits::TOKEN_BYTES + 1), [too_large; 2]);
        let error = CompactJws::parse(&".".repeat(1 << 20)).err();
        assert_eq!(error, Some(JwsError::TooLarge));
    }

    #[test]
    fn parts_are_strict_base64url() {
        let good = token(r#"{"alg":"ES256"}"#);
        let parts: Vec<&str> = good.split('.').collect();
        assert!(CompactJws::parse(&good).is_ok());
        for place in 0..3 {
            for bad in ["=", " ", "\n", "+", "/", "\u{e9}", "\0"] {
                for part in [
                    format!("{}{bad}", parts[place]),
                    format!("{bad}{}", parts[place]),
                ] {
                    let mut parts = parts.clone();
                    parts[place] = &part;
                    let token = parts.join(".");
                    let error = CompactJws::parse(&token).err();
                    assert_eq!(error, Some(JwsError::Base64), "{place} {bad:?}");
                }
            }
        }
        // Same bytes, but bits left over.
        let stray = format!("{}.{}.{}", parts[0], "e31", parts[2]);
        assert_eq!(CompactJws::parse(&stray).err(), Some(JwsError::Base64));
    }

    #[test]
    fn header_is_an_object_with_members_once() {
        for (header, error) in [
            ("", JsonError::Syntax),
            ("\"ES256\"", JsonError::NotAnObject),
            ("[{\"alg\":\"ES256\"}]", JsonError::NotAnObject),
            ("{\"alg\":\"ES256\"}x", JsonError::Syntax),
            (
                "{\"alg\":\"ES256\",\"alg\":\"ES256\"}",
                JsonError::DuplicateMember,
            ),
            (
                "{\"alg\":\"ES256\",\"jwk\":{\"x\":1,\"x\":2}}",
                JsonError::DuplicateMember,
            ),
            ("{\"alg\":\"ES256\",\"a\":[[[[[]]]]]}", JsonError::TooDeep),
        ] {
            assert_eq!(parse(header), Err(JwsError::Header(error)), "{header}");
        }
        let invalid = format!("{}..{}", base64url::encode(b"{\"\xff\":1}"), "");
        let error = JwsError::Header(JsonError::Syntax);
        assert_eq!(CompactJws::parse(&invalid).err(), Some(error));
    }

    #[test]
    fn parameters_are_checked() {
        let long_kid = format!(r#"{{"alg":"ES256","kid":"{}"}}"#, "k".repeat(1025));
        let long_typ = format!(r#"{{"alg":"ES256","typ":"{}"}}"#, "t".repeat(256));
        for (header, error) in [
            ("{}", JwsError::MissingAlgorithm),
            (r#"{"alg":null}"#, JwsError::BadParameter("alg")),
            (r#"{"alg":["ES256"]}"#, JwsError::BadParameter("alg")),
            (r#"{"alg":"none"}"#, JwsError::UnsupportedAlgorithm),
            (r#"{"alg":"HS256"}"#, JwsError::UnsupportedAlgorithm),
            (r#"{"alg":"es256"}"#, JwsError::UnsupportedAlgorithm),
            (
                r#"{"alg":"ES256\r\nSet-Cookie: a"}"#,
                JwsError::UnsupportedAlgorithm,
            ),
            (r#"{"alg":"ES256\u0000"}"#, JwsError::UnsupportedAlgorithm),
            (r#"{"alg":"ES256","crit":[]}"#, JwsError::Critical),
            (
                r#"{"alg":"ES256","crit":["exp"],"exp":1}"#,
                JwsError::Critical,
            ),
            (
                r#"{"alg":"ES256","crit":["b64"],"b64":true}"#,
                JwsError::Critical,
            ),
            (
                r#"{"alg":"ES256","crit":["b64"],"b64":false}"#,
                JwsError::Critical,
            ),
            (r#"{"alg":"ES256","crit":"b64"}"#, JwsError::Critical),
            (r#"{"alg":"ES256","crit":null}"#, JwsError::Critical),
            (r#"{"alg":"ES256","b64":false}"#, JwsError::UnencodedPayload),
            (r#"{"alg":"ES256","b64":null}"#, JwsError::UnencodedPayload),
            (
                r#"{"alg":"ES256","b64":"true"}"#,
                JwsError::UnencodedPayload,
            ),
            (r#"{"alg":"ES256","kid":1}"#, JwsError::BadParameter("kid")),
            (
                r#"{"alg":"ES256","kid":null}"#,
                JwsError::BadParameter("kid"),
            ),
            (&long_kid, JwsError::BadParameter("kid")),
            (r#"{"alg":"ES256","typ":{}}"#, JwsError::BadParameter("typ")),
            (&long_typ, JwsError::BadParameter("typ")),
            (r#"{"alg":"RS256"}"#, JwsError::SignatureLength),
            (r#"{"alg":"ES384"}"#, JwsError::SignatureLength),
        ] {
            assert_eq!(parse(header), Err(error), "{header}");
        }
    }

    #[test]
    fn unusual_but_harmless_headers_are_accepted() {
        let header = r#"{"alg":"EdDSA","b64":true,"kid":"\r\n\"\u0000é","typ":"at+jwt","jku":1}"#;
        let parsed = parse(header).unwrap();
        assert_eq!(parsed.algorithm, Algorithm::EdDsa);
        assert_eq!(parsed.kid.as_deref(), Some("\r\n\"\0é"));
        assert_eq!(parsed.typ.as_deref(), Some("at+jwt"));
    }

    #[test]
    fn debug_shows_no_text_of_the_token() {
        let token = token(r#"{"alg":"ES256","kid":"secret-kid"}"#);
        let jws = CompactJws::parse(&token).unwrap();
        assert_eq!(format!("{jws:?}"), "CompactJws { algorithm: Es256, .. }");
    }
}
