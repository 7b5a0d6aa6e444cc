//! Thumbprints (RFC 7638). They are in no response, so core is called directly.

use tollgate_core::jose::VerifyingKey;
use tollgate_core::json::Object;

use super::VectorSet;
use crate::base64url;

pub(super) const ID: &str = "rfc7638-thumbprints";

/// RFC 7638 section 3.1, and RFC 8037 appendix A.3; the first also with members in another order
/// and with members that do not count.
const CASES: [(&str, &str, &str); 3] = [
    (
        "RFC 7638 section 3.1",
        RSA_KEY,
        "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
    ),
    (
        "other order, other members",
        RSA_KEY_AGAIN,
        "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
    ),
    (
        "RFC 8037 appendix A.3",
        r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
        "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
    ),
];

const RSA_KEY: &str = concat!(
    r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFF"#,
    r#"xuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65"#,
    r#"YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhA"#,
    r#"I4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","#,
    r#""alg":"RS256","kid":"2011-04-29"}"#
);
const RSA_KEY_AGAIN: &str = concat!(
    r#"{"kid":"x","e":"AQAB","use":"sig","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbf"#,
    r#"AAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_"#,
    r#"RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbIS"#,
    r#"D08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnq"#,
    r#"DKgw","kty":"RSA"}"#
);

pub(super) fn run() -> VectorSet {
    let mut set = VectorSet::new(ID, "RFC 7638 section 3.1, RFC 8037 appendix A.3");
    for (name, jwk, expected) in CASES {
        let key = Object::parse(jwk.as_bytes(), 4)
            .ok()
            .and_then(|jwk| VerifyingKey::from_jwk(&jwk).ok());
        set.total += 1;
        match key.map(|key| base64url(&key.thumbprint())) {
            Some(thumbprint) if thumbprint == expected => set.agree += 1,
            Some(thumbprint) => set.wrong.push(format!("{name}: {thumbprint}")),
            None => set.wrong.push(format!("{name}: the key is refused")),
        }
    }
    set
}
