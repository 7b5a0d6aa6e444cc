//! A flow: one authorization request in one browser tab, from the request to the user's answer.
//!
//! The record of a flow is found by a random handle, which is in links and forms, and is encrypted
//! under a random key, which only a cookie of the user's browser has. So neither the storage nor a
//! link opens a flow, and another browser cannot go on with it. Each flow has a cookie of its own:
//! parallel tabs do not disturb each other. A flow is used once: each step is a conditional write.

use crate::authorization_server::authorization_request::{AuthorizationRequest, UpstreamTokens};
use crate::authorization_server::issuer::Request;
use crate::authorization_server::record::{self, Reader, Unreadable, Writer};
use crate::authorization_server::rejection::{Rejection, SignInFailure};
use crate::authorization_server::sealing::{self, Key};
use crate::authorization_server::server::Server;
use crate::jose::base64url;
use crate::store::{Commit, Committed, Condition, UnixSeconds};

/// How long a user may take for each step, in seconds: long enough for a second factor.
pub(super) const LIFETIME: u64 = 600;
const VERSION: u64 = 1;
/// Cookies of flows in one browser: as many parallel tabs. More of them would make the requests of
/// this browser too large for common servers, so the oldest go.
const COOKIES: usize = 16;
const COOKIE_NAME: &str = "tollgate-";
/// 32 bytes in base64url.
const HANDLE_BYTES: usize = 43;
/// How much of the handle is in the name of the cookie: 72 bits, enough to tell flows apart.
const NAME_BYTES: usize = 12;

/// See the module.
pub(super) struct Flow {
    pub(super) handle: String,
    key: Key,
    version: String,
    pub(super) request: AuthorizationRequest,
    pub(super) step: Step,
}

/// How far a flow is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// The user must sign in.
    Started,
    /// The user must decide.
    SignedIn(SignedIn),
    /// The user allowed the request, and a code is being issued since then.
    Issuing(SignedIn, UnixSeconds),
    /// The answer, and when it was given.
    Answered(String, UnixSeconds),
}

/// A user who has signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SignedIn {
    pub(super) user_id: String,
    /// The name that people see.
    pub(super) shown: String,
    /// Whether the reverse proxy named the user.
    pub(super) by_header: bool,
    /// JSON for the application.
    pub(super) props: String,
    pub(super) upstream: Option<UpstreamTokens>,
}

impl Server {
    /// Starts a flow. Also returns the value of `Set-Cookie`.
    pub(super) async fn start_flow(
        &self,
        request: AuthorizationRequest,
        step: Step,
    ) -> Result<(Flow, String), Rejection> {
        let handle = base64url::encode(Key::random(self.scheduler()).bytes());
        let mut flow = Flow {
            key: Key::random(self.scheduler()),
            version: String::new(),
            handle,
            request,
            step,
        };
        match self.write_flow(&mut flow, Condition::Absent).await? {
            Committed::Done => {}
            // A handle of 256 random bits is new.
            Committed::Conflict => return Err(Rejection::Contention),
        }
        let cookie = self.flow_cookie(&flow);
        Ok((flow, cookie))
    }

    /// The flow of a handle, if this browser started it and it has not expired.
    pub(super) async fn open_flow(
        &self,
        request: &Request,
        handle: Option<&str>,
    ) -> Result<Flow, Rejection> {
        let expired = || Rejection::SignIn(SignInFailure::Expired);
        let handle = handle.filter(|handle| handle.len() == HANDLE_BYTES);
        let handle = handle.filter(|handle| base64url::decode(handle).is_some());
        let handle = handle.ok_or_else(expired)?;
        let name = self.cookie_name(handle);
        let key = cookie(request, &name).and_then(|value| {
            let bytes = base64url::decode(value)?;
            Key::from_bytes(&bytes)
        });
        let key = key.ok_or_else(expired)?;
        let partition = self.keys().await?.partitions.transient(handle);
        let record_key = record_key(handle);
        let record = self.storage.read_one(&partition, &record_key).await?;
        let record = record.ok_or_else(expired)?;
        let object = record::parse(&record.value, VERSION)?;
        let sealed = Reader::new(&object).bytes("sealed")?;
        let opened = sealing_key(&key, handle).open(record_key.as_bytes(), &sealed);
        let opened = opened.ok_or_else(expired)?;
        let object = record::parse(&opened, VERSION)?;
        let reader = Reader::new(&object);
        let request = reader.record("request")?.ok_or(Unreadable)?;
        Ok(Flow {
            handle: handle.to_owned(),
            key,
            version: record.version,
            request: AuthorizationRequest::read(request)?,
            step: Step::read(reader)?,
        })
    }

    /// Moves a flow to its next step. False if another request has moved it.
    pub(super) async fn advance_flow(
        &self,
        flow: &mut Flow,
        step: Step,
    ) -> Result<bool, Rejection> {
        flow.step = step;
        let condition = Condition::Version(flow.version.clone());
        Ok(self.write_flow(flow, condition).await? == Committed::Done)
    }

    async fn write_flow(
        &self,
        flow: &mut Flow,
        condition: Condition,
    ) -> Result<Committed, Rejection> {
        let partition = self.keys().await?.partitions.transient(&flow.handle);
        let key = record_key(&flow.handle);
        let text = flow
            .step
            .write(Writer::new(VERSION).record("request", Some(flow.request.to_writer())));
        let text = text.into_bytes();
        let sealed = sealing_key(&flow.key, &flow.handle);
        let sealed = sealed.seal(self.scheduler(), key.as_bytes(), &text);
        let value = Writer::new(VERSION).bytes("sealed", &sealed).into_bytes();
        let expires_at = self.storage.now() + LIFETIME;
        let put = self.storage.put(key.clone(), value, Some(expires_at));
        flow.version.clone_from(&put.version);
        let commit = Commit {
            conditions: vec![(key, condition)],
            puts: vec![put],
            deletes: Vec::new(),
        };
        Ok(self.storage.commit(&partition, commit).await?)
    }

