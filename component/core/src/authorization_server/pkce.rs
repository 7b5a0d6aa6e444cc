//! Proof key for code exchange (RFC 7636). Only the method `S256`.

use sha2::{Digest, Sha256};

use super::sealing::constant_time_eq;
use crate::jose::base64url;

/// Whether a text has the form of an `S256` challenge: a SHA-256 in base64url.
pub(super) fn is_challenge(text: &str) -> bool {
    text.len() == 43 && base64url::decode(text).is_some()
}

/// Whether a verifier has the form of section 4.1 and belongs to a challenge.
pub(super) fn verifies(verifier: &str, challenge: &str) -> bool {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    (43..=128).contains(&verifier.len())
        && verifier.bytes().all(unreserved)
        && constant_time_eq(
            &base64url::encode(&Sha256::digest(verifier.as_bytes())),
            challenge,
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7636 appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn the_verifier_of_the_specification_verifies() {
        assert!(is_challenge(CHALLENGE));
        assert!(verifies(VERIFIER, CHALLENGE));
        assert!(!verifies(&VERIFIER.to_lowercase(), CHALLENGE));
    }

    #[test]
    fn verifiers_have_43_to_128_unreserved_characters() {
        let challenge = |verifier: &str| base64url::encode(&Sha256::digest(verifier.as_bytes()));
        for good in ["a".repeat(43), "~".repeat(128)] {
            assert!(verifies(&good, &challenge(&good)), "{good}");
        }
        for bad in [
            "a".repeat(42),
            "a".repeat(129),
            "+".repeat(50),
            "ä".repeat(40),
        ] {
            assert!(!verifies(&bad, &challenge(&bad)), "{bad}");
        }
    }

    #[test]
    fn challenges_are_hashes() {
        for bad in ["", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-c", "plain"] {
            assert!(!is_challenge(bad), "{bad}");
        }
        assert!(!is_challenge(&"=".repeat(43)));
        assert!(!is_challenge(&CHALLENGE.replace('-', "+")));
    }
}
