//! The keys that sign access tokens, and their rotation.
//!
//! A key is published for a while before it signs, so that every resource server has it by then,
//! and for a while after, until its last token has expired. Keys are made here and stored encrypted
//! in the partition of keys. Each instance reads them again from time to time: one that was not
//! asked for anything during a rotation publishes and uses what the others made.

use std::rc::Rc;

use super::issuer::Request;
use super::partition::KEYS;
use super::record::{self, Reader, Unreadable, Writer};
use super::rejection::Rejection;
use super::root_keys::RootKeys;
use super::server::Server;
use super::storage::Storage;
use crate::answer::Answer;
use crate::jose::{Algorithm, SigningKey, base64url, generate_p256};
use crate::json::{Json, Object};
use crate::secret::Secret;
use crate::store::{Commit, Committed, Condition, Record, UnixSeconds};
use crate::task::Scheduler;

pub(super) const RECORD: &str = "signing";
const VERSION: u64 = 1;
const BOUND_TO: &[u8] = b"signing keys";
/// The purpose of the key that encrypts them.
const PURPOSE: &str = "signing keys";
/// How long a key signs, in seconds: 90 days.
const SIGNS: u64 = 90 * 86_400;
/// How long a key is published before it signs: a day. Resource servers keep keys for hours.
const PUBLISHED_BEFORE: u64 = 86_400;
/// How long it is published after it signed, beside the lifetime of tokens: an hour for clocks.
const PUBLISHED_AFTER: u64 = 3600;
/// The most keys at a time: more come only from a clock that jumps.
const KEYS_AT_ONCE: usize = 8;

/// `Cache-Control` of the key set: a resource server that has an older one asks for a key that it
/// does not know, so a short time would only cost requests.
const CACHE: &str = "public, max-age=3600";

impl Server {
    /// The public keys (RFC 8414 section 2, `jwks_uri`).
    pub(super) async fn keys_endpoint(&self, request: &Request) -> Result<Answer, Rejection> {
        if request.method != "GET" && request.method != "HEAD" {
            return Err(Rejection::Method("GET, HEAD"));
        }
        let keys = self.keys().await?;
        let published = keys.signing.publish(self.scheduler()).await?;
        let mut answer = Answer::json(200, published, CACHE);
        answer.push("access-control-allow-origin", "*");
        Ok(answer)
    }
}

/// See the module. The oldest key is the first. Never empty.
pub(super) struct SigningKeys {
    keys: Vec<StoredKey>,
}

struct StoredKey {
    /// The time from which it signs.
    signs_from: UnixSeconds,
    /// Random, and stored: a thumbprint is known only after the host has prepared the key.
    kid: String,
    text: Secret,
    key: Rc<SigningKey>,
}

impl SigningKeys {
    /// Reads the keys from their record. Makes the first one, and each next one when its time has come.
    pub(super) async fn load(
        storage: &Storage,
        root: &RootKeys,
        token_lifetime: u64,
        mut found: Option<Record>,
    ) -> Result<Self, Rejection> {
        loop {
            let (mut keys, condition) = match &found {
                None => (Self { keys: Vec::new() }, Condition::Absent),
                Some(record) => {
                    let keys = Self::open(root, record)?;
                    (keys, Condition::Version(record.version.clone()))
                }
            };
            if !keys.rotate(storage.scheduler(), storage.now(), token_lifetime)? {
                return Ok(keys);
            }
            let value = keys.sealed(storage.scheduler(), root);
            let commit = Commit {
                conditions: vec![(RECORD.to_owned(), condition)],
                puts: vec![storage.put(RECORD, value, None)],
                deletes: Vec::new(),
            };
            if storage.commit(KEYS, commit).await? == Committed::Done {
                return Ok(keys);
            }
            // Another instance was faster: use what it wrote.
            found = storage.read_one(KEYS, RECORD).await?;
        }
    }

