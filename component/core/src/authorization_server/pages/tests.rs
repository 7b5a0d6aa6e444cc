//! Pages, without a browser.

use super::*;
use crate::authorization_server::authorization_request::AuthorizationRequest;
use crate::authorization_server::client::{AuthenticationMethod, Client, ClientOrigin};
use crate::authorization_server::rejection::{RedirectUriFailure, TargetFailure};

fn pages(config: &PagesConfig) -> Pages {
    let issuer = HttpUrl::parse("https://auth.example/tenant").expect("a URL");
    Pages::compile(config, &issuer).expect("good pages")
}

fn html(answer: &Answer) -> &str {
    answer.body.as_deref().expect("a page")
}

fn client(origin: ClientOrigin, id: &str, name: Option<&str>) -> Client {
    Client {
        id: id.to_owned(),
        origin,
        epoch: 0,
        redirect_uris: vec!["https://app.example/callback".to_owned()],
        grant_types: Vec::new(),
        authentication: AuthenticationMethod::None,
        secrets: Vec::new(),
        keys: None,
        scopes: None,
        serves: Vec::new(),
        exchanges_tokens_of_others: false,
        name: name.map(str::to_owned),
        metadata: None,
        registered_at: None,
        expires_at: None,
        lifetime: None,
    }
}

fn consent(client: &Client, redirect_uri: &str, scopes: &[&str]) -> String {
    let request = AuthorizationRequest {
        redirect_uri: redirect_uri.to_owned(),
        scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(),
        resources: vec!["https://mcp.example".to_owned()],
        ..AuthorizationRequest::default()
    };
    let pages = pages(&PagesConfig::default());
    let answer = pages.for_languages(None).consent(&ConsentView {
        client: &ClientView::new(client),
        request: &request,
        user: "ali<ce>",
        handle: "handle",
        action: "/consent",
    });
    html(&answer).to_owned()
}

const REDIRECT: &str = "https://app.example/callback";

#[test]
fn a_consent_page_says_who_asks_for_what() {
    let configured = client(ClientOrigin::Configured, "app", Some("My App"));
    let page = consent(&configured, REDIRECT, &["read", "offline_access"]);
    for shown in [
        "<bdi>My App</bdi>",
        "<bdi>auth.example</bdi>",
        "<bdi>ali&lt;ce&gt;</bdi>",
        "use the permission <strong><bdi>read</bdi></strong>",
        "keep its access while you are not there",
        "<bdi>https://mcp.example</bdi>",
        "<bdi>app.example</bdi>",
    ] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    assert!(!page.contains("class=\"warning\""), "{page}");
    let none = consent(&configured, REDIRECT, &[]);
    assert!(none.contains("no particular permission"), "{none}");
}

#[test]
fn what_clients_say_about_themselves_is_marked() {
    let name = Some("<img src=x>\u{202e}");
    let registered = client(ClientOrigin::Registered, "id", name);
    let page = consent(&registered, REDIRECT, &[]);
    assert!(page.contains("<bdi>&lt;img src=x&gt;</bdi>"), "{page}");
    assert!(page.contains("Nobody has checked its name"), "{page}");
    let url = "https://claude.example/metadata.json";
    let document = client(ClientOrigin::MetadataDocument, url, Some("Claude"));
    let page = consent(&document, REDIRECT, &[]);
    assert!(
        page.contains("identified by <strong><bdi>claude.example</bdi>"),
        "{page}"
    );
    let nameless = client(ClientOrigin::MetadataDocument, url, None);
    let page = consent(&nameless, REDIRECT, &[]);
    assert!(
        page.contains("<bdi>claude.example</bdi></strong> asks"),
        "{page}"
    );
    let blank = client(ClientOrigin::Registered, "the-id", Some(" \u{200b}"));
    let page = consent(&blank, REDIRECT, &[]);
    assert!(page.contains("<bdi>the-id</bdi></strong> asks"), "{page}");
}

#[test]
fn an_answer_to_a_program_has_a_warning() {
    let configured = client(ClientOrigin::Configured, "app", None);
    for (uri, host) in [
        ("http://127.0.0.1:5000/callback", "127.0.0.1:5000"),
        ("http://localhost/callback", "localhost"),
        ("http://[::1]:5000/", "[::1]:5000"),
        ("cursor://callback", "cursor:"),
    ] {
        let page = consent(&configured, uri, &[]);
        assert!(
            page.contains("a program on your own device"),
            "{uri}: {page}"
        );
        assert!(
            page.contains(&format!("<bdi>{host}</bdi>")),
            "{uri}: {page}"
        );
    }
}

