//! An operation that a thread of the store carries out.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tollgate_core::capability::Pending;
use tollgate_core::store::StoreError;

/// A running operation. It can be polled or awaited.
///
/// Dropping it cancels a read that has not begun. A commit takes place nevertheless.
pub struct Operation<T> {
    shared: Arc<Mutex<Shared<T>>>,
}

/// Where the result of an operation goes. If it is dropped without one, the operation is
/// [`StoreError::Unavailable`].
pub(crate) struct Answer<T> {
    shared: Arc<Mutex<Shared<T>>>,
}

struct Shared<T> {
    result: Option<Result<T, StoreError>>,
    is_answered: bool,
    waker: Option<Waker>,
}

pub(crate) fn operation<T>() -> (Operation<T>, Answer<T>) {
    let shared = Arc::new(Mutex::new(Shared {
        result: None,
        is_answered: false,
        waker: None,
    }));
    let answer = Answer {
        shared: Arc::clone(&shared),
    };
    (Operation { shared }, answer)
}

/// An operation that has failed before it began.
pub(crate) fn failed<T>(error: StoreError) -> Operation<T> {
    let (operation, answer) = operation();
    answer.give(Err(error));
    operation
}

fn lock<T>(shared: &Mutex<Shared<T>>) -> MutexGuard<'_, Shared<T>> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T> Operation<T> {
    /// The result, returned once. None until it is there, and after it was returned.
    pub fn take(&self) -> Option<Result<T, StoreError>> {
        lock(&self.shared).result.take()
    }

    /// Wakes `waker` when there is a result: at once if it is there already. The last waker counts.
    pub fn set_waker(&self, waker: &Waker) {
        let mut shared = lock(&self.shared);
        if !shared.is_answered {
            shared.waker = Some(waker.clone());
            return;
        }
        drop(shared);
        waker.wake_by_ref();
    }
}

impl<T> Answer<T> {
    pub(crate) fn give(self, result: Result<T, StoreError>) {
        self.set(result);
    }

    /// Whether somebody waits for the result.
    pub(crate) fn is_wanted(&self) -> bool {
        Arc::strong_count(&self.shared) > 1
    }

    fn set(&self, result: Result<T, StoreError>) {
        let mut shared = lock(&self.shared);
        if shared.is_answered {
            return;
        }
        shared.is_answered = true;
        shared.result = Some(result);
        let waker = shared.waker.take();
        drop(shared);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Drop for Answer<T> {
    fn drop(&mut self) {
        self.set(Err(StoreError::Unavailable));
    }
}

impl<T> Pending<Result<T, StoreError>> for Operation<T> {
    fn poll(&mut self) -> Option<Result<T, StoreError>> {
        self.take()
    }
}

impl<T> Future for Operation<T> {
    type Output = Result<T, StoreError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut shared = lock(&self.shared);
        if let Some(result) = shared.result.take() {
            return Poll::Ready(result);
        }
        shared.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

impl<T> fmt::Debug for Operation<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operation")
            .field("is_answered", &lock(&self.shared).is_answered)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_result_is_returned_once_and_wakes() {
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        let (operation, answer) = operation::<u8>();
        operation.set_waker(&waker);
        assert_eq!(operation.take(), None);
        answer.give(Ok(1));
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
        assert_eq!((operation.take(), operation.take()), (Some(Ok(1)), None));
        operation.set_waker(&waker);
        assert_eq!(count.0.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn an_answer_that_is_lost_is_an_error() {
        let (operation, answer) = operation::<u8>();
        assert!(answer.is_wanted());
        drop(answer);
        assert_eq!(operation.take(), Some(Err(StoreError::Unavailable)));
    }

    #[test]
    fn nobody_waits_for_a_dropped_operation() {
        let (operation, answer) = operation::<u8>();
        drop(operation);
        assert!(!answer.is_wanted());
    }
}
