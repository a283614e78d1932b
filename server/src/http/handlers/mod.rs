//! The interface, implemented: each operation unpacks, authenticates, calls the logic and wraps.

mod auth;
mod mfa;

use dropshot::{HttpResponseOk, RequestContext};
use http::StatusCode;
use serde::Serialize;

use super::call::Call;
use super::failure::Failure;
use super::{Context, convert};
use crate::api::Reply;
use crate::api::types::LoginResponse;
use crate::app::login::LoginOutcome;

/// Uninhabited: it only carries the implementation.
pub enum Api {}

type Request = RequestContext<Context>;

fn ok<T: Serialize + schemars::JsonSchema + Send + Sync + 'static>(
    body: &T,
) -> Result<Reply<HttpResponseOk<T>>, Failure> {
    Ok(Reply::json(StatusCode::OK, body)?)
}

/// Tokens come with their cookies; a pending second factor comes with none.
fn logged_in(
    call: &Call<'_>,
    outcome: LoginOutcome,
) -> Result<Reply<HttpResponseOk<LoginResponse>>, Failure> {
    let issued = match outcome {
        LoginOutcome::Tokens(issued) => issued,
        LoginOutcome::MfaPending(pending) => {
            call.is_of(pending.user);
            return ok(&LoginResponse::MfaPending(convert::pending(pending)));
        }
    };
    call.is_of(issued.user.id);
    let mut reply = ok(&LoginResponse::Tokens(Box::new(convert::tokens(&issued)?)))?;
    let cookies = &call.context().rules.cookies;
    let headers = reply.headers_mut();
    cookies.set_tokens(headers, &issued);
    if let Some(device) = &issued.trusted_device {
        cookies.set_device(headers, &device.secret, device.expires_in);
    }
    Ok(reply)
}
