//! Logs faults of issuers. Every store finds a fault by itself, but it is logged once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tollgate_config::IssuerFault;

/// A fault that several stores report within this time is logged once.
const REPEAT_WINDOW: Duration = Duration::from_secs(60);

/// The recently logged messages.
#[derive(Debug, Default)]
pub(super) struct FaultLog {
    logged: Mutex<HashMap<String, Instant>>,
}

impl FaultLog {
    /// Logs new faults.
    pub(super) fn log_new(&self, faults: Vec<IssuerFault>) {
        if faults.is_empty() {
            return;
        }
        for fault in self.new_ones(faults, Instant::now()) {
            tracing::warn!(issuer = fault.issuer, code = fault.code, "{fault}");
        }
    }

    fn new_ones(&self, faults: Vec<IssuerFault>, now: Instant) -> Vec<IssuerFault> {
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        logged.retain(|_, at| now.duration_since(*at) < REPEAT_WINDOW);
        let mut faults = faults;
        faults.retain(|fault| match logged.entry(fault.message.clone()) {
            Entry::Occupied(_) => false,
            Entry::Vacant(entry) => {
                entry.insert(now);
                true
            }
        });
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(message: &str) -> IssuerFault {
        IssuerFault {
            issuer: "https://issuer.example".into(),
            code: "issuer-unreachable".into(),
            message: message.into(),
        }
    }

    #[test]
    fn a_fault_of_several_stores_is_logged_once() {
        let log = FaultLog::default();
        let now = Instant::now();
        assert_eq!(log.new_ones(vec![fault("a")], now).len(), 1);
        assert_eq!(log.new_ones(vec![fault("a")], now).len(), 0);
        assert_eq!(log.new_ones(vec![fault("a"), fault("b")], now).len(), 1);
        let later = now + REPEAT_WINDOW;
        assert_eq!(log.new_ones(vec![fault("a")], later).len(), 1);
    }
}
