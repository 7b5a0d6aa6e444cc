//! The pages that people see: plain HTML that needs no script, image or font.
//!
//! The Content-Security-Policy allows nothing but the style sheet in the page, by its hash, and
//! forms that are sent to this server. Browsers of the Chromium family apply `form-action` also to
//! every redirect that follows a form, including those of the client's own site, which nobody
//! knows here. So a form is never answered with a redirect to another site, but with the page of
//! [`Pages::forward`], which leads there at once.

mod consent;
mod html;
mod language;
mod message;
mod theme;

pub(super) use consent::{ClientView, ConsentView};
pub use language::LanguageConfig;

use html::Html;
use language::Language;
use message::Message;
use theme::Theme;

use super::rejection::{Rejection, SignInFailure};
use crate::answer::Answer;
use crate::config_error::ConfigError;
use crate::http_url::HttpUrl;

/// The name of the server: it is in headings.
const NAME_BYTES: usize = 128;

/// The look and the texts of the pages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PagesConfig {
    /// The name of this server, for people. Default: the host of the issuer.
    pub name: Option<String>,
    /// Variables of the style sheet: `accent`, `accent-text`, `background`, `border`, `font`,
    /// `muted`, `radius`, `surface` and `text`, with their values.
    pub theme: Vec<(String, String)>,
    /// Languages other than English, and changes to the English texts. The browser chooses.
    pub languages: Vec<LanguageConfig>,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Pages {
    name: String,
    theme: Theme,
    languages: Vec<Language>,
}

/// The pages in the language of one request.
#[derive(Debug, Clone, Copy)]
pub(super) struct PagesFor<'a> {
    pages: &'a Pages,
    language: &'a Language,
}

/// What a page does beyond being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    /// It has a form, which is sent to this server.
    Form,
}

impl Pages {
    pub(super) fn compile(config: &PagesConfig, issuer: &HttpUrl) -> Result<Self, ConfigError> {
        let name = config.name.as_deref().unwrap_or_else(|| issuer.authority());
        if name.is_empty() || name.len() > NAME_BYTES || name.chars().any(char::is_control) {
            let message = "the name is empty, or longer than 128 bytes, or has line breaks";
            return Err(ConfigError::new("pages.name", message));
        }
        Ok(Self {
            name: name.to_owned(),
            theme: theme::compile(&config.theme)?,
            languages: language::compile(&config.languages)?,
        })
    }

    /// The pages in the best language for an `Accept-Language`.
    pub(super) fn for_languages(&self, accepted: Option<&str>) -> PagesFor<'_> {
        PagesFor {
            pages: self,
            language: language::pick(&self.languages, accepted.unwrap_or_default()),
        }
    }
}

