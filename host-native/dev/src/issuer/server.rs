//! The HTTP server. It uses hyper directly, because a handler must be able to close its connection.

use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::{any, get, post};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tower::ServiceExt;
use tower_http::cors::{AllowHeaders, AllowMethods, Any, CorsLayer};
use tracing::{debug, warn};

use super::outage::{BreakConnection, Endpoint, fail_on_command};
use super::{SharedIssuer, admin, metadata, token_endpoint};

/// The peer of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// The maximum size of a request body: a token request with many additional claims.
const MAX_BODY_BYTES: usize = 64 << 10;

pub(super) fn router(issuer: &SharedIssuer) -> Router {
    let path = issuer.path();
    let public = |endpoint| from_fn_with_state((issuer.clone(), endpoint), fail_on_command);

    let mut discovery = Router::new()
        .route(
            &format!("/.well-known/oauth-authorization-server{path}"),
            get(metadata::oauth),
        )
        .route(
            &format!("{path}/.well-known/openid-configuration"),
            get(metadata::openid),
        );
    if !path.is_empty() {
        // RFC 8414, section 5: the form that older OpenID clients try.
        let compatible = format!("/.well-known/openid-configuration{path}");
        discovery = discovery.route(&compatible, get(metadata::openid));
    }
    let endpoints = discovery
        .layer(public(Endpoint::Discovery))
        .merge(
            Router::new()
                .route(&format!("{path}/jwks"), get(metadata::jwks))
                .layer(public(Endpoint::Jwks)),
        )
        .merge(
            Router::new()
                .route(&format!("{path}/token"), post(token_endpoint::token))
                .layer(public(Endpoint::Token)),
        )
        .route(&format!("{path}/authorize"), get(metadata::authorize))
        // The target of `redirect`: the real answers, which reveal a client that follows redirects.
        .nest(&format!("{path}/elsewhere"), elsewhere(issuer, path))
        .layer(
            CorsLayer::new()
                .allow_origin(Any)
                .allow_methods(AllowMethods::mirror_request())
                .allow_headers(AllowHeaders::mirror_request()),
        );
    let admin = Router::new()
        .route("/admin/rotate", post(admin::rotate))
        .route("/admin/outage", post(admin::outage))
        .route("/admin/stats", get(admin::stats))
        .route("/admin/reset", post(admin::reset))
        .route("/admin/audit", get(admin::audit))
        .route(
            "/admin/policies",
            get(admin::policies).post(admin::set_policy),
        )
        .route(
            "/admin/clients",
            get(admin::clients).post(admin::register_client),
        )
        .layer(from_fn(admin::local_only));
    endpoints
        .merge(admin)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(issuer.clone())
}

fn elsewhere(issuer: &SharedIssuer, path: &str) -> Router<SharedIssuer> {
    let count = |issuer: SharedIssuer| {
        move |response: Response| {
            issuer.stats.count_elsewhere();
            response
        }
    };
    Router::new()
        .route(
            &format!("/.well-known/oauth-authorization-server{path}"),
            get(metadata::oauth),
        )
        .route(
            &format!("{path}/.well-known/openid-configuration"),
            get(metadata::openid),
        )
        .route(&format!("{path}/jwks"), get(metadata::jwks))
        .route(&format!("{path}/token"), any(token_endpoint::token))
        .layer(tower::util::MapResponseLayer::new(count(issuer.clone())))
}

/// Serves until it is dropped, which closes every connection.
pub(crate) async fn serve(listener: TcpListener, router: Router) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Most likely there are no file descriptors left: wait for connections to end.
                warn!(%error, "cannot accept");
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        let router = router.clone();
        let service = service_fn(move |mut request: hyper::Request<Incoming>| {
            request.extensions_mut().insert(Peer(peer));
            let router = router.clone();
            async move {
                let answered = router.oneshot(request.map(Body::new)).await;
                let response = answered.unwrap_or_else(|never: Infallible| match never {});
                match response.extensions().get::<BreakConnection>() {
                    Some(BreakConnection) => Err(Broken),
                    None => Ok(response),
                }
            }
        });
        connections.spawn(async move {
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service);
            if let Err(error) = connection.await {
                debug!(%error, "connection");
            }
        });
    }
}

/// Closes the connection.
#[derive(Debug)]
struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("broken on command")
    }
}

impl std::error::Error for Broken {}
