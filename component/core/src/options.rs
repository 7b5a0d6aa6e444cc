//! Reads options from JSON.
//!
//! Each option is read by its name. Options that were not read are unknown, and an error: a
//! misspelled option must not be ignored. `null` is an error too: a setting that was looked up under
//! the wrong name becomes `null`.

use std::cell::RefCell;

use crate::config_error::{ConfigError, Naming};
use crate::json::{Json, Object};
use crate::secret::Secret;

/// Options of one object. Names are those of the contract, with hyphens; in the JSON they are
/// spelled as [`Naming`] says.
pub(crate) struct Options<'a> {
    object: &'a Object<'a>,
    naming: Naming,
    /// Where the object is: empty, or with a dot at its end.
    path: String,
    known: RefCell<Vec<&'static str>>,
}

/// What a value should have been.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Texts,
    Number,
    Flag,
    Object,
    Objects,
}

impl Kind {
    const fn words(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Texts => "a list of texts",
            Self::Number => "a whole number that is not negative",
            Self::Flag => "true or false",
            Self::Object => "an object",
            Self::Objects => "a list of objects",
        }
    }
}

impl<'a> Options<'a> {
    /// The options of a whole configuration.
    pub(crate) const fn new(object: &'a Object<'a>, naming: Naming) -> Self {
        Self {
            object,
            naming,
            path: String::new(),
            known: RefCell::new(Vec::new()),
        }
    }

    /// The complete name of an option.
    pub(crate) fn path(&self, name: &str) -> String {
        format!("{}{name}", self.path)
    }

    /// An error about an option.
    pub(crate) fn error(&self, name: &str, message: impl AsRef<str>) -> ConfigError {
        ConfigError::new(self.path(name), message)
    }

    pub(crate) fn text(&self, name: &'static str) -> Result<Option<String>, ConfigError> {
        self.read(name, Kind::Text, |value| value.as_str().map(str::to_owned))
    }

    pub(crate) fn secret(&self, name: &'static str) -> Result<Option<Secret>, ConfigError> {
        self.read(name, Kind::Text, |value| value.as_str().map(Secret::new))
    }

    pub(crate) fn flag(&self, name: &'static str) -> Result<Option<bool>, ConfigError> {
        self.read(name, Kind::Flag, Json::as_bool)
    }

    pub(crate) fn number(&self, name: &'static str) -> Result<Option<u32>, ConfigError> {
        self.read(name, Kind::Number, |value| {
            u32::try_from(value.as_number()?.as_u64()?).ok()
        })
    }

    pub(crate) fn texts(&self, name: &'static str) -> Result<Option<Vec<String>>, ConfigError> {
        self.read(name, Kind::Texts, |value| {
            let items = value.as_array()?.iter();
            items.map(|item| item.as_str().map(str::to_owned)).collect()
        })
    }

    pub(crate) fn secrets(&self, name: &'static str) -> Result<Option<Vec<Secret>>, ConfigError> {
        self.read(name, Kind::Texts, |value| {
            let items = value.as_array()?.iter();
            items.map(|item| item.as_str().map(Secret::new)).collect()
        })
    }

    /// Texts with names of the user, such as the sentences for scopes.
    pub(crate) fn table(
        &self,
        name: &'static str,
    ) -> Result<Option<Vec<(String, String)>>, ConfigError> {
        self.read(name, Kind::Object, |value| {
            let members = value.as_object()?.iter();
            members
                .map(|(name, value)| Some((name.to_owned(), value.as_str()?.to_owned())))
                .collect()
        })
    }

    /// One of some words.
    pub(crate) fn word<T: Copy>(
        &self,
        name: &'static str,
        words: &[(&str, T)],
    ) -> Result<Option<T>, ConfigError> {
        let text = self.text(name)?;
        text.map(|text| self.one_of(name, &text, words)).transpose()
    }

    /// A list of some words.
    pub(crate) fn words<T: Copy>(
        &self,
        name: &'static str,
        words: &[(&str, T)],
    ) -> Result<Option<Vec<T>>, ConfigError> {
        let Some(texts) = self.texts(name)? else {
            return Ok(None);
        };
        let found = texts.iter().map(|text| self.one_of(name, text, words));
        found.collect::<Result<_, _>>().map(Some)
    }

    /// Options within an option.
    pub(crate) fn object(&self, name: &'static str) -> Result<Option<Self>, ConfigError> {
        let naming = self.naming;
        self.read(name, Kind::Object, |value| {
            Some(Self {
                path: format!("{}{name}.", self.path),
                ..Options::new(value.as_object()?, naming)
            })
        })
    }

