use std::collections::HashMap;

use super::*;
use crate::secret::Secret;

const HOUR: u64 = 3_600_000;

fn strings(values: &[&str]) -> Vec<String> {
    values.iter().map(|&value| value.into()).collect()
}

fn typed(token: &str, token_type: Option<&str>) -> TypedToken {
    TypedToken {
        token: Secret::new(token),
        token_type: token_type.map(str::to_owned),
    }
}

/// All parts of a key, without hashing.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Request {
    issuer: String,
    client: String,
    subject: String,
    delegation: Delegation,
}

impl Request {
    fn new() -> Self {
        Self {
            issuer: "https://i".into(),
            client: "c".into(),
            subject: "u".into(),
            delegation: Delegation {
                subject: None,
                subject_token: typed("t", None),
                subject_expires_at: None,
                actor_token: None,
                target: TokenTarget::default(),
                destination: None,
            },
        }
    }

    fn key(&self) -> CacheKey {
        CacheKey::of_user(&self.issuer, &self.client, &self.subject, &self.delegation)
    }

    /// What is hashed.
    fn text(&self) -> Vec<u8> {
        let mut text = Vec::new();
        let mut write = |bytes: &[u8]| text.extend_from_slice(bytes);
        Parts(&mut write).user(&self.issuer, &self.client, &self.subject, &self.delegation);
        text
    }
}

/// Decodes the hashed text. If it can be decoded, no two requests share it.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn number(&mut self) -> usize {
        let (number, rest) = self.0.split_at(8);
        self.0 = rest;
        u64::from_le_bytes(number.try_into().unwrap()) as usize
    }

    fn text(&mut self) -> String {
        let length = self.number();
        let (text, rest) = self.0.split_at(length);
        self.0 = rest;
        String::from_utf8(text.to_vec()).unwrap()
    }

    fn optional(&mut self) -> Option<String> {
        let (tag, rest) = self.0.split_at(1);
        self.0 = rest;
        (tag == [1]).then(|| self.text())
    }

    fn token(&mut self) -> Option<TypedToken> {
        let token = self.optional()?;
        Some(typed(&token, Some(&self.text())))
    }

    fn list(&mut self) -> Vec<String> {
        (0..self.number()).map(|_| self.text()).collect()
    }

    fn request(mut self) -> Request {
        assert_eq!(self.0[0], b'U');
        self.0 = &self.0[1..];
        let request = Request {
            issuer: self.text(),
            client: self.text(),
            subject: self.text(),
            delegation: Delegation {
                subject: None,
                subject_token: self.token().unwrap(),
                subject_expires_at: None,
                actor_token: self.token(),
                target: TokenTarget {
                    resources: self.list(),
                    audiences: self.list(),
                    scopes: self.list(),
                    requested_token_type: self.optional(),
                },
                destination: None,
            },
        };
        assert!(self.0.is_empty());
        request
    }
}

/// A small generator of random requests: the same in each run.
struct Generator(u64);

impl Generator {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }

    /// Short, and of characters that would confuse a key made with separators.
    fn text(&mut self) -> String {
        const LETTERS: [&str; 8] = ["", "a", ":", "::", "\0", "\u{1}", "é", "https://a"];
        (0..self.below(4)).map(|_| LETTERS[self.below(8)]).collect()
    }

    fn set(&mut self) -> Vec<String> {
        let mut set: Vec<String> = (0..self.below(3)).map(|_| self.text()).collect();
        set.sort_unstable();
        set.dedup();
        set
    }

    fn token(&mut self) -> TypedToken {
        let token_type = self.text();
        typed(&self.text(), Some(&token_type))
    }

    fn request(&mut self) -> Request {
        Request {
            issuer: self.text(),
            client: self.text(),
            subject: self.text(),
            delegation: Delegation {
                subject_token: self.token(),
                actor_token: (self.below(2) == 0).then(|| self.token()),
                target: TokenTarget {
                    resources: self.set(),
                    audiences: self.set(),
                    scopes: self.set(),
                    requested_token_type: (self.below(2) == 0).then(|| self.text()),
                },
                ..Request::new().delegation
            },
        }
    }
}

#[test]
fn cache_keys_are_unambiguous() {
    let mut generator = Generator(0x5EED);
    let mut seen: HashMap<CacheKey, Request> = HashMap::new();
    for _ in 0..50_000 {
        let request = generator.request();
        assert_eq!(Reader(&request.text()).request(), request);
        let other = seen.entry(request.key()).or_insert_with(|| request.clone());
        assert_eq!(*other, request, "two requests, one key");
    }
}

