//! The access envelope: from the database at the time of the call, and nowhere else.

use std::time::Duration;

use bp_auth_client::Secret;
use bp_auth_client::types::TokenResponse;
use bp_auth_server::app::entitlements::PlanStatus;
use bp_auth_server::app::operator::{PlanChange, TenantState};
use serde_json::{Value, json};

use crate::support::TestServer;
use crate::support::http::send;

const PATH: &str = "/api/auth/me/entitlements";

impl TestServer {
    async fn envelope(&self, token: &Secret) -> Value {
        let answer = send(self.http().get(PATH).bearer_auth(token.expose())).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    }

    /// An override of the tenant's or of the user's, as a product would write it.
    pub async fn grant(&self, of: &str, kind: &str, key: &str, value: Option<&str>) {
        let value = value.map_or("NULL".to_owned(), |value| format!("'{value}'"));
        let (tenant, user) = match of {
            "tenant" => ("id", "NULL"),
            _ => (
                "NULL",
                "(SELECT id FROM users WHERE users.tenant_id = tenants.id)",
            ),
        };
        let id = self.db.new_id();
        self.db
            .execute(&format!(
                "INSERT INTO entitlement_overrides \
                 SELECT {id}, {tenant}, {user}, '{kind}', '{key}', {value}, 0 FROM tenants"
            ))
            .await;
    }
}

#[tokio::test]
async fn a_new_user_has_the_free_plan() {
    let server = TestServer::start().await;
    let user = server.register("ada@example.com").await;
    let tokens = server.login("ada@example.com").await;
    let envelope = server.envelope(&tokens.access_token).await;
    assert_eq!(envelope["user_id"], json!(user.id));
    assert_eq!(envelope["tenant_id"], json!(user.tenant.id));
    let plan = json!({ "key": "free", "name": "Free", "status": "active", "source": "default" });
    assert_eq!(envelope["plan"], plan);
    assert_eq!(envelope["roles"], json!(["owner"]));
    let scopes = json!([
        "profile:read",
        "profile:write",
        "entitlements:read",
        "api_key:manage",
        "mfa:manage"
    ]);
    assert_eq!(envelope["scopes"], scopes);
    let features = json!({
        "api_access": true, "mfa": true, "sso": false, "audit_export": false,
        "custom_roles": false,
    });
    assert_eq!(envelope["features"], features);
    let limit = |limit: u64, used: u64, unit: &str| json!({ "limit": limit, "used": used, "unit": unit, "period": "none" });
    let limits = &envelope["limits"];
    assert_eq!(limits["seats"], limit(1, 1, "seat"));
    assert_eq!(limits["api_keys"], limit(1, 0, "count"));
    assert_eq!(limits["trusted_devices"], limit(20, 0, "count"));
    let requests = &limits["api_requests"];
    assert_eq!(requests["limit"], 1000);
    assert_eq!(requests["unit"], "request");
    assert_eq!(requests["period"], "day");
    assert_eq!(requests["resets_at"], "2026-01-02T00:00:00Z");
    assert_eq!(envelope["restrictions"], json!([]));
    let credential = json!({ "kind": "access_token", "mfa_satisfied": false });
    assert_eq!(envelope["credential"], credential);
    assert_eq!(envelope["computed_at"], "2026-01-01T00:00:00Z");
    server.stop_and_check().await;
}

#[tokio::test]
async fn the_envelope_says_which_credential_asked() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let tokens = server.totp_login(&user).await;
    let client = server.bearer(&tokens.access_token);
    let key = client.rotate_api_key().send().await.unwrap().into_inner();

    let cookie = format!("bp_token={}", tokens.access_token.expose());
    let by_cookie = send(server.http().get(PATH).header("cookie", cookie))
        .await
        .json();
    let expected = json!({ "kind": "cookie", "mfa_satisfied": true });
    assert_eq!(by_cookie["credential"], expected);

    let by_key = send(
        server
            .http()
            .get(PATH)
            .header("x-api-key", key.api_key.expose()),
    )
    .await;
    let by_key = by_key.json();
    let expected = json!({ "kind": "api_key", "mfa_satisfied": false });
    assert_eq!(by_key["credential"], expected);
    assert_eq!(
        by_key["scopes"],
        json!(["profile:read", "entitlements:read"])
    );
    assert_eq!(by_key["limits"]["api_keys"]["used"], 1);
    assert_ne!(by_key["version"], by_cookie["version"]);
    server.stop_and_check().await;
}

