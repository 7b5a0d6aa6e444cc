//! The header of a signed token (RFC 7515 section 4).

use super::{Algorithm, JwsError, limits};
use crate::json::{Json, Object};

/// The header parameters that are used (RFC 7515 section 4.1).
///
/// Parameters that contain or reference a key (`jwk`, `jku`, `x5c`, `x5u`, `x5t`) are ignored:
/// otherwise the sender would choose the key for the verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JwsHeader {
    /// `alg`.
    pub algorithm: Algorithm,
    /// `kid`: any text of up to [`limits::KEY_ID_BYTES`].
    pub kid: Option<String>,
    /// `typ`, as it was written: any text of up to [`limits::TYPE_BYTES`].
    pub typ: Option<String>,
}

impl JwsHeader {
    /// Reads a decoded header.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, JwsError> {
        let header = Object::parse(bytes, limits::HEADER_DEPTH).map_err(JwsError::Header)?;
        if header.get("crit").is_some() {
            return Err(JwsError::Critical);
        }
        if header
            .get("b64")
            .is_some_and(|b64| *b64 != Json::Bool(true))
        {
            return Err(JwsError::UnencodedPayload);
        }
        let algorithm = match header.get("alg") {
            None => return Err(JwsError::MissingAlgorithm),
            Some(Json::String(name)) => Algorithm::from_name(name),
            Some(_) => return Err(JwsError::BadParameter("alg")),
        };
        Ok(Self {
            algorithm: algorithm.ok_or(JwsError::UnsupportedAlgorithm)?,
            kid: text(&header, "kid", limits::KEY_ID_BYTES)?,
            typ: text(&header, "typ", limits::TYPE_BYTES)?,
        })
    }
}

fn text(
    header: &Object<'_>,
    name: &'static str,
    max_bytes: usize,
) -> Result<Option<String>, JwsError> {
    match header.get(name) {
        None => Ok(None),
        Some(Json::String(text)) if text.len() <= max_bytes => Ok(Some(text.to_string())),
        Some(_) => Err(JwsError::BadParameter(name)),
    }
}
