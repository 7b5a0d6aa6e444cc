//! Languages: which of them the user reads (RFC 9110 section 12.5.4, RFC 4647 section 3.4).

use super::message::Message;
use crate::config_error::ConfigError;

/// The languages of one server.
const LANGUAGES: usize = 64;
/// Messages and sentences about scopes of one language.
const TEXTS: usize = 512;
/// A message: a paragraph.
const TEXT_BYTES: usize = 2048;
/// A language tag with script, region and variant.
const TAG_BYTES: usize = 35;
/// `Accept-Language`: a browser sends a handful of tags.
const HEADER_BYTES: usize = 1024;
/// Languages that are written from right to left.
const RIGHT_TO_LEFT: [&str; 9] = ["ar", "ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur"];

/// A language of the pages. What it leaves out is in English.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LanguageConfig {
    /// Its tag, such as `de` or `pt-BR` (RFC 5646). `en` changes the English texts.
    pub tag: String,
    /// Messages by their names.
    pub messages: Vec<(String, String)>,
    /// What a scope allows, as the end of the sentence “The app will be able to …”.
    pub scopes: Vec<(String, String)>,
}

/// See [`LanguageConfig`].
#[derive(Debug, Clone, Default)]
pub(super) struct Language {
    pub(super) tag: String,
    messages: Vec<(Message, String)>,
    scopes: Vec<(String, String)>,
}

impl Language {
    pub(super) fn english() -> Self {
        Self {
            tag: "en".to_owned(),
            ..Self::default()
        }
    }

    pub(super) fn is_right_to_left(&self) -> bool {
        let primary = self.tag.split('-').next().unwrap_or_default();
        RIGHT_TO_LEFT.contains(&&*primary.to_ascii_lowercase())
    }

    pub(super) fn message(&self, message: Message) -> &str {
        let mut messages = self.messages.iter();
        match messages.find(|(own, _)| *own == message) {
            Some((_, text)) => text,
            None => message.english(),
        }
    }

    pub(super) fn scope(&self, scope: &str) -> Option<&str> {
        let mut scopes = self.scopes.iter();
        let (_, sentence) = scopes.find(|(own, _)| own == scope)?;
        Some(sentence)
    }
}

/// Checks the languages. English is always among them, and the first.
pub(super) fn compile(configs: &[LanguageConfig]) -> Result<Vec<Language>, ConfigError> {
    if configs.len() > LANGUAGES {
        return Err(ConfigError::too_many(
            format_args!("pages.languages"),
            LANGUAGES,
        ));
    }
    let mut languages = vec![Language::english()];
    for (index, config) in configs.iter().enumerate() {
        let error = |part: &str, message: &str| {
            Err(ConfigError::at(
                format_args!("pages.languages[{index}].{part}"),
                message,
            ))
        };
        if !is_tag(&config.tag) {
            return error(
                "tag",
                "this is not a language tag: set one such as `de` or `pt-BR`",
            );
        }
        if config.messages.len() > TEXTS || config.scopes.len() > TEXTS {
            return error("messages", "there are more than 512 texts: remove some");
        }
        let texts = config.messages.iter().chain(&config.scopes);
        for (name, text) in texts {
            if text.is_empty() || text.len() > TEXT_BYTES {
                let message = format!("the text of {name:?} is empty, or longer than 2048 bytes");
                return error("messages", &message);
            }
        }
        let mut messages = Vec::new();
        for (name, text) in &config.messages {
            let Some(message) = Message::from_name(name) else {
                let message = format!("there is no message {name:?}: remove it");
                return error("messages", &message);
            };
            if let Some(placeholder) = message.unknown_placeholder(text) {
                let message = format!("the message {name:?} has no placeholder {placeholder:?}");
                return error("messages", &message);
            }
            messages.push((message, text.clone()));
        }
        let language = Language {
            tag: config.tag.clone(),
            messages,
            scopes: config.scopes.clone(),
        };
        let mut known = languages.iter_mut();
        match known.find(|own| own.tag.eq_ignore_ascii_case(&config.tag)) {
            // English may be changed once.
            Some(own) if own.messages.is_empty() && own.scopes.is_empty() => *own = language,
            Some(_) => return error("tag", "another entry has the same tag: put them together"),
            None => languages.push(language),
        }
    }
    Ok(languages)
}

