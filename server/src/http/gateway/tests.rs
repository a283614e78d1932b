use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use serde_json::Value;

use super::*;
use crate::app::clock::SystemClock;
use crate::app::plans::Plans;
use crate::app::random::SystemRandom;
use crate::config::{Config, HashProfile};
use crate::datastore::Datastore;
use crate::http::server::{Parts, Server};
use crate::keyring::Keyring;

#[dropshot::endpoint { method = GET, path = "/api/panic", unpublished = true }]
async fn panics(_: RequestContext<Context>) -> Result<Response<Body>, HttpError> {
    let (divisor, dividend) = (std::hint::black_box(0), 1);
    Ok(Response::new(Body::from((dividend / divisor).to_string())))
}

#[dropshot::endpoint { method = GET, path = "/api/fails", unpublished = true }]
async fn fails(_: RequestContext<Context>) -> Result<Response<Body>, HttpError> {
    Err(HttpError::for_internal_error("the inner cause".to_owned()))
}

#[dropshot::endpoint { method = GET, path = "/api/works", unpublished = true }]
async fn works(_: RequestContext<Context>) -> Result<Response<Body>, HttpError> {
    Ok(Response::new(Body::from("works")))
}

/// A server whose handlers are those above.
async fn serve(directory: &std::path::Path) -> (SocketAddr, Server) {
    let mut config = Config::default();
    config.data_dir = directory.join("data");
    config.hash.profile = HashProfile::Cheap;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let parts = Parts {
        keyring: Arc::new(Keyring::load_or_create(&config.data_dir, 0).unwrap()),
        store: Datastore::connect(config.database_url().expose())
            .await
            .unwrap(),
        plans: Plans::load(None).unwrap(),
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
        config,
    };
    let mut api = ApiDescription::new();
    api.register(panics).unwrap();
    api.register(fails).unwrap();
    api.register(works).unwrap();
    let app = Arc::new(parts.app(address).unwrap());
    let limits = parts.connection_limits().unwrap();
    let server = parts.listen(app, address, Arc::new(router(api)), limits);
    (address, server.await.unwrap())
}

#[tokio::test]
async fn a_handler_that_panics_or_fails_is_a_500_of_ours_and_the_process_lives() {
    let directory = tempfile::tempdir().unwrap();
    let (address, server) = serve(directory.path()).await;
    for path in ["/api/panic", "/api/fails", "/api/panic"] {
        let answer = reqwest::get(format!("http://{address}{path}"))
            .await
            .unwrap();
        assert_eq!(answer.status(), 500, "{path}");
        assert_eq!(answer.headers()["cache-control"], "no-store");
        assert_eq!(answer.headers()["content-type"], "application/json");
        let header = answer.headers()["x-request-id"].clone();
        let text = answer.text().await.unwrap();
        assert!(!text.contains("inner cause") && !text.contains("divide"));
        let body: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(body["error_code"], "internal_error");
        assert_eq!(body["request_id"], header.to_str().unwrap());
    }
    let answer = reqwest::get(format!("http://{address}/api/works"))
        .await
        .unwrap();
    assert_eq!(answer.text().await.unwrap(), "works");
    server.close().await;
}

#[tokio::test]
async fn requests_go_on_past_the_first_stock_of_contexts() {
    let directory = tempfile::tempdir().unwrap();
    let (address, server) = serve(directory.path()).await;
    let http = reqwest::Client::new();
    for _ in 0..1500 {
        let answer = http.get(format!("http://{address}/api/works")).send();
        assert_eq!(answer.await.unwrap().status(), 200);
    }
    server.close().await;
}
