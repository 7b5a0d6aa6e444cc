//! Strict JSON for security protocols (RFC 8259, RFC 7515 section 4, RFC 8725 section 2.4).
//!
//! One value and nothing after it, UTF-8, no duplicate members at any depth, and a nesting limit
//! from the caller. Parsers disagree on which of two duplicate members to use, so such documents
//! are refused.
//!
//! `serde_json` implements the grammar; the additional rules are here. The size of the text is not
//! checked: callers limit it.

mod write;

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BinaryHeap;
use std::fmt::{self, Display, Formatter};

use serde_core::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// A JSON value. Strings are those of its text, except where an escape makes them different.
#[derive(Debug, Clone, PartialEq)]
pub enum Json<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number; never NaN or infinite.
    Number(Number),
    /// A string, unescaped.
    String(Cow<'a, str>),
    /// An array.
    Array(Vec<Self>),
    /// An object.
    Object(Object<'a>),
}

/// A JSON object: members in the order in which they were written.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Object<'a> {
    members: Vec<(Cow<'a, str>, Json<'a>)>,
}

/// A JSON number: a whole number that fits in 64 bits is exact, any other is a double.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Number(Repr);

#[derive(Debug, Clone, Copy, PartialEq)]
enum Repr {
    Unsigned(u64),
    Negative(i64),
    Double(f64),
}

/// Why a text is not an acceptable JSON value. It contains no part of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonError {
    /// Not JSON, not UTF-8, a number beyond a double, or something after the value.
    Syntax,
    /// An object has duplicate members.
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

impl<'a> Json<'a> {
    /// Parses one value. `max_depth` counts arrays and objects within each other: 0 allows
    /// neither, 1 allows them without further ones inside. More than 127 has no effect.
    ///
    /// # Errors
    /// Every [`JsonError`] except [`JsonError::NotAnObject`].
    pub fn parse(bytes: &'a [u8], max_depth: usize) -> Result<Self, JsonError> {
        let text = std::str::from_utf8(bytes).map_err(|_| JsonError::Syntax)?;
        Self::parse_text(text, max_depth)
    }

