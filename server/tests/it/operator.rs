//! What operators type, as processes, and what a server that shares the database makes of it.

use serde_json::json;

use crate::support::PASSWORD;
use crate::support::http::{Answer, send};
use crate::support::postgres;
use crate::support::process::{Bench, Serving, operator, text};

const ADA: &str = "ada@example.com";

fn create(bench: &Bench, email: &str) {
    let output = bench.run_with(&["user", "create", email], &format!("{PASSWORD}\n"));
    assert!(output.status.success(), "{output:?}");
    assert!(text(&output.stdout).contains(email));
}

/// A running server with one user, created by an operator.
async fn bench() -> (Bench, Serving) {
    let bench = Bench::new();
    let serving = bench.serve();
    create(&bench, ADA);
    (bench, serving)
}

async fn login(serving: &Serving) -> Answer {
    send(serving.http().login(ADA)).await
}

async fn token(serving: &Serving) -> String {
    let answer = login(serving).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.text("access_token")
}

async fn me(serving: &Serving, token: &str) -> Answer {
    send(serving.http().me(token)).await
}

#[tokio::test]
async fn users_are_created_shown_and_listed() {
    let (bench, serving) = bench().await;
    token(&serving).await;
    let shown = bench.done(&["user", "show", "ADA@example.com"]);
    for words in [
        ADA,
        "active",
        "role: owner",
        "plan: free",
        "live sessions: 1",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    assert!(!shown.contains("argon2"));
    create(&bench, "bob@example.com");
    let list = bench.done(&["user", "list"]);
    assert!(
        list.contains(ADA) && list.contains("bob@example.com"),
        "{list}"
    );
    assert_eq!(
        bench
            .done(&["user", "list", "--limit", "1"])
            .lines()
            .count(),
        1
    );

    assert!(
        bench
            .fails(&["user", "show", "eve@example.com"])
            .contains("no such user")
    );
    let taken = bench.run_with(&["user", "create", ADA], PASSWORD);
    assert!(!taken.status.success() && text(&taken.stderr).contains("has an account"));
    let weak = bench.run_with(&["user", "create", "eve@example.com"], "password1");
    assert!(!weak.status.success() && text(&weak.stderr).contains("too weak"));
    let db = bench.db().await;
    assert_eq!(db.count("users").await, 2);
    assert_eq!(db.count("tenants").await, 2);
    bench.done(&["check"]);
}

#[tokio::test]
async fn a_deactivated_or_suspended_user_is_out_at_once_until_activated() {
    let (bench, serving) = bench().await;
    for (command, code) in [
        ("deactivate", "account_deactivated"),
        ("suspend", "account_suspended"),
    ] {
        let token = token(&serving).await;
        assert_eq!(me(&serving, &token).await.status, 200);
        assert_eq!(
            bench.changes(&["user", command, ADA, "--reason", "asked"]),
            "changed\n"
        );
        let ended = me(&serving, &token).await;
        assert_eq!(ended.refusal(), (401, "session_revoked".to_owned()));
        let refused = login(&serving).await;
        assert_eq!(refused.refusal(), (403, code.to_owned()));
        assert_eq!(bench.changes(&["user", command, ADA]), "unchanged\n");
        assert_eq!(bench.changes(&["user", "activate", ADA]), "changed\n");
        // Activation gives no ended session back.
        assert_eq!(me(&serving, &token).await.status, 401);
        assert_eq!(login(&serving).await.status, 200);
    }
    let db = bench.db().await;
    for event in ["user.deactivated", "user.suspended"] {
        assert_eq!(db.audited(event).await, 1, "{event}");
    }
    let details =
        db.texts("SELECT actor || detail FROM audit_events WHERE event = 'user.suspended'");
    let detail = details.await.concat();
    assert!(
        detail.starts_with(&operator()) && detail.contains("asked"),
        "{detail}"
    );
    bench.done(&["check"]);
}

#[tokio::test]
async fn revoked_sessions_end_and_the_user_may_log_in_again() {
    let (bench, serving) = bench().await;
    let (one, two) = (token(&serving).await, token(&serving).await);
    assert_eq!(
        bench.changes(&["sessions", "revoke", ADA]),
        "2 sessions ended\n"
    );
    for token in [one, two] {
        assert_eq!(me(&serving, &token).await.status, 401);
    }
    assert_eq!(login(&serving).await.status, 200);
    assert!(
        bench
            .fails(&["sessions", "revoke", "eve@example.com"])
            .contains("no such user")
    );
}

#[tokio::test]
async fn after_an_incident_nobody_is_logged_in_and_no_key_works() {
    let (bench, serving) = bench().await;
    create(&bench, "eve@example.com");
    let http = serving.http();
    let rotate = http.post("/api/auth/api-key/rotate");
    let rotate = rotate.bearer_auth(token(&serving).await);
    let key = send(rotate).await.text("api_key");
    let by_key = async || {
        let me = http.get("/api/auth/me").header("x-api-key", &key);
        send(me).await.status
    };
    assert_eq!(by_key().await, 200);
    assert_eq!(bench.changes(&["user", "revoke-key", ADA]), "changed\n");
    assert_eq!(bench.changes(&["user", "revoke-key", ADA]), "unchanged\n");
    assert_eq!(by_key().await, 401);

    let rotate = http.post("/api/auth/api-key/rotate");
    let rotate = rotate.bearer_auth(token(&serving).await);
    let key = send(rotate).await.text("api_key");
    let last = token(&serving).await;
    assert_eq!(
        bench.changes(&["sessions", "revoke", "--all"]),
        "3 sessions ended\n"
    );
    assert_eq!(me(&serving, &last).await.status, 401);
    let by_key = http.get("/api/auth/me").header("x-api-key", &key);
    assert_eq!(send(by_key).await.status, 401);
    assert_eq!(login(&serving).await.status, 200);
    let db = bench.db().await;
    assert_eq!(
        db.number("SELECT count(*) FROM users WHERE epoch = 1")
            .await,
        2
    );
    for event in ["api_key.revoked", "sessions.revoked_everywhere"] {
        assert_eq!(db.audited(event).await, 1, "{event}");
    }
    bench.done(&["check"]);
}

#[tokio::test]
async fn a_reset_of_mfa_lets_the_password_alone_log_in_and_tells_the_user() {
    let (bench, serving) = bench().await;
    assert_eq!(bench.changes(&["user", "reset-mfa", ADA]), "unchanged\n");
    let old = token(&serving).await;
    let setup = serving
        .http()
        .post("/api/auth/mfa/totp/setup")
        .bearer_auth(&old);
    let secret = send(setup).await.text("secret");
    let secret = totp_rs::Secret::try_from_base32(&secret).unwrap();
    let totp = totp_rs::Builder::new()
        .with_algorithm(totp_rs::Algorithm::SHA1)
        .with_secret(secret);
    let code = totp.build().unwrap().generate_current().to_string();
    let verify = serving
        .http()
        .post("/api/auth/mfa/totp/verify")
        .bearer_auth(&old);
    let verify = verify.json(&json!({ "code": code }));
    assert_eq!(send(verify).await.status, 200);
    assert_eq!(login(&serving).await.json()["mfa_required"], true);
    assert!(
        bench
            .done(&["user", "show", ADA])
            .contains("second factors: totp")
    );

    assert_eq!(
        bench.changes(&["user", "reset-mfa", ADA, "--reason", "lost phone"]),
        "changed\n"
    );
    assert_eq!(me(&serving, &old).await.status, 401);
    assert_eq!(login(&serving).await.json()["mfa_required"], false);
    let db = bench.db().await;
    assert_eq!(
        db.count("mfa_methods").await + db.count("backup_codes").await,
        0
    );
    assert_eq!(
        db.number("SELECT count(*) FROM outbox WHERE template LIKE '%reset%'")
            .await,
        1
    );
    bench.done(&["check"]);
}

#[tokio::test]
async fn plans_and_tenants_change_what_a_running_server_grants() {
    let bench = Bench::new();
    let pro = "[plans.pro]\nname = \"Pro\"\n";
    bench.write("plans.toml", pro);
    let serving = bench.serve();
    create(&bench, ADA);
    let token = token(&serving).await;
    let http = serving.http();
    let envelope = || send(http.get("/api/auth/me/entitlements").bearer_auth(&token));
    assert_eq!(envelope().await.json()["plan"]["key"], "free");
    assert_eq!(bench.changes(&["plan", "set", ADA, "pro"]), "changed\n");
    let body = envelope().await.json();
    assert_eq!(
        (&body["plan"]["key"], &body["plan"]["source"]),
        (&json!("pro"), &json!("manual"))
    );
    assert_eq!(
        bench.changes(&["user", "set-plan", ADA, "free"]),
        "changed\n"
    );
    assert_eq!(envelope().await.json()["plan"]["key"], "free");
    let unknown = bench.fails(&["plan", "set", ADA, "gold"]);
    assert!(
        unknown.contains("gold") && unknown.contains("pro"),
        "{unknown}"
    );
    assert_eq!(bench.changes(&["tenant", "deactivate", ADA]), "changed\n");
    let restricted = envelope().await;
    assert_eq!(restricted.status, 200);
    let body = restricted.json();
    assert_eq!(body["restrictions"], json!(["read_only"]));
    assert_eq!(body["features"], json!({}));
    assert_eq!(bench.changes(&["tenant", "activate", ADA]), "changed\n");
    assert_eq!(envelope().await.json()["features"]["api_access"], true);
    // A tenant has two names: its owner's address, and its id.
    let tenant = envelope().await.text("tenant_id");
    assert_eq!(bench.changes(&["plan", "set", &tenant, "pro"]), "changed\n");
    assert_eq!(
        bench.changes(&["tenant", "deactivate", &tenant]),
        "changed\n"
    );
    bench.done(&["check"]);
}

#[test]
fn production_demands_a_reason_for_each_change() {
    let mut bench = Bench::new();
    bench.done(&["migrate"]);
    create(&bench, ADA);
    bench.unset("BP_AUTH_HASH__PROFILE");
    bench.write(
        "bp-auth.toml",
        "mode = \"production\"\nserver.public_url = \"https://auth.example.com\"\n\
         delivery.acknowledge_file = true\nsms.allowed_countries = [\"DE\"]\n\
         security.hsts_max_age = \"365d\"\n",
    );
    bench.write("plans.toml", "[plans.pro]\nname = \"Pro\"\n");
    let changes: [&[&str]; 13] = [
        &["user", "deactivate", ADA],
        &["user", "activate", ADA],
        &["user", "suspend", ADA],
        &["user", "reset-mfa", ADA],
        &["user", "set-plan", ADA, "free"],
        &["tenant", "deactivate", ADA],
        &["plan", "set", ADA, "free"],
        &["sessions", "revoke", ADA],
        &["sessions", "revoke", "--all"],
        &["user", "revoke-key", ADA],
        &["keys", "rotate"],
        &["plan", "publish"],
        &["plan", "unpublish"],
    ];
    let keys = std::fs::read_to_string(bench.path("data/keys.json")).unwrap();
    for change in changes {
        assert!(bench.fails(change).contains("--reason"), "{change:?}");
        assert!(
            bench
                .fails(&[change, &["--reason", " "]].concat())
                .contains("--reason")
        );
    }
    assert!(bench.done(&["user", "show", ADA]).contains("active"));
    assert_eq!(
        std::fs::read_to_string(bench.path("data/keys.json")).unwrap(),
        keys
    );
    for change in changes {
        bench.done(&[change, &["--reason", "ticket 7"]].concat());
    }
    let tail = bench.done(&["audit", "tail", "-n", "50"]);
    for event in [
        "user.deactivated",
        "user.activated",
        "user.suspended",
        "sessions.revoked",
        "keys.rotated",
        "plans.published",
        "plans.unpublished",
    ] {
        let line = tail.lines().find(|line| line.contains(event));
        assert!(
            line.is_some_and(|line| line.contains("ticket 7")),
            "{event}: {tail}"
        );
    }
    assert_eq!(bench.done(&["audit", "tail", "-n", "2"]).lines().count(), 2);
}

#[tokio::test]
async fn the_audit_log_cannot_steer_a_terminal() {
    let (bench, _serving) = bench().await;
    let reason = "said \u{9b}2J and \u{202e}so on";
    bench.done(&["user", "suspend", ADA, "--reason", reason]);
    let tail = bench.done(&["audit", "tail"]);
    assert!(tail.contains(r"said \u{9b}2J and \u{202e}so on"), "{tail}");
    assert!(!tail.contains(['\u{9b}', '\u{202e}']), "{tail}");
}

#[tokio::test]
async fn migrations_are_checked_before_anything_touches_the_database() {
    let bench = Bench::empty(postgres::kind());
    assert!(bench.fails(&["migrate", "--check"]).contains("pending: "));
    assert!(bench.fails(&["user", "list"]).contains("bp-auth migrate"));
    assert!(bench.done(&["migrate"]).contains("applied: "));
    assert_eq!(bench.done(&["migrate", "--check"]), "");
    assert_eq!(bench.changes(&["migrate"]), "");
    assert_eq!(bench.done(&["user", "list"]), "");
    assert_eq!(bench.done(&["check"]), "all invariants hold\n");
}

#[tokio::test]
async fn check_names_the_invariant_that_does_not_hold() {
    let bench = Bench::new();
    bench.done(&["migrate"]);
    create(&bench, ADA);
    let db = bench.db().await;
    db.execute_unchecked("DELETE FROM users").await;
    assert!(bench.fails(&["check"]).contains("tenant_has_one_owner"));
}
