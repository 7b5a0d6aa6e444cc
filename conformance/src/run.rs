//! Runs checks against targets, and against their twins.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::check::{AnswerFault, Check, Request, Step, Twin};
use crate::client::{self, Answer, Outgoing};
use crate::expectation::Context;
use crate::issuer::Issuers;
use crate::target::{GATE, Target};
use crate::token::AUDIENCE;

/// Checks at the same time. Most wait for time to pass; a Worker keeps twice as many gates.
const AT_ONCE: usize = 6;

/// What is wrong, for each check; nothing where it passed.
pub(crate) type Results = BTreeMap<String, Vec<String>>;

/// Runs all checks against one target.
pub(crate) async fn run_checks(
    checks: &[Arc<Check>],
    target: &Arc<Target>,
    issuers: &Issuers,
    with_twins: bool,
) -> Results {
    let permits = Arc::new(Semaphore::new(AT_ONCE));
    let mut runs = JoinSet::new();
    for check in checks {
        let (check, target) = (Arc::clone(check), Arc::clone(target));
        let (issuers, permits) = (issuers.clone(), Arc::clone(&permits));
        runs.spawn(async move {
            let _permit = permits.acquire_owned().await;
            let twin = check.twin.as_ref().filter(|_| with_twins);
            let wrong = Run::new(&check, twin, &target, &issuers).all_steps().await;
            (check.id.clone(), wrong)
        });
    }
    let mut results = Results::new();
    while let Some(run) = runs.join_next().await {
        match run {
            Ok((id, wrong)) => drop(results.insert(id, wrong)),
            Err(error) => drop(results.insert("?".to_owned(), vec![error.to_string()])),
        }
    }
    results
}

/// One check against one target.
struct Run<'a> {
    check: &'a Check,
    twin: Option<&'a Twin>,
    target: &'a Target,
    issuers: &'a Issuers,
    issuer: String,
    gate: String,
}

impl<'a> Run<'a> {
    fn new(
        check: &'a Check,
        twin: Option<&'a Twin>,
        target: &'a Target,
        issuers: &'a Issuers,
    ) -> Self {
        let issuer = issuers.add(check.issuer.clone());
        if let Some(twin) = twin {
            issuers.change(&issuer, &twin.issuer);
        }
        let mut run = Self {
            check,
            twin,
            target,
            issuers,
            issuer,
            gate: String::new(),
        };
        run.gate = run.options().to_string();
        run
    }

    async fn all_steps(&self) -> Vec<String> {
        for (number, step) in self.check.steps.iter().enumerate() {
            let wrong = self.step(step).await;
            if !wrong.is_empty() {
                // What comes after is built on this.
                let at = |text: String| format!("step {}: {text}", number + 1);
                return wrong.into_iter().map(at).collect();
            }
        }
        Vec::new()
    }

    async fn step(&self, step: &Step) -> Vec<String> {
        self.issuers.change(&self.issuer, &step.issuer);
        if let Some(twin) = self.twin {
            self.issuers.change(&self.issuer, &twin.issuer);
        }
        tokio::time::sleep(Duration::from_millis(step.wait_ms)).await;
        let mut wrong = Vec::new();
        let requests = match step.requests.as_slice() {
            [] => &[Request::default()],
            requests => requests,
        };
        let tokens = match self.tokens(step) {
            Ok(tokens) => tokens,
            Err(problem) => return vec![problem],
        };
        for (number, token) in tokens.iter().enumerate() {
            for request in requests {
                let outgoing = self.outgoing(request, token.as_deref());
                for problem in self.exchange(step, &outgoing).await {
                    let path = &outgoing.path;
                    wrong.push(format!(
                        "token {}, {} {path}: {problem}",
                        number + 1,
                        outgoing.method
                    ));
                }
            }
        }
        wrong
    }

    fn tokens(&self, step: &Step) -> Result<Vec<Option<String>>, String> {
        if step.tokens.is_empty() {
            return Ok(vec![None]);
        }
        let make = |recipe: &crate::token::Recipe| match self.twin {
            Some(twin) => recipe.overlaid(&twin.token).make(&self.issuer),
            None => recipe.make(&self.issuer),
        };
        step.tokens
            .iter()
            .map(|recipe| make(recipe).map(Some))
            .collect()
    }

