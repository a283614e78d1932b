//! A service that is not bp-auth, and takes its access tokens: everybody sees their own orders, and
//! whose plan has `audit_export` can export those of their tenant.
//!
//!     cargo run --example orders_service -- --auth http://127.0.0.1:8080

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{FromRef, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use bp_auth_client::verify::{Authenticated, Claims, Entitlement, RequireEntitlement, Verifier};
use clap::Parser;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use uuid::Uuid;

#[derive(Parser)]
struct Options {
    /// Where bp-auth is.
    #[arg(long, value_name = "URL")]
    auth: String,
    /// Its `tokens.issuer`, where that is not its address.
    #[arg(long)]
    issuer: Option<String>,
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8081")]
    bind: SocketAddr,
}

/// A feature of bp-auth's plans, by its key there.
struct AuditExport;

impl Entitlement for AuditExport {
    const FEATURE: &'static str = "audit_export";
}

#[derive(Clone)]
struct Service {
    verifier: Verifier,
    orders: Arc<Mutex<Vec<Order>>>,
}

#[derive(Clone, Serialize)]
struct Order {
    id: Uuid,
    tenant: Uuid,
    owner: Uuid,
    item: String,
}

#[derive(Deserialize)]
struct NewOrder {
    item: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = Options::parse();
    let mut verifier = Verifier::builder(&options.auth);
    if let Some(issuer) = options.issuer {
        verifier = verifier.issuer(issuer);
    }
    let service = Service {
        verifier: verifier.build()?,
        orders: Arc::default(),
    };
    let router = Router::new()
        // Whether it runs. It does without bp-auth too, and then refuses with 503.
        .route("/health", get(async || "ok"))
        .route("/orders", get(own_orders).post(place_order))
        .route("/orders/export", get(export_orders))
        .with_state(service);
    let listener = TcpListener::bind(options.bind).await?;
    println!("listening on http://{}", listener.local_addr()?);
    // Requests that have begun are answered.
    axum::serve(listener, router)
        .with_graceful_shutdown(asked_to_stop())
        .await?;
    println!("stopped");
    Ok(())
}

/// A handler with this argument is called for good tokens only; others are answered with 401.
async fn own_orders(
    Authenticated(caller): Authenticated,
    State(service): State<Service>,
) -> Json<Vec<Order>> {
    let Claims { subject, .. } = caller.claims;
    Json(service.orders_where(|order| order.owner == subject))
}

async fn place_order(
    Authenticated(caller): Authenticated,
    State(service): State<Service>,
    Json(order): Json<NewOrder>,
) -> (StatusCode, Json<Order>) {
    let order = Order {
        id: Uuid::new_v4(),
        tenant: caller.claims.tenant,
        // By the token, never by what the caller says of themselves.
        owner: caller.claims.subject,
        item: order.item,
    };
    let mut orders = service
        .orders
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    orders.push(order.clone());
    (StatusCode::CREATED, Json(order))
}

/// Good tokens without the feature are answered with 403.
async fn export_orders(
    caller: RequireEntitlement<AuditExport>,
    State(service): State<Service>,
) -> Json<Vec<Order>> {
    let tenant = caller.verified.claims.tenant;
    Json(service.orders_where(|order| order.tenant == tenant))
}

impl Service {
    fn orders_where(&self, wanted: impl Fn(&Order) -> bool) -> Vec<Order> {
        let orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        orders
            .iter()
            .filter(|order| wanted(order))
            .cloned()
            .collect()
    }
}

/// Where the extractors find the verifier.
impl FromRef<Service> for Verifier {
    fn from_ref(service: &Service) -> Self {
        service.verifier.clone()
    }
}

/// Comes back with SIGTERM or Ctrl-C.
async fn asked_to_stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};

        if let Ok(mut terminated) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminated.recv() => return,
                _ = tokio::signal::ctrl_c() => return,
            }
        }
    }
    // Without a signal to wait for it would otherwise stop at once.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
