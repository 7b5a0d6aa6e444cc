//! A compact JWS of any text. It must not panic, and encoding the parsed parts must give the same
//! text, so that a token has one spelling.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate_core::jose::{CompactJws, base64url};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(jws) = CompactJws::parse(text) else {
        return;
    };
    let parts: Vec<&str> = text.split('.').collect();
    assert_eq!(parts.len(), 3);
    assert_eq!(base64url::encode(jws.payload()), parts[1]);
    assert_eq!(base64url::encode(jws.signature()), parts[2]);
    let input = format!("{}.{}", parts[0], parts[1]);
    assert_eq!(jws.signing_input(), input.as_bytes());
    let shown = format!("{jws:?}");
    assert!(shown.len() < 200 && shown.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
});
