//! A client with a user's browser: follows the forms of the pages, by name.
#![allow(dead_code, reason = "each test program uses a part")]

use std::collections::BTreeMap;

use base64ct::{Base64UrlUnpadded, Encoding};
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use serde_json::Value;

/// 43 characters, as RFC 7636 section 4.1 demands at least.
pub(crate) const VERIFIER: &str = "verifier-verifier-verifier-verifier-verifier";
pub(crate) const REDIRECT_URI: &str = "http://127.0.0.1:5555/callback";

/// A client `demo` of an issuer.
#[derive(Clone)]
pub(crate) struct Demo {
    http: Client,
    issuer: String,
}

/// A user's browser at the issuer.
pub(crate) struct Browser {
    demo: Demo,
    cookies: BTreeMap<String, String>,
}

/// A page that was shown.
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) location: Option<String>,
    pub(crate) html: String,
}

impl Demo {
    /// `issuer` is the address that it is reached at.
    pub(crate) fn new(issuer: &str) -> Self {
        // reqwest wants one, also for plain HTTP. Another test may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = Client::builder().redirect(Policy::none()).build();
        Self {
            http: http.expect("a client"),
            issuer: issuer.trim_end_matches('/').to_owned(),
        }
    }

    pub(crate) fn http(&self) -> &Client {
        &self.http
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.issuer)
    }

    /// The URL of an authorization request.
    pub(crate) fn authorization_url(&self) -> String {
        let digest = ring::digest::digest(&ring::digest::SHA256, VERIFIER.as_bytes());
        let challenge = Base64UrlUnpadded::encode_string(digest.as_ref());
        let mut url = reqwest::Url::parse(&self.url("/authorize")).expect("a URL");
        url.query_pairs_mut().extend_pairs([
            ("response_type", "code"),
            ("client_id", "demo"),
            ("redirect_uri", REDIRECT_URI),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("state", "st"),
            ("scope", "read write"),
        ]);
        url.into()
    }

    /// Signs a user in, consents, and returns the code.
    pub(crate) async fn code(&self, user: &str) -> String {
        self.try_code(user).await.expect("answers")
    }

    /// The same, if the issuer does not go away meanwhile.
    pub(crate) async fn try_code(&self, user: &str) -> reqwest::Result<String> {
        let mut browser = Browser {
            demo: self.clone(),
            cookies: BTreeMap::new(),
        };
        let page = browser.get(&self.authorization_url()).await?;
        assert_eq!(page.status, StatusCode::OK, "{}", page.html);
        assert!(page.html.contains("Demo"), "{}", page.html);
        let page = browser.submit(&page, "user", user).await?;
        let consent = page.location.expect("to the consent page");
        let page = browser.get(&self.absolute(&consent)).await?;
        assert_eq!(page.status, StatusCode::OK, "{}", page.html);
        assert!(page.html.contains(user), "{}", page.html);
        let page = browser.submit(&page, "decision", "allow").await?;
        // A page that leads back: a form must not redirect to another origin.
        assert_eq!(page.status, StatusCode::OK, "{}", page.html);
        let location = attribute(&page.html, " href=\"").replace("&amp;", "&");
        assert!(location.starts_with(REDIRECT_URI), "{location}");
        let url = reqwest::Url::parse(&location).expect("a URL");
        let parameter = |name: &str| {
            let mut pairs = url.query_pairs();
            let found = pairs.find(|(own, _)| own == name);
            found.map(|(_, value)| value.into_owned())
        };
        assert_eq!(parameter("state").as_deref(), Some("st"));
        assert!(parameter("iss").is_some(), "{location}");
        Ok(parameter("code").expect("a code"))
    }

    fn absolute(&self, location: &str) -> String {
        if location.starts_with('/') {
            self.url(location)
        } else {
            location.to_owned()
        }
    }

    /// Sends a form.
    pub(crate) async fn post(
        &self,
        path: &str,
        form: &[(&str, &str)],
    ) -> reqwest::Result<(StatusCode, Value)> {
        let request = self.http.post(self.url(path)).form(form);
        let response = request.send().await?;
        let status = response.status();
        let text = response.text().await?;
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
    }

    pub(crate) async fn redeem(&self, code: &str) -> reqwest::Result<(StatusCode, Value)> {
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", "demo"),
            ("code", code),
            ("redirect_uri", REDIRECT_URI),
            ("code_verifier", VERIFIER),
        ];
        self.post("/token", &form).await
    }

    pub(crate) async fn refresh(&self, token: &str) -> reqwest::Result<(StatusCode, Value)> {
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", "demo"),
            ("refresh_token", token),
        ];
        self.post("/token", &form).await
    }

    /// The tokens of a new grant.
    pub(crate) async fn tokens(&self, user: &str) -> Value {
        let code = self.code(user).await;
        let (status, tokens) = self.redeem(&code).await.expect("an answer");
        assert_eq!(status, StatusCode::OK, "{tokens}");
        tokens
    }
}

impl Browser {
    async fn get(&mut self, url: &str) -> reqwest::Result<Page> {
        let request = self.demo.http.get(url).header(COOKIE, self.cookies());
        let response = request.send().await?;
        self.shown(response).await
    }

    /// Presses a button of the page's form.
    async fn submit(&mut self, page: &Page, name: &str, value: &str) -> reqwest::Result<Page> {
        let button = format!("name=\"{name}\" value=\"{value}\"");
        assert!(page.html.contains(&button), "no {button}: {}", page.html);
        let action = attribute(&page.html, "action=\"");
        let flow = attribute(&page.html, "name=\"flow\" value=\"");
        let request = self
            .demo
            .http
            .post(self.demo.absolute(action))
            .header(COOKIE, self.cookies())
            .header("sec-fetch-site", "same-origin")
            .form(&[("flow", flow), (name, value)]);
        let response = request.send().await?;
        self.shown(response).await
    }

    fn cookies(&self) -> String {
        let pairs = self.cookies.iter();
        let pairs: Vec<_> = pairs
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.join("; ")
    }

    async fn shown(&mut self, response: Response) -> reqwest::Result<Page> {
        for cookie in response.headers().get_all(SET_COOKIE) {
            let cookie = cookie.to_str().expect("ASCII");
            let pair = cookie.split(';').next().unwrap_or_default();
            let (name, value) = pair.split_once('=').expect("a cookie");
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        let location = response.headers().get(LOCATION);
        Ok(Page {
            status: response.status(),
            location: location.map(|value| value.to_str().expect("ASCII").to_owned()),
            html: response.text().await?,
        })
    }
}

/// The value of the first attribute that begins like this.
fn attribute<'a>(html: &'a str, begin: &str) -> &'a str {
    let (_, rest) = html.split_once(begin).expect(begin);
    rest.split('"').next().unwrap_or_default()
}
