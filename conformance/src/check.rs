//! The format of checks: steps with requests and the expected responses. The files are
//! `checks/*.toml`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::issuer::Behaviour;
use crate::sent::{SentExpectation, SentFault};
use crate::target::Kind;
use crate::token::Recipe;

/// One check, with its own gate and issuer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Check {
    /// A stable name.
    pub(crate) id: String,
    /// Options of the gate that differ from the default ones, named as in the npm package.
    /// `issuer` changes the one issuer's.
    #[serde(default)]
    pub(crate) gate: Map<String, Value>,
    /// Default options to remove.
    #[serde(default)]
    pub(crate) without_gate: Vec<String>,
    #[serde(default)]
    pub(crate) issuer: Behaviour,
    /// The tested layer. Default: the gate itself.
    #[serde(default)]
    pub(crate) surface: Surface,
    /// Hosts that do not support the checked feature, by name, with the reason.
    #[serde(default)]
    not_on: BTreeMap<String, String>,
    #[serde(rename = "step")]
    pub(crate) steps: Vec<Step>,
    /// A gate with one fault, which this check must find.
    pub(crate) twin: Option<Twin>,
}

/// A program in another language has no calls of it to keep.
const KEYCARD_IS_JAVASCRIPT: &str = "Keycard's package is JavaScript, and so is this surface";

/// The layer in front of the handler.
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
    /// The issuer's behaviour from now on.
    #[serde(default)]
    pub(crate) issuer: Behaviour,
    /// The delay before the step, in milliseconds.
    #[serde(default)]
    pub(crate) wait_ms: u64,
    /// Default: no token is sent.
    #[serde(default)]
    pub(crate) tokens: Vec<Recipe>,
    /// The number of users with one token each, like the first of `tokens`.
    pub(crate) users: Option<usize>,
    /// Default: `GET /me`.
    #[serde(default)]
    pub(crate) requests: Vec<Request>,
    /// The number of concurrent requests. Default: 1.
    pub(crate) at_once: Option<usize>,
    /// Whether all requests in this step are concurrent.
    #[serde(default)]
    pub(crate) together: bool,
    pub(crate) expect: Expectation,
}

/// A request. `{token}` in it stands for the step's token.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Request {
    pub(crate) method: Option<String>,
    /// Path and query, sent unchanged.
    pub(crate) path: Option<String>,
    /// Values of `Authorization`. Default: `Bearer {token}` if there is a token.
    pub(crate) authorization: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    /// The operation of the gate's client: `POST /do` with this as JSON.
    #[serde(rename = "do", default)]
    pub(crate) operation: Map<String, Value>,
}

/// The expected response. `{issuer}`, `{elsewhere}` and `{target}` in texts stand for their URLs,
/// and `{bound}` for the token that the issuer issues for the token of the request.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Expectation {
    pub(crate) status: u16,
    /// Parameters of the challenge. `-` means that the parameter is absent.
    pub(crate) challenge: Option<BTreeMap<String, String>>,
    /// Members of the JSON body, at any depth.
    pub(crate) body: Option<Value>,
    /// Members of the JSON body that must be absent.
    #[serde(default)]
    pub(crate) body_without: Vec<String>,
    /// Headers by name: the value, `-` for none, `*` for any, or `~text` for a value that contains
    /// this text in any case.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    /// The maximum number of requests to the issuer so far.
    pub(crate) metadata_fetches: Option<usize>,
    pub(crate) jwks_fetches: Option<usize>,
    /// Texts that the response must not contain.
    #[serde(default)]
    pub(crate) without_text: Vec<String>,
    /// The requests to the issuer's other endpoints.
    #[serde(default)]
    pub(crate) sent: SentExpectation,
    /// The maximum duration, in milliseconds.
    pub(crate) within_ms: Option<u64>,
}

/// A simulated fault: the input or the output of a correct gate is changed, so that it behaves like
/// a gate with that fault.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Twin {
    /// A description of the fault.
    pub(crate) fault: String,
    /// Options that replace the gate's.
    #[serde(default)]
    pub(crate) gate: Map<String, Value>,
    /// Default options, or options of the check, to remove.
    #[serde(default)]
    pub(crate) without_gate: Vec<String>,
    /// Changes to every token, which remove what the faulty gate does not check.
    #[serde(default)]
    pub(crate) token: Recipe,
    /// Changes to the issuer's behaviour, at every step.
    #[serde(default)]
    pub(crate) issuer: Behaviour,
    /// Changes to every request.
    #[serde(default)]
    pub(crate) request: Request,
    #[serde(default)]
    pub(crate) answer: AnswerFault,
    #[serde(default)]
    pub(crate) sent: SentFault,
}

/// Changes to responses.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct AnswerFault {
    /// Replaces the first status with the second.
    pub(crate) status: Option<(u16, u16)>,
    /// Headers to remove.
    #[serde(default)]
    pub(crate) without: Vec<String>,
    /// Headers to set.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    /// Text to replace in headers and bodies.
    pub(crate) replace: Option<(String, String)>,
}

impl Check {
    /// Whether this host supports the checked feature.
    pub(crate) fn runs_on(&self, kind: Kind) -> bool {
        self.why_not_on(kind).is_none()
    }

    /// Why this host does not support the checked feature.
    pub(crate) fn why_not_on(&self, kind: Kind) -> Option<&str> {
        match (self.surface, kind) {
            (Surface::Keycard, Kind::Native | Kind::Rust) => Some(KEYCARD_IS_JAVASCRIPT),
            _ => self.not_on.get(kind.name()).map(String::as_str),
        }
    }

    /// Whether the gate has a client: if one is configured, or the check uses it.
    pub(crate) fn has_client(&self) -> bool {
        let does = |step: &Step| step.requests.iter().any(Request::is_operation);
        self.gate.contains_key("client") || self.steps.iter().any(does)
    }
}

impl Request {
    /// Whether the check uses the gate's client.
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
