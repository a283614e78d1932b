//! Handlers of two frameworks that take a verified caller as an argument.

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use bp_auth_client::testing::TestAuth;
use bp_auth_client::types;
use bp_auth_client::verify::{
    Authenticated, DropshotAuthenticated, DropshotRequireEntitlement, Entitlement, HasVerifier,
    RequireEntitlement, Verifier,
};
use dropshot::{ApiDescription, HttpError, HttpResponseOk, RequestContext, endpoint};
use serde_json::{Value, json};
use uuid::Uuid;

struct AuditExport;

impl Entitlement for AuditExport {
    const FEATURE: &'static str = "audit_export";
}

struct Service(Verifier);

impl HasVerifier for Service {
    fn verifier(&self) -> &Verifier {
        &self.0
    }
}

#[endpoint { method = GET, path = "/orders" }]
async fn list_orders(
    _: RequestContext<Service>,
    caller: DropshotAuthenticated<Service>,
) -> Result<HttpResponseOk<String>, HttpError> {
    let Authenticated(verified) = caller.caller;
    Ok(HttpResponseOk(verified.claims.subject.to_string()))
}

#[endpoint { method = GET, path = "/export" }]
async fn export_orders(
    _: RequestContext<Service>,
    caller: DropshotRequireEntitlement<Service, AuditExport>,
) -> Result<HttpResponseOk<String>, HttpError> {
    Ok(HttpResponseOk(
        caller.caller.verified.claims.subject.to_string(),
    ))
}

/// The same two handlers by both frameworks, and what keeps them running.
async fn services(verifier: &Verifier) -> ([String; 2], dropshot::HttpServer<Service>) {
    let orders_by_axum = |Authenticated(caller): Authenticated| async move {
        axum::Json(caller.claims.subject.to_string())
    };
    let export_by_axum = |caller: RequireEntitlement<AuditExport>| async move {
        axum::Json(caller.verified.claims.subject.to_string())
    };
    let router = Router::new()
        .route("/orders", get(orders_by_axum))
        .route("/export", get(export_by_axum))
        .with_state(verifier.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let by_axum = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });

    let mut api = ApiDescription::new();
    api.register(list_orders).unwrap();
    api.register(export_orders).unwrap();
    let log = dropshot::ConfigLogging::StderrTerminal {
        level: dropshot::ConfigLoggingLevel::Critical,
    };
    let log = log.to_logger("test").unwrap();
    let server = dropshot::ServerBuilder::new(api, Service(verifier.clone()), log)
        .config(dropshot::ConfigDropshot {
            bind_address: "127.0.0.1:0".parse().unwrap(),
            ..Default::default()
        })
        .start()
        .unwrap();
    let by_dropshot = format!("http://{}", server.local_addr());
    ([by_axum, by_dropshot], server)
}

fn entitlements(export: bool) -> types::Entitlements {
    let entitlements = json!({
        "user_id": Uuid::new_v4(), "tenant_id": Uuid::new_v4(), "roles": [], "scopes": [], "limits": {},
        "plan": { "key": "free", "name": "Free", "status": "active", "source": "default" },
        "features": { "audit_export": export }, "restrictions": [], "version": "1",
        "credential": { "kind": "access_token", "mfa_satisfied": false },
        "computed_at": "2026-01-01T12:00:00Z", "expires_at": "2026-01-01T12:00:00Z",
    });
    serde_json::from_value(entitlements).unwrap()
}

async fn answer(
    url: &str,
    authorization: Option<&str>,
) -> (u16, Value, reqwest::header::HeaderMap) {
    let mut request = reqwest::Client::new().get(url);
    if let Some(value) = authorization {
        request = request.header("authorization", value);
    }
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    (status, response.json().await.unwrap(), headers)
}

