//! Authorization codes, refresh tokens and opaque access tokens.
//!
//! To a client they are opaque texts. The server finds in them which grant they belong to, in
//! encrypted form: no user id can be read from a token, and two tokens of one user have nothing in
//! common. A text that this server did not make is refused without any access to the store, because
//! the encryption also authenticates the random part.
//!
//! ```text
//! prefix  base64url( format 1 | key 1 | nonce 12 | shard 16, grant 16, number 4, tag 16 | random 32 )
//! ```
//!
//! The prefix lets scanners of source code find leaked tokens.

use zeroize::Zeroizing;

use super::partition::Shard;
use super::root_keys::RootKeys;
use super::sealing;
use crate::jose::base64url;
use crate::secret::Secret;
use crate::task::Scheduler;

const FORMAT: u8 = 1;
const LOCATOR_BYTES: usize = 36;
const RANDOM_BYTES: usize = 32;
const SEALED_BYTES: usize = 12 + LOCATOR_BYTES + 16;
const BYTES: usize = 2 + SEALED_BYTES + RANDOM_BYTES;

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    Code,
    Refresh,
    Access,
}

impl TokenKind {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Code => "tgc_",
            Self::Refresh => "tgr_",
            Self::Access => "tga_",
        }
    }
}

/// The id of a grant. Its first part is a hash of the client, so that the grants of one client
/// stand together in the order of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct GrantId(pub(super) [u8; 16]);

impl GrantId {
    pub(super) fn text(self) -> String {
        base64url::encode(&self.0)
    }

    pub(super) fn from_text(text: &str) -> Option<Self> {
        Some(Self(base64url::decode(text)?.try_into().ok()?))
    }
}

/// Where the grant of a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Locator {
    pub(super) shard: Shard,
    pub(super) grant: GrantId,
    /// Counts the refresh tokens of a grant.
    pub(super) number: u32,
}

/// Makes a token.
pub(super) fn issue(
    keys: &RootKeys,
    scheduler: &Scheduler,
    kind: TokenKind,
    locator: Locator,
) -> Secret {
    let mut random = Zeroizing::new([0; RANDOM_BYTES]);
    scheduler.random(&mut *random);
    let (key_id, key) = keys.newest("token locator");
    let mut text = Vec::with_capacity(LOCATOR_BYTES);
    text.extend_from_slice(&locator.shard.0);
    text.extend_from_slice(&locator.grant.0);
    text.extend_from_slice(&locator.number.to_be_bytes());
    let head = [FORMAT, key_id];
    let sealed = key.seal(scheduler, &bound_to(kind, head, &*random), &text);
    let bytes = Zeroizing::new([&head[..], &sealed, &random[..]].concat());
    Secret::new(kind.prefix().to_owned() + &base64url::encode(&bytes))
}

/// Reads a token that this server made. It says nothing about whether the token is still valid.
pub(super) fn read(keys: &RootKeys, kind: TokenKind, token: &str) -> Option<Locator> {
    let text = token.strip_prefix(kind.prefix())?;
    if text.len() != BYTES.div_ceil(3) * 4 - (3 - BYTES % 3) % 3 {
        return None;
    }
    let bytes = Zeroizing::new(base64url::decode(text)?);
    let (head, rest) = bytes.split_first_chunk::<2>()?;
    let (sealed, random) = rest.split_at_checked(SEALED_BYTES)?;
    if head[0] != FORMAT {
        return None;
    }
    let key = keys.by_id(head[1], "token locator")?;
    let text = key.open(&bound_to(kind, *head, random), sealed)?;
    let (shard, text) = text.split_first_chunk::<16>()?;
    let (grant, number) = text.split_first_chunk::<16>()?;
    Some(Locator {
        shard: Shard(*shard),
        grant: GrantId(*grant),
        number: u32::from_be_bytes(number.try_into().ok()?),
    })
}

/// What is stored in place of a token.
pub(super) fn hash(token: &Secret) -> String {
    sealing::hash(token.expose())
}

fn bound_to(kind: TokenKind, head: [u8; 2], random: &[u8]) -> Vec<u8> {
    [kind.prefix().as_bytes(), &head, random].concat()
}
