//! The textual encoding of keys (RFC 7468). White space is handled leniently, as its section 2
//! allows and as environment variables require: line breaks of any kind, none, or written as `\n`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::private_key::PrivateKey;
use super::signing_key_error::SigningKeyError;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// Reads the private key of a text, which must be the only one.
///
/// # Errors
/// [`SigningKeyError::NotAKey`] if there is no block, otherwise what is wrong with it.
pub(super) fn private_key(text: &str) -> Result<PrivateKey, SigningKeyError> {
    let text = Zeroizing::new(text.replace("\\r", "\n").replace("\\n", "\n"));
    let mut rest = text.as_str();
    let mut found = None;
    while let Some((_, after)) = rest.split_once(BEGIN) {
        let block = Block::read(after)?;
        rest = block.rest;
        // `openssl ecparam -genkey` writes the parameters before the key, which contains them too.
        if block.label == "EC PARAMETERS" {
            continue;
        }
        if found.replace(block).is_some() {
            return Err(SigningKeyError::SeveralBlocks);
        }
    }
    let block = found.ok_or(SigningKeyError::NotAKey)?;
    let parse = match block.label {
        "PRIVATE KEY" => PrivateKey::from_pkcs8,
        "RSA PRIVATE KEY" => PrivateKey::from_pkcs1,
        "EC PRIVATE KEY" => PrivateKey::from_sec1,
        "ENCRYPTED PRIVATE KEY" => return Err(SigningKeyError::Encrypted),
        "OPENSSH PRIVATE KEY" => return Err(SigningKeyError::OpenSsh),
        "PUBLIC KEY" | "RSA PUBLIC KEY" => return Err(SigningKeyError::PublicKey),
        label if label.ends_with("CERTIFICATE") => return Err(SigningKeyError::Certificate),
        _ => return Err(SigningKeyError::UnsupportedType),
    };
    // RFC 1421 section 4.6.1.1, which OpenSSL's older formats use.
    if block.body.contains("ENCRYPTED") {
        return Err(SigningKeyError::Encrypted);
    }
    let mut base64 = Zeroizing::new(block.body.to_owned());
    base64.retain(|character| !character.is_ascii_whitespace());
    let decoded = STANDARD.decode(base64.as_bytes());
    let der = Zeroizing::new(decoded.map_err(|_| SigningKeyError::Base64)?);
    parse(&der)
}

/// The text between a BEGIN line and an END line.
struct Block<'a> {
    label: &'a str,
    body: &'a str,
    rest: &'a str,
}

impl<'a> Block<'a> {
    /// Reads a block, beginning with its label.
    fn read(text: &'a str) -> Result<Self, SigningKeyError> {
        let cut = SigningKeyError::Truncated;
        let (label, text) = text.split_once(DASHES).ok_or(cut)?;
        let (body, text) = text.split_once(END).ok_or(cut)?;
        let (end, rest) = text.split_once(DASHES).ok_or(cut)?;
        if end != label {
            return Err(cut);
        }
        Ok(Self { label, body, rest })
    }
}
