//! JSON as security protocols need it (RFC 8259, RFC 7515 section 4, RFC 8725 section 2.4).
//!
//! One value and nothing after it, UTF-8, no member name twice in an object at any depth, nesting
//! bounded by the caller. A parser that keeps the first or the last of two equal members reads
//! another document than the next parser does; here there is no such document.
//!
//! The grammar is `serde_json`'s; the rules above it are here. The size of the text is not
//! checked: callers bound it where they get it.

use std::cell::Cell;
use std::collections::BinaryHeap;
use std::fmt::{self, Display, Formatter, Write};

use serde_core::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number; never NaN or infinite.
    Number(Number),
    /// A string, unescaped.
    String(String),
    /// An array.
    Array(Vec<Self>),
    /// An object.
    Object(Object),
}

/// A JSON object: members in the order in which they were written.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Object {
    members: Vec<(String, Json)>,
}

/// A JSON number: whole numbers exactly where they fit 64 bits, all others as a double.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Number(Repr);

#[derive(Debug, Clone, Copy, PartialEq)]
enum Repr {
    Unsigned(u64),
    Negative(i64),
    Double(f64),
}

/// Why a text is not a JSON value that is accepted. Nothing of the text is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonError {
    /// Not JSON, not UTF-8, a number beyond a double, or something after the value.
    Syntax,
    /// A member name stands twice in one object.
    DuplicateMember,
    /// Nested more deeply than the caller allows.
    TooDeep,
    /// JSON, but not an object.
    NotAnObject,
}

impl JsonError {
    /// A stable name for logs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Syntax => "json-syntax",
            Self::DuplicateMember => "json-duplicate-member",
            Self::TooDeep => "json-too-deep",
            Self::NotAnObject => "json-not-an-object",
        }
    }
}

impl Display for JsonError {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Syntax => "is not valid JSON",
            Self::DuplicateMember => "has a member twice",
            Self::TooDeep => "is nested too deeply",
            Self::NotAnObject => "is not a JSON object",
        })
    }
}

impl std::error::Error for JsonError {}

impl Json {
    /// Parses one value. `max_depth` counts arrays and objects within each other: 0 allows
    /// neither, 1 allows them without further ones inside. More than 127 has no effect.
    ///
    /// # Errors
    /// Every [`JsonError`] but [`JsonError::NotAnObject`].
    pub fn parse(bytes: &[u8], max_depth: usize) -> Result<Self, JsonError> {
        let refusal = Cell::new(JsonError::Syntax);
        let mut parser = serde_json::Deserializer::from_slice(bytes);
        let value = Value {
            depth_left: max_depth,
            refusal: &refusal,
        }
        .deserialize(&mut parser);
        // Any error but the two that `Value` notes down is one of syntax.
        let value = value.map_err(|_| refusal.get())?;
        parser.end().map_err(|_| JsonError::Syntax)?;
        Ok(value)
    }

    /// The text of a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self {
            Some(text)
        } else {
            None
        }
    }

    /// The items of an array.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Self]> {
        if let Self::Array(items) = self {
            Some(items)
        } else {
            None
        }
    }

    /// The object.
    #[must_use]
    pub const fn as_object(&self) -> Option<&Object> {
        if let Self::Object(object) = self {
            Some(object)
        } else {
            None
        }
    }

    /// The truth value.
    #[must_use]
    pub const fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self {
            Some(*value)
        } else {
            None
        }
    }

    /// The number.
    #[must_use]
    pub const fn as_number(&self) -> Option<Number> {
        if let Self::Number(number) = self {
            Some(*number)
        } else {
            None
        }
    }
}

impl Object {
    /// Parses a text that is one object. `max_depth` as in [`Json::parse`].
    ///
    /// # Errors
    /// Every [`JsonError`].
    pub fn parse(bytes: &[u8], max_depth: usize) -> Result<Self, JsonError> {
        match Json::parse(bytes, max_depth)? {
            Json::Object(object) => Ok(object),
            _ => Err(JsonError::NotAnObject),
        }
    }

    /// The member of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Json> {
        self.members
            .iter()
            .find(|(own, _)| own == name)
            .map(|(_, value)| value)
    }

    /// Names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Json)> {
        self.members
            .iter()
            .map(|(name, value)| (name.as_str(), value))
    }

    /// How many members there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there is no member.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Sets a member: in its place where the name is there, else at the end.
    pub fn insert(&mut self, name: impl Into<String>, value: Json) {
        let name = name.into();
        match self.members.iter_mut().find(|(own, _)| *own == name) {
            Some((_, old)) => *old = value,
            None => self.members.push((name, value)),
        }
    }

    /// Whether some name stands twice. Large sets of names are put in order first: comparing all
    /// with all would let a key set of half a megabyte cost minutes. (A heap, not a sort: an
    /// eighth of the code.)
    fn has_duplicate(&self) -> bool {
        let names = self.members.iter().map(|(name, _)| name.as_str());
        if self.members.len() <= 16 {
            let stands_before = |(i, name): (usize, &str)| {
                self.members[..i].iter().any(|(earlier, _)| earlier == name)
            };
            return names.enumerate().any(stands_before);
        }
        let mut names: BinaryHeap<&str> = names.collect();
        let mut last = None;
        while let Some(name) = names.pop() {
            if last.replace(name) == Some(name) {
                return true;
            }
        }
        false
    }
}

