//! What may be asked for, at its limits.

use super::*;

fn names(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("urn:{n}")).collect()
}

fn checked(change: impl FnOnce(&mut TokenTarget)) -> bool {
    let mut target = TokenTarget::default();
    change(&mut target);
    target.check().is_ok()
}

#[test]
fn targets_and_scopes_are_counted() {
    assert!(checked(|t| t.resources = names(limits::TARGETS)));
    assert!(!checked(|t| t.resources = names(limits::TARGETS + 1)));
    assert!(checked(|t| t.audiences = names(limits::TARGETS)));
    assert!(!checked(|t| t.audiences = names(limits::TARGETS + 1)));
    assert!(checked(|t| t.scopes = names(limits::SCOPES)));
    assert!(!checked(|t| t.scopes = names(limits::SCOPES + 1)));
}

#[test]
fn a_resource_is_an_absolute_uri_without_fragment() {
    let long = |bytes: usize| format!("urn:{}", "x".repeat(bytes - 4));
    for good in [
        "urn:x",
        "https://h/a?b",
        "a1+-.b:x",
        &long(limits::TARGET_BYTES),
    ] {
        assert!(is_resource(good), "{good}");
    }
    for bad in [
        "",
        "urn",
        "urn:",
        ":x",
        "1rn:x",
        "u_n:x",
        "urn:x#y",
        "urn:x y",
        "urn:é",
        &long(limits::TARGET_BYTES + 1),
    ] {
        assert!(!is_resource(bad), "{bad}");
    }
}

#[test]
fn a_token_is_neither_empty_nor_huge() {
    let refusal = |bytes: usize| match check_token(&Secret::new("x".repeat(bytes))) {
        Err(TokenFailure::InvalidRequest(sentence)) => Some(sentence),
        _ => None,
    };
    assert!(refusal(0).is_some_and(|sentence| sentence.contains("empty")));
    assert_eq!(refusal(1), None);
    assert_eq!(refusal(limits::EXCHANGED_TOKEN_BYTES), None);
    let huge = refusal(limits::EXCHANGED_TOKEN_BYTES + 1);
    assert!(huge.is_some_and(|sentence| sentence.contains("32 KiB")));
}
