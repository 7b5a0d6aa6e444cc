//! A private key that signs for this application (RFC 7515 section 5.1, RFC 7523).

use std::cell::OnceCell;
use std::fmt::{self, Debug, Formatter};
use std::rc::Rc;

use super::private_key::{PrivateJwk, PrivateKey};
use super::{
    Algorithm, JwkError, SigningError, SigningKeyError, VerificationError, VerifyingKey, base64url,
    limits, pem,
};
use crate::capability::{Host, PrivateKeyHandle, PrivateKeySource, SignatureError};
use crate::json::{Json, Object};
use crate::task::{Scheduler, Task};

/// A private key with its `kid` and its algorithm.
///
/// `Debug` shows neither the key nor its name.
pub struct SigningKey {
    source: Source,
    kid: Option<String>,
    algorithm: Option<Algorithm>,
    ready: OnceCell<Ready>,
}

enum Source {
    /// In the configuration.
    Text(PrivateKey),
    /// Known only to the host.
    Named(String),
}

/// A key that the host has prepared and that was tested.
struct Ready {
    handle: Rc<dyn PrivateKeyHandle>,
    kid: String,
    algorithm: Algorithm,
    public: VerifyingKey,
}

impl SigningKey {
    /// Reads a private key: RSA ([`limits::RSA_SIGNING_BITS`]), EC on P-256 or P-384, or Ed25519.
    ///
    /// - PEM: PKCS#8 (`PRIVATE KEY`), PKCS#1 (`RSA PRIVATE KEY`) or SEC1 (`EC PRIVATE KEY`, also
    ///   after `EC PARAMETERS`), with line breaks of any kind or written as `\n`, as in files of
    ///   environment variables.
    /// - JSON: a private JWK. An RSA key must have `p`, `q`, `dp`, `dq` and `qi`, which every
    ///   library writes.
    ///
    /// White space around it is ignored, and so is a pair of quotes.
    ///
    /// The key id is `kid`, otherwise the JWK's, otherwise the thumbprint (RFC 7638). The algorithm
    /// is `algorithm`, otherwise the JWK's `alg`, otherwise RS256, ES256, ES384 or EdDSA.
    ///
    /// Whether the numbers of the key match each other is not checked here, but by [`publish`].
    ///
    /// # Errors
    /// The first rule that the text breaks.
    pub fn from_text(
        text: &str,
        kid: Option<&str>,
        algorithm: Option<Algorithm>,
    ) -> Result<Self, SigningKeyError> {
        if text.len() > limits::PRIVATE_KEY_BYTES {
            return Err(SigningKeyError::TooLong);
        }
        let text = unquoted(text.trim());
        if text.is_empty() {
            return Err(SigningKeyError::Empty);
        }
        let (key, own_kid, own_algorithm) = if text.starts_with('{') {
            let json = Object::parse(text.as_bytes(), limits::PRIVATE_KEY_DEPTH);
            let jwk = PrivateJwk::from_jwk(&json.map_err(SigningKeyError::Json)?)?;
            (jwk.key, jwk.kid, jwk.algorithm)
        } else {
            (pem::private_key(text)?, None, None)
        };
        let algorithm = agreed(algorithm, own_algorithm)?;
        let algorithm = algorithm.unwrap_or(key.algorithms[0]);
        check_fit(algorithm, key.algorithms)?;
        let kid = kid.map(str::to_owned).or(own_kid);
        check_kid(kid.as_deref())?;
        Ok(Self {
            source: Source::Text(key),
            kid,
            algorithm: Some(algorithm),
            ready: OnceCell::new(),
        })
    }

    /// A key that only the host knows, by its name. Key id and algorithm default to those of the
    /// host's public JWK, otherwise as in [`Self::from_text`].
    ///
    /// # Errors
    /// `kid` cannot be used.
    pub fn named(
        name: &str,
        kid: Option<&str>,
        algorithm: Option<Algorithm>,
    ) -> Result<Self, SigningKeyError> {
        check_kid(kid)?;
        Ok(Self {
            source: Source::Named(name.to_owned()),
            kid: kid.map(str::to_owned),
            algorithm,
            ready: OnceCell::new(),
        })
    }

