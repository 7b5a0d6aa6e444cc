use super::*;

fn answer(status: u16, body: &str) -> Result<HttpResponse, HttpError> {
    Ok(HttpResponse {
        status,
        headers: Vec::new(),
        body: body.as_bytes().to_vec(),
    })
}

fn ok(members: &str) -> Result<Token, TokenFailure> {
    wanted(None, members)
}

fn wanted(wanted: Option<&str>, members: &str) -> Result<Token, TokenFailure> {
    read(answer(200, &format!("{{{members}}}")), wanted, 1_000)
}

const GOOD: &str = r#""access_token":"abc","token_type":"Bearer""#;

#[test]
fn a_whole_response_is_read() {
    let token = ok(&format!(
        r#"{GOOD},"expires_in":60,"scope":"a  b","refresh_token":"r","issued_token_type":"{JWT}""#
    ))
    .unwrap();
    assert_eq!(token.access_token.expose(), "abc");
    assert_eq!(token.expires_at, Some(61_000));
    assert_eq!(token.scopes, Some(vec!["a".into(), "b".into()]));
    assert_eq!(token.refresh_token.unwrap().expose(), "r");
    assert_eq!(token.issued_token_type.as_deref(), Some(JWT));
    let least = ok(GOOD).unwrap();
    assert_eq!((least.expires_at, least.scopes), (None, None));
    assert_eq!(least.refresh_token, None);
}

