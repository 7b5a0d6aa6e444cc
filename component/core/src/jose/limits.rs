//! Limits of tokens, keys and key sets, each with its reason.

/// A compact JWS: servers and CDNs limit the whole header block to 16 to 32 KiB, so a longer token
/// cannot be sent in a header.
pub const TOKEN_BYTES: usize = 16 * 1024;

/// JSON nesting in a JOSE header: `jwk` is the only registered parameter with an object, and its
/// arrays (`x5c`, `key_ops`) make three levels.
pub const HEADER_DEPTH: usize = 4;

/// `kid` in bytes: thumbprints have 43, URLs and DIDs some hundred.
pub const KEY_ID_BYTES: usize = 1024;

/// `typ` in bytes: RFC 6838 section 4.2 allows 127 on either side of the `/`.
pub const TYPE_BYTES: usize = 255;

/// RSA modulus in bits. RFC 7518 section 3.3 sets the lower end. The upper end limits the cost of a
/// check, which grows with the square; larger keys are not in use.
pub const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// RSA exponent. 65537 is the usual one; 3 and 17 are old, and secure with a strict check of the
/// padding. Windows and Go have a limit of 32 bits as well, and a check costs one squaring per bit.
pub const RSA_EXPONENT: std::ops::RangeInclusive<u32> = 3..=u32::MAX;

/// Bytes of a key set: 100 RSA-4096 keys with certificates are about 300 KB.
pub const KEY_SET_BYTES: usize = 512 * 1024;

/// JSON nesting in a key set: set, `keys`, key, and an array inside; one more for extensions.
pub const KEY_SET_DEPTH: usize = 8;

/// Keys read from a set. Issuers publish 2 to 20.
pub const KEYS: usize = 128;

/// Entries of `key_ops`: eight are registered (RFC 7517 section 4.3).
pub const KEY_OPERATIONS: usize = 16;

/// A private key's text: RSA-4096 is 3.2 KB in PEM and in JSON; the rest is room for comments.
pub const PRIVATE_KEY_BYTES: usize = 16 * 1024;

/// JSON nesting in a private key: `x5c` and `key_ops` are arrays in it.
pub const PRIVATE_KEY_DEPTH: usize = 4;

/// RSA modulus in bits of a key that signs. RFC 7518 section 3.3 sets the lower end. The upper end
/// limits the cost of a signature, which grows with the cube: one with 4096 bits takes seven times
/// as long as one with 2048, and the next common size would take fifty times as long.
pub const RSA_SIGNING_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;
