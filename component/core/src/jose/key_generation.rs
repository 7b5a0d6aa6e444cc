//! New private keys. Only keys on P-256, whose private half is a random number: RSA keys need
//! arithmetic that is not in this crate.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::secret::Secret;
use crate::task::Scheduler;

/// The order of the group (SEC 2 section 2.4.2). A private key is a number from 1 to one less.
const ORDER: [u8; 32] = [
    0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
    0xBC, 0xE6, 0xFA, 0xAD, 0xA7, 0x17, 0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63, 0x25, 0x51,
];
/// `ECPrivateKey` (RFC 5915 section 3) up to its number, and behind it: version 1, an octet string
/// of 32 bytes, and `parameters` with the curve `prime256v1`.
const BEFORE: [u8; 7] = [0x30, 0x31, 0x02, 0x01, 0x01, 0x04, 0x20];
const BEHIND: [u8; 12] = [
    0xA0, 0x0A, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07,
];

/// A new private key on P-256 in PEM (SEC1), for [`super::SigningKey::from_text`].
pub(crate) fn generate_p256(scheduler: &Scheduler) -> Secret {
    let mut number = Zeroizing::new([0; 32]);
    loop {
        scheduler.random(&mut *number);
        // One number in four billion is out of range.
        if *number < ORDER && *number != [0; 32] {
            break;
        }
    }
    let der = Zeroizing::new([&BEFORE[..], &*number, &BEHIND].concat());
    let base64 = Zeroizing::new(STANDARD.encode(&*der));
    Secret::new(format!(
        "-----BEGIN EC PRIVATE KEY-----\n{}\n-----END EC PRIVATE KEY-----\n",
        *base64
    ))
}
