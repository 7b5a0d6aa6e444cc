//! The form of stored records: JSON objects with a schema version.
//!
//! A record of a newer version is an error, and never read as if it were an older one: a release
//! that is rolled back must not damage what a newer one wrote. An older version is read by the code
//! that knows it; each record type says which versions it reads.

use crate::jose::base64url;
use crate::json::{Json, Object};

/// The deepest nesting of a stored record: what applications store beside grants (`metadata`) is
/// kept as text, so records are flat.
const DEPTH: usize = 8;

/// The member that has the schema version.
const VERSION: &str = "v";

/// A stored record cannot be read: it is damaged, or of a newer version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unreadable;

/// Writes a record.
#[derive(Debug, Default)]
pub(super) struct Writer(Object<'static>);

impl Writer {
    /// A record of this schema version.
    pub(super) fn new(version: u64) -> Self {
        Self::default().number(VERSION, version)
    }

    pub(super) fn text(mut self, name: &'static str, value: &str) -> Self {
        self.0.insert(name, Json::from(value.to_owned()));
        self
    }

    pub(super) fn optional(self, name: &'static str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.text(name, value),
            None => self,
        }
    }

    pub(super) fn number(mut self, name: &'static str, value: u64) -> Self {
        self.0.insert(name, Json::Number(value.into()));
        self
    }

    pub(super) fn optional_number(self, name: &'static str, value: Option<u64>) -> Self {
        match value {
            Some(value) => self.number(name, value),
            None => self,
        }
    }

    pub(super) fn flag(mut self, name: &'static str, value: bool) -> Self {
        if value {
            self.0.insert(name, Json::Bool(true));
        }
        self
    }

    pub(super) fn bytes(self, name: &'static str, value: &[u8]) -> Self {
        self.text(name, &base64url::encode(value))
    }

    pub(super) fn optional_bytes(self, name: &'static str, value: Option<&[u8]>) -> Self {
        match value {
            Some(value) => self.bytes(name, value),
            None => self,
        }
    }

    pub(super) fn texts(mut self, name: &'static str, values: &[String]) -> Self {
        let values = values.iter().cloned().map(Json::from).collect();
        self.0.insert(name, Json::Array(values));
        self
    }

    pub(super) fn record(mut self, name: &'static str, record: Option<Self>) -> Self {
        if let Some(record) = record {
            self.0.insert(name, Json::Object(record.0));
        }
        self
    }

    pub(super) fn records(mut self, name: &'static str, records: Vec<Self>) -> Self {
        let records = records.into_iter().map(|record| Json::Object(record.0));
        self.0.insert(name, Json::Array(records.collect()));
        self
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0.to_string().into_bytes()
    }
}

/// Reads a record. Members that it does not know are ignored: a newer release of the same schema
/// version may add some.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a>(&'a Object<'static>);

/// Parses a record of schema version `version`.
pub(super) fn parse(bytes: &[u8], version: u64) -> Result<Object<'static>, Unreadable> {
    let object = Object::parse(bytes, DEPTH)
        .map_err(|_| Unreadable)?
        .into_owned();
    if Reader(&object).number(VERSION)? == version {
        Ok(object)
    } else {
        Err(Unreadable)
    }
}

impl<'a> Reader<'a> {
    pub(super) const fn new(object: &'a Object<'static>) -> Self {
        Self(object)
    }

    pub(super) fn text(self, name: &str) -> Result<&'a str, Unreadable> {
        self.0.get(name).and_then(Json::as_str).ok_or(Unreadable)
    }

    pub(super) fn optional(self, name: &str) -> Result<Option<&'a str>, Unreadable> {
        self.0.get(name).map(|_| self.text(name)).transpose()
    }

    pub(super) fn number(self, name: &str) -> Result<u64, Unreadable> {
        let number = self.0.get(name).and_then(Json::as_number);
        number.and_then(|number| number.as_u64()).ok_or(Unreadable)
    }

    pub(super) fn optional_number(self, name: &str) -> Result<Option<u64>, Unreadable> {
        self.0.get(name).map(|_| self.number(name)).transpose()
    }

    pub(super) fn flag(self, name: &str) -> Result<bool, Unreadable> {
        match self.0.get(name) {
            None => Ok(false),
            Some(value) => value.as_bool().ok_or(Unreadable),
        }
    }

    pub(super) fn bytes(self, name: &str) -> Result<Vec<u8>, Unreadable> {
        base64url::decode(self.text(name)?).ok_or(Unreadable)
    }

    pub(super) fn optional_bytes(self, name: &str) -> Result<Option<Vec<u8>>, Unreadable> {
        self.0.get(name).map(|_| self.bytes(name)).transpose()
    }

    pub(super) fn texts(self, name: &str) -> Result<Vec<String>, Unreadable> {
        let items = self.0.get(name).and_then(Json::as_array);
        let items = items.ok_or(Unreadable)?.iter();
        items
            .map(|item| item.as_str().map(str::to_owned).ok_or(Unreadable))
            .collect()
    }

    pub(super) fn record(self, name: &str) -> Result<Option<Self>, Unreadable> {
        let record = |value: &'a Json<'static>| value.as_object().map(Self).ok_or(Unreadable);
        self.0.get(name).map(record).transpose()
    }

    pub(super) fn records(self, name: &str) -> Result<Vec<Self>, Unreadable> {
        let items = self.0.get(name).and_then(Json::as_array);
        let items = items.ok_or(Unreadable)?.iter();
        items
            .map(|item| item.as_object().map(Self).ok_or(Unreadable))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_another_version_are_not_read() {
        let bytes = Writer::new(2).text("a", "b").into_bytes();
        assert!(parse(&bytes, 2).is_ok());
        assert_eq!(parse(&bytes, 1), Err(Unreadable));
        assert_eq!(parse(b"{\"a\":\"b\"}", 1), Err(Unreadable));
        assert_eq!(parse(b"", 1), Err(Unreadable));
    }

    #[test]
    fn members_of_the_wrong_type_are_errors_and_absent_ones_are_not() {
        let object = parse(br#"{"v":1,"n":"1","t":1,"l":[1],"f":0}"#, 1).expect("version 1");
        let reader = Reader::new(&object);
        assert_eq!(reader.optional_number("n"), Err(Unreadable));
        assert_eq!(reader.optional("t"), Err(Unreadable));
        assert_eq!(reader.texts("l"), Err(Unreadable));
        assert_eq!(reader.flag("f"), Err(Unreadable));
        assert_eq!(reader.optional("absent"), Ok(None));
        assert_eq!(reader.flag("absent"), Ok(false));
    }
}