/// The best of the languages for an `Accept-Language`.
pub(super) fn pick<'a>(languages: &'a [Language], header: &str) -> &'a Language {
    let mut wanted: Vec<(&str, f32)> = Vec::new();
    if header.len() <= HEADER_BYTES {
        for item in header.split(',') {
            let (range, weight) = item.split_once(';').unwrap_or((item, ""));
            let weight = weight.trim().strip_prefix("q=").map(str::parse);
            let weight: f32 = weight.unwrap_or(Ok(1.0)).unwrap_or(0.0);
            if weight > 0.0 {
                wanted.push((range.trim(), weight));
            }
        }
    }
    // The sort is stable: of two equal weights, the first counts.
    wanted.sort_by(|one, other| other.1.total_cmp(&one.1));
    let found = wanted
        .iter()
        .find_map(|(range, _)| lookup(languages, range));
    found.unwrap_or(&languages[0])
}

/// RFC 4647 section 3.4: `de-CH-1996`, then `de-CH`, then `de`.
fn lookup<'a>(languages: &'a [Language], mut range: &str) -> Option<&'a Language> {
    loop {
        let mut own = languages.iter();
        if let Some(language) = own.find(|own| own.tag.eq_ignore_ascii_case(range)) {
            return Some(language);
        }
        range = range.rsplit_once('-')?.0;
    }
}

fn is_tag(tag: &str) -> bool {
    let is_part = |part: &str| {
        (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    tag.len() <= TAG_BYTES && tag.split('-').all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn language(tag: &str, messages: &[(&str, &str)]) -> LanguageConfig {
        let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
        LanguageConfig {
            tag: tag.to_owned(),
            messages: messages.iter().map(owned).collect(),
            scopes: Vec::new(),
        }
    }

    #[test]
    fn the_best_known_language_is_picked() {
        let tags = ["de", "pt-BR", "ar"].map(|tag| language(tag, &[]));
        let languages = compile(&tags).expect("good languages");
        for (header, tag) in [
            ("", "en"),
            ("de", "de"),
            ("DE-ch, en;q=0.9", "de"),
            ("fr, pt-br;q=0.5", "pt-BR"),
            ("pt", "en"),
            ("en;q=0.1, ar;q=0.2", "ar"),
            ("de;q=0", "en"),
            ("de;q=x", "en"),
            ("*", "en"),
        ] {
            assert_eq!(pick(&languages, header).tag, tag, "{header}");
        }
        let long = "de,".repeat(1000);
        assert_eq!(pick(&languages, &long).tag, "en");
    }

    #[test]
    fn a_missing_message_is_in_english() {
        let german = language("de", &[("allow", "Erlauben")]);
        let languages = compile(&[german]).expect("a good language");
        assert_eq!(languages[1].message(Message::Allow), "Erlauben");
        assert_eq!(languages[1].message(Message::Deny), "Deny");
        assert!(!languages[1].is_right_to_left());
    }

    #[test]
    fn bad_tables_are_refused() {
        let long = "x".repeat(TEXT_BYTES + 1);
        for bad in [
            language("", &[]),
            language("de_DE", &[]),
            language("de", &[("alow", "x")]),
            language("de", &[("allow", "{host}")]),
            language("de", &[("allow", "")]),
            language("de", &[("allow", &long)]),
        ] {
            assert!(compile(std::slice::from_ref(&bad)).is_err(), "{bad:?}");
        }
        let twice = [
            language("de", &[("allow", "x")]),
            language("DE", &[("deny", "y")]),
        ];
        assert!(compile(&twice).is_err());
        let texts = vec![("allow", "x"); TEXTS + 1];
        assert!(compile(&[language("de", &texts)]).is_err());
        let many = vec![language("de", &[]); LANGUAGES + 1];
        assert!(compile(&many).is_err());
    }
}
