//! The signatures that the host lends the component: `ring`; dalek to verify Ed25519, which takes two
//! thirds of `ring`'s time; and RustCrypto's crates for P-521 and elliptic-curve keys without their
//! public half, which `ring` does not support.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{self, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair, UnparsedPublicKey};
use serde_json::Value;
use tollgate_signatures::Error;
use wasmtime::component::Resource;

use super::capability::Capabilities;
use super::signer::Signer;
use super::spawned::Spawned;
use crate::host::bindings::tollgate::auth::signatures::{self as wit, SignatureError};

/// A public key, decoded once, with its algorithm.
#[derive(Debug)]
pub struct VerifyingKey(Verifier);

#[derive(Debug)]
enum Verifier {
    Rsa(
        &'static signature::RsaParameters,
        PublicKeyComponents<Box<[u8]>>,
    ),
    Ecdsa(UnparsedPublicKey<Box<[u8]>>),
    /// RustCrypto's and dalek's.
    PureRust(tollgate_signatures::VerifyingKey),
}

impl VerifyingKey {
    /// Reads a public JWK for one algorithm.
    ///
    /// # Errors
    /// The key is invalid, or its algorithm is not supported.
    pub fn from_jwk(algorithm: &str, jwk: &str) -> Result<Self, Error> {
        let rsa = |parameters| {
            let jwk = parse(jwk)?;
            let n = member(&jwk, "n")?.into_boxed_slice();
            let e = member(&jwk, "e")?.into_boxed_slice();
            Ok(Verifier::Rsa(parameters, PublicKeyComponents { n, e }))
        };
        // `ring` checks a point only when it verifies.
        let checked = || tollgate_signatures::VerifyingKey::from_jwk(algorithm, jwk);
        let ecdsa = |curve: &'static dyn signature::VerificationAlgorithm| {
            checked()?;
            let jwk = parse(jwk)?;
            let (x, y) = (member(&jwk, "x")?, member(&jwk, "y")?);
            // SEC1 section 2.3.3, uncompressed.
            let point = [&[4][..], &x, &y].concat().into_boxed_slice();
            Ok(Verifier::Ecdsa(UnparsedPublicKey::new(curve, point)))
        };
        Ok(Self(match algorithm {
            "RS256" => rsa(&signature::RSA_PKCS1_2048_8192_SHA256)?,
            "RS384" => rsa(&signature::RSA_PKCS1_2048_8192_SHA384)?,
            "RS512" => rsa(&signature::RSA_PKCS1_2048_8192_SHA512)?,
            "PS256" => rsa(&signature::RSA_PSS_2048_8192_SHA256)?,
            "PS384" => rsa(&signature::RSA_PSS_2048_8192_SHA384)?,
            "PS512" => rsa(&signature::RSA_PSS_2048_8192_SHA512)?,
            "ES256" => ecdsa(&signature::ECDSA_P256_SHA256_FIXED)?,
            "ES384" => ecdsa(&signature::ECDSA_P384_SHA384_FIXED)?,
            _ => Verifier::PureRust(checked()?),
        }))
    }

    /// Whether a signature in JWS form was made with this key.
    #[must_use]
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.0 {
            Verifier::Rsa(parameters, key) => key.verify(parameters, message, signature).is_ok(),
            Verifier::Ecdsa(key) => key.verify(message, signature).is_ok(),
            Verifier::PureRust(key) => key.verify(message, signature),
        }
    }
}

fn parse(jwk: &str) -> Result<Value, Error> {
    serde_json::from_str(jwk).map_err(|_| Error::KeyRefused)
}

fn member(jwk: &Value, name: &str) -> Result<Vec<u8>, Error> {
    let text = jwk.get(name).and_then(Value::as_str);
    text.and_then(|text| Base64UrlUnpadded::decode_vec(text).ok())
        .ok_or(Error::KeyRefused)
}

/// A private key.
#[expect(unreachable_pub, reason = "the generated bindings export it")]
pub struct SigningKey {
    secret: Secret,
    public_jwk: String,
}

enum Secret {
    Rsa(Box<RsaKeyPair>),
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    RustCrypto(Box<tollgate_signatures::SigningKey>),
    /// A key of the application.
    Signer(Arc<dyn Signer>),
}

