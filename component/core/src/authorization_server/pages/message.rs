//! What the pages say: a table of messages, in English and in the languages of the configuration.

use super::html::Html;

/// A message. Its placeholders are between braces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Message {
    RequestFailedTitle,
    RequestFailed,
    Developer,
    UnavailableTitle,
    Unavailable,
    FailedTitle,
    Failed,
    ExpiredTitle,
    Expired,
    AnsweredTitle,
    Answered,
    NotAdmittedTitle,
    NotAdmitted,
    SignInFailedTitle,
    SignInFailed,
    SignInTitle,
    SignIn,
    SignInWith,
    DevelopmentUsers,
    ConsentTitle,
    Consent,
    Account,
    ClientHost,
    Unverified,
    Scopes,
    NoScopes,
    OtherScope,
    OfflineAccess,
    Resources,
    Return,
    Loopback,
    Allow,
    Deny,
    ContinueTitle,
    Continue,
}

/// A message's name, its English text, and the placeholders that it may have.
type Entry = (Message, &'static str, &'static str, &'static [&'static str]);

const MESSAGES: [Entry; 35] = {
    use Message as M;
    [
        (
            M::RequestFailedTitle,
            "request-failed-title",
            "This request cannot be completed",
            &[],
        ),
        (
            M::RequestFailed,
            "request-failed",
            "The app that sent you here made a request that this server does not accept. Nothing \
             was shared with it. Go back to the app and try again, or tell its developer.",
            &[],
        ),
        (M::Developer, "developer", "Details for the developer", &[]),
        (
            M::UnavailableTitle,
            "unavailable-title",
            "Temporarily unavailable",
            &[],
        ),
        (
            M::Unavailable,
            "unavailable",
            "The server cannot answer at the moment. Wait a moment, then load this page again.",
            &[],
        ),
        (M::FailedTitle, "failed-title", "The server failed", &[]),
        (
            M::Failed,
            "failed",
            "Something is wrong with this server. Tell its operator.",
            &[],
        ),
        (
            M::ExpiredTitle,
            "expired-title",
            "This page has expired",
            &[],
        ),
        (
            M::Expired,
            "expired",
            "The page is too old, or was opened in another browser. Go back to the app and start \
             again.",
            &[],
        ),
        (
            M::AnsweredTitle,
            "answered-title",
            "You have already answered",
            &[],
        ),
        (
            M::Answered,
            "answered",
            "Your answer was sent to the app. You can close this page. To change your answer, \
             start again in the app.",
            &[],
        ),
        (
            M::NotAdmittedTitle,
            "not-admitted-title",
            "You do not have access",
            &[],
        ),
        (
            M::NotAdmitted,
            "not-admitted",
            "You signed in, but your account is not admitted here. Sign in with another account, \
             or ask the operator of this server.",
            &[],
        ),
        (
            M::SignInFailedTitle,
            "sign-in-failed-title",
            "You are not signed in",
            &[],
        ),
        (
            M::SignInFailed,
            "sign-in-failed",
            "The sign-in was cancelled, or did not succeed. Go back to the app and start again.",
            &[],
        ),
        (M::SignInTitle, "sign-in-title", "Sign in", &[]),
        (
            M::SignIn,
            "sign-in",
            "{client} asks for access to {server}. Choose how to sign in.",
            &["client", "server"],
        ),
        (
            M::SignInWith,
            "sign-in-with",
            "Sign in with {provider}",
            &["provider"],
        ),
        (
            M::DevelopmentUsers,
            "development-users",
            "Users for development",
            &[],
        ),
        (
            M::ConsentTitle,
            "consent-title",
            "Allow access to {server}?",
            &["server"],
        ),
        (
            M::Consent,
            "consent",
            "{client} asks for access to {server} in your name.",
            &["client", "server"],
        ),
        (
            M::Account,
            "account",
            "You are signed in as {user}.",
            &["user"],
        ),
        (
            M::ClientHost,
            "client-host",
            "The app is identified by {host}.",
            &["host"],
        ),
        (
            M::Unverified,
            "unverified",
            "The app registered itself. Nobody has checked its name.",
            &[],
        ),
        (M::Scopes, "scopes", "The app will be able to:", &[]),
        (
            M::NoScopes,
            "no-scopes",
            "The app asks for no particular permission.",
            &[],
        ),
        (
            M::OtherScope,
            "other-scope",
            "use the permission {scope}",
            &["scope"],
        ),
        (
            M::OfflineAccess,
            "offline-access",
            "keep its access while you are not there",
            &[],
        ),
        (
            M::Resources,
            "resources",
            "The access is for {resource}.",
            &["resource"],
        ),
        (
            M::Return,
            "return",
            "Your answer is sent to {host}.",
            &["host"],
        ),
        (
            M::Loopback,
            "loopback",
            "Your answer is sent to a program on your own device. Allow access only if you have \
             just started this program yourself.",
            &[],
        ),
        (M::Allow, "allow", "Allow", &[]),
        (M::Deny, "deny", "Deny", &[]),
        (
            M::ContinueTitle,
            "continue-title",
            "Returning to the app",
            &[],
        ),
        (M::Continue, "continue", "Continue to {host}", &["host"]),
    ]
};

