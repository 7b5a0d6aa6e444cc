//! Measures decisions under wasmtime and with the `jsonwebtoken` crate, and prints the times as
//! JSON, one object per line: `name`, `unit`, `ours` and, if there is one, `peer`. Run it with
//! `--release`. An optional argument is the file of the standalone component, which is then
//! measured too.
//!
//! Everything is in this process: the issuer only signs, and no measured request fetches. The two
//! sides take turns, so that other load on the machine slows both.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use base64ct::{Base64UrlUnpadded, Encoding as _};
use http::Request;
use http::request::Parts;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, Validation, decode};
use ring::rsa::PublicKeyComponents;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    UnparsedPublicKey, VerificationAlgorithm,
};
use serde::Deserialize;
use serde_json::json;
use tollgate::{Config, Decision, Gate, Issuer, KeyLocation, Program, ProgramOptions};
use tollgate_dev::issuer::{Algorithm, DevIssuer, Options, TokenSpec};

type Failure = Box<dyn std::error::Error>;

const RESOURCE: &str = "https://api.example.com";
/// Repetitions, of which the median is reported.
const ROUNDS: usize = 21;
/// Tokens of one algorithm in one round.
const TOKENS: usize = 40;
/// Repetitions of one token in one round.
const REPEATS: usize = 2_000;

const ALGORITHMS: [Algorithm; 6] = [
    Algorithm::Es256,
    Algorithm::EdDsa,
    Algorithm::Rs256,
    Algorithm::Ps256,
    Algorithm::Es384,
    Algorithm::Es512,
];

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let standalone = std::env::args_os().nth(1).map(PathBuf::from);
    let issuer = DevIssuer::start(Options {
        audience: RESOURCE.to_owned(),
        published: ALGORITHMS.to_vec(),
        ..Options::default()
    })
    .await?;
    // The gate's own client configures TLS; reqwest's default needs a provider.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let jwks = reqwest::get(format!("{}/jwks", issuer.url()))
        .await?
        .error_for_status()?
        .text()
        .await?;

    let begun = Instant::now();
    let program = Program::compile(ProgramOptions::default())?;
    report("compile", "ms", begun.elapsed().as_secs_f64() * 1e3, None);
    let begun = Instant::now();
    let gate = gate(&issuer, &jwks, program).await?;
    report("build", "µs", micros(begun.elapsed(), 1), None);
    measure(&gate, &issuer, &jwks, Names::Lent).await?;

    let refused = request("");
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        for _ in 0..REPEATS {
            let decision = gate.handle(&refused).await;
            assert!(matches!(decision, Decision::Respond(_)));
        }
        rounds.push(micros(begun.elapsed(), REPEATS));
    }
    report("wasmtime-refuse", "µs", median(rounds), None);
    #[expect(clippy::cast_precision_loss, reason = "some megabytes")]
    let memory = gate.stats().memory as f64;
    report("memory", "bytes", memory, None);

    if let Some(path) = standalone {
        let program = Program::compile(ProgramOptions {
            component: Some(std::fs::read(path)?),
            ..ProgramOptions::default()
        })?;
        let gate = self::gate(&issuer, &jwks, program).await?;
        measure(&gate, &issuer, &jwks, Names::Standalone).await?;
    }
    Ok(())
}

