//! The host's signatures, with RustCrypto. The test decides how they answer.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::rc::Rc;

use rand_core::{TryCryptoRng, TryRng};
use tollgate_core::capability::{
    Host, HttpError, HttpRequest, HttpResponse, Pending, PendingAnswer, PrivateKeyHandle,
    PrivateKeySource, PublicKeyHandle, SignatureError,
};
use tollgate_core::jose::Algorithm;
use tollgate_core::task::{Progress, Task};
use tollgate_signatures::{Error, SIGN, SigningKey, VERIFY, VerifyingKey};

/// How the host answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answers {
    AtOnce,
    /// After this many polls.
    After(u32),
    Never,
    Fails(SignatureError),
    /// A second verdict that differs from the first.
    Twice,
}

/// What a host lends. Clones share the settings.
#[derive(Clone)]
pub struct Signatures {
    pub answers: Rc<Cell<Answers>>,
    /// How the next operations are answered, before `answers` applies.
    pub next: Rc<RefCell<VecDeque<Answers>>>,
    /// Why public keys are refused.
    pub refuses: Rc<Cell<Option<SignatureError>>>,
    /// Whether signatures lack their last byte.
    pub cuts: Rc<Cell<bool>>,
    pub verify: Rc<Cell<&'static [&'static str]>>,
    pub sign: Rc<Cell<&'static [&'static str]>>,
    /// Keys imported, checks and signatures started.
    pub imports: Rc<Cell<u32>>,
    pub verdicts: Rc<Cell<u32>>,
    pub signatures: Rc<Cell<u32>>,
}

impl Default for Signatures {
    fn default() -> Self {
        Self {
            answers: Rc::new(Cell::new(Answers::AtOnce)),
            next: Rc::default(),
            refuses: Rc::default(),
            cuts: Rc::default(),
            verify: Rc::new(Cell::new(&VERIFY)),
            sign: Rc::new(Cell::new(&SIGN)),
            imports: Rc::default(),
            verdicts: Rc::default(),
            signatures: Rc::default(),
        }
    }
}

fn count(counter: &Cell<u32>) {
    counter.set(counter.get() + 1);
}

fn algorithms(names: &[&str]) -> Vec<Algorithm> {
    let known = |name: &&str| Algorithm::from_name(name).expect("a known algorithm");
    names.iter().map(known).collect()
}

fn error(error: Error) -> SignatureError {
    match error {
        Error::Unsupported => SignatureError::Unsupported,
        Error::KeyRefused => SignatureError::KeyRefused,
        Error::Failed => SignatureError::Failed,
    }
}

impl Signatures {
    pub fn verifying_algorithms(&self) -> Vec<Algorithm> {
        algorithms(self.verify.get())
    }

    pub fn signing_algorithms(&self) -> Vec<Algorithm> {
        algorithms(self.sign.get())
    }

    pub fn import_verifying_key(
        &self,
        algorithm: Algorithm,
        jwk: &str,
    ) -> Result<Box<dyn PublicKeyHandle>, SignatureError> {
        count(&self.imports);
        if let Some(error) = self.refuses.get() {
            return Err(error);
        }
        let key = VerifyingKey::from_jwk(algorithm.name(), jwk).map_err(error)?;
        Ok(Box::new(PublicKey {
            key,
            host: self.clone(),
        }))
    }

    pub fn import_signing_key(
        &self,
        key: PrivateKeySource<'_>,
    ) -> Result<Box<dyn PrivateKeyHandle>, SignatureError> {
        count(&self.imports);
        let key = match key {
            PrivateKeySource::Pkcs8(der) => SigningKey::from_pkcs8(der).map_err(error)?,
            // One key that this host knows by name.
            PrivateKeySource::Named("kms-key") => SigningKey::from_pkcs8(KMS_KEY).map_err(error)?,
            PrivateKeySource::Named(_) => return Err(SignatureError::KeyRefused),
        };
        Ok(Box::new(PrivateKey {
            key,
            host: self.clone(),
        }))
    }

    fn next(&self) -> Answers {
        let next = self.next.borrow_mut().pop_front();
        next.unwrap_or(self.answers.get())
    }

