//! The pages with forms: the choice of a way to sign in, and consent.

use super::html::Html;
use super::message::Message;
use super::{Kind, PagesFor, host_of};
use crate::answer::Answer;
use crate::authorization_server::authorization_request::AuthorizationRequest;
use crate::authorization_server::client::{Client, ClientOrigin};
use crate::authorization_server::redirect_uri;
use crate::http_url::HttpUrl;

/// A client's name: longer ones are cut.
const NAME_CHARACTERS: usize = 80;

/// What people see of a client. Except for those in the configuration, clients say it about
/// themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct ClientView {
    name: String,
    /// The host of the client ID metadata document.
    host: Option<String>,
    is_unverified: bool,
}

impl ClientView {
    pub(in super::super) fn new(client: &Client) -> Self {
        let url = HttpUrl::parse(&client.id).ok();
        let host = url.filter(|_| client.origin == ClientOrigin::MetadataDocument);
        let host = host.map(|url| url.authority().to_owned());
        let own = client.name.as_deref().map(displayed).unwrap_or_default();
        let name = match (&host, own.is_empty()) {
            (_, false) => own,
            (Some(host), true) => host.clone(),
            (None, true) => displayed(&client.id),
        };
        Self {
            name,
            host,
            is_unverified: client.origin == ClientOrigin::Registered,
        }
    }
}

/// Text from outside for one line of a page: without control characters, invisible characters and
/// those that change the direction of writing, and cut if it is long.
fn displayed(text: &str) -> String {
    let is_hidden = |c: char| {
        c.is_control()
            || matches!(c,
                '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}')
    };
    let mut shown = text.chars().filter(|c| !is_hidden(*c));
    let mut name: String = shown.by_ref().take(NAME_CHARACTERS).collect();
    if shown.next().is_some() {
        name.push('…');
    }
    name.trim().to_owned()
}

/// What the consent page shows.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct ConsentView<'a> {
    pub(in super::super) client: &'a ClientView,
    pub(in super::super) request: &'a AuthorizationRequest,
    /// The user, as people name them.
    pub(in super::super) user: &'a str,
    pub(in super::super) handle: &'a str,
    /// The path that the form is sent to.
    pub(in super::super) action: &'a str,
}

impl PagesFor<'_> {
    /// The consent page.
    pub(in super::super) fn consent(self, view: &ConsentView<'_>) -> Answer {
        use Message as M;
        let server = &*self.pages.name;
        let client = view.client;
        let names = [("client", &*client.name), ("server", server)];
        let mut body = self.paragraph(M::Consent, &names);
        if let Some(host) = &client.host {
            body = body.html(&self.paragraph(M::ClientHost, &[("host", host)]));
        }
        if client.is_unverified {
            body = body.html(&self.warning(M::Unverified));
        }
        let user = displayed(view.user);
        body = body.html(&self.paragraph(M::Account, &[("user", &user)]));
        body = body.html(&self.scopes(&view.request.scopes));
        for resource in &view.request.resources {
            body = body.html(&self.paragraph(M::Resources, &[("resource", resource)]));
        }
        let host = host_of(&view.request.redirect_uri);
        body = body.html(&self.paragraph(M::Return, &[("host", &host)]));
        if redirect_uri::is_local(&view.request.redirect_uri) {
            body = body.html(&self.warning(M::Loopback));
        }
        let form = form_to(view.action, view.handle)
            .raw("<div class=\"actions\">")
            .raw("<button class=\"action\" name=\"decision\" value=\"deny\">")
            .html(&self.say(M::Deny, &[]))
            .raw("</button><button class=\"action primary\" name=\"decision\" value=\"allow\">")
            .html(&self.say(M::Allow, &[]))
            .raw("</button></div></form>");
        let values = [("server", server)];
        self.page(200, M::ConsentTitle, &values, Kind::Form, &body.html(&form))
    }

    /// The choice of a way to sign in: providers by id and name, and development users.
    pub(in super::super) fn sign_in(
        self,
        client: &ClientView,
        providers: &[(&str, &str)],
        users: &[String],
        handle: &str,
        action: &str,
    ) -> Answer {
        use Message as M;
        let names = [("client", &*client.name), ("server", &*self.pages.name)];
        let mut body = self.paragraph(M::SignIn, &names);
        for (id, name) in providers {
            // A link: see the module about forms and redirects.
            body = body
                .raw("<p class=\"actions\"><a class=\"action primary\" href=\"")
                .text(action)
                .raw("?flow=")
                .text(handle)
                .raw("&amp;with=")
                .text(id)
                .raw("\">")
                .html(&self.say(M::SignInWith, &[("provider", name)]))
                .raw("</a></p>");
        }
        if !users.is_empty() {
            body = body
                .raw("<h2>")
                .html(&self.say(M::DevelopmentUsers, &[]))
                .raw("</h2>")
                .html(&form_to(action, handle))
                .raw("<div class=\"actions\">");
            for user in users {
                body = body
                    .raw("<button class=\"action\" name=\"user\" value=\"")
                    .text(user)
                    .raw("\">")
                    .isolated(user)
                    .raw("</button>");
            }
            body = body.raw("</div></form>");
        }
        self.page(200, M::SignInTitle, &[], Kind::Form, &body)
    }

    fn scopes(self, scopes: &[String]) -> Html {
        if scopes.is_empty() {
            return self.paragraph(Message::NoScopes, &[]);
        }
        let list = Html::default()
            .raw("<h2>")
            .html(&self.say(Message::Scopes, &[]))
            .raw("</h2><ul>");
        let list = scopes.iter().fold(list, |list, scope| {
            list.raw("<li>").html(&self.scope(scope)).raw("</li>")
        });
        list.raw("</ul>")
    }

    /// A scope in words: of this language, otherwise of English, otherwise by its name.
    fn scope(self, scope: &str) -> Html {
        let english = &self.pages.languages[0];
        let sentence = self.language.scope(scope).or_else(|| english.scope(scope));
        match sentence {
            Some(sentence) => Html::default().text(sentence),
            None if scope == "offline_access" => self.say(Message::OfflineAccess, &[]),
            None => self.say(Message::OtherScope, &[("scope", scope)]),
        }
    }

    fn warning(self, message: Message) -> Html {
        let text = self.say(message, &[]);
        Html::default()
            .raw("<p class=\"warning\">")
            .html(&text)
            .raw("</p>")
    }
}

/// The start of a form with the handle of its flow.
fn form_to(action: &str, handle: &str) -> Html {
    Html::default()
        .raw("<form method=\"post\" action=\"")
        .text(action)
        .raw("\"><input type=\"hidden\" name=\"flow\" value=\"")
        .text(handle)
        .raw("\">")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_outside_fit_in_one_line_and_hide_nothing() {
        assert_eq!(displayed("  App\u{202e}\u{200b}\n "), "App");
        let long = displayed(&"é".repeat(NAME_CHARACTERS + 1));
        assert_eq!(long.chars().count(), NAME_CHARACTERS + 1);
        assert!(long.ends_with('…'));
        assert_eq!(displayed("日本"), "日本");
    }
}
