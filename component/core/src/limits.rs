//! The limits of all input, each with its reason. Those of tokens, keys and key sets are in
//! [`crate::jose::limits`].

use crate::jose::limits as jose;

/// `Authorization`: the longest accepted token, and the scheme before it.
pub const AUTHORIZATION_BYTES: usize = jose::TOKEN_BYTES + 16;

/// The request URL: longer ones are refused by Cloudflare (16 KiB) and by common proxies (8 KiB).
pub const URL_BYTES: usize = 16 * 1024;

/// `Origin`: scheme, a DNS name of at most 253 bytes and a port, with room to spare.
pub const ORIGIN_BYTES: usize = 512;

/// `Access-Control-Request-Headers`: what a browser sends is a handful of names.
pub const REQUESTED_HEADERS_BYTES: usize = 1024;

/// Discovery documents: real ones are 1 to 6 KB; Keycloak's with every extension is below 10 KB.
pub const METADATA_BYTES: u32 = 128 * 1024;

/// A JWK Set in a response: the parser's limit.
pub const KEY_SET_BYTES: u32 = jose::KEY_SET_BYTES as u32;

/// The input of `import-keys`: enough for one key set of ordinary size per issuer.
pub const SNAPSHOT_BYTES: usize = 4 * 1024 * 1024;

/// JSON nesting in metadata: RFC 8414 documents are flat, extensions nest two or three deep.
pub const JSON_DEPTH: usize = 16;

/// Entries of an `aud` array: tokens for dozens of APIs exist, for hundreds do not.
pub const AUDIENCES: usize = 64;

/// Scopes in a token: a linear scan of this many costs less than a hash of the token.
pub const SCOPES: usize = 256;

/// Actors in a delegation chain: each is an application that called the next. A longer chain is
/// most likely a loop of applications that call each other.
pub const ACTORS: usize = 8;

/// Keys that are tried for a token without `kid`: each costs a signature check, and anonymous
/// callers must not multiply that cost.
pub const KEYS_TRIED: usize = 4;

/// Issuers of one gate.
pub const ISSUERS: usize = 32;

/// Routes of one gate, which are scanned linearly.
pub const ROUTES: usize = 256;

/// Clock tolerance in seconds: RFC 7519 section 4.1.4 speaks of "no more than a few minutes".
pub const CLOCK_TOLERANCE: u32 = 300;

/// A NumericDate beyond the year 9999 is most likely a mistake in units (milliseconds), but it is a
/// valid number. It is accepted up to the largest integer that a JSON number holds exactly (RFC
/// 8259 section 6).
pub const NUMERIC_DATE: f64 = 9_007_199_254_740_991.0;

/// Resources, and audiences, of one token request: a token for more would be valid almost
/// everywhere.
pub const TARGETS: usize = 8;

/// A resource or an audience: the length of URLs that all servers accept.
pub const TARGET_BYTES: usize = 2048;

/// A token that is exchanged or issued: twice the limit for a header, because SAML assertions and
/// ID tokens are longer than access tokens.
pub const EXCHANGED_TOKEN_BYTES: usize = 32 * 1024;

/// A token response: three tokens of the maximum length, and some more members.
pub const TOKEN_RESPONSE_BYTES: u32 = 128 * 1024;

/// Private keys of a client: the current one, the next one, and some retired ones.
pub const CLIENT_KEYS: usize = 8;

/// An OAuth error's description and URI: enough for a person to read.
pub const OAUTH_ERROR_BYTES: usize = 2048;

/// The timeout of a key operation of the host, in milliseconds. WebCrypto takes less than one
/// millisecond; a key management service answers within a second, or is down.
pub const SIGNATURE_MS: u64 = 5_000;

/// Faults of one issuer that are reported at a time. A key set with only bad keys needs one remedy,
/// not a hundred log lines.
pub const FAULTS: usize = 8;