    fn answer<T: 'static>(&self, result: Result<T, SignatureError>) -> PendingAnswer<T> {
        let (left, result) = match self.next() {
            Answers::AtOnce | Answers::Twice => (0, Some(result)),
            Answers::After(polls) => (polls, Some(result)),
            Answers::Never => (0, None),
            Answers::Fails(error) => (0, Some(Err(error))),
        };
        Box::new(Answer { left, result })
    }
}

/// Ed25519, the seed of RFC 8032 section 7.1 test 1, in PKCS#8.
const KMS_KEY: &[u8] = &[
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
    0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4,
    0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60,
];

struct Answer<T> {
    left: u32,
    result: Option<Result<T, SignatureError>>,
}

impl<T> Pending<Result<T, SignatureError>> for Answer<T> {
    fn poll(&mut self) -> Option<Result<T, SignatureError>> {
        if self.left > 0 {
            self.left -= 1;
            return None;
        }
        self.result.take()
    }
}

/// A verdict that changes with each poll.
struct Changing(bool);

impl Pending<Result<bool, SignatureError>> for Changing {
    fn poll(&mut self) -> Option<Result<bool, SignatureError>> {
        self.0 = !self.0;
        Some(Ok(!self.0))
    }
}

struct PublicKey {
    key: VerifyingKey,
    host: Signatures,
}

impl PublicKeyHandle for PublicKey {
    fn verify(&self, message: &[u8], signature: &[u8]) -> PendingAnswer<bool> {
        count(&self.host.verdicts);
        let verdict = self.key.verify(message, signature);
        if self.host.answers.get() == Answers::Twice {
            return Box::new(Changing(verdict));
        }
        self.host.answer(Ok(verdict))
    }
}

struct PrivateKey {
    key: SigningKey,
    host: Signatures,
}

impl PrivateKeyHandle for PrivateKey {
    fn public_key(&self) -> PendingAnswer<String> {
        self.host.answer(Ok(self.key.public_jwk()))
    }

    fn sign(&self, algorithm: Algorithm, message: &[u8]) -> PendingAnswer<Vec<u8>> {
        count(&self.host.signatures);
        let signature = self.key.sign(algorithm.name(), message, &mut TestRandom(7));
        let signature = signature.map(|mut signature| {
            if self.host.cuts.get() {
                signature.pop();
            }
            signature
        });
        self.host.answer(signature.map_err(error))
    }
}

/// The same bytes each time.
struct TestRandom(u64);

impl TryRng for TestRandom {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.try_next_u64().map(|word| word as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        Ok(self.0)
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for byte in out {
            *byte = self.try_next_u64()? as u8;
        }
        Ok(())
    }
}

impl TryCryptoRng for TestRandom {}

/// A host that has only signatures.
#[derive(Clone, Default)]
pub struct SignatureHost(pub Signatures);

impl SignatureHost {
    pub fn shared() -> Rc<dyn Host> {
        Rc::new(Self::default())
    }
}

/// The result of a task that needs no waiting.
pub fn at_once<T>(mut task: Task<T>) -> T {
    match task.poll() {
        Progress::Ready(result) => result,
        Progress::Pending(wait) => panic!("pending for {wait:?} ms"),
    }
}

impl Host for SignatureHost {
    fn now(&self) -> u64 {
        0
    }

    fn random(&self, out: &mut [u8]) {
        let Ok(()) = TestRandom(11).try_fill_bytes(out);
    }

    fn send(&self, _: HttpRequest) -> Box<dyn Pending<Result<HttpResponse, HttpError>>> {
        panic!("this host has no network")
    }

    fn verifying_algorithms(&self) -> Vec<Algorithm> {
        self.0.verifying_algorithms()
    }

    fn signing_algorithms(&self) -> Vec<Algorithm> {
        self.0.signing_algorithms()
    }

    fn import_verifying_key(
        &self,
        algorithm: Algorithm,
        jwk: &str,
    ) -> Result<Box<dyn PublicKeyHandle>, SignatureError> {
        self.0.import_verifying_key(algorithm, jwk)
    }

    fn import_signing_key(
        &self,
        key: PrivateKeySource<'_>,
    ) -> Result<Box<dyn PrivateKeyHandle>, SignatureError> {
        self.0.import_signing_key(key)
    }
}
