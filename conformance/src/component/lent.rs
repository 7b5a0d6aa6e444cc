//! The capabilities that the native host lends for checks: the clock, and signatures with the
//! library's own code.

use std::time::{SystemTime, UNIX_EPOCH};

use tollgate::lent::VerifyingKey;
use tollgate_signatures::{Error, SIGN, VERIFY};
use wasmtime::component::{Resource, ResourceTable};

use super::bindings::tollgate::auth::{clock, signatures};
use signatures::{Algorithms, PrivateKey, SignatureError};

/// The capabilities of one instance.
#[derive(Default)]
pub(crate) struct Lent {
    table: ResourceTable,
}

/// A public key that is prepared.
#[expect(unreachable_pub, reason = "the generated bindings export it")]
pub struct PublicKey(VerifyingKey);

/// A verdict that is already known. It is returned once.
#[expect(unreachable_pub, reason = "the generated bindings export it")]
pub struct Verdict(Option<bool>);

impl clock::Host for Lent {
    fn now(&mut self) -> wasmtime::Result<u64> {
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH)?;
        Ok(u64::try_from(elapsed.as_millis())?)
    }
}

impl signatures::Host for Lent {
    fn supported(&mut self) -> wasmtime::Result<Algorithms> {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Ok(Algorithms {
            verify: names(&VERIFY),
            sign: names(&SIGN),
        })
    }

    fn import_verifying_key(
        &mut self,
        algorithm: String,
        jwk: String,
    ) -> wasmtime::Result<Result<Resource<PublicKey>, SignatureError>> {
        Ok(match VerifyingKey::from_jwk(&algorithm, &jwk) {
            Ok(key) => Ok(self.table.push(PublicKey(key))?),
            Err(Error::Unsupported) => Err(SignatureError::Unsupported),
            Err(Error::KeyRefused) => Err(SignatureError::KeyRefused),
            Err(Error::Failed) => Err(SignatureError::Failed),
        })
    }

    fn import_signing_key(
        &mut self,
        _key: PrivateKey,
    ) -> wasmtime::Result<Result<Resource<signatures::SigningKey>, SignatureError>> {
        wasmtime::bail!("no check signs")
    }
}

impl signatures::HostVerifyingKey for Lent {
    fn verify(
        &mut self,
        key: Resource<PublicKey>,
        message: Vec<u8>,
        signature: Vec<u8>,
    ) -> wasmtime::Result<Resource<Verdict>> {
        let valid = self.table.get(&key)?.0.verify(&message, &signature);
        Ok(self.table.push(Verdict(Some(valid)))?)
    }

    fn drop(&mut self, key: Resource<PublicKey>) -> wasmtime::Result<()> {
        self.table.delete(key)?;
        Ok(())
    }
}

impl signatures::HostPendingVerdict for Lent {
    fn poll(
        &mut self,
        verdict: Resource<Verdict>,
    ) -> wasmtime::Result<Option<Result<bool, SignatureError>>> {
        Ok(self.table.get_mut(&verdict)?.0.take().map(Ok))
    }

    fn drop(&mut self, verdict: Resource<Verdict>) -> wasmtime::Result<()> {
        self.table.delete(verdict)?;
        Ok(())
    }
}

/// Nothing is signed, so none of these is ever made.
impl signatures::HostSigningKey for Lent {
    fn public_key(
        &mut self,
        _key: Resource<signatures::SigningKey>,
    ) -> wasmtime::Result<Resource<signatures::PendingPublicKey>> {
        wasmtime::bail!("no check signs")
    }

    fn sign(
        &mut self,
        _key: Resource<signatures::SigningKey>,
        _algorithm: String,
        _message: Vec<u8>,
    ) -> wasmtime::Result<Resource<signatures::PendingSignature>> {
        wasmtime::bail!("no check signs")
    }

    fn drop(&mut self, _key: Resource<signatures::SigningKey>) -> wasmtime::Result<()> {
        Ok(())
    }
}

impl signatures::HostPendingPublicKey for Lent {
    fn poll(
        &mut self,
        _key: Resource<signatures::PendingPublicKey>,
    ) -> wasmtime::Result<Option<Result<String, SignatureError>>> {
        wasmtime::bail!("no check signs")
    }

    fn drop(&mut self, _key: Resource<signatures::PendingPublicKey>) -> wasmtime::Result<()> {
        Ok(())
    }
}

impl signatures::HostPendingSignature for Lent {
    fn poll(
        &mut self,
        _signature: Resource<signatures::PendingSignature>,
    ) -> wasmtime::Result<Option<Result<Vec<u8>, SignatureError>>> {
        wasmtime::bail!("no check signs")
    }

    fn drop(&mut self, _signature: Resource<signatures::PendingSignature>) -> wasmtime::Result<()> {
        Ok(())
    }
}