/// One store, so that the key is already prepared for every token.
async fn gate(issuer: &DevIssuer, jwks: &str, program: Program) -> Result<Gate, Failure> {
    let mut trusted = Issuer::new(issuer.url());
    trusted.keys = Some(KeyLocation::Inline(jwks.to_owned()));
    let builder = Gate::builder(Config::new(RESOURCE).issuer(trusted));
    let builder = builder.program(program).stores(NonZeroUsize::MIN);
    Ok(builder.build().await?)
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Names {
    Lent,
    Standalone,
}

async fn measure(gate: &Gate, issuer: &DevIssuer, jwks: &str, names: Names) -> Result<(), Failure> {
    let (peer, ring) = (Peer::new(issuer, jwks)?, Ring::new(jwks)?);
    let prefix = match names {
        Names::Lent => "native",
        Names::Standalone => "standalone",
    };
    let token = mint(issuer, Algorithm::Es256).await;
    let seen = request(&token);
    expect_allowed(gate, &seen).await;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        for _ in 0..REPEATS {
            expect_allowed(gate, &seen).await;
        }
        ours.push(micros(begun.elapsed(), REPEATS));
        let begun = Instant::now();
        for _ in 0..TOKENS {
            peer.verify(Algorithm::Es256, &token);
        }
        theirs.push(micros(begun.elapsed(), TOKENS));
    }
    let ours = median(ours);
    report(&format!("{prefix}-seen"), "µs", ours, Some(median(theirs)));
    if names == Names::Lent {
        report("wasmtime-seen", "µs", ours, None);
    }

    for algorithm in ALGORITHMS {
        // Prepares the key.
        let first = mint(issuer, algorithm).await;
        expect_allowed(gate, &request(&first)).await;
        let (mut ours, mut theirs, mut floor) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let mut tokens = Vec::new();
            for _ in 0..TOKENS {
                tokens.push(mint(issuer, algorithm).await);
            }
            let requests: Vec<_> = tokens.iter().map(|token| request(token)).collect();
            let begun = Instant::now();
            for request in &requests {
                expect_allowed(gate, request).await;
            }
            ours.push(micros(begun.elapsed(), TOKENS));
            if peer.knows(algorithm) {
                let begun = Instant::now();
                for token in &tokens {
                    peer.verify(algorithm, token);
                }
                theirs.push(micros(begun.elapsed(), TOKENS));
            }
            let signatures: Vec<_> = tokens
                .iter()
                .filter_map(|token| token.rsplit_once('.'))
                .collect();
            let signatures: Vec<_> = signatures
                .into_iter()
                .map(|(signed, signature)| (signed.as_bytes(), bytes(signature)))
                .collect();
            let begun = Instant::now();
            if signatures
                .iter()
                .all(|(signed, signature)| ring.verify(algorithm, signed, signature))
            {
                floor.push(micros(begun.elapsed(), TOKENS));
            }
        }
        let name = format!("{prefix}-new-{}", algorithm.as_str().to_lowercase());
        let theirs = (!theirs.is_empty()).then(|| median(theirs));
        report(&name, "µs", median(ours), theirs);
        if names == Names::Lent && floor.len() == ROUNDS {
            let name = format!("ring-{}", algorithm.as_str().to_lowercase());
            report(&name, "µs", median(floor), theirs);
        }
    }
    Ok(())
}

