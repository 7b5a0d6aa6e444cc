//! Every bound on input, with its reason; those of tokens, keys and key sets are in
//! [`crate::jose::limits`].

use crate::jose::limits as jose;

/// `Authorization`: the longest token that is read, and the scheme before it.
pub const AUTHORIZATION_BYTES: usize = jose::TOKEN_BYTES + 16;

/// The request URL: longer ones are refused by Cloudflare (16 KiB) and by common proxies (8 KiB).
pub const URL_BYTES: usize = 16 * 1024;

/// `Origin`: scheme, a DNS name of at most 253 bytes and a port, with room to spare.
pub const ORIGIN_BYTES: usize = 512;

/// `Access-Control-Request-Headers`: what a browser sends is a handful of names.
pub const REQUESTED_HEADERS_BYTES: usize = 1024;

/// Discovery documents: real ones are 1 to 6 KB; Keycloak's with every extension is below 10 KB.
pub const METADATA_BYTES: u32 = 128 * 1024;

/// JWK Sets on the wire: what the parser takes.
pub const KEY_SET_BYTES: u32 = jose::KEY_SET_BYTES as u32;

/// What `import-keys` reads: as many full key sets as there can be issuers is absurd; one each of
/// ordinary size is not.
pub const SNAPSHOT_BYTES: usize = 4 * 1024 * 1024;

/// JSON nesting in metadata: RFC 8414 documents are flat, extensions nest two or three deep.
pub const JSON_DEPTH: usize = 16;

/// Entries of an `aud` array: tokens for dozens of APIs exist, for hundreds do not.
pub const AUDIENCES: usize = 64;

/// Scopes in a token: a linear scan of these stays below the cost of a hash of the token.
pub const SCOPES: usize = 256;

/// Actors in a delegation chain: each is an application that called the next. Longer chains say
/// that two applications call each other.
pub const ACTORS: usize = 8;

/// Keys tried for a token without `kid`: each costs a signature check, which an anonymous caller
/// could otherwise multiply.
pub const KEYS_TRIED: usize = 4;

/// Issuers of one gate.
pub const ISSUERS: usize = 32;

/// Routes of one gate: they are scanned.
pub const ROUTES: usize = 256;

/// Clock tolerance in seconds: RFC 7519 section 4.1.4 speaks of "no more than a few minutes".
pub const CLOCK_TOLERANCE: u32 = 300;

/// A NumericDate beyond year 9999 is a mistake in units (milliseconds) more often than meant,
/// but it is a valid number: it is honoured up to here, the largest integer a JSON number holds
/// exactly (RFC 8259 section 6).
pub const NUMERIC_DATE: f64 = 9_007_199_254_740_991.0;

/// Resources, and audiences, of one token request: a token for more is a token for everything.
pub const TARGETS: usize = 8;

/// A resource or an audience: URLs that servers take without complaint.
pub const TARGET_BYTES: usize = 2048;

/// A token that is exchanged or that comes back: twice what is read as a header, because SAML
/// assertions and ID tokens are longer than access tokens.
pub const EXCHANGED_TOKEN_BYTES: usize = 32 * 1024;

/// A token response: three tokens of the longest kind, and room.
pub const TOKEN_RESPONSE_BYTES: u32 = 128 * 1024;

/// Private keys of a client: one that signs, one that will, and some that did.
pub const CLIENT_KEYS: usize = 8;

/// An OAuth error's description and URI: what a person reads.
pub const OAUTH_ERROR_BYTES: usize = 2048;

/// How long the host may take over an operation with a key, in milliseconds. WebCrypto takes less
/// than one; a key management service answers within a second or is down.
pub const SIGNATURE_MS: u64 = 5_000;

/// Faults of one issuer that are told at a time. A key set of nothing but bad keys needs one
/// remedy, not a hundred lines.
pub const FAULTS: usize = 8;
