//! Tables of the characters that specifications allow.
//!
//! A token has some hundred characters, and each request has one. A table lookup is always fast,
//! while the compiler does not inline closures when it optimizes for size.

/// A set of ASCII characters.
pub(crate) struct Characters([bool; 256]);

impl Characters {
    const fn alphanumeric() -> Self {
        let mut set = [false; 256];
        let mut byte = 0;
        while byte < set.len() {
            set[byte] = (byte as u8).is_ascii_alphanumeric();
            byte += 1;
        }
        Self(set)
    }

    const fn graphic() -> Self {
        let mut set = [false; 256];
        let mut byte = b'!';
        while byte <= b'~' {
            set[byte as usize] = true;
            byte += 1;
        }
        Self(set)
    }

    const fn and(self, others: &[u8]) -> Self {
        self.with(others, true)
    }

    const fn without(self, others: &[u8]) -> Self {
        self.with(others, false)
    }

    const fn with(mut self, others: &[u8], member: bool) -> Self {
        let mut index = 0;
        while index < others.len() {
            self.0[others[index] as usize] = member;
            index += 1;
        }
        self
    }

    /// Whether text has only these characters. Empty text does.
    pub(crate) fn contains_all(&self, text: &str) -> bool {
        let has = |byte: u8| self.0[usize::from(byte)];
        // Eight at a time, because hosts that limit the time of a call check the clock in each loop
        // iteration.
        let (eights, rest) = text.as_bytes().as_chunks();
        for &[a, b, c, d, e, f, g, h] in eights {
            if !(has(a) & has(b) & has(c) & has(d) & has(e) & has(f) & has(g) & has(h)) {
                return false;
            }
        }
        for &byte in rest {
            if !has(byte) {
                return false;
            }
        }
        true
    }
}

/// Splits text at the first `separator`, which is ASCII.
///
/// `str`'s own search does the same, but takes more instructions if code is optimized for size.
pub(crate) fn split_once(text: &str, separator: u8) -> Option<(&str, &str)> {
    for (at, &byte) in text.as_bytes().iter().enumerate() {
        if byte == separator {
            return Some((text.get(..at)?, text.get(at + 1..)?));
        }
    }
    None
}

/// `token68` of RFC 9110 section 11.2, without the `=` at its end.
pub(crate) static TOKEN68: Characters = Characters::alphanumeric().and(b"-._~+/");
/// `scope-token` of RFC 6749 section 3.3.
pub(crate) static SCOPE_TOKEN: Characters = Characters::graphic().without(b"\"\\");
/// `tchar` of RFC 9110 section 5.6.2, and the separators of names in a list.
pub(crate) static FIELD_NAMES: Characters = Characters::alphanumeric().and(b"!#$%&'*+-.^_`|~, ");
/// The characters on which all URL parsers agree: printable ASCII, without those that RFC 3986
/// excludes and WHATWG interprets differently.
pub(crate) static URL: Characters = Characters::graphic().without(b"\"\\<>^`");

#[cfg(test)]
mod tests {
    use super::*;

    fn members(set: &Characters) -> String {
        let all = (0..=255).map(char::from);
        all.filter(|c| c.is_ascii() && set.contains_all(&c.to_string()))
            .collect()
    }

    #[test]
    fn character_sets_match_their_grammars() {
        const ALPHANUMERIC: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let sorted = |text: &str| {
            let mut characters: Vec<char> = text.chars().collect();
            characters.sort_unstable();
            String::from_iter(characters)
        };
        assert_eq!(members(&TOKEN68), sorted(&format!("{ALPHANUMERIC}-._~+/")));
        assert_eq!(
            members(&FIELD_NAMES),
            sorted(&format!("{ALPHANUMERIC}!#$%&'*+-.^_`|~, "))
        );
        let graphic = String::from_iter('!'..='~');
        assert_eq!(members(&SCOPE_TOKEN), graphic.replace(['"', '\\'], ""));
        assert_eq!(
            members(&URL),
            graphic.replace(['"', '\\', '<', '>', '^', '`'], "")
        );
    }

    #[test]
    fn text_is_split_at_the_first_separator() {
        assert_eq!(split_once("a:b:c", b':'), Some(("a", "b:c")));
        assert_eq!(split_once("é:", b':'), Some(("é", "")));
        assert_eq!(split_once(":", b':'), Some(("", "")));
        assert_eq!(split_once("", b':'), None);
        assert_eq!(split_once("aé", b':'), None);
    }

    #[test]
    fn other_characters_are_in_no_set() {
        for set in [&TOKEN68, &SCOPE_TOKEN, &FIELD_NAMES, &URL] {
            for odd in ["\u{e9}", "\u{0}", "\n", "\u{7f}", "a\u{80}"] {
                for place in 0..20 {
                    let text = format!("{}{odd}{}", "a".repeat(place), "a".repeat(20 - place));
                    assert!(!set.contains_all(&text), "{text:?}");
                }
            }
            assert!(set.contains_all(&"a".repeat(20)));
            assert!(set.contains_all(""));
        }
    }
}
