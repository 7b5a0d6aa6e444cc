//! The gate is never more permissive than a server behind it, in whatever order that server reads
//! a path.
//!
//! The model here knows nothing of how the gate reads paths. It has the steps that real parsers
//! take, as functions from text to text, and applies them to a path in every order. Where one of
//! the results lies in a protected place, the gate must have asked for that place's scopes, or
//! have refused the path.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod harness;

use std::collections::HashSet;

use harness::{AUDIENCE, ISSUER, Key, World, bearer, head, inline};
use serde_json::json;
use tollgate_core::deployment::{Access, Config, IssuerConfig, RouteConfig};
use tollgate_core::resource_server::{Decision, RequestHead};

/// So many steps in a row are modelled.
const DEPTH: usize = 6;
/// Paths with more results than this are rare, and cut short.
const RESULTS: usize = 600;

// ---- the steps ---------------------------------------------------------------------------------

/// Percent-decodes once, but leaves escapes of the characters in `kept`.
fn decode(path: &str, kept: &[u8]) -> String {
    let bytes = path.as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let escape = bytes.get(at + 1..at + 3).and_then(|digits| {
            let digits = std::str::from_utf8(digits).ok()?;
            let valid = bytes[at] == b'%' && digits.bytes().all(|b| b.is_ascii_hexdigit());
            valid.then(|| u8::from_str_radix(digits, 16).unwrap())
        });
        match escape {
            Some(byte) if !kept.contains(&byte) => {
                out.push(byte);
                at += 3;
            }
            _ => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn merge_slashes(path: &str) -> String {
    let mut out = String::new();
    for c in path.chars() {
        if c != '/' || !out.ends_with('/') {
            out.push(c);
        }
    }
    out
}

fn drop_parameters(path: &str, slashes: &[char]) -> String {
    let mut out = String::new();
    let mut dropping = false;
    for c in path.chars() {
        dropping = !slashes.contains(&c) && (dropping || c == ';');
        if !dropping {
            out.push(c);
        }
    }
    out
}

/// RFC 3986 section 5.2.4 over segments; `dots` says which are `.` and `..`.
fn resolve(path: &str, dots: impl Fn(&str) -> String) -> String {
    let mut segments: Vec<&str> = Vec::new();
    let all: Vec<&str> = path.split('/').skip(1).collect();
    for (index, segment) in all.iter().enumerate() {
        let last = index + 1 == all.len();
        match dots(segment).as_str() {
            "." if last => segments.push(""),
            "." => {}
            ".." => {
                segments.pop();
                if last {
                    segments.push("");
                }
            }
            _ => segments.push(segment),
        }
    }
    format!("/{}", segments.join("/"))
}

/// `new URL(path, base).pathname`: what a browser and WHATWG's parser make of a path.
fn whatwg(path: &str) -> String {
    let path: String = path.trim_matches(|c: char| c <= ' ').into();
    let path = path.replace(['\t', '\n', '\r'], "").replace('\\', "/");
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let path = match path.strip_prefix("//") {
        Some(rest) => match rest.trim_start_matches('/').split_once('/') {
            Some((_, rest)) => format!("/{rest}"),
            None => "/".into(),
        },
        None => path.to_owned(),
    };
    resolve(&path, |segment| {
        segment.replace("%2e", ".").replace("%2E", ".")
    })
}

const STEPS: [fn(&str) -> String; 15] = [
    |path| decode(path, b""),
    |path| decode(path, b"/"),
    |path| decode(path, b"/\\"),
    |path| decode(path, b"\\"),
    // `decodeURI`.
    |path| decode(path, b";/?:@&=+$,#"),
    // A decoder of unreserved characters alone.
    |path| decode(path, b";/?:@&=+$,#%\\ \t\0"),
    |path| decode(path, b";"),
    |path| path.replace('\\', "/"),
    merge_slashes,
    |path| drop_parameters(path, &['/']),
    |path| drop_parameters(path, &['/', '\\']),
    |path| resolve(path, str::to_owned),
    |path| resolve(path, |segment| drop_parameters(segment, &[])),
    |path| path.split(['?', '#']).next().unwrap_or_default().to_owned(),
    whatwg,
];

/// Every result of up to [`DEPTH`] steps.
fn results(path: &str) -> HashSet<String> {
    let mut all = HashSet::from([path.to_owned()]);
    let mut latest = vec![path.to_owned()];
    for _ in 0..DEPTH {
        let mut new = Vec::new();
        for path in &latest {
            for step in STEPS {
                let result = step(path);
                if all.len() < RESULTS && result.starts_with('/') && all.insert(result.clone()) {
                    new.push(result);
                }
            }
        }
        if new.is_empty() {
            break;
        }
        latest = new;
    }
    all
}

// ---- the generator -----------------------------------------------------------------------------

const TOKENS: [&str; 36] = [
    "/",
    "/",
    "/",
    "/",
    "pub",
    "admin",
    "pub/",
    "/admin",
    "/..",
    "/../",
    "a",
    ".",
    "..",
    "%2e",
    "%2E%2e",
    "%252e",
    ".%2e",
    "%2f",
    "%2F",
    "%252f",
    "%5c",
    "%255c",
    ";",
    ";x",
    "%3b",
    "%253b",
    "%3f",
    "%23",
    "%61dmin",
    "%2561dmin",
    "%20",
    "%25",
    "2f",
    "%00",
    "%09",
    "%c3%a9",
];

/// A short, even and repeatable sequence (Marsaglia's xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % bound
    }

    fn path(&mut self, least: usize, most: usize) -> String {
        let start = ["/", "/pub/", "/pub", "//"][self.below(4)];
        let length = least + self.below(most - least + 1);
        let tokens: String = (0..length)
            .map(|_| TOKENS[self.below(TOKENS.len())])
            .collect();
        start.to_owned() + &tokens
    }
}

