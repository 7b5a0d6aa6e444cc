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

/// Stands before a handler and decides about its requests. One per isolate, in a `thread_local!`:
/// it holds the issuer's keys and the tokens that were verified before. A clone is the same gate.
#[derive(Clone)]
pub struct Gate {
    inner: Rc<Inner>,
}

struct Inner {
    config: Source,
    /// Made with the first request: at start-up the Worker's variables are not there yet.
    ready: OnceCell<JsGate>,
}

enum Source {
    Config(Box<Config>),
    /// As the npm package writes it.
    Json(String),
}

impl Gate {
    /// A gate with this configuration. It is checked, together with the Worker's variables, by
    /// [`Self::check`] or with the first request. Errors spell the names of its options as Rust
    /// does, unless [`Config::naming`] says otherwise.
    ///
    /// Two things are errors here, which other hosts have: [`Config::env`], because the Worker's
    /// own variables come with each request, and keys that only the host knows.
    pub fn new(mut config: Config) -> Self {
        config.naming.get_or_insert(Naming::SnakeCase);
        Self::of(Source::Config(Box::new(config)))
    }

    /// A gate whose configuration comes as text: a JSON object with the members that `createGate`
    /// of the npm package takes. What is not JSON, or has an unknown member, is found by
    /// [`Self::check`] or with the first request.
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

    /// Checks the whole configuration, that of the client included, without any I/O.
    ///
    /// # Errors
    ///
    /// [`Error::Configuration`] with a sentence that says what to change, or [`Error::Package`].
    pub fn check(&self, env: &Env) -> Result<()> {
        let gate = self.ready(env)?;
        gate.check(env).map_err(|thrown| Error::thrown(&thrown))
    }

    /// Decides about a request: preflights, metadata, credentials, scopes. The body is not
    /// touched. `context` keeps fetches of keys alive after the response is sent.
    ///
    /// # Errors
    ///
    /// Never for what a caller did: that is [`Decision::Respond`]. [`Error::Configuration`] and
    /// [`Error::Package`] concern every request, [`Error::Failed`] this one. Treat all of them as
    /// a refusal.
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
    /// As [`Self::handle`]. A refusal is the inner error: the answer to send.
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

    /// Verifies a bare token, for what is not an HTTP request, with these scopes besides the
    /// gate's. The challenge of a refusal has no `resource_metadata`.
    ///
    /// # Errors
    ///
    /// As [`Self::handle`]. A refusal is the inner error: what an HTTP request would be answered.
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

    /// The fetched keys, for [`Self::import_keys`] of a later gate: only public keys, as JSON.
    ///
    /// # Errors
    ///
    /// As [`Self::handle`].
    pub fn export_keys(&self, env: &Env) -> Result<String> {
        let gate = self.ready(env)?;
        gate.export_keys(env)
            .map_err(|thrown| Error::thrown(&thrown))
    }

    /// Takes keys from [`Self::export_keys`]. The text must come from a place that only the
    /// application can write: whoever writes it can sign tokens. Returns how many issuers it had
    /// keys for; what does not fit this configuration is skipped.
    ///
    /// # Errors
    ///
    /// [`Error::Configuration`] when the text is no export, else as [`Self::handle`].
    pub fn import_keys(&self, state: &str, env: &Env) -> Result<u32> {
        let gate = self.ready(env)?;
        gate.import_keys(state, env)
            .map_err(|thrown| Error::thrown(&thrown))
    }

    /// Runs `handler` for requests that may go on, and answers the others. The identity is none
    /// on public routes, and only there.
    ///
    /// # Errors
    ///
    /// The handler's own, and those of [`Self::handle`].
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

    /// The package's gate, where there is one by now.
    pub(crate) fn known(&self) -> Option<JsGate> {
        self.inner.ready.get().cloned()
    }

    pub(crate) fn ready(&self, env: &Env) -> Result<JsGate> {
        if let Some(gate) = self.known() {
            return Ok(gate);
        }
        let options = match &self.inner.config {
            Source::Config(config) => to_js(config)?,
            // Read here rather than by JavaScript, whose error would repeat the text.
            Source::Json(text) => as_it_stands(&serde_json::from_str(text).map_err(Error::Json)?)?,
        };
        let gate = package::create_gate(&options).map_err(|thrown| Error::thrown(&thrown))?;
        match gate.check(env).map_err(|thrown| Error::thrown(&thrown)) {
            Ok(()) => {}
            // A client that cannot work takes nothing else down with it: `check` tells of it, and
            // who asks for a token.
            Err(Error::Configuration(error)) if error.part == ConfigPart::Client => {
                console_error!("Tollgate: {error}");
            }
            Err(error) => return Err(error),
        }
        Ok(self.inner.ready.get_or_init(|| gate).clone())
    }
}

/// What is to be done with a request.
#[derive(Debug)]
pub enum Decision {
    /// It may go on.
    Allow(Allowed),
    /// It must not go on: send this response as it stands. Metadata and preflights come this way
    /// too, so it need not be an error.
    Respond(Response),
}

/// A request that may go on.
#[derive(Debug)]
pub struct Allowed {
    identity: Option<Identity>,
    decision: JsDecision,
}

impl Allowed {
    /// Who calls; none on public routes, and only there.
    pub fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    /// Adds the headers that the gate wants on the handler's response (for browsers: CORS).
    ///
    /// # Errors
    ///
    /// [`Error::Failed`] when the response cannot be sent.
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
    /// Who calls.
    pub identity: Identity,
    /// Headers that belong on the handler's response (for browsers: CORS). [`Gate::protect`] and
    /// [`Allowed::finish`] add them themselves.
    pub headers: Vec<(String, String)>,
}

/// A request, or a token, that was refused.
#[derive(Debug)]
pub struct Refused {
    /// Send it as it stands.
    pub response: Response,
    /// A stable code for logs and metrics, such as `token-expired`; no input of the caller is in
    /// it. `server-error` where the fault is on this side.
    pub reason: String,
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

/// What the package's `authenticate` and `verify` answer.
fn verified(
    verdict: std::result::Result<JsValue, JsValue>,
) -> Result<std::result::Result<Authenticated, Refused>> {
    let verdict = verdict.map_err(|thrown| Error::thrown(&thrown))?;
    let missing = |what| Error::Failed(format!("the package gave no {what}"));
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
