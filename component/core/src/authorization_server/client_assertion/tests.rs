use super::*;

const ISSUER: &str = "https://auth.example";
const TOKEN: &str = "https://auth.example/token";
const NOW: f64 = 1_000_000.0;

/// An assertion with this header and these claims, and a signature of the right length.
fn assertion(header: &str, claims: &str) -> String {
    let part = |text: &[u8]| crate::jose::base64url::encode(text);
    let parts = [
        part(header.as_bytes()),
        part(claims.as_bytes()),
        part(&[1; 64]),
    ];
    parts.join(".")
}

fn read(header: &str, claims: &str) -> Result<(), Failure> {
    let text = assertion(header, claims);
    UnverifiedAssertion::read(&text, ISSUER, TOKEN, NOW).map(|_| ())
}

/// Claims, with one of them replaced.
fn claims(name: &str, value: &str) -> String {
    let all = [
        ("iss", "\"app\""),
        ("sub", "\"app\""),
        ("aud", "\"https://auth.example\""),
        ("exp", "1000060"),
        ("jti", "\"1\""),
    ];
    let known = all.iter().any(|(own, _)| *own == name);
    let mut members: Vec<String> = all
        .iter()
        .map(|(own, default)| (own, if *own == name { value } else { default }))
        .filter(|(_, value)| !value.is_empty())
        .map(|(own, value)| format!("\"{own}\":{value}"))
        .collect();
    if !known && !value.is_empty() {
        members.push(format!("\"{name}\":{value}"));
    }
    format!("{{{}}}", members.join(","))
}

const HEADER: &str = r#"{"alg":"ES256"}"#;

fn with(name: &str, value: &str) -> Result<(), Failure> {
    read(HEADER, &claims(name, value))
}

#[test]
fn dates_have_limits() {
    for (name, value, expected) in [
        ("exp", "1000000", Ok(())),
        ("exp", "999940.5", Ok(())),
        ("exp", "999940", Err(Failure::Expired)),
        ("exp", "0", Err(Failure::Expired)),
        ("exp", "1003660", Ok(())),
        ("exp", "1003660.5", Err(Failure::TooLong)),
        ("exp", "1e300", Err(Failure::Claim("exp"))),
        ("exp", "-1", Err(Failure::Claim("exp"))),
        ("exp", "\"1000060\"", Err(Failure::Claim("exp"))),
        ("exp", "null", Err(Failure::Claim("exp"))),
        ("exp", "", Err(Failure::Claim("exp"))),
        ("nbf", "1000060", Ok(())),
        ("nbf", "1000061", Err(Failure::NotYetValid)),
        ("nbf", "\"\"", Err(Failure::Claim("nbf"))),
        ("iat", "1000060", Ok(())),
        ("iat", "1000061", Err(Failure::NotYetValid)),
        ("iat", "[]", Err(Failure::Claim("iat"))),
        ("iat", "0", Ok(())),
    ] {
        assert_eq!(with(name, value), expected, "{name} {value}");
    }
}

#[test]
fn issuer_and_subject_are_the_client() {
    for (name, value) in [
        ("iss", ""),
        ("iss", "\"other\""),
        ("iss", "1"),
        ("sub", ""),
        ("sub", "\"APP\""),
        ("sub", "[\"app\"]"),
    ] {
        assert_eq!(with(name, value), Err(Failure::Issuer), "{name} {value}");
    }
    let empty = claims("sub", "\"\"").replace("\"app\"", "\"\"");
    assert_eq!(read(HEADER, &empty), Err(Failure::Issuer));
}

#[test]
fn the_audience_is_this_server_alone() {
    let typed = r#"{"alg":"ES256","typ":"client-authentication+jwt"}"#;
    for (aud, plain_is_good, typed_is_good) in [
        ("\"https://auth.example\"", true, true),
        ("\"https://auth.example/token\"", true, false),
        ("[\"https://auth.example\"]", true, false),
        (
            "[\"https://auth.example\",\"https://auth.example/token\"]",
            true,
            false,
        ),
        ("\"https://auth.example/\"", false, false),
        ("\"https://AUTH.example\"", false, false),
        (
            "[\"https://auth.example\",\"https://other.example\"]",
            false,
            false,
        ),
        ("[]", false, false),
        ("[1]", false, false),
        ("{}", false, false),
        ("", false, false),
    ] {
        let expected = |good| if good { Ok(()) } else { Err(Failure::Audience) };
        let claims = claims("aud", aud);
        assert_eq!(read(HEADER, &claims), expected(plain_is_good), "{aud}");
        assert_eq!(read(typed, &claims), expected(typed_is_good), "{aud}");
    }
    let many = |count| format!("[{}]", vec!["\"https://auth.example\""; count].join(","));
    assert_eq!(with("aud", &many(AUDIENCES)), Ok(()));
    let too_many = with("aud", &many(AUDIENCES + 1));
    assert_eq!(too_many, Err(Failure::Audience));
}

#[test]
fn ids_are_required_and_limited() {
    let long = |length| format!("\"{}\"", "a".repeat(length));
    for (value, expected) in [
        ("", Err(Failure::Claim("jti"))),
        ("\"\"", Err(Failure::Claim("jti"))),
        ("1", Err(Failure::Claim("jti"))),
        (&*long(JTI_BYTES), Ok(())),
        (&*long(JTI_BYTES + 1), Err(Failure::Claim("jti"))),
    ] {
        assert_eq!(with("jti", value), expected, "{value}");
    }
}

#[test]
fn other_kinds_of_tokens_are_refused() {
    for (typ, expected) in [
        ("JWT", Ok(())),
        ("jwt", Ok(())),
        ("application/jwt", Ok(())),
        ("client-authentication+jwt", Ok(())),
        ("application/Client-Authentication+JWT", Ok(())),
        ("at+jwt", Err(Failure::Type)),
        ("oauth-id-jag+jwt", Err(Failure::Type)),
        ("", Err(Failure::Type)),
    ] {
        let header = format!(r#"{{"alg":"ES256","typ":"{typ}"}}"#);
        assert_eq!(read(&header, &claims("", "")), expected, "{typ}");
    }
}

#[test]
fn malformed_assertions_are_refused() {
    for header in [
        r#"{"alg":"none"}"#,
        r#"{"alg":"HS256"}"#,
        r#"{"alg":"ES256","crit":["exp"]}"#,
        r#"{"alg":"ES256","b64":false}"#,
        r"{}",
        "",
    ] {
        let refused = read(header, &claims("", ""));
        assert_eq!(refused, Err(Failure::Malformed), "{header}");
    }
    for claims in ["", "[]", "{", r#"{"iss":"app","iss":"app"}"#] {
        assert_eq!(read(HEADER, claims), Err(Failure::Malformed), "{claims}");
    }
    let large = claims("x", &format!("\"{}\"", "a".repeat(16 * 1024)));
    assert_eq!(read(HEADER, &large), Err(Failure::Malformed));
}
