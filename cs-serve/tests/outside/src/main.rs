use std::sync::Arc;

use axum::{Router, routing::get};
use cs_serve::Assistant;
use cs_serve::engine::{Engine, EngineConfig};
use cs_serve::http::{Api, HttpConfig, Slot};
use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let assistant = Assistant::open("target/quickstart/int8".as_ref())?;
    let engine = Engine::start(Arc::new(assistant), EngineConfig::default())?;
    let api = Api::new(Slot::Light, engine.handle(), HttpConfig::default())?;
    let app = Router::new()
        .route("/", get(async || "our own page"))
        .nest("/nlu", api.router());
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}/nlu", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}
