//! Metrics in the text format of OpenMetrics, which Prometheus reads. No label contains input from
//! a request.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use tollgate::issuer::{AuditEvent, AuditKind, Issuer, SqliteStore};

/// The upper bounds of durations, in seconds: from an answer without the store to the timeout.
const DURATIONS: [f64; 11] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0,
];

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Answered {
    status: u16,
    /// Empty if nothing was refused.
    reason: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Event {
    kind: &'static str,
    /// Empty except for issued tokens.
    grant_type: &'static str,
}

/// See the module.
pub(super) struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter>,
    durations: Histogram,
    pub(super) in_flight: Gauge,
    pub(super) connections: Gauge,
    events: Family<Event, Counter>,
    failures: Counter,
    memory: Gauge<u64, AtomicU64>,
    commits: Counter,
    conflicts: Counter,
    transactions: Counter,
}

/// The media type of [`Metrics::text`].
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

impl Metrics {
    pub(super) fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("tollgate_issuer"),
            requests: Family::default(),
            durations: Histogram::new(DURATIONS),
            in_flight: Gauge::default(),
            connections: Gauge::default(),
            events: Family::default(),
            failures: Counter::default(),
            memory: Gauge::default(),
            commits: Counter::default(),
            conflicts: Counter::default(),
            transactions: Counter::default(),
        };
        let registry = &mut metrics.registry;
        registry.register(
            "requests",
            "Requests by the answer",
            metrics.requests.clone(),
        );
        registry.register_with_unit(
            "request_duration",
            "From the head of a request to its answer",
            Unit::Seconds,
            metrics.durations.clone(),
        );
        registry.register(
            "requests_in_flight",
            "Requests that are being answered",
            metrics.in_flight.clone(),
        );
        registry.register(
            "connections",
            "Open connections",
            metrics.connections.clone(),
        );
        registry.register(
            "events",
            "Entries of the audit trail",
            metrics.events.clone(),
        );
        registry.register(
            "instance_failures",
            "Instances of the component that failed and were replaced",
            metrics.failures.clone(),
        );
        registry.register_with_unit(
            "instance_memory",
            "Memory of all instances of the component",
            Unit::Bytes,
            metrics.memory.clone(),
        );
        registry.register(
            "store_commits",
            "Commits of this process that the store carried out",
            metrics.commits.clone(),
        );
        registry.register(
            "store_conflicts",
            "Commits that the store refused because something else came first",
            metrics.conflicts.clone(),
        );
        registry.register(
            "store_transactions",
            "Transactions of the store: each waited for the disk once",
            metrics.transactions.clone(),
        );
        metrics
    }

    pub(super) fn answered(&self, status: u16, reason: Option<&str>, took: Duration) {
        let labels = Answered {
            status,
            reason: reason.unwrap_or_default().to_owned(),
        };
        self.requests.get_or_create(&labels).inc();
        self.durations.observe(took.as_secs_f64());
    }

    pub(super) fn happened(&self, event: &AuditEvent) {
        let (kind, grant_type) = names(event.kind);
        let labels = Event {
            kind,
            grant_type: grant_type.unwrap_or_default(),
        };
        self.events.get_or_create(&labels).inc();
    }

    /// All metrics, with those of the issuer and of its store as they are now.
    pub(super) fn text(&self, issuer: &Issuer, store: Option<&SqliteStore>) -> String {
        let raise = |counter: &Counter, to: u64| {
            counter.inc_by(to.saturating_sub(counter.get()));
        };
        let stats = issuer.stats();
        raise(&self.failures, stats.failures);
        self.memory
            .set(u64::try_from(stats.memory).unwrap_or(u64::MAX));
        if let Some(store) = store {
            let counters = store.counters();
            raise(&self.commits, counters.commits);
            raise(&self.conflicts, counters.conflicts);
            raise(&self.transactions, counters.transactions);
        }
        let mut text = String::new();
        // Writing to a `String` does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

/// The names of what happened, and of the grant type of issued tokens.
pub(super) fn names(kind: AuditKind) -> (&'static str, Option<&'static str>) {
    match kind {
        AuditKind::CodeIssued => ("code-issued", None),
        AuditKind::TokensIssued(kind) => ("tokens-issued", Some(kind.name())),
        AuditKind::AnswerRepeated => ("answer-repeated", None),
        AuditKind::CodeReused => ("code-reused", None),
        AuditKind::RefreshTokenReused => ("refresh-token-reused", None),
        AuditKind::Revoked => ("revoked", None),
    }
}
