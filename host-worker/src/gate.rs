use std::{cell::OnceCell, rc::Rc};

use tollgate_config::{Config, ConfigPart, Naming};
use wasm_bindgen::{JsCast, JsValue};
use worker::{Context, Env, Request, Response, console_error};

use crate::{
    error::{Error, Result},
    identity::Identity,
    javascript::{as_it_stands, from_js, member, response, to_js},
    package::{self, JsDecision, JsGate},
};

/// Decides about requests before they reach a handler. Keep one per isolate, in a `thread_local!`:
/// it holds the issuer's keys and the cache of verified tokens. A clone is the same gate.
#[derive(Clone)]
pub struct Gate {
    inner: Rc<Inner>,
}

struct Inner {
    config: Source,
    /// Created with the first request, because the Worker's variables are not available at
    /// start-up.
    ready: OnceCell<JsGate>,
}

enum Source {
    Config(Box<Config>),
    /// In the spelling of the npm package.
    Json(String),
}

impl Gate {
    /// Creates a gate with this configuration. [`Self::check`] or the first request checks it,
    /// together with the Worker's variables. Errors spell option names in snake_case, unless
    /// [`Config::naming`] says otherwise.
    ///
    /// Two options of other hosts are errors here: [`Config::env`], because the Worker's own
    /// variables come with each request, and keys that only the host knows.
    pub fn new(mut config: Config) -> Self {
        config.naming.get_or_insert(Naming::SnakeCase);
        Self::of(Source::Config(Box::new(config)))
    }

    /// Creates a gate from a JSON object with the options of `createGate` of the npm package.
    /// [`Self::check`] or the first request reports text that is not JSON, and unknown options.
    pub fn from_json(config: impl Into<String>) -> Self {
        Self::of(Source::Json(config.into()))
    }

    fn of(config: Source) -> Self {
        Self {
            inner: Rc::new(Inner {
                config,
                ready: OnceCell::new(),
            }),
        }
    }

    /// Checks the whole configuration, including the client's, without I/O.
    ///
    /// # Errors
    ///
    /// [`Error::Configuration`] with a sentence that says what to change, or [`Error::Package`].
    pub fn check(&self, env: &Env) -> Result<()> {
        let gate = self.ready(env)?;
        gate.check(env).map_err(|thrown| Error::thrown(&thrown))
    }

    /// Decides about a request: preflights, metadata, credentials, scopes. The body is not read.
    /// `context` lets fetches of keys continue after the response was sent.
    ///
    /// # Errors
    ///
    /// Never because of the caller: that is [`Decision::Respond`]. [`Error::Configuration`] and
    /// [`Error::Package`] concern every request, [`Error::Failed`] only this one. Treat all of them
    /// as a refusal.
    pub async fn handle(
        &self,
        request: &Request,
        env: &Env,
        context: &Context,
    ) -> Result<Decision> {
        let gate = self.ready(env)?;
        let context: &worker::worker_sys::Context = context.as_ref();
        let decision = package::handle(&gate, request.inner(), env, context)
            .await
            .map_err(|thrown| Error::thrown(&thrown))?
            .unchecked_into::<JsDecision>();
        Ok(match decision.response() {
            Some(response) => Decision::Respond(Response::from(response)),
            None => Decision::Allow(Allowed {
                identity: decision.auth().map(Identity::new).transpose()?,
                decision,
            }),
        })
    }

    /// Verifies the credentials of a request, even on a public route. The token needs the gate's
    /// scopes, the route's and these.
    ///
    /// # Errors
    ///
    /// As [`Self::handle`]. The inner error is a refusal, with the response to send.
    pub async fn authenticate(
        &self,
        request: &Request,
        scopes: &[&str],
        env: &Env,
        context: &Context,
    ) -> Result<std::result::Result<Authenticated, Refused>> {
        let gate = self.ready(env)?;
        let context: &worker::worker_sys::Context = context.as_ref();
        let scopes = owned(scopes);
        let verdict = package::authenticate(&gate, request.inner(), env, context, scopes).await;
        verified(verdict)
    }

    /// Verifies a token that did not come with an HTTP request. It needs the gate's scopes and
    /// these. The challenge of a refusal has no `resource_metadata`.
    ///
    /// # Errors
    ///
    /// As [`Self::handle`]. The inner error is a refusal, with the response that an HTTP request
    /// would get.
    pub async fn verify(
        &self,
        token: &str,
        scopes: &[&str],
        env: &Env,
        context: &Context,
    ) -> Result<std::result::Result<Identity, Refused>> {
        let gate = self.ready(env)?;
        let context: &worker::worker_sys::Context = context.as_ref();
        let verdict = package::verify(&gate, token, env, context, owned(scopes)).await;
        Ok(verified(verdict)?.map(|authenticated| authenticated.identity))
    }

    /// Answers a metadata request or its preflight. None for any other path.
    ///
    /// # Errors
    ///
    /// As [`Self::handle`].
    pub async fn metadata(
        &self,
        request: &Request,
        env: &Env,
        context: &Context,
    ) -> Result<Option<Response>> {
        let gate = self.ready(env)?;
        let context: &worker::worker_sys::Context = context.as_ref();
        let answer = package::metadata(&gate, request.inner(), env, context)
            .await
            .map_err(|thrown| Error::thrown(&thrown))?;
        if answer.is_null() {
            return Ok(None);
        }
        response(answer).map(Some)
    }

