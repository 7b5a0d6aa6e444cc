//! The textual encoding of keys (RFC 7468), as generous about white space as its section 2 allows
//! and as environment variables make necessary: line breaks of any kind, or none, or spelled `\n`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::private_key::PrivateKey;
use super::signing_key_error::SigningKeyError;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// The one private key of a text.
///
/// # Errors
/// [`SigningKeyError::NotAKey`] where there is no block at all, else what is wrong.
pub(super) fn private_key(text: &str) -> Result<PrivateKey, SigningKeyError> {
    let text = Zeroizing::new(text.replace("\\r", "\n").replace("\\n", "\n"));
    let mut rest = text.as_str();
    let mut found = None;
    while let Some((_, after)) = rest.split_once(BEGIN) {
        let block = Block::read(after)?;
        rest = block.rest;
        // `openssl ecparam -genkey` writes them before the key, which has them in itself.
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
    // RFC 1421 section 4.6.1.1, as OpenSSL's older formats have it.
    if block.body.contains("ENCRYPTED") {
        return Err(SigningKeyError::Encrypted);
    }
    let mut base64 = Zeroizing::new(block.body.to_owned());
    base64.retain(|character| !character.is_ascii_whitespace());
    let decoded = STANDARD.decode(base64.as_bytes());
    let der = Zeroizing::new(decoded.map_err(|_| SigningKeyError::Base64)?);
    parse(&der)
}

/// What stands between two lines of dashes.
struct Block<'a> {
    label: &'a str,
    body: &'a str,
    rest: &'a str,
}

impl<'a> Block<'a> {
    /// Reads a block from its label on.
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