impl SigningKey {
    fn from_pkcs8(der: &[u8]) -> Result<Self, SignatureError> {
        // Reads every encoding, and computes a missing public half.
        let key = tollgate_signatures::SigningKey::from_pkcs8(der).map_err(signature_error)?;
        let public_jwk = key.public_jwk();
        let random = SystemRandom::new();
        let ec = |algorithm| EcdsaKeyPair::from_pkcs8(algorithm, der, &random).ok();
        let secret = RsaKeyPair::from_pkcs8(der)
            .ok()
            .map(|key| Secret::Rsa(Box::new(key)))
            .or_else(|| ec(&signature::ECDSA_P256_SHA256_FIXED_SIGNING).map(Secret::P256))
            .or_else(|| ec(&signature::ECDSA_P384_SHA384_FIXED_SIGNING).map(Secret::P384))
            .or_else(|| {
                let key = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).ok()?;
                Some(Secret::Ed25519(key))
            })
            .unwrap_or_else(|| Secret::RustCrypto(Box::new(key)));
        Ok(Self { secret, public_jwk })
    }

    fn from_signer(signer: Arc<dyn Signer>) -> Self {
        Self {
            public_jwk: signer.public_jwk(),
            secret: Secret::Signer(signer),
        }
    }
}

fn sign_with_rsa(
    key: &RsaKeyPair,
    algorithm: &str,
    message: &[u8],
) -> Result<Vec<u8>, SignatureError> {
    let encoding: &'static dyn signature::RsaEncoding = match algorithm {
        "RS256" => &signature::RSA_PKCS1_SHA256,
        "RS384" => &signature::RSA_PKCS1_SHA384,
        "RS512" => &signature::RSA_PKCS1_SHA512,
        "PS256" => &signature::RSA_PSS_SHA256,
        "PS384" => &signature::RSA_PSS_SHA384,
        "PS512" => &signature::RSA_PSS_SHA512,
        _ => return Err(SignatureError::Unsupported),
    };
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(encoding, &SystemRandom::new(), message, &mut signature)
        .map_err(|_| SignatureError::Failed)?;
    Ok(signature)
}

fn sign_with_ec(key: &EcdsaKeyPair, message: &[u8]) -> Result<Vec<u8>, SignatureError> {
    key.sign(&SystemRandom::new(), message)
        .map(|signature| signature.as_ref().to_vec())
        .map_err(|_| SignatureError::Failed)
}

fn signature_error(error: Error) -> SignatureError {
    match error {
        Error::Unsupported => SignatureError::Unsupported,
        Error::KeyRefused => SignatureError::KeyRefused,
        Error::Failed => SignatureError::Failed,
    }
}

/// Runs cryptography or code of the application so that a panic fails one request and not the whole
/// store.
fn contained<T>(work: impl FnOnce() -> Result<T, SignatureError>) -> Result<T, SignatureError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(SignatureError::Failed))
}

type Outcome<T> = Result<T, SignatureError>;

/// An answer that is already known. It is returned once.
#[expect(unreachable_pub, reason = "the generated bindings export it")]
#[derive(Debug)]
pub struct Answered<T>(Option<Outcome<T>>);

/// The verdict on a signature.
#[expect(unreachable_pub, reason = "the generated bindings export it")]
pub type PendingVerdict = Answered<bool>;

/// A public half, as a JWK.
#[expect(unreachable_pub, reason = "the generated bindings export it")]
pub type PendingPublicKey = Answered<String>;

/// A finished or running signature. Dropping it cancels the operation.
#[expect(unreachable_pub, reason = "the generated bindings export it")]
#[derive(Debug)]
pub struct PendingSignature(Spawned<Outcome<Vec<u8>>>);

impl Capabilities {
    fn sign_later(
        &mut self,
        signer: Arc<dyn Signer>,
        algorithm: String,
        message: Vec<u8>,
    ) -> PendingSignature {
        let notify = self.notify();
        let signature = async move {
            let signed = signer.sign(&algorithm, &message).await;
            signed.map_err(|error| {
                tracing::warn!(error = %error, "a signer made no signature");
                SignatureError::Failed
            })
        };
        let lost = Err(SignatureError::Failed);
        let done = move || notify.notify_one();
        PendingSignature(Spawned::start(self.runtime(), signature, lost, done))
    }
}

impl wit::Host for Capabilities {
    fn supported(&mut self) -> wasmtime::Result<wit::Algorithms> {
        Ok(wit::Algorithms {
            verify: tollgate_signatures::VERIFY.map(str::to_owned).to_vec(),
            sign: tollgate_signatures::SIGN.map(str::to_owned).to_vec(),
        })
    }

