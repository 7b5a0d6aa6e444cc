//! A queue of limited length between threads.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
    longest: usize,
}

struct State<T> {
    waiting: VecDeque<T>,
    is_closed: bool,
}

impl<T> Queue<T> {
    pub(crate) fn new(longest: usize) -> Self {
        let state = State {
            waiting: VecDeque::new(),
            is_closed: false,
        };
        Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
            longest,
        }
    }

    /// Gives the item back if the queue is full or closed.
    pub(crate) fn push(&self, item: T) -> Result<(), T> {
        let mut state = self.lock();
        if state.is_closed || state.waiting.len() >= self.longest {
            return Err(item);
        }
        state.waiting.push_back(item);
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// Waits for an item. None if the queue is closed and everything was taken.
    pub(crate) fn pop(&self) -> Option<T> {
        let mut state = self.lock();
        loop {
            if let Some(item) = state.waiting.pop_front() {
                return Some(item);
            }
            if state.is_closed {
                return None;
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The next item, if one is there and `wanted` says yes to it.
    pub(crate) fn pop_if(&self, wanted: impl FnOnce(&T) -> bool) -> Option<T> {
        let mut state = self.lock();
        if state.waiting.front().is_some_and(wanted) {
            return state.waiting.pop_front();
        }
        None
    }

    /// Refuses new items, and drops those that are there.
    pub(crate) fn abandon(&self) {
        self.close();
        while self.pop().is_some() {}
    }

    /// Refuses new items. Those that are there are still taken.
    pub(crate) fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::Queue;

    #[test]
    fn a_full_queue_refuses_more() {
        let queue = Queue::new(2);
        assert_eq!(
            [queue.push(1), queue.push(2), queue.push(3)],
            [Ok(()), Ok(()), Err(3)]
        );
        assert_eq!(queue.pop(), Some(1));
        assert_eq!(queue.push(4), Ok(()));
    }

    #[test]
    fn what_is_in_a_closed_queue_is_still_taken() {
        let queue = Queue::new(2);
        assert_eq!(queue.push(1), Ok(()));
        queue.close();
        assert_eq!(queue.push(2), Err(2));
        assert_eq!((queue.pop(), queue.pop()), (Some(1), None));
    }

    #[test]
    fn an_unwanted_item_stays() {
        let queue = Queue::new(2);
        assert_eq!(queue.push(1), Ok(()));
        assert_eq!(queue.pop_if(|item| *item > 1), None);
        assert_eq!(queue.pop_if(|item| *item == 1), Some(1));
        assert_eq!(queue.pop_if(|_| true), None);
    }
}
