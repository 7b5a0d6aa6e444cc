//! Requests to the component's raw exports, and their results.

use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A request to `raw-signatures`. It is sent as JSON to the hosts in JavaScript.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Check {
    /// A raw signature with a JWS algorithm and a public JWK.
    Raw {
        algorithm: String,
        jwk: String,
        #[serde(serialize_with = "as_text")]
        message: Vec<u8>,
        #[serde(serialize_with = "as_text")]
        signature: Vec<u8>,
    },
    /// A compact JWS by a JWK or a JWK Set.
    Jws { keys: String, jws: String },
}

/// The component's result.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Answer {
    /// The signature is valid, and this is the payload. None for a raw signature.
    #[serde(deserialize_with = "from_text")]
    Valid(Vec<u8>),
    /// The signature is refused.
    Failed { kind: Kind, code: String },
}

/// Why it is refused: the variant `failure` of `wit/raw-signatures.wit`.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    BadKey,
    BadAlgorithm,
    Invalid,
    NoVerdict,
}

/// The only code of a missing verdict that concerns the vector: its key is invalid.
const KEY_REFUSED: &str = "signatures-key-refused";

impl Answer {
    pub(crate) fn failed(kind: Kind, code: &str) -> Self {
        Self::Failed {
            kind,
            code: code.to_owned(),
        }
    }

    /// Whether the result concerns the vector. A failure of the host is not a refusal.
    pub(super) fn is_verdict(&self) -> bool {
        match self {
            Self::Failed { kind, code } => *kind != Kind::NoVerdict || code == KEY_REFUSED,
            Self::Valid(_) => true,
        }
    }

    /// Why it is refused.
    pub(super) fn code(&self) -> Option<&str> {
        match self {
            Self::Failed { code, .. } => Some(code),
            Self::Valid(_) => None,
        }
    }

    pub(super) fn is_valid(&self) -> bool {
        matches!(self, Self::Valid(_))
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Valid(_) => out.write_str("valid"),
            Self::Failed { kind, code } => {
                let kind = match kind {
                    Kind::BadKey => "bad key",
                    Kind::BadAlgorithm => "bad algorithm",
                    Kind::Invalid => "invalid",
                    Kind::NoVerdict => "no verdict",
                };
                write!(out, "{kind} ({code})")
            }
        }
    }
}

fn as_text<S: Serializer>(bytes: &[u8], out: S) -> Result<S::Ok, S::Error> {
    out.serialize_str(&Base64UrlUnpadded::encode_string(bytes))
}

fn from_text<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(from)?;
    Base64UrlUnpadded::decode_vec(&text).map_err(serde::de::Error::custom)
}
