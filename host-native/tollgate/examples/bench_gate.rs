//! Times decisions under wasmtime and prints them as JSON, one object with name, unit and value a
//! line. Run it with `--release`. It takes the component that the library was built with, or the
//! file that it is given.
//!
//! Everything is in this process: the issuer only signs, and no request is timed that fetches.

use std::time::{Duration, Instant};

use http::Request;
use http::request::Parts;
use serde_json::json;
use tollgate::{Config, Decision, Gate, Issuer, Program, ProgramOptions};
use tollgate_dev::issuer::{Algorithm, DevIssuer, Options, TokenSpec};

const RESOURCE: &str = "https://api.example.com";

/// Repetitions of which the median counts.
const ROUNDS: usize = 9;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let component = std::env::args_os().nth(1).map(std::fs::read).transpose()?;
    let begun = Instant::now();
    let program = Program::compile(ProgramOptions {
        component,
        ..ProgramOptions::default()
    })?;
    report("compile", "ms", begun.elapsed().as_secs_f64() * 1e3);

    let algorithms = [
        Algorithm::Es256,
        Algorithm::EdDsa,
        Algorithm::Rs256,
        Algorithm::Ps256,
        Algorithm::Es384,
    ];
    let issuer = DevIssuer::start(Options {
        audience: RESOURCE.to_owned(),
        published: algorithms.to_vec(),
        ..Options::default()
    })
    .await?;
    let build = || {
        let config = Config::new(RESOURCE).issuer(Issuer::new(issuer.url()));
        Gate::builder(config).program(program.clone())
    };
    let begun = Instant::now();
    let gate = build().build().await?;
    report("build", "us", micros(begun.elapsed()));
    gate.refresh().await;

    let request = request(&mint(&issuer, Algorithm::Es256).await);
    expect_allowed(&gate, &request).await;
    let seen = median(
        async |count| {
            let begun = Instant::now();
            for _ in 0..count {
                expect_allowed(&gate, &request).await;
            }
            begun.elapsed()
        },
        5_000,
    )
    .await;
    report("wasmtime-seen", "us", seen);

    for algorithm in algorithms {
        let each = 20;
        let mut requests = Vec::new();
        for _ in 0..=(ROUNDS * each) {
            requests.push(self::request(&mint(&issuer, algorithm).await));
        }
        // Prepares the key in every store.
        for request in requests.split_off(ROUNDS * each) {
            for _ in 0..4 {
                expect_allowed(&gate, &request).await;
            }
        }
        let mut requests = requests.into_iter();
        let new = median(
            async |count| {
                let batch: Vec<_> = requests.by_ref().take(count).collect();
                let begun = Instant::now();
                for request in &batch {
                    expect_allowed(&gate, request).await;
                }
                begun.elapsed()
            },
            each,
        )
        .await;
        report(
            &format!("wasmtime-new-{}", algorithm.as_str().to_lowercase()),
            "us",
            new,
        );
    }

    let mut refused = self::request("");
    refused.headers.clear();
    let none = median(
        async |count| {
            let begun = Instant::now();
            for _ in 0..count {
                assert!(matches!(gate.handle(&refused).await, Decision::Respond(_)));
            }
            begun.elapsed()
        },
        5_000,
    )
    .await;
    report("wasmtime-refuse", "us", none);
    report("memory", "bytes", gate.stats().memory as f64);
    Ok(())
}

fn report(name: &str, unit: &str, value: f64) {
    println!(
        "{}",
        json!({ "name": name, "unit": unit, "value": (value * 1e3).round() / 1e3 })
    );
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// Microseconds for one of `count`, which is timed several times.
async fn median(mut time: impl AsyncFnMut(usize) -> Duration, count: usize) -> f64 {
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        rounds.push(micros(time(count).await) / count as f64);
    }
    rounds.sort_by(f64::total_cmp);
    rounds[ROUNDS / 2]
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

fn request(token: &str) -> Parts {
    let request = Request::get("/reports").header("authorization", format!("Bearer {token}"));
    request.body(()).expect("a request").into_parts().0
}

async fn expect_allowed(gate: &Gate, request: &Parts) {
    let decision = gate.handle(request).await;
    assert!(matches!(decision, Decision::Allow(_)), "{decision:?}");
}
