//! The boundary: everything between the socket and the logic. The only place that joins the
//! interface in `api` with the logic in `app`.

pub mod admin;
pub mod call;
mod contexts;
pub mod convert;
pub mod cookies;
pub mod cors;
pub mod failure;
pub mod forwarded;
pub mod gateway;
pub mod handlers;
pub mod listener;
mod log_pause;
pub mod server;
pub mod trace;

use std::sync::Arc;
use std::time::Duration;

use crate::app::App;
use cookies::CookieRules;
use cors::Origins;
use forwarded::ClientAddresses;

/// What every request can reach.
#[derive(Clone)]
pub struct Context {
    pub app: Arc<App>,
    pub rules: Arc<Rules>,
}

/// How this server behaves towards browsers and proxies.
pub struct Rules {
    pub origins: Origins,
    pub cookies: CookieRules,
    pub client_addresses: ClientAddresses,
    /// 0: the header is not sent.
    pub hsts_max_age: u64,
    /// How long a body may take to arrive.
    pub body_patience: Duration,
}