impl PagesFor<'_> {
    /// A page about a request that is refused, and that cannot be answered to the client.
    pub(super) fn refusal(self, rejection: &Rejection) -> Answer {
        use Message as M;
        let wire = rejection.wire();
        let (title, text) = match rejection {
            Rejection::SignIn(SignInFailure::Expired | SignInFailure::CrossSite) => {
                (M::ExpiredTitle, M::Expired)
            }
            Rejection::SignIn(SignInFailure::Answered) => (M::AnsweredTitle, M::Answered),
            Rejection::SignIn(SignInFailure::NotAdmitted) => (M::NotAdmittedTitle, M::NotAdmitted),
            Rejection::SignIn(
                SignInFailure::Refused
                | SignInFailure::IssuerMixedUp
                | SignInFailure::IdToken
                | SignInFailure::NoUser,
            ) => (M::SignInFailedTitle, M::SignInFailed),
            _ if wire.status == 503 => (M::UnavailableTitle, M::Unavailable),
            _ if wire.status >= 500 => (M::FailedTitle, M::Failed),
            _ => (M::RequestFailedTitle, M::RequestFailed),
        };
        let body = Html::default()
            .html(&self.paragraph(text, &[]))
            .raw("<h2>")
            .html(&self.say(M::Developer, &[]))
            .raw("</h2><p class=\"note\" lang=\"en\" dir=\"ltr\"><code>")
            .text(wire.error)
            .raw("</code>: ")
            .text(&wire.description.to_string())
            .raw("</p>");
        // A browser asks for a password if it gets a 401.
        let status = if wire.status == 401 { 400 } else { wire.status };
        let mut answer = self.page(status, title, &[], Kind::Text, &body);
        answer.reason = Some(wire.reason);
        if let Some(seconds) = wire.retry_after {
            answer.push("retry-after", seconds.to_string());
        }
        if let Rejection::Method(allowed) = rejection {
            answer.push("allow", *allowed);
        }
        answer
    }

    /// A page that leads to the client: see the module. Its refresh is at once (WCAG 2.2, technique
    /// H76), and replaces this page in the browser's history.
    pub(super) fn forward(self, url: &str) -> Answer {
        let host = host_of(url);
        let body = Html::default()
            .raw("<p><a class=\"action primary\" href=\"")
            .text(url)
            .raw("\">")
            .html(&self.say(Message::Continue, &[("host", &host)]))
            .raw("</a></p>");
        let head = Html::default()
            .raw("<meta http-equiv=\"refresh\" content=\"0;url=")
            .text(url)
            .raw("\">");
        self.page_with(200, Message::ContinueTitle, &[], Kind::Text, &head, &body)
    }

    fn say(self, message: Message, values: &[(&str, &str)]) -> Html {
        Message::fill(self.language.message(message), values)
    }

    fn paragraph(self, message: Message, values: &[(&str, &str)]) -> Html {
        let text = self.say(message, values);
        Html::default().raw("<p>").html(&text).raw("</p>")
    }

    fn page(
        self,
        status: u16,
        title: Message,
        values: &[(&str, &str)],
        kind: Kind,
        body: &Html,
    ) -> Answer {
        self.page_with(status, title, values, kind, &Html::default(), body)
    }

    fn page_with(
        self,
        status: u16,
        title: Message,
        values: &[(&str, &str)],
        kind: Kind,
        head: &Html,
        body: &Html,
    ) -> Answer {
        // `title` takes text only.
        let plain = values.iter().fold(
            self.language.message(title).to_owned(),
            |text, (name, value)| text.replace(&format!("{{{name}}}"), value),
        );
        let direction = if self.language.is_right_to_left() {
            "\" dir=\"rtl\">"
        } else {
            "\" dir=\"ltr\">"
        };
        let html = Html::default()
            .raw("<!doctype html>\n<html lang=\"")
            .text(&self.language.tag)
            .raw(direction)
            .raw("<head><meta charset=\"utf-8\">")
            .raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")
            .html(head)
            .raw("<title>")
            .text(&plain)
            .raw(" – ")
            .text(&self.pages.name)
            .raw("</title>")
            .style(&self.pages.theme.css)
            .raw("</head><body><main><h1>")
            .html(&self.say(title, values))
            .raw("</h1>")
            .html(body)
            .raw("</main></body></html>\n");
        let mut answer = Answer::empty(status);
        answer.push("content-type", "text/html; charset=utf-8");
        answer.push("cache-control", "no-store");
        let forms = match kind {
            Kind::Text => "'none'",
            Kind::Form => "'self'",
        };
        let policy = format!(
            "default-src 'none'; style-src {}; form-action {forms}; base-uri 'none'; \
             frame-ancestors 'none'",
            self.pages.theme.source
        );
        answer.push("content-security-policy", policy);
        answer.push("x-frame-options", "DENY");
        answer.push("x-content-type-options", "nosniff");
        // With `no-referrer`, a browser sends a form with `Origin: null`, which could come from
        // anywhere. With `same-origin`, other sites see no referrer either.
        let referrer = match kind {
            Kind::Text => "no-referrer",
            Kind::Form => "same-origin",
        };
        answer.push("referrer-policy", referrer);
        answer.body = Some(html.into_string());
        answer
    }
}

/// The host of a redirect URI, for people.
fn host_of(url: &str) -> String {
    match HttpUrl::parse(url) {
        Ok(url) => url.authority().to_owned(),
        Err(_) => url.split(['?', '/']).next().unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests;
