//! HTML text. What comes from outside can get into it only through [`Html::text`], which escapes it.

/// A piece of HTML.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Html(String);

impl Html {
    /// Adds markup, which is written in this crate.
    pub(super) fn raw(mut self, markup: &'static str) -> Self {
        self.0.push_str(markup);
        self
    }

    /// Adds text, or the value of an attribute between double quotes.
    pub(super) fn text(mut self, text: &str) -> Self {
        escape(text, &mut self.0);
        self
    }

    /// Adds a piece.
    pub(super) fn html(mut self, piece: &Self) -> Self {
        self.0.push_str(&piece.0);
        self
    }

    /// Adds text from outside whose direction of writing must not change what is around it.
    pub(super) fn isolated(self, text: &str) -> Self {
        self.raw("<bdi>").text(text).raw("</bdi>")
    }

    /// Adds the style sheet of [`super::theme`], whose hash the Content-Security-Policy has.
    pub(super) fn style(mut self, css: &str) -> Self {
        debug_assert!(!css.contains('<'), "the values of a theme cannot have it");
        self.0.push_str("<style>");
        self.0.push_str(css);
        self.0.push_str("</style>");
        self
    }

    pub(super) fn into_string(self) -> String {
        self.0
    }
}

/// Escapes text for elements and for attributes in quotes. Control characters other than white space
/// are left out: HTML has no way to write them.
fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(' '),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(text: &str) -> String {
        Html::default().text(text).into_string()
    }

    #[test]
    fn text_cannot_end_an_element_or_an_attribute() {
        assert_eq!(
            escaped("</bdi><script>alert('1')</script>"),
            "&lt;/bdi&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;"
        );
        assert_eq!(
            escaped("\" autofocus onfocus=\"x"),
            "&quot; autofocus onfocus=&quot;x"
        );
        assert_eq!(escaped("&amp;"), "&amp;amp;");
        assert_eq!(escaped("é – 日本"), "é – 日本");
    }

    #[test]
    fn control_characters_are_left_out() {
        assert_eq!(escaped("a\u{0}b\u{1b}c\nd\u{85}"), "abc d");
    }
}