    /// `kid`, as far as it is known before [`publish`].
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        match self.ready.get() {
            Some(ready) => Some(&ready.kid),
            None => self.kid.as_deref(),
        }
    }

    /// `alg`, as far as it is known before [`publish`].
    #[must_use]
    pub fn algorithm(&self) -> Option<Algorithm> {
        self.ready
            .get()
            .map(|ready| ready.algorithm)
            .or(self.algorithm)
    }

    /// Passes the key to the host and tests it, once: the public half must match the text, and a
    /// signature must be valid under it. A key that only the host knows is not tested, because each
    /// of its signatures may cost money.
    ///
    /// # Errors
    /// Why the key cannot sign, temporarily or permanently.
    pub(crate) async fn prepare(&self, scheduler: &Scheduler) -> Result<(), SigningError> {
        self.prepared(scheduler).await.map(|_| ())
    }

    async fn prepared(&self, scheduler: &Scheduler) -> Result<&Ready, SigningError> {
        if let Some(ready) = self.ready.get() {
            return Ok(ready);
        }
        let source = match &self.source {
            Source::Text(key) => PrivateKeySource::Pkcs8(&key.pkcs8),
            Source::Named(name) => PrivateKeySource::Named(name),
        };
        let refused = |error| match (&self.source, error) {
            (Source::Named(_), SignatureError::KeyRefused) => {
                SigningError::Key(SigningKeyError::UnknownName)
            }
            _ => SigningError::Host(error),
        };
        let handle = scheduler.host().import_signing_key(source);
        let handle: Rc<dyn PrivateKeyHandle> = handle.map_err(refused)?.into();
        let public = scheduler.signature(handle.public_key()).await;
        let public = PublicHalf::read(&public.map_err(refused)?)?;
        let algorithm = agreed(self.algorithm, public.algorithm).map_err(SigningError::Key)?;
        let fitting = public.key.public().signing_algorithms();
        let algorithm = algorithm.or(fitting.first().copied());
        let algorithm = algorithm.ok_or(SigningError::Key(SigningKeyError::UnsupportedType))?;
        check_fit(algorithm, fitting).map_err(SigningError::Key)?;
        if let Source::Text(text) = &self.source {
            if !text.public.agrees_with(public.key.public()) {
                return Err(SigningError::Key(SigningKeyError::Inconsistent));
            }
            try_key(scheduler, &*handle, &public.key, algorithm).await?;
        }
        let kid = self.kid.clone().or(public.kid);
        check_kid(kid.as_deref()).map_err(SigningError::Key)?;
        let kid = kid.unwrap_or_else(|| base64url::encode(&public.key.thumbprint()));
        let ready = Ready {
            handle,
            kid,
            algorithm,
            public: public.key,
        };
        // Another task may have finished first, with the same result.
        Ok(self.ready.get_or_init(|| ready))
    }

    /// The public half for publishing (RFC 7517): the required members of the key, `kid`, `alg` and
    /// `use`.
    ///
    /// # Errors
    /// As [`publish`].
    pub(crate) async fn public_jwk(
        &self,
        scheduler: &Scheduler,
    ) -> Result<Object<'static>, SigningError> {
        let ready = self.prepared(scheduler).await?;
        let mut jwk = ready.public.members();
        for (name, value) in [
            ("kid", ready.kid.as_str()),
            ("alg", ready.algorithm.name()),
            ("use", "sig"),
        ] {
            jwk.insert(name, Json::String(value.to_owned().into()));
        }
        Ok(jwk)
    }

    /// Checks a signature that this key may have made.
    ///
    /// # Errors
    /// The key cannot be used.
    pub(crate) async fn verify_own(
        &self,
        scheduler: &Scheduler,
        message: &[u8],
        signature: &[u8],
    ) -> Result<Result<(), VerificationError>, SigningError> {
        let ready = self.prepared(scheduler).await?;
        let verified = ready
            .public
            .verify(scheduler, ready.algorithm, message, signature);
        Ok(verified.await)
    }

    /// Signs a payload as a compact JWS (RFC 7515 section 7.1). Its header has `alg`, `kid`, and
    /// `typ` if given.
    ///
    /// # Errors
    /// As [`publish`], or the host returned no signature of the right form.
    pub(crate) async fn sign_compact(
        &self,
        scheduler: &Scheduler,
        typ: Option<&str>,
        payload: &[u8],
    ) -> Result<String, SigningError> {
        let ready = self.prepared(scheduler).await?;
        let mut header = Object::default();
        let members = [
            ("alg", Some(ready.algorithm.name())),
            ("kid", Some(ready.kid.as_str())),
            ("typ", typ),
        ];
        for (name, value) in members {
            if let Some(value) = value {
                header.insert(name, Json::String(value.to_owned().into()));
            }
        }
        let mut jws = base64url::encode(header.to_string().as_bytes());
        jws.push('.');
        jws.push_str(&base64url::encode(payload));
        let algorithm = ready.algorithm.by_one_name();
        let signature = ready.handle.sign(algorithm, jws.as_bytes());
        let signature = scheduler.signature(signature).await;
        let signature = signature.map_err(SigningError::Host)?;
        if ready.public.public().check_form(&signature).is_err() {
            return Err(SigningError::Host(SignatureError::Failed));
        }
        jws.push('.');
        jws.push_str(&base64url::encode(&signature));
        Ok(jws)
    }
}

