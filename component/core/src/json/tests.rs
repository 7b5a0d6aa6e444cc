//! Tests that break each rule of JSON.

use std::fmt::Write as _;

use super::*;

const DEPTH: usize = 16;

fn parse(text: &str) -> Result<Json<'_>, JsonError> {
    Json::parse(text.as_bytes(), DEPTH)
}

#[test]
fn what_is_not_json_is_refused() {
    for text in [
        "",
        " ",
        "{",
        "}",
        "[1,]",
        "{\"a\":1,}",
        "{a:1}",
        "{'a':1}",
        "nul",
        "01",
        "+1",
        ".5",
        "1.",
        "0x1",
        "NaN",
        "Infinity",
        "1e999",
        "-1e999",
        "\"a",
        "\"\n\"",
        "\"\\x\"",
        "\"\\ud800\"",
        "\"\\udc00\\ud800\"",
        "\u{feff}{}",
        "{}{}",
        "{} x",
        "1 2",
        "{}\0",
        "// a\n{}",
        "\u{a0}1",
    ] {
        assert_eq!(parse(text), Err(JsonError::Syntax), "{text:?}");
    }
    for bytes in [
        &b"\"\xff\""[..],
        b"\"\xc0\xaf\"",
        b"\"\xed\xa0\x80\"",
        b"{\"\xff\":1}",
    ] {
        assert_eq!(
            Json::parse(bytes, DEPTH),
            Err(JsonError::Syntax),
            "{bytes:?}"
        );
    }
}

#[test]
fn duplicate_members_are_refused_at_any_depth() {
    for text in [
        r#"{"a":1,"a":1}"#,
        r#"{"a":1,"b":2,"a":3}"#,
        r#"{"a":1,"\u0061":2}"#,
        r#"[{"x":{"a":1,"a":1}}]"#,
        r#"{"x":[{"":1,"":1}]}"#,
    ] {
        assert_eq!(parse(text), Err(JsonError::DuplicateMember), "{text}");
    }
    for last in [0, 25, 39] {
        let mut text = "{".to_owned();
        for i in 0..40 {
            let _ = write!(text, "\"m{i}\":{i},");
        }
        let _ = write!(text, "\"m{last}\":0}}");
        assert_eq!(parse(&text), Err(JsonError::DuplicateMember), "{text}");
    }
    assert!(parse(r#"{"a":{"a":{"a":1}},"A":2}"#).is_ok());
    for count in [16, 17, 40] {
        let members: Vec<String> = (0..count).map(|i| format!("\"m{i}\":{i}")).collect();
        let text = format!("{{{}}}", members.join(","));
        assert!(parse(&text).is_ok(), "{text}");
    }
}

#[test]
fn many_members_are_parsed_quickly() {
    let mut text = "{".to_owned();
    for i in 0..100_000 {
        let _ = write!(text, "\"m{i}\":{i},");
    }
    text.push_str("\"m5\":0}");
    assert_eq!(parse(&text), Err(JsonError::DuplicateMember));
}

#[test]
fn depth_is_bounded() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(Json::parse(b"1", 0).is_ok());
    assert_eq!(Json::parse(b"[]", 0), Err(JsonError::TooDeep));
    assert!(Json::parse(b"[]", 1).is_ok());
    assert!(parse(&nested(DEPTH)).is_ok());
    assert_eq!(parse(&nested(DEPTH + 1)), Err(JsonError::TooDeep));
    assert_eq!(parse(&"[".repeat(10_000)), Err(JsonError::TooDeep));
    assert_eq!(parse(&"{\"a\":".repeat(10_000)), Err(JsonError::TooDeep));
    // Even a careless bound does not exhaust the stack.
    assert!(Json::parse("[".repeat(1_000_000).as_bytes(), usize::MAX).is_err());
}

#[test]
fn an_object_is_required() {
    for text in ["1", "[]", "\"{}\"", "null"] {
        let parsed = Object::parse(text.as_bytes(), DEPTH);
        assert_eq!(parsed, Err(JsonError::NotAnObject), "{text}");
    }
    assert!(Object::parse(b" \t\r\n{} ", DEPTH).is_ok_and(|object| object.is_empty()));
}

#[test]
fn numbers_keep_their_value() {
    let number = |text: &str| {
        parse(text)
            .ok()
            .and_then(|value| value.as_number())
            .unwrap()
    };
    assert_eq!(number("253402300800").as_u64(), Some(253_402_300_800));
    assert_eq!(number("18446744073709551615").as_u64(), Some(u64::MAX));
    assert_eq!(number("18446744073709551615").as_i64(), None);
    assert_eq!(number("-9223372036854775808").as_i64(), Some(i64::MIN));
    assert_eq!(number("1e3").as_u64(), Some(1000));
    assert_eq!(number("1.0").as_i64(), Some(1));
    assert_eq!(number("-2e0").as_i64(), Some(-2));
    assert_eq!(number("1.5").as_f64(), 1.5);
    for text in [
        "1.5",
        "-1",
        "1e30",
        "18446744073709551616",
        "9007199254740993.0",
    ] {
        assert_eq!(number(text).as_u64(), None, "{text}");
    }
    // From 2^53 on, neighbouring whole numbers are the same double.
    let double = |value| Number(Repr::Double(value)).as_u64();
    let last = 9_007_199_254_740_991;
    assert_eq!(double(last as f64), Some(last));
    assert_eq!(double((last + 1) as f64), None);
}

#[test]
fn written_json_parses_to_the_same_value() {
    let text = concat!(
        r#"{"a":[null,true,false,0,-1,1.5e0,1e300,18446744073709551615],"":{},"e":[],"#,
        r#""s":"\"\\/\u0000\u000a\u001f\u007f é 😀 </script>"}"#
    );
    let value = parse(text).unwrap();
    assert_eq!(value.to_string(), text);
    assert_eq!(parse(&value.to_string()), Ok(value));
}

#[test]
fn insert_replaces() {
    let mut object = Object::default();
    object.insert("a", Json::Null);
    object.insert("b", Json::Bool(true));
    object.insert("a", Json::Bool(false));
    assert_eq!(object.to_string(), r#"{"a":false,"b":true}"#);
    assert_eq!(object.get("b").and_then(Json::as_bool), Some(true));
    assert_eq!((object.len(), object.get("c")), (2, None));
}

#[test]
fn doubles_keep_15_digits() {
    for (text, written) in [
        ("1.5", "1.5e0"),
        ("-0.1", "-1e-1"),
        ("0.0", "0"),
        ("3.14159265358979", "3.14159265358979e0"),
        ("123456789.012345", "1.23456789012345e8"),
        ("9.99999999999999999", "1e1"),
        ("0.000001", "1e-6"),
        ("1e22", "1e22"),
        ("1e300", "1e300"),
        ("5e-324", "5e-324"),
        ("1.7e308", "1.7e308"),
    ] {
        let Json::Number(number) = Json::parse(text.as_bytes(), 1).unwrap() else {
            panic!("a number");
        };
        let shown = number.to_string();
        let far = number.as_f64().abs() > 1e30 || text == "5e-324";
        if far {
            // The last digits may differ after 300 steps.
            let back: f64 = shown.parse().unwrap();
            let error = ((back - number.as_f64()) / number.as_f64()).abs();
            assert!(error < 1e-12, "{text}: {shown}");
        } else {
            assert_eq!(shown, written);
        }
    }
    // It is rounded up to one digit more.
    let almost_ten = Number(Repr::Double(9.999_999_999_999_998));
    assert_eq!(almost_ten.to_string(), "1e1");
}
