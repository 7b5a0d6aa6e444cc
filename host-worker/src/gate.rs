use std::{cell::OnceCell, rc::Rc};

use js_sys::Array;
use wasm_bindgen::{JsCast, JsValue};
use worker::{Context, Env, Headers, Request, Response};

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
    options: Options,
    /// Made with the first request: at start-up the Worker's variables are not there yet.
    ready: OnceCell<JsGate>,
}

impl Gate {
    /// A gate with these options. They are checked, together with the Worker's variables, by
    /// [`Self::check`] or with the first request.
    pub fn new(options: Options) -> Self {
        Self {
            inner: Rc::new(Inner {
                options,
                ready: OnceCell::new(),
            }),
        }
    }

    /// Checks the whole configuration, without any I/O.
    ///
    /// # Errors
    ///
    /// [`Error::Configuration`] with a sentence that says what to change, or [`Error::Package`].
    pub fn check(&self, env: &Env) -> Result<()> {
        self.ready(env).map(drop)
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
                headers: decision.headers(),
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
                allowed.finish(handler(request, env, context, identity).await?)
            }
        }
    }

    fn ready(&self, env: &Env) -> Result<JsGate> {
        if let Some(gate) = self.inner.ready.get() {
            return Ok(gate.clone());
        }
        let options = serde_json::to_string(&self.inner.options).map_err(Error::Options)?;
        let options = js_sys::JSON::parse(&options).map_err(|thrown| Error::thrown(&thrown))?;
        let gate = package::create_gate(&options).map_err(|thrown| Error::thrown(&thrown))?;
        gate.check(env).map_err(|thrown| Error::thrown(&thrown))?;
        Ok(self.inner.ready.get_or_init(|| gate).clone())
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
    headers: Array,
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
    /// When a header is none that a response can carry.
    pub fn finish(self, response: Response) -> worker::Result<Response> {
        if self.headers.length() == 0 {
            return Ok(response);
        }
        // Copied: the headers of a response that came out of `fetch` cannot be changed.
        let headers = Headers::new();
        for (name, value) in response.headers().entries() {
            headers.append(&name, &value)?;
        }
        for pair in self.headers.iter() {
            let pair: Array = pair.unchecked_into();
            if let (Some(name), Some(value)) = (text(&pair, 0), text(&pair, 1)) {
                headers.append(&name, &value)?;
            }
        }
        Ok(response.with_headers(headers))
    }
}

fn text(pair: &Array, index: u32) -> Option<String> {
    let value: JsValue = pair.get(index);
    value.as_string()
}