impl Message {
    const fn entry(self) -> Entry {
        MESSAGES[self as usize]
    }

    pub(super) const fn english(self) -> &'static str {
        self.entry().2
    }

    /// The message of this name.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        let mut entries = MESSAGES.iter();
        let (message, ..) = entries.find(|(_, own, ..)| *own == name)?;
        Some(*message)
    }

    /// The first placeholder of a text that this message does not have.
    pub(super) fn unknown_placeholder(self, text: &str) -> Option<&str> {
        let (.., known) = self.entry();
        parts(text).find_map(|part| match part {
            Part::Placeholder(name) if !known.contains(&name) => Some(name),
            _ => None,
        })
    }

    /// A text with its placeholders filled in.
    pub(super) fn fill(text: &str, values: &[(&str, &str)]) -> Html {
        parts(text).fold(Html::default(), |html, part| match part {
            Part::Text(text) => html.text(text),
            Part::Placeholder(name) => {
                let mut values = values.iter();
                match values.find(|(own, _)| *own == name) {
                    Some((_, value)) => html.raw("<strong>").isolated(value).raw("</strong>"),
                    None => html,
                }
            }
        })
    }
}

enum Part<'a> {
    Text(&'a str),
    Placeholder(&'a str),
}

/// Splits `text {placeholder} text`. A brace without its partner is text.
fn parts(text: &str) -> impl Iterator<Item = Part<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        if let Some(inner) = rest.strip_prefix('{')
            && let Some((name, after)) = inner.split_once('}')
        {
            rest = after;
            return Some(Part::Placeholder(name));
        }
        let from = rest.len() - rest.trim_start_matches('{').len();
        let end = rest[from..].find('{').map_or(rest.len(), |at| at + from);
        let (text, after) = rest.split_at(end);
        rest = after;
        Some(Part::Text(text))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_messages() {
        for (index, (message, name, english, _)) in MESSAGES.iter().enumerate() {
            assert_eq!(*message as usize, index, "{name}");
            assert_eq!(Message::from_name(name), Some(*message));
            assert_eq!(message.unknown_placeholder(english), None, "{name}");
        }
    }

    #[test]
    fn placeholders_are_filled_in_and_escaped() {
        let fill = |text, values: &[(&str, &str)]| Message::fill(text, values).into_string();
        assert_eq!(
            fill("a <{x}> {y} {", &[("x", "<b>")]),
            "a &lt;<strong><bdi>&lt;b&gt;</bdi></strong>&gt;  {"
        );
        assert_eq!(fill("{{x}}", &[("x", "1")]), "}");
        assert_eq!(fill("", &[]), "");
        // A value is not read again.
        assert_eq!(
            fill("{x}", &[("x", "{y}"), ("y", "1")]),
            "<strong><bdi>{y}</bdi></strong>"
        );
    }

    #[test]
    fn a_translation_may_use_only_the_placeholders_of_its_message() {
        assert_eq!(Message::Return.unknown_placeholder("{host}"), None);
        assert_eq!(Message::Return.unknown_placeholder("{user}"), Some("user"));
    }
}