#[test]
fn a_page_leads_to_the_client_at_once() {
    let pages = pages(&PagesConfig::default());
    let url = "https://app.example/callback?code=a&state=\"'<>";
    let answer = pages.for_languages(None).forward(url);
    let escaped = "https://app.example/callback?code=a&amp;state=&quot;&#39;&lt;&gt;";
    let page = html(&answer);
    assert!(
        page.contains(&format!("content=\"0;url={escaped}\"")),
        "{page}"
    );
    assert!(page.contains(&format!("href=\"{escaped}\"")), "{page}");
}

#[test]
fn refusals_have_the_page_that_fits() {
    use Rejection as R;
    use SignInFailure as F;
    let pages = pages(&PagesConfig::default());
    for (rejection, status, title) in [
        (R::UnknownClient, 400, "This request cannot be completed"),
        (
            R::MissingParameter("client_id"),
            400,
            "This request cannot be completed",
        ),
        (
            R::RedirectUri(RedirectUriFailure::Missing),
            400,
            "This request cannot be completed",
        ),
        (
            R::Target(TargetFailure::Unknown),
            400,
            "This request cannot be completed",
        ),
        (R::StoreUnavailable, 503, "Temporarily unavailable"),
        (R::SignIn(F::Unavailable), 503, "Temporarily unavailable"),
        (R::StoredRecord, 500, "The server failed"),
        (R::SignIn(F::Unusable), 500, "The server failed"),
        (R::SignIn(F::Expired), 400, "This page has expired"),
        (R::SignIn(F::CrossSite), 403, "This page has expired"),
        (R::SignIn(F::Answered), 400, "You have already answered"),
        (R::SignIn(F::NotAdmitted), 403, "You do not have access"),
        (R::SignIn(F::Refused), 400, "You are not signed in"),
        (R::SignIn(F::NoUser), 403, "You are not signed in"),
    ] {
        let answer = pages.for_languages(None).refusal(&rejection);
        assert_eq!(answer.status, status, "{rejection:?}");
        assert!(
            html(&answer).contains(&format!("<h1>{title}</h1>")),
            "{rejection:?}"
        );
        assert_eq!(answer.reason, Some(rejection.wire().reason));
        assert_eq!(answer.header("retry-after").is_some(), status == 503);
    }
}

#[test]
fn a_page_is_written_from_right_to_left_where_its_language_is() {
    let arabic = LanguageConfig {
        tag: "ar".to_owned(),
        ..LanguageConfig::default()
    };
    let pages = pages(&PagesConfig {
        languages: vec![arabic],
        ..PagesConfig::default()
    });
    let answer = pages
        .for_languages(Some("ar"))
        .refusal(&Rejection::UnknownClient);
    assert!(html(&answer).contains("<html lang=\"ar\" dir=\"rtl\">"));
}

#[test]
fn the_policy_has_the_hash_of_the_style_sheet() {
    use base64::Engine as _;
    use sha2::Digest as _;
    let pages = pages(&PagesConfig::default());
    let answer = pages.for_languages(None).refusal(&Rejection::UnknownClient);
    let (_, rest) = html(&answer).split_once("<style>").expect("a style sheet");
    let (css, _) = rest.split_once("</style>").expect("its end");
    let hash = sha2::Sha256::digest(css.as_bytes());
    let hash = base64::engine::general_purpose::STANDARD.encode(hash);
    let policy = answer.header("content-security-policy").expect("a policy");
    assert!(
        policy.contains(&format!("style-src 'sha256-{hash}';")),
        "{policy}"
    );
}

#[test]
fn the_name_of_the_server_is_short() {
    let issuer = HttpUrl::parse("https://auth.example").expect("a URL");
    for bad in ["", "a\nb", &"a".repeat(NAME_BYTES + 1)] {
        let config = PagesConfig {
            name: Some(bad.to_owned()),
            ..PagesConfig::default()
        };
        assert!(Pages::compile(&config, &issuer).is_err(), "{bad:?}");
    }
}