    /// A list of options within an option.
    pub(crate) fn objects(&self, name: &'static str) -> Result<Option<Vec<Self>>, ConfigError> {
        let naming = self.naming;
        self.read(name, Kind::Objects, |value| {
            let items = value.as_array()?.iter().enumerate();
            items
                .map(|(index, item)| {
                    Some(Self {
                        path: format!("{}{name}[{index}].", self.path),
                        ..Options::new(item.as_object()?, naming)
                    })
                })
                .collect()
        })
    }

    /// Refuses what was not read.
    pub(crate) fn finish(self) -> Result<(), ConfigError> {
        let known = self.known.borrow();
        let known: Vec<_> = known.iter().map(|name| self.naming.option(name)).collect();
        for (name, _) in self.object.iter() {
            if known.iter().any(|own| own == name) {
                continue;
            }
            let near = known
                .iter()
                .map(|own| (strsim::levenshtein(own, name), own))
                .filter(|(distance, _)| *distance <= 3)
                .min();
            let message = match near {
                Some((_, own)) => format!("there is no such option: did you mean {own:?}?"),
                None => "there is no such option: remove it".to_owned(),
            };
            return Err(self.error(name, message));
        }
        Ok(())
    }

    fn read<T>(
        &self,
        name: &'static str,
        kind: Kind,
        convert: impl FnOnce(&'a Json<'a>) -> Option<T>,
    ) -> Result<Option<T>, ConfigError> {
        self.known.borrow_mut().push(name);
        let Some(value) = self.object.get(&self.naming.option(name)) else {
            return Ok(None);
        };
        match convert(value) {
            Some(value) => Ok(Some(value)),
            None => Err(self.wrong(name, kind)),
        }
    }

    #[cold]
    #[inline(never)]
    fn wrong(&self, name: &str, kind: Kind) -> ConfigError {
        let message = format!("the value cannot be used: give {}", kind.words());
        self.error(name, message)
    }

    fn one_of<T: Copy>(
        &self,
        name: &str,
        text: &str,
        words: &[(&str, T)],
    ) -> Result<T, ConfigError> {
        let found = words.iter().find(|(word, _)| *word == text);
        found.map(|(_, value)| *value).ok_or_else(|| {
            let known: Vec<_> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
            self.error(
                name,
                format!("unknown value: give one of {}", known.join(", ")),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Object<'_> {
        Object::parse(json.as_bytes(), 8).expect("an object")
    }

    #[test]
    fn options_are_found_in_the_users_spelling() {
        let json = parse(r#"{"tokenEndpoint":"a","list":[{"maxAge":5}]}"#);
        let options = Options::new(&json, Naming::CamelCase);
        assert_eq!(options.text("token-endpoint"), Ok(Some("a".to_owned())));
        assert_eq!(options.text("absent"), Ok(None));
        let mut list = options.objects("list").expect("objects").expect("a list");
        let entry = list.pop().expect("one");
        assert_eq!(entry.number("max-age"), Ok(Some(5)));
        assert_eq!(entry.path("max-age"), "list[0].max-age");
        assert_eq!(entry.finish(), Ok(()));
        assert_eq!(options.finish(), Ok(()));
    }

    #[test]
    fn unknown_options_are_refused_with_a_suggestion() {
        let json = parse(r#"{"tokenEndpont":"a"}"#);
        let options = Options::new(&json, Naming::CamelCase);
        assert_eq!(options.text("token-endpoint"), Ok(None));
        let error = options.finish().expect_err("unknown");
        assert_eq!(error.field, "tokenEndpont");
        assert!(error.message.contains("\"tokenEndpoint\""), "{error}");
        let json = parse(r#"{"x":1}"#);
        let error = Options::new(&json, Naming::KebabCase).finish();
        assert!(error.expect_err("unknown").message.contains("remove"));
    }

    #[test]
    fn values_of_the_wrong_type_are_refused() {
        let json = parse(r#"{"a":null,"b":-1,"c":"true","d":["x",1],"e":[1],"f":1.5}"#);
        let options = Options::new(&json, Naming::KebabCase);
        assert!(options.text("a").is_err());
        assert!(options.number("b").is_err());
        assert!(options.flag("c").is_err());
        assert!(options.texts("d").is_err());
        assert!(options.secrets("d").is_err());
        assert!(options.objects("e").is_err());
        assert!(options.object("e").is_err());
        assert!(options.number("f").is_err());
        assert!(options.table("d").is_err());
    }

    #[test]
    fn words_are_exact() {
        let json = parse(r#"{"a":"Jwt","b":["jwt","x"],"c":"jwt"}"#);
        let options = Options::new(&json, Naming::KebabCase);
        let words = [("jwt", 1), ("opaque", 2)];
        let error = options.word("a", &words).expect_err("not a word");
        assert!(error.message.contains("\"jwt\", \"opaque\""), "{error}");
        assert!(options.words("b", &words).is_err());
        assert_eq!(options.word("c", &words), Ok(Some(1)));
    }
}