/// Every path of up to three tokens, and many longer ones.
fn paths() -> impl Iterator<Item = String> {
    let short = (0..TOKENS.len().pow(3)).map(|code| {
        let token = |place| TOKENS[code / TOKENS.len().pow(place) % TOKENS.len()];
        format!("/pub/{}{}{}", token(0), token(1), token(2))
    });
    let mut numbers = Numbers(0x2545_F491_4F6C_DD1D);
    let long = (0..40_000).map(move |_| numbers.path(3, 9));
    short.chain(long)
}

// ---- the properties ----------------------------------------------------------------------------

fn route(path: &str, access: Access) -> RouteConfig {
    RouteConfig {
        path: path.into(),
        methods: None,
        access,
    }
}

fn get(path: &str) -> RequestHead {
    head("GET", &format!("{AUDIENCE}{path}"))
}

fn is_below(place: &str, path: &str) -> bool {
    path.strip_prefix(place)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// What a server that has arrived at this path serves: the rule that its owner wrote down for it.
fn rule(path: &str) -> Option<&'static str> {
    match path {
        "/" => None,
        _ if is_below("/pub/admin", path) => Some("inner"),
        _ if is_below("/pub", path) => None,
        _ if is_below("/admin", path) => Some("outer"),
        _ => Some(""),
    }
}

#[test]
fn every_reading_of_a_path_needs_its_scopes() {
    let key = Key::new("k1", 7);
    let world = World::new(Config {
        routes: Some(vec![
            route("/", Access::Public),
            route("/pub", Access::Public),
            route("/pub/admin", Access::Protected(vec!["inner".into()])),
            route("/admin", Access::Protected(vec!["outer".into()])),
        ]),
        ..inline(&[&key])
    });
    let (mut asked, mut open) = (0, 0);
    for path in paths() {
        let needed = match world.send(&get(&path)).decision {
            Decision::Allow(_) => None,
            Decision::Respond(answer) if answer.status == 400 => continue,
            Decision::Respond(answer) => {
                let challenge = answer.header("www-authenticate").unwrap().to_owned();
                let scopes = challenge.split("scope=\"").nth(1).unwrap_or_default();
                let scopes = scopes.split('"').next().unwrap_or_default();
                Some(scopes.to_owned())
            }
        };
        match &needed {
            None => open += 1,
            Some(_) => asked += 1,
        }
        for result in results(&path) {
            let Some(scope) = rule(&result) else { continue };
            let covered = needed
                .as_ref()
                .is_some_and(|needed| scope.is_empty() || needed.split(' ').any(|s| s == scope));
            assert!(covered, "{path} is read as {result}; asked for: {needed:?}");
        }
    }
    // The property says something only where the gate does not refuse everything.
    assert!(asked > 5_000 && open > 1_000, "{asked} asked, {open} open");
}

#[test]
fn every_reading_of_a_path_needs_its_audience() {
    let key = Key::new("k1", 7);
    let config = inline(&[&key]);
    let world = World::new(Config {
        resource: Some(AUDIENCE.into()),
        issuers: config.issuers.map(|issuers| {
            issuers
                .into_iter()
                .map(|issuer| IssuerConfig {
                    audiences: None,
                    ..issuer
                })
                .collect()
        }),
        ..config
    });
    let token = key.token_with(&json!({ "iss": ISSUER, "aud": format!("{AUDIENCE}/pub") }));
    let mut allowed = 0;
    for path in paths() {
        let request = RequestHead {
            url: format!("{AUDIENCE}{path}"),
            ..bearer(&token)
        };
        if let Decision::Respond(_) = world.send(&request).decision {
            continue;
        }
        allowed += 1;
        for result in results(&path) {
            assert!(is_below("/pub", &result), "{path} is read as {result}");
        }
    }
    assert!(allowed > 1_000, "{allowed} allowed");
}