/// The public half of a key, for publishing (RFC 7517).
///
/// # Errors
/// The task's result says why the key cannot sign.
#[must_use]
pub fn publish(
    key: Rc<SigningKey>,
    host: Rc<dyn Host>,
) -> Task<Result<Object<'static>, SigningError>> {
    let scheduler = Scheduler::new(host);
    Task::new(Rc::clone(&scheduler), async move {
        key.public_jwk(&scheduler).await
    })
}

/// Signs a payload as a compact JWS, with `typ` in its header if given.
///
/// # Errors
/// The task's result says why no signature was made.
#[must_use]
pub fn sign_compact(
    key: Rc<SigningKey>,
    host: Rc<dyn Host>,
    typ: Option<String>,
    payload: Vec<u8>,
) -> Task<Result<String, SigningError>> {
    let scheduler = Scheduler::new(host);
    Task::new(Rc::clone(&scheduler), async move {
        key.sign_compact(&scheduler, typ.as_deref(), &payload).await
    })
}

/// The host's description of a key's public half.
struct PublicHalf {
    key: VerifyingKey,
    kid: Option<String>,
    algorithm: Option<Algorithm>,
}

impl PublicHalf {
    fn read(jwk: &str) -> Result<Self, SigningError> {
        let refused = |error: JwkError| SigningError::Key(error.into());
        let json = Object::parse(jwk.as_bytes(), limits::PRIVATE_KEY_DEPTH);
        let json = json.map_err(|error| SigningError::Key(SigningKeyError::Json(error)))?;
        let key = VerifyingKey::from_jwk(&json).map_err(refused)?;
        Ok(Self {
            kid: key.kid().map(str::to_owned),
            algorithm: key.algorithm(),
            key,
        })
    }
}

/// Signs a few bytes and checks the signature, if the host can do both.
async fn try_key(
    scheduler: &Scheduler,
    handle: &dyn PrivateKeyHandle,
    public: &VerifyingKey,
    algorithm: Algorithm,
) -> Result<(), SigningError> {
    const MESSAGE: &[u8] = b"tollgate";
    let signature = handle.sign(algorithm.by_one_name(), MESSAGE);
    let signature = scheduler.signature(signature).await;
    let signature = signature.map_err(SigningError::Host)?;
    match public
        .verify(scheduler, algorithm, MESSAGE, &signature)
        .await
    {
        Ok(()) | Err(VerificationError::NoVerdict(SignatureError::Unsupported)) => Ok(()),
        Err(VerificationError::NoVerdict(error)) => Err(SigningError::Host(error)),
        Err(_) => Err(SigningError::Key(SigningKeyError::Inconsistent)),
    }
}

fn agreed(
    asked: Option<Algorithm>,
    own: Option<Algorithm>,
) -> Result<Option<Algorithm>, SigningKeyError> {
    match (asked, own) {
        (Some(asked), Some(own)) if asked != own => Err(SigningKeyError::TwoAlgorithms),
        (asked, own) => Ok(asked.or(own)),
    }
}

fn check_fit(algorithm: Algorithm, fitting: &'static [Algorithm]) -> Result<(), SigningKeyError> {
    if fitting.contains(&algorithm) {
        Ok(())
    } else {
        Err(SigningKeyError::Algorithm { fitting })
    }
}

fn check_kid(kid: Option<&str>) -> Result<(), SigningKeyError> {
    match kid {
        Some(kid) if !(1..=limits::KEY_ID_BYTES).contains(&kid.len()) => {
            Err(SigningKeyError::KeyId)
        }
        _ => Ok(()),
    }
}

/// The text inside of a pair of quotes, if there is one.
fn unquoted(text: &str) -> &str {
    ['"', '\'']
        .iter()
        .find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote))
        .map_or(text, str::trim)
}

impl Debug for SigningKey {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.debug_struct("SigningKey")
            .field("algorithm", &self.algorithm())
            .finish_non_exhaustive()
    }
}
