//! What a check is: steps of requests and what must come of them. The files are `checks/*.toml`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::issuer::Behaviour;
use crate::sent::{SentExpectation, SentFault};
use crate::target::Kind;
use crate::token::Recipe;

/// One thing that is checked, with one gate and one issuer of its own.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Check {
    /// A stable name, the same for pass and fail.
    pub(crate) id: String,
    /// Options of the gate that differ from the default ones, named as in the npm package.
    /// `issuer` changes the one issuer's.
    #[serde(default)]
    pub(crate) gate: Map<String, Value>,
    /// Default options that are left out.
    #[serde(default)]
    pub(crate) without_gate: Vec<String>,
    #[serde(default)]
    pub(crate) issuer: Behaviour,
    /// What is guarded. Default: the gate itself.
    #[serde(default)]
    pub(crate) surface: Surface,
    /// Hosts that have not what is checked, by name, and why.
    #[serde(default)]
    not_on: BTreeMap<String, String>,
    #[serde(rename = "step")]
    pub(crate) steps: Vec<Step>,
    /// A gate with one fault that this check must find.
    pub(crate) twin: Option<Twin>,
}

/// A program in another language has no calls of it to keep.
const KEYCARD_IS_JAVASCRIPT: &str = "Keycard's package is JavaScript, and so is this surface";

/// What stands in front of the handler.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Surface {
    /// The gate, on every host.
    #[default]
    Gate,
    /// The surface of Keycard's package, which is JavaScript. The check's `gate` has its `env` and
    /// its `options`.
    Keycard,
}

/// Each token with each request; the same is expected of all of them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Step {
    /// How the issuer behaves from now on.
    #[serde(default)]
    pub(crate) issuer: Behaviour,
    /// Time that passes before, in milliseconds.
    #[serde(default)]
    pub(crate) wait_ms: u64,
    /// Default: none is sent.
    #[serde(default)]
    pub(crate) tokens: Vec<Recipe>,
    /// So many users with a token each, like the first of `tokens`.
    pub(crate) users: Option<usize>,
    /// Default: `GET /me`.
    #[serde(default)]
    pub(crate) requests: Vec<Request>,
    /// How often, at the same time. Default: once.
    pub(crate) at_once: Option<usize>,
    /// Everything in this step at the same time.
    #[serde(default)]
    pub(crate) together: bool,
    pub(crate) expect: Expectation,
}

/// A request. `{token}` in it stands for the step's token.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Request {
    pub(crate) method: Option<String>,
    /// Path and query, sent as they stand.
    pub(crate) path: Option<String>,
    /// Values of `Authorization`. Default: `Bearer {token}` where there is a token.
    pub(crate) authorization: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    /// What the handler is to do with the gate's client: `POST /do` with this as JSON.
    #[serde(rename = "do", default)]
    pub(crate) operation: Map<String, Value>,
}

/// What must come of a request. `{issuer}`, `{elsewhere}` and `{target}` in texts stand for their
/// URLs, `{bound}` for what the issuer gives for the token of the request.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Expectation {
    pub(crate) status: u16,
    /// Parameters of the challenge; `-` says that there is none of that name.
    pub(crate) challenge: Option<BTreeMap<String, String>>,
    /// Members of the JSON body, at any depth.
    pub(crate) body: Option<Value>,
    /// Members that it does not have.
    #[serde(default)]
    pub(crate) body_without: Vec<String>,
    /// Headers by name: the value, or `-` for none, or `*` for any, or `~text` for one with this
    /// text in it, whatever its case.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    /// How often the issuer was asked by now, at most.
    pub(crate) metadata_fetches: Option<usize>,
    pub(crate) jwks_fetches: Option<usize>,
    /// Parts of texts that are nowhere in the answer.
    #[serde(default)]
    pub(crate) without_text: Vec<String>,
    /// What the issuer's other endpoints were sent.
    #[serde(default)]
    pub(crate) sent: SentExpectation,
    /// How long the answer may take, in milliseconds.
    pub(crate) within_ms: Option<u64>,
}

/// A fault, built around a sound gate: what it gets, or what it says, is changed so that it
/// behaves as a gate with that fault would.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Twin {
    /// The fault, in words.
    pub(crate) fault: String,
    /// Put over the gate's options.
    #[serde(default)]
    pub(crate) gate: Map<String, Value>,
    /// Default options, or options of the check, that are left out.
    #[serde(default)]
    pub(crate) without_gate: Vec<String>,
    /// Put over every token: the fault is not to see what is wrong with it.
    #[serde(default)]
    pub(crate) token: Recipe,
    /// Put over the issuer's behaviour, at every step.
    #[serde(default)]
    pub(crate) issuer: Behaviour,
    /// Put over every request.
    #[serde(default)]
    pub(crate) request: Request,
    #[serde(default)]
    pub(crate) answer: AnswerFault,
    #[serde(default)]
    pub(crate) sent: SentFault,
}

/// What a twin does to answers.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct AnswerFault {
    /// Answers of the first status get the second.
    pub(crate) status: Option<(u16, u16)>,
    /// Headers that are lost.
    #[serde(default)]
    pub(crate) without: Vec<String>,
    /// Headers that are set.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    /// Text in headers and bodies that is replaced.
    pub(crate) replace: Option<(String, String)>,
}

impl Check {
    /// Whether this host has what is checked.
    pub(crate) fn runs_on(&self, kind: Kind) -> bool {
        self.why_not_on(kind).is_none()
    }

    /// Why this host has not what is checked.
    pub(crate) fn why_not_on(&self, kind: Kind) -> Option<&str> {
        match (self.surface, kind) {
            (Surface::Keycard, Kind::Native | Kind::Rust) => Some(KEYCARD_IS_JAVASCRIPT),
            _ => self.not_on.get(kind.name()).map(String::as_str),
        }
    }

    /// Whether the gate has a client: where one is given, or something is to be done with it.
    pub(crate) fn has_client(&self) -> bool {
        let does = |step: &Step| step.requests.iter().any(Request::is_operation);
        self.gate.contains_key("client") || self.steps.iter().any(does)
    }
}

impl Request {
    /// Whether something is to be done with the gate's client.
    pub(crate) fn is_operation(&self) -> bool {
        !self.operation.is_empty()
    }
}

#[derive(Deserialize)]
struct CheckFile {
    check: Vec<Check>,
}

/// All checks, in the order of their ids.
pub(crate) fn load(folder: &Path) -> Result<Vec<Check>, String> {
    let mut checks: Vec<Check> = Vec::new();
    for (name, text) in toml_files(folder)? {
        let file: CheckFile =
            toml::from_str(&text).map_err(|error| format!("checks/{name}: {error}"))?;
        checks.extend(file.check);
    }
    checks.sort_by(|a, b| a.id.cmp(&b.id));
    match checks.windows(2).find(|pair| pair[0].id == pair[1].id) {
        Some(pair) => Err(format!("two checks have the id {}", pair[0].id)),
        None => Ok(checks),
    }
}

/// Name and text of every TOML file in a folder, by name.
pub(crate) fn toml_files(folder: &Path) -> Result<Vec<(String, String)>, String> {
    let problem = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(problem)? {
        let path = entry.map_err(problem)?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            files.push((name, fs::read_to_string(&path).map_err(problem)?));
        }
    }
    files.sort();
    Ok(files)
}