    /// The value of `Set-Cookie`: it lasts as long as the record that was written last.
    pub(super) fn flow_cookie(&self, flow: &Flow) -> String {
        let name = self.cookie_name(&flow.handle);
        let value = base64url::encode(flow.key.bytes());
        let secure = self.secure();
        format!("{name}={value}; Path=/; Max-Age={LIFETIME}; HttpOnly; SameSite=Lax{secure}")
    }

    /// The values of `Set-Cookie` that remove the oldest cookies of other flows, if there are many.
    /// Browsers send the oldest first (RFC 6265 section 5.4).
    pub(super) fn surplus_cookies(&self, request: &Request) -> Vec<String> {
        let prefix = format!("{}{COOKIE_NAME}", self.cookie_prefix());
        let names = cookies(request).map(|(name, _)| name);
        let names: Vec<_> = names.filter(|name| is_own(name, &prefix)).collect();
        let surplus = (names.len() + 1).saturating_sub(COOKIES);
        let removed = names.iter().take(surplus);
        removed
            .map(|name| format!("{name}=; Path=/; Max-Age=0{}", self.secure()))
            .collect()
    }

    /// `__Host-` keeps other hosts of the domain from setting the cookie (RFC 6265bis section
    /// 4.1.3.2). Browsers accept it only over TLS, so that it is left out in development on a
    /// loopback address.
    fn cookie_name(&self, handle: &str) -> String {
        format!(
            "{}{COOKIE_NAME}{}",
            self.cookie_prefix(),
            &handle[..NAME_BYTES]
        )
    }

    fn cookie_prefix(&self) -> &'static str {
        if self.has_tls() { "__Host-" } else { "" }
    }

    fn secure(&self) -> &'static str {
        if self.has_tls() { "; Secure" } else { "" }
    }

    fn has_tls(&self) -> bool {
        self.settings.issuer_url.origin().starts_with("https:")
    }
}

impl Flow {
    /// A secret of this flow for a purpose, such as the code verifier: 32 bytes in base64url. It is
    /// always the same, so that nothing has to be stored when the user chooses a provider twice.
    pub(super) fn secret_for(&self, purpose: &str) -> String {
        let salt = self.handle.as_bytes();
        base64url::encode(Key::derive(self.key.bytes(), salt, purpose).bytes())
    }
}

impl Step {
    fn write(&self, writer: Writer) -> Writer {
        match self {
            Self::Started => writer,
            Self::SignedIn(user) => writer.record("user", Some(user.to_writer())),
            Self::Issuing(user, since) => writer
                .record("user", Some(user.to_writer()))
                .number("issuing_since", *since),
            Self::Answered(url, at) => writer.text("answer", url).number("answered_at", *at),
        }
    }

    fn read(reader: Reader<'_>) -> Result<Self, Unreadable> {
        if let Some(url) = reader.optional("answer")? {
            return Ok(Self::Answered(
                url.to_owned(),
                reader.number("answered_at")?,
            ));
        }
        let Some(user) = reader.record("user")? else {
            return Ok(Self::Started);
        };
        let user = SignedIn::read(user)?;
        Ok(match reader.optional_number("issuing_since")? {
            Some(since) => Self::Issuing(user, since),
            None => Self::SignedIn(user),
        })
    }
}

impl SignedIn {
    fn to_writer(&self) -> Writer {
        let upstream = self.upstream.as_ref().map(UpstreamTokens::to_writer);
        Writer::default()
            .text("id", &self.user_id)
            .text("shown", &self.shown)
            .flag("by_header", self.by_header)
            .text("props", &self.props)
            .record("upstream", upstream)
    }

    fn read(reader: Reader<'_>) -> Result<Self, Unreadable> {
        let upstream = reader.record("upstream")?.map(UpstreamTokens::read);
        Ok(Self {
            user_id: reader.text("id")?.to_owned(),
            shown: reader.text("shown")?.to_owned(),
            by_header: reader.flag("by_header")?,
            props: reader.text("props")?.to_owned(),
            upstream: upstream.transpose()?,
        })
    }
}

/// The storage has the hash of a handle only.
fn record_key(handle: &str) -> String {
    format!("flow/{}", sealing::hash(handle))
}

fn sealing_key(key: &Key, handle: &str) -> Key {
    Key::derive(key.bytes(), handle.as_bytes(), "sign-in flow")
}

/// The first cookie of this name.
fn cookie<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    let mut cookies = cookies(request);
    let (_, value) = cookies.find(|(own, _)| *own == name)?;
    Some(value)
}

/// Names and values (RFC 6265 section 5.4).
fn cookies(request: &Request) -> impl Iterator<Item = (&str, &str)> {
    let headers = request.header_values("cookie");
    let pairs = headers.flat_map(|header| header.split(';'));
    pairs.filter_map(|pair| pair.trim().split_once('='))
}

/// Whether a name is one of this server: it goes into a header.
fn is_own(name: &str, prefix: &str) -> bool {
    let rest = name.strip_prefix(prefix);
    rest.is_some_and(|rest| rest.len() == NAME_BYTES && base64url::decode(rest).is_some())
}