#[tokio::test]
async fn handlers_meet_good_callers_only_and_others_get_the_answer_that_fits() {
    let auth = TestAuth::start().await;
    let (services, server) = services(&auth.verifier()).await;
    let user = Uuid::new_v4();
    let good = format!("Bearer {}", auth.token().subject(user).sign());
    let lower = good.replace("Bearer", "bearer");
    let late = format!("Bearer {}", auth.token().expired().sign());
    let basic = format!("Basic {}", &good[7..]);
    for service in &services {
        let orders = format!("{service}/orders");
        for authorization in [&good, &lower] {
            let (status, body, _) = answer(&orders, Some(authorization)).await;
            assert_eq!((status, body), (200, json!(user)), "{service}");
        }
        for (authorization, code, challenge) in [
            (None, "not_authenticated", "Bearer"),
            (Some(basic.as_str()), "not_authenticated", "Bearer"),
            (Some("Bearer "), "not_authenticated", "Bearer"),
            (
                Some("Bearer x"),
                "token_invalid",
                "Bearer error=\"invalid_token\"",
            ),
            (
                Some(late.as_str()),
                "token_expired",
                "Bearer error=\"invalid_token\"",
            ),
        ] {
            let (status, body, headers) = answer(&orders, authorization).await;
            assert_eq!(
                (status, &body["error_code"]),
                (401, &json!(code)),
                "{service}"
            );
            assert_eq!(headers["www-authenticate"], challenge);
            assert!(body["request_id"].is_string() && body["message"].is_string());
            assert!(!body.to_string().contains("eyJ"), "{body}");
        }
    }
    server.close().await.unwrap();
}

#[tokio::test]
async fn nobody_is_told_to_come_back_before_bp_auth_wants_it() {
    let auth = TestAuth::start().await;
    let online = auth.verifier_builder().online(Duration::ZERO);
    let (services, server) = services(&online.build().unwrap()).await;
    let date = (auth.now() + Duration::from_secs(60)).format("%a, %d %b %Y %H:%M:%S GMT");
    auth.server()
        .mock_async(|when, then| {
            when.method("GET").path("/api/auth/me");
            then.status(503).header("retry-after", date.to_string());
        })
        .await;
    // 59.5 seconds are left, and the header knows whole ones only.
    auth.advance(Duration::from_millis(500));
    let bearer = format!("Bearer {}", auth.token().sign());
    for service in &services {
        let (status, _, headers) = answer(&format!("{service}/orders"), Some(&bearer)).await;
        assert_eq!(
            (status, &headers["retry-after"]),
            (503, &"60".parse().unwrap())
        );
    }
    server.close().await.unwrap();
}

#[tokio::test]
async fn a_feature_is_asked_for_with_the_callers_own_token_and_missing_it_is_403() {
    let auth = TestAuth::start().await;
    let verifier = auth.verifier();
    let (services, server) = services(&verifier).await;
    let bearer = format!("Bearer {}", auth.token().sign());
    for (has_it, status) in [(false, 403), (true, 200)] {
        auth.entitles(&entitlements(has_it)).await;
        for service in &services {
            let (answered, body, headers) =
                answer(&format!("{service}/export"), Some(&bearer)).await;
            assert_eq!(answered, status, "{service}: {body}");
            if !has_it {
                assert_eq!(body["error_code"], "not_entitled");
                assert!(body["message"].as_str().unwrap().contains("audit_export"));
                assert_eq!(
                    headers["www-authenticate"],
                    "Bearer error=\"insufficient_scope\""
                );
            }
        }
    }
    auth.revokes_sessions().await;
    for service in &services {
        let (status, body, _) = answer(&format!("{service}/export"), Some(&bearer)).await;
        assert_eq!(
            (status, &body["error_code"]),
            (401, &json!("session_revoked"))
        );
    }
    // Whoever cannot ask knows nothing: neither 401 nor 403.
    auth.go_down().await;
    for service in &services {
        let (status, body, headers) = answer(&format!("{service}/export"), Some(&bearer)).await;
        assert_eq!((status, &body["error_code"]), (503, &json!("overloaded")));
        assert_eq!(headers["retry-after"], "2");
        assert!(!headers.contains_key("www-authenticate"));
    }
    server.close().await.unwrap();
}
