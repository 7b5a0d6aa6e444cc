use std::{cell::OnceCell, rc::Rc};

use serde::Serialize;
use wasm_bindgen::{JsCast, JsValue};
use worker::{Context, Env, Request, Response, console_error};

use crate::{
    error::{Error, Result},
    identity::Identity,
    options::Options,
    package::{self, JsDecision, JsGate},
};

/// Stands before a handler and decides about its requests. One per isolate, in a `thread_local!`:
/// it holds the issuer's keys and the tokens that were verified before. A clone is the same gate.
#[derive(Clone)]
pub struct Gate {
    inner: Rc<Inner>,
}

struct Inner {
    options: Source,
    /// Made with the first request: at start-up the Worker's variables are not there yet.
    ready: OnceCell<JsGate>,
}

enum Source {
    Options(Box<Options>),
    Json(String),
}

impl Gate {
    /// A gate with these options. They are checked, together with the Worker's variables, by
    /// [`Self::check`] or with the first request.
    pub fn new(options: Options) -> Self {
        Self::of(Source::Options(Box::new(options)))
    }

    /// A gate whose options come as text: a JSON object with the members that `createGate` of the
    /// npm package takes. What is not JSON, or has an unknown member, is found by [`Self::check`]
    /// or with the first request.
    pub fn from_json(options: impl Into<String>) -> Self {
        Self::of(Source::Json(options.into()))
    }

    fn of(options: Source) -> Self {
        Self {
            inner: Rc::new(Inner {
                options,
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
    /// Never for what a caller did: that is [`Outcome::Respond`]. [`Error::Configuration`] and
    /// [`Error::Package`] concern every request, [`Error::Failed`] this one. Treat all of them as
    /// a refusal.
    pub async fn handle(&self, request: &Request, env: &Env, context: &Context) -> Result<Outcome> {
        let gate = self.ready(env)?;
        let context: &worker::worker_sys::Context = context.as_ref();
        let decision = package::handle(&gate, request.inner(), env, context)
            .await
            .map_err(|thrown| Error::thrown(&thrown))?
            .unchecked_into::<JsDecision>();
        Ok(match decision.response() {
            Some(response) => Outcome::Respond(Response::from(response)),
            None => Outcome::Allow(Allowed {
                identity: decision.auth().map(Identity::new),
                decision,
            }),
        })
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
            Outcome::Respond(response) => Ok(response),
            Outcome::Allow(mut allowed) => {
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
        let options = match &self.inner.options {
            Source::Options(options) => serde_json::to_value(Spelled::of(options)),
            // Parsed here rather than by JavaScript, whose error would repeat the text.
            Source::Json(text) => serde_json::from_str::<serde_json::Value>(text),
        };
        let options = options.map_err(Error::Options)?.to_string();
        let options = js_sys::JSON::parse(&options).map_err(|thrown| Error::thrown(&thrown))?;
        let gate = package::create_gate(&options).map_err(|thrown| Error::thrown(&thrown))?;
        match gate.check(env) {
            Ok(()) => {}
            // A client that cannot work takes nothing else down with it: `check` tells of it, and
            // who asks for a token.
            Err(thrown) if concerns_client(&thrown) => {
                console_error!("Tollgate: {}", Error::thrown(&thrown));
            }
            Err(thrown) => return Err(Error::thrown(&thrown)),
        }
        Ok(self.inner.ready.get_or_init(|| gate).clone())
    }
}

/// Whether a `ConfigError` of the package is about the client alone.
fn concerns_client(thrown: &JsValue) -> bool {
    js_sys::Reflect::get(thrown, &"part".into()).is_ok_and(|part| part == "client")
}

/// Options whose names are spelled as in Rust where messages name them.
#[derive(Serialize)]
struct Spelled<'a> {
    naming: &'static str,
    #[serde(flatten)]
    options: &'a Options,
}

impl<'a> Spelled<'a> {
    fn of(options: &'a Options) -> Self {
        Self {
            naming: "snake_case",
            options,
        }
    }
}

/// What is to be done with a request.
#[derive(Debug)]
pub enum Outcome {
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
