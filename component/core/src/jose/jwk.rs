//! One public key (RFC 7517 section 4, RFC 7518 section 6, RFC 8037 section 2).

use std::cell::{Cell, RefCell};
use std::fmt::{self, Debug, Formatter};
use std::rc::Rc;

use sha2::{Digest, Sha256};

use super::jwk_members::{JwkError, check_use, text};
use super::public_key::{PublicKey, SignatureForm};
use super::{Algorithm, base64url, limits};
use crate::capability::{PublicKeyHandle, SignatureError};
use crate::json::{Json, Object};
use crate::task::Scheduler;

/// A public key that may verify signatures. It is parsed and checked once, and used many times.
///
/// A key has one algorithm (RFC 8725 section 3.1): its `alg` if it has one, otherwise its type and
/// curve decide.
pub struct VerifyingKey {
    kid: Option<String>,
    algorithm: Option<Algorithm>,
    key: PublicKey,
    /// The keys that the host has prepared, for each algorithm that was needed so far: at most the
    /// six of RSA.
    imported: RefCell<Vec<(Algorithm, Import)>>,
    /// Why the host refused the key, if it refused it permanently.
    refusal: Cell<Option<SignatureError>>,
}

/// A key that the host has prepared, or why it refused it.
type Import = Result<Rc<dyn PublicKeyHandle>, SignatureError>;

/// Why a signature is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerificationError {
    /// The key does not fit this algorithm.
    Algorithm,
    /// The signature does not have the length of the key's signatures.
    Length,
    /// The signature was not made with the key.
    Invalid,
    /// The host gave no verdict, so nothing is known about the signature.
    NoVerdict(SignatureError),
}

impl VerificationError {
    /// A stable name for logs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Algorithm => "signature-algorithm",
            Self::Length => "signature-length",
            Self::Invalid => "signature-invalid",
            Self::NoVerdict(error) => error.code(),
        }
    }
}

impl VerifyingKey {
    /// Reads a public key. Unknown members are ignored, as RFC 7517 section 4 requires. So are
    /// certificates, which are not checked here.
    ///
    /// Whether a point is on its curve is not checked. The host refuses an invalid point when it
    /// prepares the key.
    ///
    /// # Errors
    /// The first rule that the key breaks.
    pub fn from_jwk(jwk: &Object<'_>) -> Result<Self, JwkError> {
        let kty = text(jwk, "kty")?;
        if kty == "oct" {
            return Err(JwkError::Symmetric);
        }
        if PRIVATE.iter().any(|name| jwk.get(name).is_some()) {
            return Err(JwkError::PrivateKey);
        }
        check_use(jwk, "verify")?;
        let kid = match jwk.get("kid") {
            None => None,
            Some(Json::String(kid)) if kid.len() <= limits::KEY_ID_BYTES => Some(kid.to_string()),
            Some(_) => return Err(JwkError::BadMember("kid")),
        };
        let key = PublicKey::from_jwk(jwk, kty)?;
        let algorithm = match jwk.get("alg") {
            None => None,
            Some(Json::String(name)) => {
                Some(Algorithm::from_name(name).ok_or(JwkError::Algorithm)?)
            }
            Some(_) => return Err(JwkError::BadMember("alg")),
        };
        if algorithm.is_some_and(|algorithm| !key.algorithms().contains(&algorithm)) {
            return Err(JwkError::Algorithm);
        }
        Ok(Self {
            kid,
            algorithm,
            key,
            imported: RefCell::default(),
            refusal: Cell::default(),
        })
    }

    /// `kid`.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// `alg`, if the key has one.
    #[must_use]
    pub const fn algorithm(&self) -> Option<Algorithm> {
        self.algorithm
    }

    /// The required members of the key.
    pub(super) const fn public(&self) -> &PublicKey {
        &self.key
    }

