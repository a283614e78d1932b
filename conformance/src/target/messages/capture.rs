//! The sink of `--capture`: a server posts its mails and SMS to the suite, whatever it is written in.
//!
//! `POST` to any path, `Content-Type: application/json`, one message a request:
//! `{"channel": "email" | "sms", "to": "...", "subject": "...", "text": "..."}`. The answer is 204, or
//! 422 with a sentence that says what is wrong. `docs/conformance.md` says it to implementers.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::{Message, Messages};

/// More than any mail of an auth server.
const LIMIT: usize = 1024 * 1024;

/// Listens on the address and gives what arrives there.
pub async fn listen(address: &str) -> Result<Messages> {
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}"))?;
    let all = Arc::new(Mutex::new(Vec::new()));
    let kept = all.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let kept = kept.clone();
            tokio::spawn(async move {
                let service = service_fn(move |request| receive(request, kept.clone()));
                let _ = http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
    Ok(Messages::Captured(all))
}

async fn receive(
    request: Request<Incoming>,
    kept: Arc<Mutex<Vec<Message>>>,
) -> Result<Response<Full<Bytes>>> {
    let (status, text) = if request.method() == Method::POST {
        let body = Limited::new(request.into_body(), LIMIT).collect().await;
        let message = body.map_err(|error| error.to_string()).and_then(|body| {
            serde_json::from_slice(&body.to_bytes()).map_err(|error| error.to_string())
        });
        match message {
            Ok(message) => {
                kept.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(message);
                (StatusCode::NO_CONTENT, String::new())
            }
            Err(error) => (StatusCode::UNPROCESSABLE_ENTITY, format!("{error}\n")),
        }
    } else {
        (
            StatusCode::METHOD_NOT_ALLOWED,
            "POST a message as JSON.\n".to_owned(),
        )
    };
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    Ok(response)
}