#[test]
fn each_part_changes_the_cache_key() {
    let plain = Request::new();
    let change = |change: fn(&mut Request)| {
        let mut request = Request::new();
        change(&mut request);
        request.key()
    };
    let keys = [
        plain.key(),
        change(|w| w.issuer.push('x')),
        change(|w| w.client.push('x')),
        change(|w| w.subject.push('x')),
        change(|w| w.delegation.subject_token = typed("other session", None)),
        change(|w| w.delegation.subject_token = typed("t", Some("urn:x"))),
        change(|w| w.delegation.actor_token = Some(typed("a", None))),
        change(|w| w.delegation.target.resources = strings(&["https://a"])),
        change(|w| w.delegation.target.audiences = strings(&["https://a"])),
        change(|w| w.delegation.target.scopes = strings(&["https://a"])),
        change(|w| w.delegation.target.requested_token_type = Some("urn:x".into())),
        CacheKey::of_client("https://i", "c", &TokenTarget::default()),
    ];
    for (index, key) in keys.iter().enumerate() {
        assert!(!keys[..index].contains(key), "{index}");
    }
    // Properties that must not change a key.
    let default_type = Some("urn:ietf:params:oauth:token-type:access_token");
    let mut named = Request::new();
    named.delegation.subject_token = typed("t", default_type);
    named.delegation.subject_expires_at = Some(7);
    named.delegation.destination = Some("https://a/x".into());
    assert_eq!(named.key(), plain.key());
}

#[test]
fn the_order_of_sets_does_not_matter() {
    let with = |scopes: &[&str]| {
        let mut request = Request::new();
        request.delegation.target.scopes = strings(scopes);
        request.key()
    };
    assert_eq!(with(&["a", "b"]), with(&["b", "a"]));
    assert_eq!(with(&["a", "b"]), with(&["b", "a", "b"]));
    assert_ne!(with(&["a", "b"]), with(&["a"]));
    assert_ne!(with(&["ab"]), with(&["a", "b"]));
}

fn token(name: &str, expires_at: Option<u64>) -> Rc<Token> {
    Rc::new(Token {
        access_token: Secret::new(name),
        token_type: "Bearer".into(),
        issued_token_type: None,
        expires_at,
        scopes: None,
        refresh_token: None,
    })
}

fn key(name: &str) -> CacheKey {
    let mut request = Request::new();
    request.subject = name.into();
    request.key()
}

fn owner(subject: &str, target: &str) -> Owner {
    Owner {
        subject: Some(subject.into()),
        targets: strings(&[target]),
    }
}

fn cache(limits: ExchangeCacheLimits) -> ExchangedTokens {
    ExchangedTokens::new(limits)
}

#[test]
fn tokens_are_kept_until_they_expire() {
    let limits = ExchangeCacheLimits::default();
    // Expires in, the user's token ends at, asked at, good until.
    for (lifetime, user_until, good_until) in [
        (Some(600_000), None, 570_000),
        (Some(30_001), None, 1),
        (None, None, 270_000),
        (Some(2 * HOUR), None, HOUR),
        (Some(600_000), Some(100_000), 100_000),
        (Some(600_000), Some(590_000), 570_000),
    ] {
        let start = 1_000_000;
        let mut cache = cache(limits);
        let expires = lifetime.map(|lifetime| start + lifetime);
        let user_until = user_until.map(|until| start + until);
        let (a, whose) = (token("a", expires), owner("u", "r"));
        cache.insert(key("u"), &a, whose, start, user_until, start);
        assert!(cache.find(&key("u"), start + good_until - 1).is_some());
        assert!(cache.find(&key("u"), start + good_until).is_none());
        assert_eq!(cache.size(), (0, 0), "what has ended is dropped");
    }
}

#[test]
fn unusable_tokens_are_not_cached() {
    let start = 1_000_000;
    let mut cache = cache(ExchangeCacheLimits::default());
    let whose = || owner("u", "r");
    let short = token("a", Some(start + 30_000));
    cache.insert(key("u"), &short, whose(), start, None, start);
    let long = token("a", Some(start + HOUR));
    cache.insert(key("u"), &long, whose(), start, Some(start), start);
    assert_eq!(cache.size(), (0, 0));
    // The clock jumped back: entries from the future are not used.
    cache.insert(key("u"), &long, whose(), start, None, start);
    assert!(cache.find(&key("u"), start - 1).is_none());
}

