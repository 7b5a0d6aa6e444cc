//! An issuer behind axum.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tollgate::issuer::{
    Commit, Committed, Hooks, Issuer, MemoryStore, NoHooks, Page, Record, Store, StoreError,
    StoreFuture, UnixSeconds,
};

use super::browser::Demo;

pub(crate) const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// A configuration with development users.
pub(crate) fn configuration(issuer: &str) -> Value {
    json!({
        "issuer": issuer,
        "secrets": [SECRET],
        "sign-in": { "development-users": ["alice", "bob"] },
        "clients": [
            {
                "id": "demo",
                "name": "Demo",
                "redirect-uris": ["http://127.0.0.1/callback"],
                "grant-types": ["authorization_code", "refresh_token"],
            },
            {
                "id": "api",
                "secrets": ["api-secret-api-secret-api-secret"],
                "grant-types": ["client_credentials"],
                "serves": [issuer],
            },
        ],
    })
}

/// A served issuer.
pub(crate) struct Served {
    pub(crate) issuer: Issuer,
    pub(crate) demo: Demo,
    pub(crate) url: String,
}

/// Serves an issuer with two instances of the component on a free port.
pub(crate) async fn serve(store: impl Store, hooks: impl Hooks) -> Served {
    serve_with(store, hooks, |_| {}).await
}

pub(crate) async fn serve_with(
    store: impl Store,
    hooks: impl Hooks,
    change: impl FnOnce(&mut Value),
) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let mut config = configuration(&url);
    change(&mut config);
    let issuer = Issuer::builder(config, store)
        .hooks(hooks)
        .instances(NonZeroUsize::new(2).expect("two"))
        .build()
        .await
        .expect("an issuer");
    let router = Router::new().fallback_service(issuer.clone().into_service());
    tokio::spawn(async move { axum::serve(listener, router).await });
    Served {
        issuer,
        demo: Demo::new(&url),
        url,
    }
}

pub(crate) async fn in_memory() -> Served {
    serve(MemoryStore::new(), NoHooks).await
}

/// A store that can be switched off. What it is asked then does not happen.
#[derive(Clone, Default)]
pub(crate) struct Switched {
    store: MemoryStore,
    is_dead: Arc<AtomicBool>,
}

impl Switched {
    pub(crate) fn kill(&self) {
        self.is_dead.store(true, Ordering::Relaxed);
    }

    pub(crate) fn revive(&self) {
        self.is_dead.store(false, Ordering::Relaxed);
    }

    fn answer<T: Send + 'static>(&self, alive: impl FnOnce() -> StoreFuture<T>) -> StoreFuture<T> {
        if self.is_dead.load(Ordering::Relaxed) {
            return Box::pin(std::future::ready(Err(StoreError::Unavailable)));
        }
        alive()
    }
}

impl Store for Switched {
    fn read(
        &self,
        partition: &str,
        keys: &[&str],
        now: UnixSeconds,
    ) -> StoreFuture<Vec<Option<Record>>> {
        self.answer(|| self.store.read(partition, keys, now))
    }

    fn list(
        &self,
        partition: &str,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
        now: UnixSeconds,
    ) -> StoreFuture<Page> {
        self.answer(|| self.store.list(partition, prefix, after, limit, now))
    }

    fn commit(&self, partition: &str, commit: Commit, now: UnixSeconds) -> StoreFuture<Committed> {
        self.answer(|| self.store.commit(partition, commit, now))
    }
}