    /// The key that signs now: the newest whose time has come.
    pub(super) fn current(&self, now: UnixSeconds) -> &SigningKey {
        let started = |own: &&StoredKey| own.signs_from <= now;
        let key = self.keys.iter().rev().find(started);
        &key.or(self.keys.first()).expect("never empty").key
    }

    /// The key of a `kid`.
    pub(super) fn by_kid(&self, kid: Option<&str>) -> Option<&Rc<SigningKey>> {
        let mut keys = self.keys.iter();
        keys.find(|own| Some(own.kid.as_str()) == kid)
            .map(|own| &own.key)
    }

    /// The public halves as a JWK Set (RFC 7517 section 5).
    pub(super) async fn publish(&self, scheduler: &Scheduler) -> Result<String, Rejection> {
        let mut published = Vec::new();
        for own in &self.keys {
            published.push(Json::Object(own.key.public_jwk(scheduler).await?));
        }
        let mut document = Object::default();
        document.insert("keys", Json::Array(published));
        Ok(document.to_string())
    }

    /// Adds and removes keys. Returns whether anything changed.
    fn rotate(
        &mut self,
        scheduler: &Scheduler,
        now: UnixSeconds,
        token_lifetime: u64,
    ) -> Result<bool, Unreadable> {
        let signs_from = match self.keys.last() {
            None => now,
            Some(newest) if now + PUBLISHED_BEFORE >= newest.signs_from + SIGNS => {
                now + PUBLISHED_BEFORE
            }
            Some(_) => return Ok(false),
        };
        let mut kid = [0; 12];
        scheduler.random(&mut kid);
        let kid = base64url::encode(&kid);
        let text = generate_p256(scheduler);
        self.keys.push(StoredKey::new(signs_from, kid, text)?);
        let kept = PUBLISHED_AFTER + token_lifetime;
        // A key ends when the next one begins to sign.
        while let [_, next, ..] = self.keys.as_slice()
            && (next.signs_from + kept < now || self.keys.len() > KEYS_AT_ONCE)
        {
            self.keys.remove(0);
        }
        Ok(true)
    }

    fn sealed(&self, scheduler: &Scheduler, root: &RootKeys) -> Vec<u8> {
        let keys = self.keys.iter().map(|own| {
            Writer::default()
                .number("signs_from", own.signs_from)
                .text("kid", &own.kid)
                .text("key", own.text.expose())
        });
        let text = Writer::new(VERSION).records("keys", keys.collect());
        let (root_id, key) = root.newest(PURPOSE);
        let sealed = key.seal(scheduler, BOUND_TO, &text.into_bytes());
        Writer::new(VERSION)
            .number("root", u64::from(root_id))
            .bytes("sealed", &sealed)
            .into_bytes()
    }

    fn open(root: &RootKeys, record: &Record) -> Result<Self, Unreadable> {
        let object = record::parse(&record.value, VERSION)?;
        let reader = Reader::new(&object);
        let root_id = u8::try_from(reader.number("root")?).map_err(|_| Unreadable)?;
        let key = root.by_id(root_id, PURPOSE).ok_or(Unreadable)?;
        let text = key
            .open(BOUND_TO, &reader.bytes("sealed")?)
            .ok_or(Unreadable)?;
        let object = record::parse(&text, VERSION)?;
        let keys = Reader::new(&object).records("keys")?;
        let keys = keys.into_iter().map(|own| {
            let text = Secret::new(own.text("key")?);
            let kid = own.text("kid")?.to_owned();
            StoredKey::new(own.number("signs_from")?, kid, text)
        });
        let keys: Vec<_> = keys.collect::<Result<_, _>>()?;
        if keys.is_empty() {
            return Err(Unreadable);
        }
        Ok(Self { keys })
    }
}

impl StoredKey {
    fn new(signs_from: UnixSeconds, kid: String, text: Secret) -> Result<Self, Unreadable> {
        let key = SigningKey::from_text(text.expose(), Some(&kid), Some(Algorithm::Es256));
        Ok(Self {
            signs_from,
            kid,
            key: Rc::new(key.map_err(|_| Unreadable)?),
            text,
        })
    }
}