/// The time of `ring` alone to check these signatures: the lower bound of the gate's time.
struct Ring(HashMap<&'static str, RingKey>);

enum RingKey {
    Rsa(PublicKeyComponents<Vec<u8>>),
    Point(UnparsedPublicKey<Vec<u8>>),
}

impl Ring {
    fn new(jwks: &str) -> Result<Self, Failure> {
        let jwks: serde_json::Value = serde_json::from_str(jwks)?;
        let keys = jwks["keys"].as_array().ok_or("no keys")?;
        let mut known = HashMap::new();
        for key in keys {
            let member = |name| bytes(key[name].as_str().unwrap_or_default());
            let point = || [&[4][..], &member("x"), &member("y")].concat();
            let point_key = match key["alg"].as_str() {
                Some("ES256") => ("ES256", &ECDSA_P256_SHA256_FIXED as &'static _, point()),
                Some("ES384") => ("ES384", &ECDSA_P384_SHA384_FIXED as &'static _, point()),
                Some("EdDSA") => ("EdDSA", &ED25519 as &'static _, member("x")),
                Some("RS256") => {
                    let (n, e) = (member("n"), member("e"));
                    known.insert("RS256", RingKey::Rsa(PublicKeyComponents { n, e }));
                    continue;
                }
                _ => continue,
            };
            let (name, algorithm, bytes): (_, &'static dyn VerificationAlgorithm, _) = point_key;
            known.insert(
                name,
                RingKey::Point(UnparsedPublicKey::new(algorithm, bytes)),
            );
        }
        Ok(Self(known))
    }

    /// Whether it supports the algorithm and the signature is valid.
    fn verify(&self, algorithm: Algorithm, signed: &[u8], signature: &[u8]) -> bool {
        match self.0.get(algorithm.as_str()) {
            None => return false,
            Some(RingKey::Point(key)) => key.verify(signed, signature),
            Some(RingKey::Rsa(key)) => key.verify(&RSA_PKCS1_2048_8192_SHA256, signed, signature),
        }
        .is_ok()
    }
}

fn bytes(text: &str) -> Vec<u8> {
    Base64UrlUnpadded::decode_vec(text).unwrap_or_default()
}

/// An application with `jsonwebtoken`: keys are decoded once, with the same checks as the gate. It
/// does not select a key by `kid`, because that would decode the header twice.
struct Peer(Vec<(Algorithm, DecodingKey, Validation)>);

#[derive(Deserialize)]
#[expect(dead_code, reason = "they are decoded as an application would")]
struct Claims {
    iss: String,
    sub: String,
    client_id: String,
    aud: String,
    exp: u64,
    iat: u64,
    jti: String,
    scope: String,
}

impl Peer {
    fn new(issuer: &DevIssuer, jwks: &str) -> Result<Self, Failure> {
        let mut keys = Vec::new();
        for jwk in serde_json::from_str::<JwkSet>(jwks)?.keys {
            let named = jwk.common.key_algorithm.map(|name| name.to_string());
            let algorithm = ALGORITHMS
                .into_iter()
                .find(|algorithm| named.as_deref() == Some(algorithm.as_str()));
            let Some(algorithm) = algorithm else { continue };
            let Ok(own) = algorithm.as_str().parse() else {
                continue;
            };
            let mut validation = Validation::new(own);
            validation.leeway = 0;
            validation.set_audience(&[RESOURCE]);
            validation.set_issuer(&[issuer.url()]);
            validation.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
            let Ok(key) = DecodingKey::from_jwk(&jwk) else {
                continue;
            };
            keys.push((algorithm, key, validation));
        }
        Ok(Self(keys))
    }

    fn find(&self, algorithm: Algorithm) -> Option<&(Algorithm, DecodingKey, Validation)> {
        self.0.iter().find(|(own, ..)| *own == algorithm)
    }

    fn knows(&self, algorithm: Algorithm) -> bool {
        self.find(algorithm).is_some()
    }

    fn verify(&self, algorithm: Algorithm, token: &str) {
        let (_, key, validation) = self.find(algorithm).expect("a key");
        let verified = decode::<Claims>(token, key, validation);
        std::hint::black_box(verified.expect("a good token"));
    }
}

fn report(name: &str, unit: &str, ours: f64, peer: Option<f64>) {
    let rounded = |value: f64| (value * 1e3).round() / 1e3;
    println!(
        "{}",
        json!({ "name": name, "unit": unit, "ours": rounded(ours), "peer": peer.map(rounded) })
    );
}

/// Microseconds for one of `count`.
#[expect(clippy::cast_precision_loss, reason = "some thousands")]
fn micros(time: Duration, count: usize) -> f64 {
    time.as_secs_f64() * 1e6 / count as f64
}

fn median(mut rounds: Vec<f64>) -> f64 {
    rounds.sort_by(f64::total_cmp);
    rounds[rounds.len() / 2]
}

async fn mint(issuer: &DevIssuer, algorithm: Algorithm) -> String {
    let scopes = vec!["mcp:read".to_owned(), "mcp:write".to_owned()];
    issuer
        .mint(TokenSpec {
            algorithm: Some(algorithm),
            scopes,
            ..TokenSpec::default()
        })
        .await
}

/// Without credentials if there is no token.
fn request(token: &str) -> Parts {
    let mut request = Request::get("/reports");
    if !token.is_empty() {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    request.body(()).expect("a request").into_parts().0
}

async fn expect_allowed(gate: &Gate, request: &Parts) {
    let decision = gate.handle(request).await;
    assert!(matches!(decision, Decision::Allow(_)), "{decision:?}");
}