    fn import_verifying_key(
        &mut self,
        algorithm: String,
        jwk: String,
    ) -> wasmtime::Result<Outcome<Resource<VerifyingKey>>> {
        Ok(
            match contained(|| VerifyingKey::from_jwk(&algorithm, &jwk).map_err(signature_error)) {
                Ok(key) => Ok(self.resources().push(key)?),
                Err(error) => Err(error),
            },
        )
    }

    fn import_signing_key(
        &mut self,
        key: wit::PrivateKey,
    ) -> wasmtime::Result<Outcome<Resource<SigningKey>>> {
        let key = contained(|| match key {
            wit::PrivateKey::Pkcs8(der) => SigningKey::from_pkcs8(&der),
            wit::PrivateKey::Named(name) => {
                let signer = self.signer(&name).ok_or(SignatureError::KeyRefused)?;
                Ok(SigningKey::from_signer(signer))
            }
        });
        Ok(match key {
            Ok(key) => Ok(self.resources().push(key)?),
            Err(error) => Err(error),
        })
    }
}

impl wit::HostVerifyingKey for Capabilities {
    fn verify(
        &mut self,
        key: Resource<VerifyingKey>,
        message: Vec<u8>,
        signature: Vec<u8>,
    ) -> wasmtime::Result<Resource<PendingVerdict>> {
        let key = self.resources().get(&key)?;
        let verdict = contained(|| Ok(key.verify(&message, &signature)));
        Ok(self.resources().push(Answered(Some(verdict)))?)
    }

    fn drop(&mut self, key: Resource<VerifyingKey>) -> wasmtime::Result<()> {
        self.resources().delete(key)?;
        Ok(())
    }
}

impl wit::HostPendingVerdict for Capabilities {
    fn poll(
        &mut self,
        verdict: Resource<PendingVerdict>,
    ) -> wasmtime::Result<Option<Outcome<bool>>> {
        Ok(self.resources().get_mut(&verdict)?.0.take())
    }

    fn drop(&mut self, verdict: Resource<PendingVerdict>) -> wasmtime::Result<()> {
        self.resources().delete(verdict)?;
        Ok(())
    }
}

impl wit::HostSigningKey for Capabilities {
    fn public_key(
        &mut self,
        key: Resource<SigningKey>,
    ) -> wasmtime::Result<Resource<PendingPublicKey>> {
        let jwk = self.resources().get(&key)?.public_jwk.clone();
        Ok(self.resources().push(Answered(Some(Ok(jwk))))?)
    }

    fn sign(
        &mut self,
        key: Resource<SigningKey>,
        algorithm: String,
        message: Vec<u8>,
    ) -> wasmtime::Result<Resource<PendingSignature>> {
        let secret = &self.resources().get(&key)?.secret;
        let signature = if let Secret::Signer(signer) = secret {
            let signer = Arc::clone(signer);
            self.sign_later(signer, algorithm, message)
        } else {
            PendingSignature(Spawned::ready(contained(|| match (secret, &*algorithm) {
                (Secret::Rsa(key), _) => sign_with_rsa(key, &algorithm, &message),
                (Secret::P256(key), "ES256") | (Secret::P384(key), "ES384") => {
                    sign_with_ec(key, &message)
                }
                (Secret::Ed25519(key), "Ed25519") => Ok(key.sign(&message).as_ref().to_vec()),
                (Secret::RustCrypto(key), _) => key
                    .sign(&algorithm, &message, &mut getrandom::SysRng)
                    .map_err(signature_error),
                _ => Err(SignatureError::Unsupported),
            })))
        };
        Ok(self.resources().push(signature)?)
    }

    fn drop(&mut self, key: Resource<SigningKey>) -> wasmtime::Result<()> {
        self.resources().delete(key)?;
        Ok(())
    }
}

impl wit::HostPendingPublicKey for Capabilities {
    fn poll(
        &mut self,
        public: Resource<PendingPublicKey>,
    ) -> wasmtime::Result<Option<Outcome<String>>> {
        Ok(self.resources().get_mut(&public)?.0.take())
    }

    fn drop(&mut self, public: Resource<PendingPublicKey>) -> wasmtime::Result<()> {
        self.resources().delete(public)?;
        Ok(())
    }
}

impl wit::HostPendingSignature for Capabilities {
    fn poll(
        &mut self,
        signature: Resource<PendingSignature>,
    ) -> wasmtime::Result<Option<Outcome<Vec<u8>>>> {
        Ok(self.resources().get(&signature)?.0.take())
    }

    fn drop(&mut self, signature: Resource<PendingSignature>) -> wasmtime::Result<()> {
        self.resources().delete(signature)?;
        Ok(())
    }
}