    async fn exchange(&self, step: &Step, outgoing: &Outgoing) -> Vec<String> {
        let mut sent = JoinSet::new();
        for _ in 0..step.at_once.unwrap_or(1) {
            let (authority, outgoing) = (self.target.authority.clone(), outgoing.clone());
            sent.spawn(async move { client::send(&authority, &outgoing).await });
        }
        let mut answers = Vec::new();
        while let Some(sent) = sent.join_next().await {
            answers.push(sent.unwrap_or_else(|error| Err(error.to_string())));
        }
        let context = Context {
            issuer: &self.issuer,
            target: &format!("http://{}", self.target.authority),
        };
        let asked = self.issuers.asked(&self.issuer);
        let judge = |answer: Result<Answer, String>| match answer {
            Err(problem) => vec![problem],
            Ok(mut answer) => {
                if let Some(twin) = self.twin {
                    twin.answer.apply(&mut answer);
                }
                step.expect.differences(&answer, asked, &context)
            }
        };
        let mut wrong: Vec<String> = answers.into_iter().flat_map(judge).collect();
        wrong.dedup();
        wrong
    }

    fn outgoing(&self, request: &Request, token: Option<&str>) -> Outgoing {
        let twin = self.twin.map(|twin| &twin.request);
        let pick = |field: fn(&Request) -> Option<&String>| {
            twin.and_then(field).or_else(|| field(request)).cloned()
        };
        let authorization = twin
            .and_then(|twin| twin.authorization.as_ref())
            .or(request.authorization.as_ref())
            .cloned()
            .unwrap_or_else(|| token.iter().map(|_| "Bearer {token}".to_owned()).collect());
        let fill = |text: &String| text.replace("{token}", token.unwrap_or_default());
        let mut headers: BTreeMap<String, String> = request.headers.clone();
        headers.extend(twin.into_iter().flat_map(|twin| twin.headers.clone()));
        headers.retain(|_, value| value != "-");
        headers.insert(GATE.to_owned(), self.gate.clone());
        Outgoing {
            method: pick(|request| request.method.as_ref()).unwrap_or_else(|| "GET".into()),
            path: fill(&pick(|request| request.path.as_ref()).unwrap_or_else(|| "/me".into())),
            authorization: authorization.iter().map(fill).collect(),
            headers,
        }
    }

    /// The gate's options: the default ones, the check's, the twin's.
    fn options(&self) -> Value {
        let mut options = json!({
            "resource": AUDIENCE,
            "issuers": [{ "issuer": self.issuer, "audiences": [AUDIENCE] }],
            "routes": [
                { "path": "/", "public": true },
                { "path": "/health", "public": true },
                { "path": "/reports", "scopes": ["reports:read"] },
                { "path": "/admin", "scopes": ["admin", "reports:read"] },
            ],
            "keys": { "timeoutMs": 2000 },
        });
        self.put_over(&mut options, &self.check.gate, &self.check.without_gate);
        if let Some(twin) = self.twin {
            self.put_over(&mut options, &twin.gate, &twin.without_gate);
        }
        options
    }

    fn put_over(&self, options: &mut Value, changes: &Map<String, Value>, without: &[String]) {
        let mut changes = Value::Object(changes.clone());
        crate::token::replace_texts(&mut changes, &self.issuer);
        for (name, value) in changes.as_object().into_iter().flatten() {
            if name == "issuer" {
                let issuer = &mut options["issuers"][0];
                for (name, value) in value.as_object().into_iter().flatten() {
                    if value == "-" {
                        issuer.as_object_mut().map(|issuer| issuer.remove(name));
                    } else {
                        issuer[name] = value.clone();
                    }
                }
            } else {
                options[name] = value.clone();
            }
        }
        for name in without {
            options.as_object_mut().map(|options| options.remove(name));
        }
    }
}

impl AnswerFault {
    fn apply(&self, answer: &mut Answer) {
        if let Some((from, to)) = self.status
            && answer.status == from
        {
            answer.status = to;
        }
        for name in &self.without {
            answer.headers.remove(name.as_str());
        }
        for (name, value) in &self.headers {
            let name = http::HeaderName::try_from(name);
            let value = http::HeaderValue::from_str(value);
            if let (Ok(name), Ok(value)) = (name, value) {
                answer.headers.insert(name, value);
            }
        }
        if let Some((from, to)) = &self.replace {
            answer.body = answer.body.replace(from, to);
            for value in answer.headers.values_mut() {
                let text = value.to_str().unwrap_or_default().replace(from, to);
                if let Ok(replaced) = http::HeaderValue::from_str(&text) {
                    *value = replaced;
                }
            }
        }
    }
}
