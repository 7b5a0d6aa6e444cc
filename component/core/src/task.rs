//! Tasks: futures that the host polls, without wakers.
//!
//! The host polls again when one of its exchanges has ended, or when the time that the task named
//! has passed. So a future of this crate never stores a waker; it sets a hint instead.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use crate::capability::{
    Host, HttpError, HttpRequest, HttpResponse, Pending, PendingAnswer, SignatureError, UnixMillis,
};
use crate::limits;
#[cfg(feature = "authorization-server")]
use crate::store::{PendingStore, StoreError};

/// How long core waits for an exchange beyond its timeout, in milliseconds, before it counts as
/// lost.
const GRACE_MS: u64 = 500;

/// The host, and the hint of the current poll.
pub(crate) struct Scheduler {
    host: Rc<dyn Host>,
    hint: Cell<Option<u64>>,
}

impl Scheduler {
    pub(crate) fn new(host: Rc<dyn Host>) -> Rc<Self> {
        Rc::new(Self {
            host,
            hint: Cell::new(None),
        })
    }

    pub(crate) fn host(&self) -> &dyn Host {
        &*self.host
    }

    pub(crate) fn now(&self) -> UnixMillis {
        self.host.now()
    }

    /// Fills `out` with unpredictable bytes.
    pub(crate) fn random(&self, out: &mut [u8]) {
        self.host.random(out);
    }

    /// `base` plus up to a quarter of it, so that many isolates do not retry at the same time.
    pub(crate) fn jittered(&self, base: u64) -> u64 {
        let mut bytes = [0; 2];
        self.host.random(&mut bytes);
        base + base / 4 * u64::from(u16::from_le_bytes(bytes)) / u64::from(u16::MAX)
    }

    /// Requests that the host polls again after `ms` at the latest.
    pub(crate) fn poll_within(&self, ms: u64) {
        let earlier = self.hint.get().map_or(ms, |hint| hint.min(ms));
        self.hint.set(Some(earlier));
    }

    /// Ready after `ms`. A clock that jumps back ends the wait as well.
    pub(crate) async fn wait(&self, ms: u64) {
        let start = self.now();
        poll_fn(|_| {
            let now = self.now();
            if now < start || now - start >= ms {
                return Poll::Ready(());
            }
            self.poll_within(ms - (now - start));
            Poll::Pending
        })
        .await;
    }

    /// Sends a request and waits for the complete response, with core's own deadline.
    pub(crate) async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let patience = u64::from(request.timeout_ms) + GRACE_MS;
        let max = request.max_body_bytes as usize;
        let pending = self.host.send(request);
        match self.answer(pending, patience).await {
            None => Err(HttpError::TimedOut),
            Some(Ok(response)) if response.body.len() > max => Err(HttpError::TooLarge),
            Some(result) => result,
        }
    }

    /// Waits for a key operation, at most [`limits::SIGNATURE_MS`].
    pub(crate) async fn signature<T>(
        &self,
        pending: PendingAnswer<T>,
    ) -> Result<T, SignatureError> {
        let answer = self.answer(pending, limits::SIGNATURE_MS).await;
        answer.unwrap_or(Err(SignatureError::TimedOut))
    }

    /// Waits for a store operation, at most `patience` milliseconds.
    #[cfg(feature = "authorization-server")]
    pub(crate) async fn store<T>(
        &self,
        pending: PendingStore<T>,
        patience: u64,
    ) -> Result<T, StoreError> {
        let answer = self.answer(pending, patience).await;
        answer.unwrap_or(Err(StoreError::Unavailable))
    }

    /// Waits for a decision of the application, at most `patience` milliseconds. `Err(None)`: it did
    /// not come.
    pub(crate) async fn hook<T, E>(
        &self,
        pending: Box<dyn Pending<Result<T, E>>>,
        patience: u64,
    ) -> Result<T, Option<E>> {
        match self.answer(pending, patience).await {
            Some(answer) => answer.map_err(Some),
            None => Err(None),
        }
    }

    /// Waits for the host's answer. `None` if it does not come within `patience` milliseconds, or
    /// if the clock jumps back.
    async fn answer<T>(&self, mut pending: Box<dyn Pending<T>>, patience: u64) -> Option<T> {
        let mut start = None;
        poll_fn(|_| {
            if let Some(answer) = pending.poll() {
                return Poll::Ready(Some(answer));
            }
            let now = self.now();
            let start = *start.get_or_insert(now);
            if now < start || now - start >= patience {
                return Poll::Ready(None);
            }
            self.poll_within(patience - (now - start));
            Poll::Pending
        })
        .await
    }

    /// Runs `work`, calling `beat` at each poll and at least every `every_ms`.
    pub(crate) async fn with_heartbeat<T>(
        &self,
        every_ms: u64,
        mut beat: impl FnMut(UnixMillis),
        work: impl Future<Output = T>,
    ) -> T {
        let mut work = pin!(work);
        poll_fn(|context| {
            beat(self.now());
            let polled = work.as_mut().poll(context);
            if polled.is_pending() {
                self.poll_within(every_ms);
            }
            polled
        })
        .await
    }
}

/// Runs two futures side by side, until both have ended.
pub(crate) async fn join<A, B>(
    one: impl Future<Output = A>,
    other: impl Future<Output = B>,
) -> (A, B) {
    let (mut one, mut other) = (pin!(one), pin!(other));
    let (mut first, mut second) = (None, None);
    poll_fn(|context| {
        if first.is_none()
            && let Poll::Ready(value) = one.as_mut().poll(context)
        {
            first = Some(value);
        }
        if second.is_none()
            && let Poll::Ready(value) = other.as_mut().poll(context)
        {
            second = Some(value);
        }
        match (first.take(), second.take()) {
            (Some(first), Some(second)) => Poll::Ready((first, second)),
            (one, other) => {
                (first, second) = (one, other);
                Poll::Pending
            }
        }
    })
    .await
}

/// The result of polling a [`Task`].
#[derive(Debug, PartialEq, Eq)]
pub enum Progress<T> {
    /// The result. The task is finished.
    Ready(T),
    /// Poll again when an exchange has ended, and after this many milliseconds at the latest.
    Pending(Option<u32>),
}

/// A running operation. Dropping it cancels the operation and frees its resources.
pub struct Task<T> {
    scheduler: Rc<Scheduler>,
    future: Option<Pin<Box<dyn Future<Output = T>>>>,
}

impl<T> std::fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Task")
            .field("spent", &self.future.is_none())
            .finish()
    }
}

impl<T> Task<T> {
    pub(crate) fn new(scheduler: Rc<Scheduler>, future: impl Future<Output = T> + 'static) -> Self {
        Self {
            scheduler,
            future: Some(Box::pin(future)),
        }
    }

    /// Advances as far as possible. A finished task returns `Pending(None)`.
    pub fn poll(&mut self) -> Progress<T> {
        let Some(future) = &mut self.future else {
            return Progress::Pending(None);
        };
        self.scheduler.hint.set(None);
        match future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
        {
            Poll::Ready(value) => {
                self.future = None;
                Progress::Ready(value)
            }
            Poll::Pending => Progress::Pending(
                self.scheduler
                    .hint
                    .take()
                    .map(|ms| u32::try_from(ms.max(1)).unwrap_or(u32::MAX)),
            ),
        }
    }
}