#[test]
fn a_lifetime_is_a_number_or_a_numeric_string() {
    let lifetime =
        |value: &str| ok(&format!(r#"{GOOD},"expires_in":{value}"#)).map(|token| token.expires_at);
    assert_eq!(lifetime("3600"), Ok(Some(3_601_000)));
    assert_eq!(lifetime("\"3600\""), Ok(Some(3_601_000)));
    assert_eq!(lifetime("3600.0"), Ok(Some(3_601_000)));
    assert_eq!(lifetime("0"), Ok(Some(1_000)));
    assert_eq!(lifetime("null"), Ok(None));
    for bad in [
        "-1",
        "1.5",
        "\"\"",
        "\"1h\"",
        "\"-1\"",
        "\"+5\"",
        "\"1e3\"",
        "1e300",
        "\"99999999999999999999\"",
        "1795219200000",
        "true",
        "[60]",
        "{}",
    ] {
        let expected = Err(TokenFailure::BadResponse("has a bad expires_in"));
        assert_eq!(lifetime(bad), expected, "{bad}");
    }
}

#[test]
fn members_must_be_present_and_well_formed() {
    for (members, what) in [
        ("", "has no access_token"),
        (r#""token_type":"Bearer""#, "has no access_token"),
        (
            r#""access_token":"","token_type":"Bearer""#,
            "has no access_token",
        ),
        (r#""access_token":"abc""#, "has no token_type"),
        (
            r#""access_token":7,"token_type":"Bearer""#,
            "has a malformed access_token",
        ),
        // It would end the header, or begin another.
        (
            r#""access_token":"a\r\nX: y","token_type":"Bearer""#,
            "has a malformed access_token",
        ),
        (
            r#""access_token":"a b","token_type":"Bearer""#,
            "has a malformed access_token",
        ),
        (
            r#""access_token":"é","token_type":"Bearer""#,
            "has a malformed access_token",
        ),
        (
            r#""access_token":"abc","token_type":["Bearer"]"#,
            "has a bad token_type",
        ),
        (
            r#""access_token":"abc","token_type":"DPoP""#,
            "has a token_type that is not Bearer",
        ),
        (
            r#""access_token":"abc","token_type":"mac""#,
            "has a token_type that is not Bearer",
        ),
        (
            r#""access_token":"abc","token_type":"Bearer","scope":["a"]"#,
            "has a bad scope",
        ),
        (
            r#""access_token":"abc","token_type":"Bearer","scope":"é""#,
            "has a bad scope",
        ),
        (
            r#""access_token":"abc","token_type":"Bearer","refresh_token":"a\nb""#,
            "has a malformed refresh_token",
        ),
        (
            r#""access_token":"abc","token_type":"Bearer","issued_token_type":1"#,
            "has a bad issued_token_type",
        ),
    ] {
        assert_eq!(
            ok(members),
            Err(TokenFailure::BadResponse(what)),
            "{members}"
        );
    }
    let of_size = |bytes: usize| {
        let token = "x".repeat(bytes);
        ok(&format!(
            r#""access_token":"{token}","token_type":"Bearer""#
        ))
    };
    assert!(of_size(limits::EXCHANGED_TOKEN_BYTES).is_ok());
    assert!(of_size(limits::EXCHANGED_TOKEN_BYTES + 1).is_err());
    assert!(ok(r#""access_token":"abc","token_type":"bEARER""#).is_ok());
}

#[test]
fn the_issued_token_has_the_requested_type() {
    const ID: &str = "urn:ietf:params:oauth:token-type:id_token";
    let other = Err(TokenFailure::BadResponse(
        "has a token of another type than the requested one",
    ));
    let issued = |asked: Option<&str>, issued: Option<&str>, token_type: &str| {
        let issued = issued.map_or(String::new(), |i| format!(r#","issued_token_type":"{i}""#));
        let members = format!(r#""access_token":"abc","token_type":"{token_type}"{issued}"#);
        wanted(asked, &members).map(drop)
    };
    assert_eq!(issued(None, None, "Bearer"), Ok(()));
    assert_eq!(issued(None, Some(ACCESS_TOKEN), "Bearer"), Ok(()));
    assert_eq!(issued(None, Some(JWT), "Bearer"), Ok(()));
    assert_eq!(issued(None, Some(ID), "Bearer"), other);
    assert_eq!(issued(Some(ACCESS_TOKEN), None, "Bearer"), Ok(()));
    assert_eq!(issued(Some(ID), Some(ID), "N_A"), Ok(()));
    assert_eq!(issued(Some(ID), None, "N_A"), other);
    assert_eq!(issued(Some(ID), Some(ACCESS_TOKEN), "Bearer"), other);
    let not_bearer = Err(TokenFailure::BadResponse(
        "has a token_type that is not Bearer",
    ));
    assert_eq!(issued(None, Some(ACCESS_TOKEN), "N_A"), not_bearer);
}

#[test]
fn an_oauth_error_is_kept_as_data() {
    let refused = |status, body: &str| read(answer(status, body), None, 0).map(drop);
    let body = r#"{"error":"invalid_target","error_description":"no \"such\" thing","error_uri":"https://i/e"}"#;
    let error = OAuthError {
        error: "invalid_target".into(),
        description: Some("no \"such\" thing".into()),
        uri: Some("https://i/e".into()),
    };
    for status in [400, 401, 403, 500, 200] {
        let expected = TokenFailure::Refused {
            status,
            error: error.clone(),
        };
        assert_eq!(refused(status, body), Err(expected));
    }
    for body in [
        "",
        "<html>",
        "[]",
        "{}",
        r#"{"error":7}"#,
        r#"{"error":""}"#,
        r#"{"error":"a\r\nb"}"#,
        r#"{"error":"a\"b"}"#,
        r#"{"error":"a","error":"b"}"#,
    ] {
        let expected = Err(TokenFailure::UnexpectedStatus(502));
        assert_eq!(refused(502, body), expected, "{body}");
    }
    let long = format!(
        r#"{{"error":"x","error_description":"{}"}}"#,
        "é".repeat(5_000)
    );
    let Err(TokenFailure::Refused { error, .. }) = refused(400, &long) else {
        panic!("not refused");
    };
    assert_eq!(error.description.unwrap().len(), limits::OAUTH_ERROR_BYTES);
}

#[test]
fn other_responses_have_their_own_failures() {
    let read = |response| read(response, None, 0).map(drop);
    for (response, failure) in [
        (Err(HttpError::Unreachable), TokenFailure::Unreachable),
        (Err(HttpError::Refused), TokenFailure::Unreachable),
        (Err(HttpError::Internal), TokenFailure::Unreachable),
        (Err(HttpError::TimedOut), TokenFailure::TimedOut),
        (Err(HttpError::TooLarge), TokenFailure::TooLarge),
        (answer(302, ""), TokenFailure::Redirected),
        (answer(307, r#"{"error":"x"}"#), TokenFailure::Redirected),
        (answer(404, ""), TokenFailure::UnexpectedStatus(404)),
        (
            answer(201, &format!("{{{GOOD}}}")),
            TokenFailure::UnexpectedStatus(201),
        ),
        (answer(204, ""), TokenFailure::UnexpectedStatus(204)),
        (answer(200, "<html>"), TokenFailure::NotJson),
        (answer(200, "[]"), TokenFailure::NotJson),
        (answer(200, ""), TokenFailure::NotJson),
        (
            answer(200, &format!("{{{GOOD},{GOOD}}}")),
            TokenFailure::NotJson,
        ),
    ] {
        assert_eq!(read(response), Err(failure));
    }
}

#[test]
fn a_pause_comes_with_the_issuers_words() {
    for status in [429, 503] {
        let later = read(answer(status, r#"{"error":"slow_down"}"#), None, 0).unwrap_err();
        assert_eq!(later.status(), Some(status));
        assert_eq!(
            later.oauth().map(|error| error.error.as_str()),
            Some("slow_down")
        );
        let silent = read(answer(status, ""), None, 0).unwrap_err();
        assert_eq!(silent.oauth(), None);
    }
}