#[test]
fn the_least_recently_used_token_is_evicted_first() {
    let mut cache = cache(ExchangeCacheLimits {
        max_entries: 2,
        ..ExchangeCacheLimits::default()
    });
    let put = |cache: &mut ExchangedTokens, name: &str| {
        cache.insert(key(name), &token(name, None), owner(name, "r"), 0, None, 0);
    };
    put(&mut cache, "a");
    put(&mut cache, "b");
    assert!(cache.find(&key("a"), 1).is_some());
    put(&mut cache, "c");
    assert!(cache.find(&key("b"), 1).is_none());
    assert!(cache.find(&key("a"), 1).is_some());
    assert!(cache.find(&key("c"), 1).is_some());
}

#[test]
fn the_cache_is_limited_in_bytes_and_zero_disables_it() {
    let mut small = cache(ExchangeCacheLimits {
        max_bytes: 10_000,
        ..ExchangeCacheLimits::default()
    });
    for number in 0..100 {
        let name = format!("user {number}");
        let long = token(&"x".repeat(1_000), None);
        small.insert(key(&name), &long, owner(&name, "r"), 0, None, 0);
        assert!(small.size().1 <= 10_000);
    }
    assert!(small.size().0 >= 5);
    let huge = token(&"x".repeat(20_000), None);
    let before = small.size();
    small.insert(key("huge"), &huge, owner("huge", "r"), 0, None, 0);
    assert_eq!(
        small.size(),
        before,
        "one token does not push all others out"
    );
    for off in [
        ExchangeCacheLimits {
            max_entries: 0,
            ..ExchangeCacheLimits::default()
        },
        ExchangeCacheLimits {
            max_bytes: 0,
            ..ExchangeCacheLimits::default()
        },
    ] {
        let mut off = cache(off);
        off.insert(key("u"), &token("a", None), owner("u", "r"), 0, None, 0);
        assert_eq!(off.size(), (0, 0));
    }
}

#[test]
fn entries_that_just_fit_are_kept() {
    let mut any = cache(ExchangeCacheLimits::default());
    let put = |cache: &mut ExchangedTokens, name: &str| {
        cache.insert(key(name), &token(name, None), owner(name, "r"), 0, None, 0);
    };
    put(&mut any, "a");
    let (_, bytes) = any.size();
    for (room, kept) in [
        (bytes - 1, 0),
        (bytes, 1),
        (2 * bytes - 1, 1),
        (2 * bytes, 2),
    ] {
        let mut small = cache(ExchangeCacheLimits {
            max_bytes: room as u32,
            ..ExchangeCacheLimits::default()
        });
        put(&mut small, "a");
        put(&mut small, "b");
        assert_eq!(small.size(), (kept, kept * bytes), "{room}");
    }
}

#[test]
fn tokens_are_invalidated_by_user_by_resource_or_all() {
    let filled = || {
        let mut cache = cache(ExchangeCacheLimits::default());
        for (user, target) in [("u", "r"), ("u", "s"), ("v", "r")] {
            let name = format!("{user}{target}");
            let (token, owner) = (token(&name, None), owner(user, target));
            cache.insert(key(&name), &token, owner, 0, None, 0);
        }
        let own = Owner {
            subject: None,
            targets: strings(&["r"]),
        };
        cache.insert(key("own"), &token("own", None), own, 0, None, 0);
        cache
    };
    for (subject, target, gone) in [
        (Some("u"), None, 2),
        (None, Some("r"), 3),
        (Some("u"), Some("r"), 1),
        (Some("nobody"), None, 0),
        (Some(""), None, 0),
        (None, None, 4),
    ] {
        let mut cache = filled();
        assert_eq!(cache.invalidate(subject, target), gone);
        assert_eq!(cache.size().0, 4 - gone);
        assert_eq!(cache.size().1 == 0, gone == 4);
    }
}

#[test]
fn only_the_refused_token_is_removed() {
    let mut cache = cache(ExchangeCacheLimits::default());
    cache.insert(key("u"), &token("new", None), owner("u", "r"), 0, None, 0);
    cache.remove_if(&key("u"), "old");
    assert!(cache.find(&key("u"), 1).is_some());
    cache.remove_if(&key("u"), "new");
    assert!(cache.find(&key("u"), 1).is_none());
}