    /// The fetched keys, for [`Self::import_keys`] of a later gate. Only public keys, as JSON.
    ///
    /// # Errors
    ///
    /// As [`Self::handle`].
    pub fn export_keys(&self, env: &Env) -> Result<String> {
        let gate = self.ready(env)?;
        gate.export_keys(env)
            .map_err(|thrown| Error::thrown(&thrown))
    }

    /// Imports keys from [`Self::export_keys`]. The text must come from a place that only the
    /// application can write to: whoever writes it can sign tokens. Returns for how many issuers it
    /// had keys. Keys that do not fit this configuration are skipped.
    ///
    /// # Errors
    ///
    /// [`Error::Configuration`] if the text is not an export, otherwise as [`Self::handle`].
    pub fn import_keys(&self, state: &str, env: &Env) -> Result<u32> {
        let gate = self.ready(env)?;
        gate.import_keys(state, env)
            .map_err(|thrown| Error::thrown(&thrown))
    }

    /// Calls `handler` for allowed requests, and answers the others. The identity is none only on
    /// public routes.
    ///
    /// # Errors
    ///
    /// Those of the handler and of [`Self::handle`].
    pub async fn protect<H>(
        &self,
        request: Request,
        env: Env,
        context: Context,
        handler: H,
    ) -> worker::Result<Response>
    where
        H: AsyncFnOnce(Request, Env, Context, Option<Identity>) -> worker::Result<Response>,
    {
        match self.handle(&request, &env, &context).await? {
            Decision::Respond(response) => Ok(response),
            Decision::Allow(mut allowed) => {
                let identity = allowed.identity.take();
                let response = handler(request, env, context, identity).await?;
                Ok(allowed.finish(response).await?)
            }
        }
    }

    /// The package's gate, if it was already created.
    pub(crate) fn known(&self) -> Option<JsGate> {
        self.inner.ready.get().cloned()
    }

    pub(crate) fn ready(&self, env: &Env) -> Result<JsGate> {
        if let Some(gate) = self.known() {
            return Ok(gate);
        }
        let options = match &self.inner.config {
            Source::Config(config) => to_js(config)?,
            // Parsed here rather than in JavaScript, whose error would repeat the text.
            Source::Json(text) => as_it_stands(&serde_json::from_str(text).map_err(Error::Json)?)?,
        };
        let gate = package::create_gate(&options).map_err(|thrown| Error::thrown(&thrown))?;
        match gate.check(env).map_err(|thrown| Error::thrown(&thrown)) {
            Ok(()) => {}
            // An invalid client does not stop the gate: `check` and token requests report it.
            Err(Error::Configuration(error)) if error.part == ConfigPart::Client => {
                console_error!("Tollgate: {error}");
            }
            Err(error) => return Err(error),
        }
        Ok(self.inner.ready.get_or_init(|| gate).clone())
    }
}

/// The decision about a request.
#[derive(Debug)]
pub enum Decision {
    /// The request may reach its handler.
    Allow(Allowed),
    /// The request must not reach its handler: send this response unchanged. Metadata and
    /// preflights are answered this way too, so it need not be an error.
    Respond(Response),
}

/// An allowed request.
#[derive(Debug)]
pub struct Allowed {
    identity: Option<Identity>,
    decision: JsDecision,
}

impl Allowed {
    /// The caller. None only on public routes.
    pub fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    /// Adds the gate's headers (CORS) to the handler's response.
    ///
    /// # Errors
    ///
    /// [`Error::Failed`] if the response cannot be sent.
    pub async fn finish(self, response: Response) -> Result<Response> {
        self.decision
            .finish(response.into())
            .await
            .and_then(JsCast::dyn_into::<web_sys::Response>)
            .map(Response::from)
            .map_err(|thrown| Error::thrown(&thrown))
    }
}

/// A request whose credentials were verified.
#[derive(Debug)]
pub struct Authenticated {
    /// The caller.
    pub identity: Identity,
    /// Headers to add to the handler's response (CORS). [`Gate::protect`] and [`Allowed::finish`]
    /// add them themselves.
    pub headers: Vec<(String, String)>,
}

/// A request, or a token, that was refused.
#[derive(Debug)]
pub struct Refused {
    /// The response to send unchanged.
    pub response: Response,
    /// A stable code for logs and metrics, such as `token-expired`. It contains no input from the
    /// caller. `server-error` if the fault is on this side.
    pub reason: String,
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

/// The result of the package's `authenticate` and `verify`.
fn verified(
    verdict: std::result::Result<JsValue, JsValue>,
) -> Result<std::result::Result<Authenticated, Refused>> {
    let verdict = verdict.map_err(|thrown| Error::thrown(&thrown))?;
    let missing = |what| Error::Failed(format!("the npm package returned no {what}"));
    if member(&verdict, "ok") == JsValue::TRUE {
        return Ok(Ok(Authenticated {
            identity: Identity::new(member(&verdict, "auth").unchecked_into())?,
            headers: from_js(&member(&verdict, "headers"))?,
        }));
    }
    let reason = member(&verdict, "reason").as_string();
    Ok(Err(Refused {
        response: response(member(&verdict, "response"))?,
        reason: reason.ok_or_else(|| missing("reason"))?,
    }))
}