#[tokio::test]
async fn the_most_specific_override_wins_and_nonsense_changes_nothing() {
    let server = TestServer::start().await;
    let tokens = server.registered("ada@example.com").await;
    let before = server.envelope(&tokens.access_token).await;
    server.grant("tenant", "feature", "sso", Some("true")).await;
    server.grant("tenant", "limit", "seats", Some("5")).await;
    server.grant("tenant", "limit", "api_requests", None).await;
    let tenants = server.envelope(&tokens.access_token).await;
    assert_eq!(tenants["features"]["sso"], true);
    assert_eq!(tenants["limits"]["seats"]["limit"], 5);
    assert_eq!(tenants["limits"]["api_requests"]["limit"], Value::Null);
    assert_ne!(tenants["version"], before["version"]);

    server.grant("user", "feature", "sso", Some("false")).await;
    server.grant("user", "limit", "seats", Some("7")).await;
    server
        .grant("user", "feature", "mfa", Some("perhaps"))
        .await;
    server.grant("user", "limit", "api_keys", Some("-1")).await;
    let users = server.envelope(&tokens.access_token).await;
    assert_eq!(users["features"]["sso"], false);
    assert_eq!(users["limits"]["seats"]["limit"], 7);
    assert_eq!(users["features"]["mfa"], true);
    assert_eq!(users["limits"]["api_keys"]["limit"], 1);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_change_shows_in_the_next_answer_to_an_old_token() {
    let server = TestServer::start().await;
    let tokens = server.registered("ada@example.com").await;
    let before = server.envelope(&tokens.access_token).await;
    server.advance(Duration::from_secs(1));
    let same = server.envelope(&tokens.access_token).await;
    assert_eq!(
        same["version"], before["version"],
        "time alone is no change"
    );

    let change = PlanChange {
        plan: "free".to_owned(),
        status: PlanStatus::PastDue,
        period_end: None,
    };
    let operator = server.operator();
    let set = server
        .app()
        .operator_plan_set("ada@example.com", &change, &operator);
    assert!(set.await.unwrap());
    let after = server.envelope(&tokens.access_token).await;
    assert_eq!(after["plan"]["status"], "past_due");
    assert_eq!(after["plan"]["source"], "manual");
    assert_eq!(after["restrictions"], json!(["payment_past_due"]));
    assert_ne!(after["version"], before["version"]);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_plan_that_nobody_knows_is_free() {
    let server = TestServer::start().await;
    let tokens = server.registered("ada@example.com").await;
    let free = server.envelope(&tokens.access_token).await;
    server
        .db
        .execute("UPDATE tenants SET plan = 'unheard-of'")
        .await;
    let unknown = server.envelope(&tokens.access_token).await;
    assert_eq!(unknown["plan"]["key"], "free");
    for same in ["features", "limits"] {
        assert_eq!(unknown[same], free[same]);
    }
    server.stop_and_check().await;
}

#[tokio::test]
async fn an_unverified_phone_and_a_missing_factor_are_restrictions() {
    let server = TestServer::start().await;
    let tokens = server.registered("ada@example.com").await;
    server
        .db
        .execute("UPDATE users SET phone = '+4915112345678'")
        .await;
    server
        .grant("tenant", "feature", "mfa_required", Some("true"))
        .await;
    let envelope = server.envelope(&tokens.access_token).await;
    let both = json!(["phone_unverified", "mfa_enrollment_required"]);
    assert_eq!(envelope["restrictions"], both);
    server
        .db
        .execute("UPDATE users SET phone_verified_at = 1")
        .await;
    let envelope = server.envelope(&tokens.access_token).await;
    assert_eq!(envelope["restrictions"], json!(["mfa_enrollment_required"]));
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_deactivated_tenant_has_an_empty_envelope() {
    let server = TestServer::start().await;
    let tokens: TokenResponse = server.registered("ada@example.com").await;
    server.grant("user", "feature", "sso", Some("true")).await;
    let state = async |state| {
        let (app, operator) = (server.app(), server.operator());
        app.operator_tenant_state("ada@example.com", state, &operator)
            .await
            .unwrap()
    };
    assert!(state(TenantState::Deactivated).await);
    let envelope = server.envelope(&tokens.access_token).await;
    assert_eq!(envelope["scopes"], json!([]));
    assert_eq!(envelope["features"], json!({}));
    assert_eq!(envelope["limits"], json!({}));
    assert_eq!(envelope["restrictions"], json!(["read_only"]));
    assert!(state(TenantState::Active).await);
    let envelope = server.envelope(&tokens.access_token).await;
    assert_eq!(envelope["features"]["sso"], true);
    assert_eq!(envelope["restrictions"], json!([]));
    server.stop_and_check().await;
}