    /// The required members of the key.
    pub(super) fn members(&self) -> Object<'static> {
        object(self.key.members())
    }

    /// The JWK thumbprint with SHA-256 (RFC 7638). It depends only on the required members of the
    /// key.
    #[must_use]
    pub fn thumbprint(&self) -> [u8; 32] {
        thumbprint(&object(self.key.members()))
    }

    /// Whether both are the same key with the same `kid` and algorithms, so that one can replace
    /// the other.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.kid == other.kid && self.algorithm == other.algorithm && self.key == other.key
    }

    /// Whether the key may be used with this algorithm.
    #[must_use]
    pub fn accepts(&self, algorithm: Algorithm) -> bool {
        match self.algorithm {
            Some(own) => own == algorithm,
            None => self.key.algorithms().contains(&algorithm),
        }
    }

    /// Checks a signature. The host is called only if its form is right.
    ///
    /// # Errors
    /// Why the signature is not accepted.
    pub(crate) async fn verify(
        &self,
        scheduler: &Scheduler,
        algorithm: Algorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), VerificationError> {
        if !self.accepts(algorithm) {
            return Err(VerificationError::Algorithm);
        }
        self.key.check_form(signature).map_err(|form| match form {
            SignatureForm::Length => VerificationError::Length,
            SignatureForm::Range => VerificationError::Invalid,
        })?;
        let handle = self.imported(scheduler, algorithm.by_one_name());
        let pending = handle.map(|handle| handle.verify(message, signature));
        let verdict = match pending {
            Ok(pending) => scheduler.signature(pending).await,
            Err(error) => Err(error),
        };
        match verdict {
            Ok(true) => Ok(()),
            Ok(false) => Err(VerificationError::Invalid),
            Err(error) => {
                if !error.is_transient() {
                    self.refusal.set(Some(error));
                }
                Err(VerificationError::NoVerdict(error))
            }
        }
    }

    /// Why the host refused this key, if it refused it permanently.
    #[must_use]
    pub fn refusal(&self) -> Option<SignatureError> {
        self.refusal.get()
    }

    /// The key as the host has prepared it. A refusal is stored, because the host would refuse the
    /// same key again.
    fn imported(&self, scheduler: &Scheduler, algorithm: Algorithm) -> Import {
        let known = |imported: &[(Algorithm, Import)]| {
            let of = |(own, _): &&(Algorithm, Import)| *own == algorithm;
            imported.iter().find(of).map(|(_, import)| import.clone())
        };
        if let Some(import) = known(&self.imported.borrow()) {
            return import;
        }
        let jwk = object(self.key.members()).to_string();
        let import = scheduler.host().import_verifying_key(algorithm, &jwk);
        let import = import.map(Rc::from);
        if !matches!(import, Err(SignatureError::Failed)) {
            let mut imported = self.imported.borrow_mut();
            imported.push((algorithm, import.clone()));
        }
        import
    }

    /// The key as a JWK with its required members, `kid` and `alg`, and nothing else.
    #[must_use]
    pub fn to_jwk(&self) -> Object<'_> {
        let mut jwk = object(self.key.members());
        if let Some(kid) = &self.kid {
            jwk.insert("kid", Json::String(kid.into()));
        }
        if let Some(algorithm) = self.algorithm {
            jwk.insert("alg", Json::String(algorithm.name().into()));
        }
        jwk
    }
}

/// Members of private keys (RFC 7518 sections 6.2.2 and 6.3.2, RFC 8037 section 2).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// RFC 7638 section 3, of exactly the required members of the key.
pub(super) fn thumbprint(members: &Object<'_>) -> [u8; 32] {
    Sha256::digest(members.to_string()).into()
}

/// The members as an object: the input of a thumbprint (RFC 7638 section 3).
pub(super) fn object(members: Vec<(&'static str, String)>) -> Object<'static> {
    let mut object = Object::default();
    for (name, value) in members {
        object.insert(name, Json::String(value.into()));
    }
    object
}

impl Debug for VerifyingKey {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let mut out = out.debug_struct("VerifyingKey");
        out.field("kid", &self.kid)
            .field("algorithm", &self.algorithm);
        out.field("thumbprint", &base64url::encode(&self.thumbprint()))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