    /// [`Self::parse`] for text.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_text(text: &'a str, max_depth: usize) -> Result<Self, JsonError> {
        let refusal = Cell::new(JsonError::Syntax);
        let mut parser = serde_json::Deserializer::from_str(text);
        let value = Value {
            depth_left: max_depth,
            refusal: &refusal,
        }
        .deserialize(&mut parser);
        // Every error except the two that `Value` records is a syntax error.
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
    pub const fn as_object(&self) -> Option<&Object<'a>> {
        if let Self::Object(object) = self {
            Some(object)
        } else {
            None
        }
    }

    /// A copy that does not need the text.
    #[must_use]
    pub fn into_owned(self) -> Json<'static> {
        match self {
            Self::Null => Json::Null,
            Self::Bool(value) => Json::Bool(value),
            Self::Number(number) => Json::Number(number),
            Self::String(text) => Json::String(text.into_owned().into()),
            Self::Array(items) => Json::Array(items.into_iter().map(Self::into_owned).collect()),
            Self::Object(object) => Json::Object(object.into_owned()),
        }
    }

    fn into_object(self) -> Result<Object<'a>, JsonError> {
        match self {
            Self::Object(object) => Ok(object),
            _ => Err(JsonError::NotAnObject),
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

impl<'a> Object<'a> {
    /// Parses a text that is one object. `max_depth` as in [`Json::parse`].
    ///
    /// # Errors
    /// Every [`JsonError`].
    pub fn parse(bytes: &'a [u8], max_depth: usize) -> Result<Self, JsonError> {
        Json::parse(bytes, max_depth)?.into_object()
    }

    /// [`Self::parse`] for text.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_text(text: &'a str, max_depth: usize) -> Result<Self, JsonError> {
        Json::parse_text(text, max_depth)?.into_object()
    }

    /// A copy that does not need the text.
    #[must_use]
    pub fn into_owned(self) -> Object<'static> {
        let members = self.members.into_iter();
        Object {
            members: members
                .map(|(name, value)| (name.into_owned().into(), value.into_owned()))
                .collect(),
        }
    }

    /// The member of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Json<'a>> {
        self.members
            .iter()
            .find(|(own, _)| own.len() == name.len() && own == name)
            .map(|(_, value)| value)
    }

    /// Names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Json<'a>)> {
        self.members.iter().map(|(name, value)| (&**name, value))
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

    /// Sets a member. An existing member keeps its place; a new one is added at the end.
    pub fn insert(&mut self, name: impl Into<Cow<'a, str>>, value: Json<'a>) {
        let name = name.into();
        match self.members.iter_mut().find(|(own, _)| *own == name) {
            Some((_, old)) => *old = value,
            None => self.members.push((name, value)),
        }
    }

    /// Whether there are duplicate names. Large sets of names are sorted first: comparing all pairs
    /// of a key set of half a megabyte could take minutes. (A heap, not a sort: an eighth of the
    /// code.)
    fn has_duplicate(&self) -> bool {
        let names = self.members.iter().map(|(name, _)| &**name);
        if self.members.len() <= 16 {
            // The comparison is not inlined, so lengths are compared before.
            let stands_before = |(i, name): (usize, &str)| {
                let mut earlier = self.members[..i].iter().map(|(earlier, _)| &**earlier);
                earlier.any(|earlier| earlier.len() == name.len() && earlier == name)
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

    /// The value if it is whole and not negative, even if written as `1.0` or `1e3`.
    #[must_use]
    pub fn as_u64(self) -> Option<u64> {
        match self.0 {
            Repr::Unsigned(whole) => Some(whole),
            Repr::Negative(_) => None,
            Repr::Double(value) => whole(value).and_then(|whole| u64::try_from(whole).ok()),
        }
    }

    /// The value if it is whole and fits, even if written as `1.0` or `1e3`.
    #[must_use]
    pub fn as_i64(self) -> Option<i64> {
        match self.0 {
            Repr::Unsigned(whole) => i64::try_from(whole).ok(),
            Repr::Negative(whole) => Some(whole),
            Repr::Double(value) => whole(value),
        }
    }
}

/// A double that is a whole number below 2^53. Above that, different whole numbers have the same
/// double.
#[expect(
    clippy::cast_possible_truncation,
    reason = "checked to be whole and small"
)]
fn whole(value: f64) -> Option<i64> {
    let exact = value.abs() < 9_007_199_254_740_992.0 && value.trunc() == value;
    exact.then_some(value as i64)
}

impl From<String> for Json<'_> {
    fn from(text: String) -> Self {
        Self::String(Cow::Owned(text))
    }
}

impl From<u64> for Number {
    fn from(value: u64) -> Self {
        Self(Repr::Unsigned(value))
    }
}

/// Builds one value while parsing. Errors other than syntax go into `refusal`, because the parser's
/// own error type could hold them only as text.
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
    type Value = Json<'de>;

    fn deserialize<D: Deserializer<'de>>(self, parser: D) -> Result<Json<'de>, D::Error> {
        parser.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = Json<'de>;

    fn expecting(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json<'de>, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json<'de>, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json<'de>, E> {
        Ok(Json::Number(Number(Repr::Unsigned(value))))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json<'de>, E> {
        Ok(Json::Number(match u64::try_from(value) {
            Ok(value) => value.into(),
            Err(_) => Number(Repr::Negative(value)),
        }))
    }

    fn visit_f64<E: serde_core::de::Error>(self, value: f64) -> Result<Json<'de>, E> {
        if value.is_finite() {
            Ok(Json::Number(Number(Repr::Double(value))))
        } else {
            Err(E::custom(""))
        }
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Json<'de>, E> {
        Ok(Json::String(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json<'de>, E> {
        Ok(Json::String(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parser: A) -> Result<Json<'de>, A::Error> {
        let inner = self.inner()?;
        let mut items = Vec::new();
        while let Some(item) = parser.next_element_seed(inner)? {
            items.push(item);
        }
        Ok(Json::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut parser: A) -> Result<Json<'de>, A::Error> {
        let inner = self.inner()?;
        let mut object = Object::default();
        while let Some(name) = parser.next_key_seed(Name)? {
            let value = parser.next_value_seed(inner)?;
            object.members.push((name, value));
        }
        if object.has_duplicate() {
            return Err(self.refuse(JsonError::DuplicateMember));
        }
        Ok(Json::Object(object))
    }
}

/// The name of a member.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, parser: D) -> Result<Cow<'de, str>, D::Error> {
        parser.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

#[cfg(test)]
mod tests;
