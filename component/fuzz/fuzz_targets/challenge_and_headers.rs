//! `Authorization` of any text, and challenges made of any texts.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate_core::challenge::Challenge;
use tollgate_core::resource_server::{bearer_token_start, check_token68};

fuzz_target!(|texts: Vec<String>| {
    if let Ok(start) = bearer_token_start(&texts) {
        let token = &texts[0][start..];
        assert_eq!(texts.len(), 1);
        if check_token68(token).is_ok() {
            assert!(!token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()));
        }
        assert!(texts[0][..6].eq_ignore_ascii_case("bearer"));
        assert!(texts[0][6..start].bytes().all(|byte| byte == b' '));
    }

    let text = |index: usize| texts.get(index).map_or("", String::as_str);
    let challenge = Challenge::bearer()
        .realm(text(0))
        .error(text(1))
        .error_description(text(2))
        .scope(&texts)
        .resource_metadata(text(3))
        .to_string();
    assert!(
        challenge.bytes().all(|byte| (b' '..=b'~').contains(&byte)),
        "{challenge:?}"
    );
    assert!(!challenge.contains('\\'), "{challenge:?}");
    let rest = challenge.strip_prefix("Bearer").expect("the scheme");
    let mut names = Vec::new();
    // Outside of quotes, there are only names, separators and the quotes themselves.
    let mut pieces = rest.split('"');
    while let Some(before) = pieces.next() {
        if before.is_empty() && pieces.clone().next().is_none() {
            break;
        }
        let Some(name) = before.trim_start_matches([',', ' ']).strip_suffix('=') else {
            assert!(before.is_empty(), "{challenge:?}");
            continue;
        };
        assert!(
            name.bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_'),
            "{challenge:?}"
        );
        assert!(!names.contains(&name), "{name} stands twice: {challenge:?}");
        names.push(name);
        pieces.next().expect("a closing quote");
    }
});
