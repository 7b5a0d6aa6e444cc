//! What the gate says about request targets: one on each line of standard input, `open`, `token` or
//! `refused` on each line of output. `/pub` is public, everything else needs a token.

use std::io::{BufRead as _, Write as _};
use std::rc::Rc;

use tollgate_core::capability::{
    Host, HttpError, HttpRequest, HttpResponse, Pending, PrivateKeyHandle, PrivateKeySource,
    PublicKeyHandle, SignatureError,
};
use tollgate_core::deployment::{
    Access, Config, Deployment, IssuerConfig, KeyLocationConfig, RouteConfig,
};
use tollgate_core::jose::Algorithm;
use tollgate_core::resource_server::{Decision, RequestHead, Step};

/// Nothing is fetched: the keys are inline, and nobody sends a token.
struct Nowhere;

impl Host for Nowhere {
    fn now(&self) -> u64 {
        0
    }

    fn random(&self, out: &mut [u8]) {
        out.fill(0);
    }

    fn send(&self, request: HttpRequest) -> Box<dyn Pending<Result<HttpResponse, HttpError>>> {
        unreachable!("no request is made, not even to {}", request.url)
    }

    fn verifying_algorithms(&self) -> Vec<Algorithm> {
        vec![Algorithm::Es256]
    }

    fn signing_algorithms(&self) -> Vec<Algorithm> {
        Vec::new()
    }

    fn import_verifying_key(
        &self,
        _: Algorithm,
        _: &str,
    ) -> Result<Box<dyn PublicKeyHandle>, SignatureError> {
        unreachable!("no token is verified")
    }

    fn import_signing_key(
        &self,
        _: PrivateKeySource<'_>,
    ) -> Result<Box<dyn PrivateKeyHandle>, SignatureError> {
        unreachable!("no client is configured")
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let issuer = IssuerConfig {
        issuer: "https://issuer.example".into(),
        keys: Some(KeyLocationConfig::Inline(KEYS.into())),
        ..IssuerConfig::default()
    };
    let route = |path: &str, access| RouteConfig {
        path: path.into(),
        methods: None,
        access,
    };
    let config = Config {
        issuers: Some(vec![issuer]),
        resource: Some("http://127.0.0.1".into()),
        routes: Some(vec![
            route("/pub", Access::Public),
            route("/admin", Access::Protected(vec![])),
        ]),
        ..Config::default()
    };
    let deployment = Deployment::new(config, Rc::new(Nowhere))?;
    let gate = deployment.gate();
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let target = line?;
        // As a server's library takes an absolute target apart.
        let path = target.strip_prefix("http://h").unwrap_or(&target);
        let head = RequestHead {
            method: "GET".into(),
            url: format!("http://h{path}"),
            ..RequestHead::default()
        };
        let Step::Done(outcome) = gate.decide(&head) else {
            return Err("a request without a token needs no I/O".into());
        };
        let word = match outcome.decision {
            Decision::Allow(_) => "open",
            Decision::Respond(answer) if answer.status == 401 => "token",
            Decision::Respond(answer) if answer.status == 400 => "refused",
            Decision::Respond(answer) => return Err(format!("{}: {target}", answer.status).into()),
        };
        writeln!(out, "{word}")?;
    }
    Ok(())
}

const KEYS: &str = r#"{"keys":[{"kty":"EC","crv":"P-256","kid":"1","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;