impl Number {
    /// The nearest double.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "the nearest double is what is asked for"
    )]
    pub const fn as_f64(self) -> f64 {
        match self.0 {
            Repr::Unsigned(whole) => whole as f64,
            Repr::Negative(whole) => whole as f64,
            Repr::Double(value) => value,
        }
    }

    /// The value where it is whole and not negative, also when written as `1.0` or `1e3`.
    #[must_use]
    pub fn as_u64(self) -> Option<u64> {
        match self.0 {
            Repr::Unsigned(whole) => Some(whole),
            Repr::Negative(_) => None,
            Repr::Double(value) => whole(value).and_then(|whole| u64::try_from(whole).ok()),
        }
    }

    /// The value where it is whole and fits, also when written as `1.0` or `1e3`.
    #[must_use]
    pub fn as_i64(self) -> Option<i64> {
        match self.0 {
            Repr::Unsigned(whole) => i64::try_from(whole).ok(),
            Repr::Negative(whole) => Some(whole),
            Repr::Double(value) => whole(value),
        }
    }
}

/// A double that is a whole number, below 2^53: beyond, neighbouring whole numbers are the same
/// double.
#[expect(
    clippy::cast_possible_truncation,
    reason = "checked to be whole and small"
)]
fn whole(value: f64) -> Option<i64> {
    let exact = value.abs() < 9_007_199_254_740_992.0 && value.trunc() == value;
    exact.then_some(value as i64)
}

impl From<u64> for Number {
    fn from(value: u64) -> Self {
        Self(Repr::Unsigned(value))
    }
}

impl Display for Json {
    /// Compact JSON.
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => out.write_str("null"),
            Self::Bool(true) => out.write_str("true"),
            Self::Bool(false) => out.write_str("false"),
            Self::Number(number) => number.fmt(out),
            Self::String(text) => write_string(out, text),
            Self::Array(items) => {
                out.write_char('[')?;
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        out.write_char(',')?;
                    }
                    item.fmt(out)?;
                }
                out.write_char(']')
            }
            Self::Object(object) => object.fmt(out),
        }
    }
}

impl Display for Object {
    /// Compact JSON.
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_char('{')?;
        for (i, (name, value)) in self.iter().enumerate() {
            if i > 0 {
                out.write_char(',')?;
            }
            write_string(out, name)?;
            out.write_char(':')?;
            value.fmt(out)?;
        }
        out.write_char('}')
    }
}

impl Display for Number {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Repr::Unsigned(whole) => whole.fmt(out),
            Repr::Negative(whole) => whole.fmt(out),
            // With an exponent: 1e300 would be 301 digits otherwise.
            Repr::Double(value) => write!(out, "{value:e}"),
        }
    }
}

/// Writes a string with what RFC 8259 section 7 says must be escaped, and DEL.
fn write_string(out: &mut Formatter<'_>, text: &str) -> fmt::Result {
    out.write_char('"')?;
    let mut plain = 0;
    for (i, byte) in text.bytes().enumerate() {
        if !matches!(byte, b'"' | b'\\' | 0x00..=0x1F | 0x7F) {
            continue;
        }
        out.write_str(&text[plain..i])?;
        plain = i + 1;
        match byte {
            b'"' => out.write_str("\\\"")?,
            b'\\' => out.write_str("\\\\")?,
            _ => write!(out, "\\u{byte:04x}")?,
        }
    }
    out.write_str(&text[plain..])?;
    out.write_char('"')
}

/// Builds one value of the parse. What is wrong beyond syntax goes into `refusal`: the parser's
/// own error type could carry it as text only.
#[derive(Clone, Copy)]
struct Value<'a> {
    depth_left: usize,
    refusal: &'a Cell<JsonError>,
}

impl Value<'_> {
    fn refuse<E: serde_core::de::Error>(self, error: JsonError) -> E {
        self.refusal.set(error);
        E::custom("")
    }

    fn inner<E: serde_core::de::Error>(self) -> Result<Self, E> {
        match self.depth_left.checked_sub(1) {
            Some(depth_left) => Ok(Self { depth_left, ..self }),
            None => Err(self.refuse(JsonError::TooDeep)),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, parser: D) -> Result<Json, D::Error> {
        parser.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = Json;

    fn expecting(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(Number(Repr::Unsigned(value))))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(match u64::try_from(value) {
            Ok(value) => value.into(),
            Err(_) => Number(Repr::Negative(value)),
        }))
    }

    fn visit_f64<E: serde_core::de::Error>(self, value: f64) -> Result<Json, E> {
        if value.is_finite() {
            Ok(Json::Number(Number(Repr::Double(value))))
        } else {
            Err(E::custom(""))
        }
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::String(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parser: A) -> Result<Json, A::Error> {
        let inner = self.inner()?;
        let mut items = Vec::new();
        while let Some(item) = parser.next_element_seed(inner)? {
            items.push(item);
        }
        Ok(Json::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut parser: A) -> Result<Json, A::Error> {
        let inner = self.inner()?;
        let mut object = Object::default();
        while let Some(name) = parser.next_key::<String>()? {
            let value = parser.next_value_seed(inner)?;
            object.members.push((name, value));
        }
        if object.has_duplicate() {
            return Err(self.refuse(JsonError::DuplicateMember));
        }
        Ok(Json::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEPTH: usize = 16;

    fn parse(text: &str) -> Result<Json, JsonError> {
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
    fn a_member_stands_once_at_any_depth() {
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
    }

    #[test]
    fn many_members_are_quick() {
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
    fn an_object_is_told_from_other_values() {
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
    }

    #[test]
    fn what_is_written_reads_the_same() {
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
}
