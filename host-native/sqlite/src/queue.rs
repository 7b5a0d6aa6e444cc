//! A queue between threads, of limited length and weight.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
    longest: usize,
    heaviest: usize,
}

struct State<T> {
    /// Each with its weight.
    waiting: VecDeque<(T, usize)>,
    weight: usize,
    is_closed: bool,
}

impl<T> State<T> {
    fn take(&mut self) -> Option<T> {
        let (item, weight) = self.waiting.pop_front()?;
        self.weight -= weight;
        Some(item)
    }
}

impl<T> Queue<T> {
    pub(crate) fn new(longest: usize, heaviest: usize) -> Self {
        let state = State {
            waiting: VecDeque::new(),
            weight: 0,
            is_closed: false,
        };
        Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
            longest,
            heaviest,
        }
    }

    /// Gives the item back if the queue is full or closed.
    pub(crate) fn push(&self, item: T, weight: usize) -> Result<(), T> {
        let mut state = self.lock();
        let is_full = state.waiting.len() >= self.longest || weight > self.heaviest - state.weight;
        if state.is_closed || is_full {
            return Err(item);
        }
        state.weight += weight;
        state.waiting.push_back((item, weight));
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// Waits for an item. None if the queue is closed and everything was taken.
    pub(crate) fn pop(&self) -> Option<T> {
        let mut state = self.lock();
        loop {
            if let Some(item) = state.take() {
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

    /// The next item, if one is there and is not heavier than this.
    pub(crate) fn pop_lighter(&self, heaviest: usize) -> Option<(T, usize)> {
        let mut state = self.lock();
        let weight = state.waiting.front()?.1;
        if weight > heaviest {
            return None;
        }
        state.take().map(|item| (item, weight))
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
    fn a_queue_that_is_too_long_refuses_more() {
        let queue = Queue::new(2, 0);
        let results = [1, 2, 3].map(|item| queue.push(item, 0));
        assert_eq!(results, [Ok(()), Ok(()), Err(3)]);
        assert_eq!(queue.pop(), Some(1));
        assert_eq!(queue.push(4, 0), Ok(()));
    }

    #[test]
    fn a_queue_that_is_too_heavy_refuses_more() {
        let queue = Queue::new(9, 10);
        let results =
            [(1, 6), (2, 5), (3, 4), (4, 1)].map(|(item, weight)| queue.push(item, weight));
        assert_eq!(results, [Ok(()), Err(2), Ok(()), Err(4)]);
        assert_eq!(queue.pop(), Some(1));
        assert_eq!(queue.push(5, 6), Ok(()));
    }

    #[test]
    fn what_is_in_a_closed_queue_is_still_taken() {
        let queue = Queue::new(2, 0);
        assert_eq!(queue.push(1, 0), Ok(()));
        queue.close();
        assert_eq!(queue.push(2, 0), Err(2));
        assert_eq!((queue.pop(), queue.pop()), (Some(1), None));
    }

    #[test]
    fn a_heavy_item_stays() {
        let queue = Queue::new(2, 9);
        assert_eq!(queue.push(1, 5), Ok(()));
        assert_eq!(queue.pop_lighter(4), None);
        assert_eq!(queue.pop_lighter(5), Some((1, 5)));
        assert_eq!(queue.pop_lighter(5), None);
    }
}
