//! An axum server: `/pub` is public, `/admin` is not. Says its port on the first line; ends with its
//! standard input.

use axum::Router;
use axum::routing::any;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let place = |marker: &'static str| any(move || async move { marker });
    let [admin, public] = std::env::args()
        .skip(1)
        .map(|marker| &*marker.leak())
        .collect::<Vec<&'static str>>()
        .try_into()
        .map_err(|_| "needs the two markers")?;
    let app = Router::new()
        .route("/admin", place(admin))
        .route("/admin/{*rest}", place(admin))
        .route("/pub", place(public))
        .route("/pub/{*rest}", place(public));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?.port());
    std::thread::spawn(|| {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        std::process::exit(0);
    });
    Ok(axum::serve(listener, app).await?)
}
