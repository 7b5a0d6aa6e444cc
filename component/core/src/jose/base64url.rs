//! Base64url as JOSE uses it (RFC 4648 section 5, RFC 7515 section 2 and appendix C).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Decodes strictly: no padding, no white space, nothing outside the alphabet, and unused bits must
/// be zero. So every byte string has exactly one text, and no two texts are the same token.
///
/// The length is not checked.
#[must_use]
pub fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Encodes without padding.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_encodings_of_the_same_bytes_are_refused() {
        for text in [
            "YQ==", "YQ=", "YR", "YWJ", "YWK", "Y", "YWJjZ", " YQ", "YQ ", "YQ\n", "Y Q",
            "YWJj\r\n", "-_8=", "+/8", "+_8", "-/8", "YQ\0", "YÄ", "YQ.", "=", "====",
        ] {
            assert_eq!(decode(text), None, "{text:?}");
        }
    }

    #[test]
    fn every_value_has_one_encoding() {
        // RFC 4648 section 10, without padding, and RFC 7515 appendix C.
        for (bytes, text) in [
            (&b""[..], ""),
            (b"f", "Zg"),
            (b"fo", "Zm8"),
            (b"foo", "Zm9v"),
            (b"foob", "Zm9vYg"),
            (b"fooba", "Zm9vYmE"),
            (b"foobar", "Zm9vYmFy"),
            (&[3, 236, 255, 224, 193], "A-z_4ME"),
        ] {
            assert_eq!(encode(bytes), text);
            assert_eq!(decode(text).as_deref(), Some(bytes));
        }
        // Texts of four letters with the same beginning never decode to the same bytes.
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let texts = alphabet
            .chars()
            .flat_map(|a| alphabet.chars().map(move |b| format!("{a}{b}")));
        let mut seen: Vec<_> = texts.filter_map(|text| decode(&text)).collect();
        assert_eq!(seen.len(), 256);
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 256);
    }
}
