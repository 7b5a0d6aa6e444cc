//! Runs checks against targets, and against their twins.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::check::{AnswerFault, Check, Request, Step, Twin};
use crate::client::{self, Answer, Outgoing};
use crate::expectation::Context;
use crate::gate_options::gate_header;
use crate::issuer::Issuers;
use crate::target::{GATE, Target};
use crate::token::Recipe;
use crate::token_endpoint::bound;

/// The number of concurrent checks. Most of the time they wait; a Worker keeps twice as many gates.
const AT_ONCE: usize = 6;

/// The problems of each check. None if it passed.
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
    for check in checks.iter().filter(|check| check.runs_on(target.kind)) {
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

/// A request, with the token that its token is exchanged for.
struct Sending {
    /// The token's place in the step.
    number: usize,
    outgoing: Outgoing,
    bound: String,
}

/// One check against one target.
struct Run<'a> {
    check: &'a Check,
    twin: Option<&'a Twin>,
    target: &'a Target,
    issuers: &'a Issuers,
    issuer: String,
    gate: String,
    /// Tokens by their recipes.
    made: Mutex<HashMap<String, String>>,
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
        Self {
            check,
            twin,
            target,
            issuers,
            gate: gate_header(check, twin, &issuer),
            issuer,
            made: Mutex::default(),
        }
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
        let requests = match step.requests.as_slice() {
            [] => &[Request::default()],
            requests => requests,
        };
        let tokens = match self.tokens(step) {
            Ok(tokens) => tokens,
            Err(problem) => return vec![problem],
        };
        let sendings: Vec<Sending> = tokens
            .iter()
            .enumerate()
            .flat_map(|(number, text)| {
                requests.iter().map(move |request| Sending {
                    number: number + 1,
                    outgoing: self.outgoing(request, text.as_deref()),
                    bound: bound(text.as_deref().unwrap_or_default()),
                })
            })
            .collect();
        let group = if step.together { sendings.len() } else { 1 };
        let mut wrong = Vec::new();
        for sendings in sendings.chunks(group) {
            wrong.extend(self.exchange(step, sendings).await);
        }
        wrong
    }

    fn tokens(&self, step: &Step) -> Result<Vec<Option<String>>, String> {
        if step.tokens.is_empty() {
            return Ok(vec![None]);
        }
        // The client acts for exactly the same user at every step.
        let again = step.requests.iter().any(Request::is_operation);
        let make = |recipe: &Recipe| {
            let recipe = match self.twin {
                Some(twin) => &recipe.overlaid(&twin.token),
                None => recipe,
            };
            let name = format!("{recipe:?}");
            let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
            match made.get(&name).filter(|_| again) {
                Some(token) => Ok(token.clone()),
                None => {
                    let token = recipe.make(&self.issuer)?;
                    made.insert(name, token.clone());
                    Ok(token)
                }
            }
        };
        match step.users {
            Some(users) => (0..users)
                .map(|number| make(&step.tokens[0].of_user(number)).map(Some))
                .collect(),
            None => step
                .tokens
                .iter()
                .map(|recipe| make(recipe).map(Some))
                .collect(),
        }
    }

    /// Sends all requests concurrently. Returns the problems of the responses, and of the issuer's
    /// requests.
    async fn exchange(&self, step: &Step, sendings: &[Sending]) -> Vec<String> {
        let mut sent = JoinSet::new();
        for (place, sending) in sendings.iter().enumerate() {
            for _ in 0..step.at_once.unwrap_or(1) {
                let (authority, outgoing) =
                    (self.target.authority.clone(), sending.outgoing.clone());
                sent.spawn(async move { (place, client::send(&authority, &outgoing).await) });
            }
        }
        let mut answers = Vec::new();
        while let Some(sent) = sent.join_next().await {
            answers.push(sent.unwrap_or_else(|error| (0, Err(error.to_string()))));
        }
        let target = format!("http://{}", self.target.authority);
        let mut asked = self.issuers.asked(&self.issuer);
        if let Some(twin) = self.twin {
            asked = twin.sent.count(asked);
        }
        let mut wrong = Vec::new();
        for (place, answer) in answers {
            let sending = &sendings[place];
            let context = Context {
                issuer: &self.issuer,
                target: &target,
                bound: &sending.bound,
            };
            let differences = match answer {
                Err(problem) => vec![problem],
                Ok(mut answer) => {
                    if let Some(twin) = self.twin {
                        twin.answer.apply(&mut answer);
                    }
                    step.expect.differences(&answer, asked, &context)
                }
            };
            let Outgoing {
                method, path, body, ..
            } = &sending.outgoing;
            let what = format!("token {}, {method} {path} {body}", sending.number);
            wrong.extend(
                differences
                    .into_iter()
                    .map(|text| format!("{what}: {text}")),
            );
        }
        if let Some(last) = sendings.last() {
            let context = Context {
                issuer: &self.issuer,
                target: &target,
                bound: &last.bound,
            };
            wrong.extend(self.sent(step, &context).await);
        }
        wrong.sort();
        wrong.dedup();
        wrong
    }

    /// The problems of the requests to the issuer's other endpoints.
    async fn sent(&self, step: &Step, context: &Context<'_>) -> Vec<String> {
        let mut received = self.issuers.received(&self.issuer);
        let fault = self.twin.map(|twin| &twin.sent);
        if let Some(fault) = fault {
            fault.apply(&mut received);
        }
        let expected = &step.expect.sent;
        let keys = if expected.assertion.is_some() {
            let request = Request {
                path: Some("/.well-known/jwks.json".to_owned()),
                ..Request::default()
            };
            let outgoing = self.outgoing(&request, None);
            match client::send(&self.target.authority, &outgoing).await {
                Ok(answer) => Some(answer.body),
                Err(problem) => return vec![problem],
            }
        } else {
            None
        };
        expected.differences(&received, keys.as_deref(), fault, context)
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
        let mut operation = request.operation.clone();
        operation.extend(twin.into_iter().flat_map(|twin| twin.operation.clone()));
        let does = request.is_operation();
        let (method, path) = if does {
            ("POST", "/do")
        } else {
            ("GET", "/me")
        };
        let body = does.then(|| {
            let mut operation = Value::Object(operation);
            crate::token::replace_texts(&mut operation, &self.issuer);
            fill(&operation.to_string())
        });
        Outgoing {
            method: pick(|request| request.method.as_ref()).unwrap_or_else(|| method.into()),
            path: fill(&pick(|request| request.path.as_ref()).unwrap_or_else(|| path.into())),
            authorization: authorization.iter().map(fill).collect(),
            headers,
            body: body.unwrap_or_default(),
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
