//! Errors of a configuration, with option names spelled as the user spells them.
//!
//! Core names options as the contract does (`issuers[0].clock-tolerance`), in error fields and,
//! between backticks, in messages. Each host passes the spelling of its language as [`Naming`].

use std::fmt::{self, Arguments};

/// How the users of a host spell the names of options.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Naming {
    /// `clock-tolerance`, as the contract does.
    #[default]
    KebabCase,
    /// `clockTolerance`
    CamelCase,
    /// `clock_tolerance`
    SnakeCase,
}

impl Naming {
    /// The name of an option, such as `client.token-endpoint`.
    #[must_use]
    pub fn option(self, name: &str) -> String {
        self.spell(name, Context::Option)
    }

    /// A sentence with option names between backticks. Text that was quoted with `{:?}` is the
    /// user's own and is not changed.
    #[must_use]
    pub fn sentence(self, text: &str) -> String {
        self.spell(text, Context::Words)
    }

    #[inline(never)]
    fn spell(self, text: &str, mut context: Context) -> String {
        let mut spelled = String::with_capacity(text.len());
        let mut upper = false;
        for c in text.chars() {
            context = match (context, c) {
                (Context::Option, '-') if self != Self::KebabCase => {
                    if self == Self::SnakeCase {
                        spelled.push('_');
                    } else {
                        upper = true;
                    }
                    continue;
                }
                (Context::Words, '`') => Context::Option,
                (Context::Words, '"') | (Context::Escaped, _) => Context::Quoted,
                (Context::Quoted, '\\') => Context::Escaped,
                (Context::Option, '`') | (Context::Quoted, '"') => Context::Words,
                (context, _) => context,
            };
            spelled.push(if upper { c.to_ascii_uppercase() } else { c });
            upper = false;
        }
        spelled
    }
}

/// The kind of text that a character belongs to.
#[derive(Clone, Copy)]
enum Context {
    Words,
    Option,
    Quoted,
    Escaped,
}

/// Which part of a configuration is invalid.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ConfigPart {
    /// The gate, which does not start.
    #[default]
    Gate,
    /// The gate's client. No token can be requested; everything else works.
    Client,
}

/// An invalid configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The part that does not work because of the error.
    pub part: ConfigPart,
    /// The option or setting to change, as the user named it: `issuers[0].audiences`, or
    /// `TOLLGATE_AUDIENCE`.
    pub field: String,
    /// One sentence that says what is wrong and what to change.
    pub message: String,
}

impl ConfigError {
    pub(crate) fn new(field: impl AsRef<str>, message: impl AsRef<str>) -> Self {
        // Called from a hundred places: not inlining it saves 2 KB of the component.
        #[cold]
        #[inline(never)]
        fn new(field: &str, message: &str) -> ConfigError {
            ConfigError {
                part: ConfigPart::Gate,
                field: field.to_owned(),
                message: message.to_owned(),
            }
        }
        new(field.as_ref(), message.as_ref())
    }

    /// [`ConfigError::new`] for a field in a list: `format_args!("issuers[{index}]")`. The field's
    /// name is formatted only here, so that a valid configuration allocates nothing.
    pub(crate) fn at(field: Arguments<'_>, message: impl AsRef<str>) -> Self {
        #[cold]
        #[inline(never)]
        fn at(field: Arguments<'_>, message: &str) -> ConfigError {
            ConfigError::new(field.to_string(), message)
        }
        at(field, message.as_ref())
    }

    /// A list is longer than its limit.
    pub(crate) fn too_many(field: Arguments<'_>, limit: usize) -> Self {
        Self::at(
            field,
            format!("the list has more than {limit} entries: remove some"),
        )
    }

    /// The error with the user's names: `origins` has the options that were filled in from others.
    #[cold]
    #[inline(never)]
    pub(crate) fn spelled(mut self, naming: Naming, origins: &Origins) -> Self {
        self.field = origins.of(&self.field, naming);
        self.message = naming.sentence(&self.message);
        self
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

impl std::error::Error for ConfigError {}

/// Options that were filled in from another option or setting of the user. The last entry counts.
#[derive(Debug, Default)]
pub(crate) struct Origins(Vec<(&'static str, Origin)>);

/// What the user set.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Origin {
    /// Another option. Its name is spelled by [`Naming`].
    Option(&'static str),
    /// A setting of the environment. Its name is the same in every host.
    Setting(&'static str),
}

impl Origins {
    /// Records that `option` and its members come from `origin`.
    pub(crate) fn note(&mut self, option: &'static str, origin: Origin) {
        self.0.push((option, origin));
    }

    fn of(&self, field: &str, naming: Naming) -> String {
        let origin = self.0.iter().rev().find_map(|&(option, origin)| {
            let below = field.strip_prefix(option)?;
            (below.is_empty() || below.starts_with(['.', '['])).then_some(origin)
        });
        match origin {
            None if field.starts_with("TOLLGATE_") => field.to_owned(),
            None => naming.option(field),
            Some(Origin::Option(name)) => naming.option(name),
            Some(Origin::Setting(name)) => name.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_spelled_as_the_host_spells_them() {
        let name = "client.keys[0].token-endpoint";
        assert_eq!(Naming::KebabCase.option(name), name);
        assert_eq!(
            Naming::CamelCase.option(name),
            "client.keys[0].tokenEndpoint"
        );
        assert_eq!(
            Naming::SnakeCase.option(name),
            "client.keys[0].token_endpoint"
        );
    }

    #[test]
    fn sentences_are_spelled_between_backticks_only() {
        let sentence = "set `max-age` well-known, not \"`a-b`\\\"`c-d`\" or `max-stale`";
        assert_eq!(
            Naming::CamelCase.sentence(sentence),
            "set `maxAge` well-known, not \"`a-b`\\\"`c-d`\" or `maxStale`"
        );
        assert_eq!(Naming::KebabCase.sentence(sentence), sentence);
    }

    #[test]
    fn an_error_names_the_option_that_the_user_set() {
        let mut origins = Origins::default();
        origins.note("client.keys[0]", Origin::Setting("TOLLGATE_PRIVATE_KEY"));
        origins.note("issuers[0].audiences", Origin::Option("audience"));
        let field = |field: &str| origins.of(field, Naming::CamelCase);
        assert_eq!(field("client.keys[0].algorithm"), "TOLLGATE_PRIVATE_KEY");
        assert_eq!(field("client.keys[01]"), "client.keys[01]");
        assert_eq!(field("issuers[0].audiences"), "audience");
        assert_eq!(field("issuers[0].max-age"), "issuers[0].maxAge");
        // An environment may hold any name.
        assert_eq!(field("TOLLGATE_MAX-AGE"), "TOLLGATE_MAX-AGE");
    }
}
