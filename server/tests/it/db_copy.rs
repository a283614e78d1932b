//! `bp-auth db copy`: everything moves to PostgreSQL, and people notice nothing.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::db::Db;
use crate::support::http::{Answer, Http, send};
use crate::support::postgres::{Database, Kind, empty_database};
use crate::support::process::{Bench, Serving};

const EMAIL: &str = "ada@example.com";
/// More than a few batches.
const MANY: usize = 60_000;

/// A directory with an SQLite database, and an empty PostgreSQL database; `None` where there is none.
fn scene(kind: Kind) -> Option<(Bench, Database)> {
    let target = empty_database(kind)?;
    let mut bench = Bench::on(Kind::Sqlite);
    bench.set("BP_AUTH_TOKENS__ISSUER", "https://auth.example.com");
    Some((bench, target))
}

fn arguments<'a>(target: &'a Database, more: &[&'a str]) -> Vec<&'a str> {
    let copy = ["db", "copy", "--from", "sqlite://data/bp-auth.db", "--to"];
    [&copy[..], &[&target.url], more].concat()
}

async fn ok(request: reqwest::RequestBuilder) -> Value {
    let answer = send(request).await;
    assert!(answer.status < 300, "{answer:?}");
    answer.json()
}

fn text(json: &Value, key: &str) -> String {
    json[key].as_str().expect(key).to_owned()
}

/// Somebody with a second factor, a trusted device, an API key and a session that has been refreshed once.
struct Ada {
    totp_secret: String,
    backup_code: String,
    device: String,
    api_key: String,
    old_refresh: String,
    refresh: String,
}

/// A login by a backup code, on a device that is to be trusted.
async fn remember(http: &Http, backup_code: &str) -> Answer {
    let pending = ok(http.login(EMAIL)).await;
    let challenge = json!({
        "mfa_token": pending["mfa_token"], "method": "backup_codes",
        "code": backup_code, "remember_device": true,
    });
    let answer = send(http.post_json("/api/auth/mfa/challenge", &challenge)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer
}

/// The code of now, or of a later step: each is good once.
fn code(secret: &str, steps: u64) -> String {
    let secret = totp_rs::Secret::try_from_base32(secret).unwrap();
    let totp = totp_rs::Builder::new()
        .with_algorithm(totp_rs::Algorithm::SHA1)
        .with_secret(secret);
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    totp.build().unwrap().generate(now + 30 * steps).to_string()
}

async fn ada(serving: &Serving) -> Ada {
    let http = serving.http();
    ok(http.register(EMAIL)).await;
    let tokens = ok(http.login(EMAIL)).await;
    let access = text(&tokens, "access_token");
    let post = |path: &str| http.post(path).bearer_auth(&access);
    let secret = text(&ok(post("/api/auth/mfa/totp/setup")).await, "secret");
    let verify = post("/api/auth/mfa/totp/verify").json(&json!({ "code": code(&secret, 0) }));
    let enrolled = ok(verify).await;
    let backup_code = |n: usize| enrolled["backup_codes"][n].as_str().unwrap().to_owned();
    let remember = remember(&http, &backup_code(1)).await;
    let device = remember.cookie("bp_trusted_device").unwrap();
    let key = ok(post("/api/auth/api-key/rotate")).await;
    let old_refresh = text(&tokens, "refresh_token");
    let refreshed = ok(http.refresh(&old_refresh)).await;
    Ada {
        totp_secret: secret,
        backup_code: backup_code(0),
        device,
        api_key: text(&key, "api_key"),
        old_refresh,
        refresh: text(&refreshed, "refresh_token"),
    }
}

#[tokio::test]
async fn people_go_on_where_they_were() {
    for kind in [Kind::Postgres, Kind::Serializable] {
        let Some((mut bench, target)) = scene(kind) else {
            return;
        };
        let serving = bench.serve();
        let ada = ada(&serving).await;
        let source = bench.db().await;
        // A mail that nobody has sent yet.
        source.hold_messages().await;
        ok(serving.http().register("bob@example.com")).await;
        source.mend("outbox").await;
        assert!(serving.terminate().status.success());
        // Devices after the one there is have been forgotten; their ids must not come back.
        source
            .execute("UPDATE sqlite_sequence SET seq = 41 WHERE name = 'trusted_devices'")
            .await;
        let said = bench.done(&arguments(&target, &[]));
        assert!(said.contains("all equal"), "{said}");
        assert!(!said.contains("DIFFERS"), "{said}");
        // No table is forgotten.
        let db = Db::open_url(target.url.clone()).await;
        let tables = db
            .texts("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'")
            .await;
        let tables: BTreeSet<&str> = tables.iter().map(String::as_str).collect();
        let mut copied: BTreeSet<&str> = said
            .lines()
            .filter(|line| line.ends_with(" equal") && !line.contains("copied"))
            .filter_map(|line| line.split_whitespace().next())
            .collect();
        copied.insert("seaql_migrations");
        assert_eq!(copied, tables);
        assert_eq!(db.audited("database.copied").await, 1);

        bench.set("BP_AUTH_DATABASE__URL", &target.url);
        assert!(bench.done(&["check"]).contains("all invariants hold"));
        let serving = bench.serve();
        let http = serving.http();
        let me = http.get("/api/auth/me").header("X-API-Key", &ada.api_key);
        assert_eq!(ok(me).await["email"], EMAIL);
        let by_device = http.login(EMAIL).header("X-Trusted-Device", &ada.device);
        assert_eq!(ok(by_device).await["trusted_device_id"], 1);
        let pending = ok(http.login(EMAIL)).await;
        assert_eq!(pending["mfa_required"], true);
        let mfa_token = text(&pending, "mfa_token");
        ok(http.challenge(&mfa_token, &code(&ada.totp_secret, 1))).await;
        let another = remember(&http, &ada.backup_code).await;
        assert_eq!(another.json()["trusted_device_id"], 42);
        // The code is used, and the family knows which of its tokens was.
        let pending = ok(http.login(EMAIL)).await;
        let challenge = http.challenge(&text(&pending, "mfa_token"), &ada.backup_code);
        assert_eq!(send(challenge).await.verdict(), "401 code_invalid");
        ok(http.refresh(&ada.refresh)).await;
        let reused = send(http.refresh(&ada.old_refresh)).await;
        assert_eq!(reused.verdict(), "401 token_reused");
        let waits = "SELECT count(*) FROM outbox WHERE state = 'pending' \
                     AND recipient = 'bob@example.com'";
        assert_eq!(db.number(waits).await, 1);
        // Nobody else changes rows of the outbox then.
        let pending = "SELECT count(*) FROM outbox WHERE state = 'pending'";
        while db.number(pending).await > 1 {
            tokio::task::yield_now().await;
        }
        db.execute("UPDATE outbox SET next_attempt_at = 0 WHERE state = 'pending'")
            .await;
        // Another mail wakes who sends.
        ok(http.register("carol@example.com")).await;
        while db.number(waits).await > 0 {
            tokio::task::yield_now().await;
        }
        assert!(serving.terminate().status.success());
    }
}

#[tokio::test]
async fn a_copy_that_is_killed_goes_on_and_what_was_changed_meanwhile_is_found() {
    let Some((bench, target)) = scene(Kind::Postgres) else {
        return;
    };
    bench.done(&["migrate"]);
    let rows = format!(
        "INSERT INTO password_failures (account, network, failures, blocked_until, updated_at) \
         WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {MANY}) \
         SELECT 'account ' || n, '127.0.0.1', n % 7, n, 5 FROM n"
    );
    bench.db().await.execute(&rows).await;
    let mut copy = bench
        .command(&arguments(&target, &[]))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(copy.stderr.take().unwrap()).lines();
    let far_enough = lines.any(|line| line.unwrap().starts_with("password_failures: 20000"));
    assert!(far_enough, "it tells of its rows");
    copy.kill().unwrap();
    copy.wait().unwrap();
    let db = Db::open_url(target.url.clone()).await;
    // The server may not have noticed yet that nobody is there any more.
    let locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = \
                 (SELECT oid FROM pg_database WHERE datname = current_database())";
    while db.number(locks).await > 0 {
        tokio::task::yield_now().await;
    }
    let there = db.count("password_failures").await;
    assert!((20_000..MANY as i64).contains(&there), "{there} rows");
    // Whoever wrote to it now could lose that.
    let mut early = Bench::on(Kind::Sqlite);
    early.set("BP_AUTH_DATABASE__URL", &target.url);
    for command in [
        &["serve", "--bind", "127.0.0.1:0"][..],
        &["check"],
        &["user", "list"],
    ] {
        let said = early.fails(command);
        assert!(said.contains("has not finished"), "{said}");
    }
    assert_eq!(db.count("users").await, 0);
    // Nobody else's copy continues it.
    let other = Bench::on(Kind::Sqlite);
    other.done(&["migrate"]);
    let said = other.fails(&arguments(&target, &[]));
    assert!(said.contains("another file"), "{said}");
    assert_eq!(db.count("password_failures").await, there);

    db.execute("UPDATE password_failures SET failures = 99 WHERE account = 'account 1'")
        .await;
    let said = bench.fails(&arguments(&target, &[]));
    assert!(said.contains("password_failures differs"), "{said}");
    assert_eq!(db.count("password_failures").await, MANY as i64);
    assert_eq!(db.audited("database.copied").await, 0);
    let said = bench.done(&arguments(&target, &["--restart"]));
    assert!(said.contains("all equal"), "{said}");
    let wrong = "SELECT count(*) FROM password_failures WHERE failures = 99";
    assert_eq!(db.number(wrong).await, 0);
    assert_eq!(db.count("password_failures").await, MANY as i64);
}

#[tokio::test]
async fn a_target_of_an_older_schema_that_is_refused_keeps_that_schema() {
    let Some((bench, target)) = scene(Kind::Postgres) else {
        return;
    };
    bench.done(&["migrate"]);
    let db = Db::open_url(target.url.clone()).await;
    // As far as an older version would have made it.
    db.execute("CREATE TABLE tenants (id UUID NOT NULL PRIMARY KEY)")
        .await;
    db.execute("INSERT INTO tenants VALUES (gen_random_uuid())")
        .await;
    let said = bench.fails(&arguments(&target, &[]));
    assert!(said.contains("not empty: tenants has 1 rows"), "{said}");
    let tables = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(db.texts(tables).await, ["tenants"]);
}

#[tokio::test]
async fn a_target_that_holds_something_is_refused_and_left_alone() {
    let Some((mut bench, target)) = scene(Kind::Postgres) else {
        return;
    };
    bench.done(&["migrate"]);
    bench.set("BP_AUTH_DATABASE__URL", &target.url);
    let serving = bench.serve();
    ok(serving.http().register("bob@example.com")).await;
    assert!(serving.terminate().status.success());
    for more in [&[][..], &["--restart"]] {
        let said = bench.fails(&arguments(&target, more));
        assert!(said.contains("not empty: tenants has 1 rows"), "{said}");
    }
    let db = Db::open_url(target.url.clone()).await;
    assert_eq!(db.count("users").await, 1);
    // And a password in an address is repeated to nobody.
    let said = bench.fails(&[
        "db",
        "copy",
        "--from",
        "sqlite://data/bp-auth.db",
        "--to",
        "mysql://u:hunter2@h/db",
    ]);
    assert!(!said.contains("hunter2"), "{said}");
}

#[tokio::test]
async fn what_cannot_be_moved_is_named_before_anything_is() {
    let Some((bench, target)) = scene(Kind::Postgres) else {
        return;
    };
    let db = Db::open_url(target.url.clone()).await;
    let refused = |bench: &Bench, words: &str| {
        let said = bench.fails(&arguments(&target, &[]));
        assert!(said.contains(words), "{said}");
    };
    for (change, word) in [
        ("CREATE TABLE notes (id INTEGER)", "`notes`"),
        (
            "ALTER TABLE users ADD COLUMN shoe_size INTEGER",
            "users.shoe_size",
        ),
    ] {
        let other = Bench::on(Kind::Sqlite);
        other.done(&["migrate"]);
        other.db().await.execute(change).await;
        refused(&other, word);
    }
    let unfinished = "SELECT count(*) FROM pg_tables WHERE tablename = 'db_copy_progress'";
    assert_eq!(db.number(unfinished).await, 0);

    // PostgreSQL cannot hold it, and the batch it is in is not begun.
    bench.done(&["migrate"]);
    let source = bench.db().await;
    source
        .execute(
            "INSERT INTO password_failures (account, network, failures, blocked_until, updated_at) \
             VALUES ('a', '::1', 1, 0, 0), ('b' || char(0), '::1', 1, 0, 0)",
        )
        .await;
    refused(
        &bench,
        "password_failures holds a text with a NUL character",
    );
    assert_eq!(db.count("password_failures").await, 0);
    source
        .execute("DELETE FROM password_failures WHERE account <> 'a'")
        .await;
    // The same command goes on.
    let said = bench.done(&arguments(&target, &[]));
    assert!(said.contains("all equal"), "{said}");
    assert_eq!(db.count("password_failures").await, 1);
    let known =
        "SELECT CAST(reltuples AS BIGINT) FROM pg_class WHERE relname = 'password_failures'";
    assert_eq!(db.number(known).await, 1, "its planner knows what is there");
}

#[tokio::test]
async fn a_database_that_was_moved_is_read_but_neither_served_nor_changed_until_it_is_reopened() {
    let Some((mut bench, target)) = scene(Kind::Postgres) else {
        return;
    };
    let name = target.name.as_str();
    let says_where = |said: &str| {
        let (_, to) = said
            .split_once("was moved to postgres://")
            .unwrap_or_default();
        to.contains(name) && to.contains(" on 20") && !said.contains('@')
    };
    // A server that somebody has forgotten to stop.
    let forgotten = bench.serve();
    ok(forgotten.http().register(EMAIL)).await;
    let said = bench.done(&arguments(&target, &["--reason", "growth"]));
    assert!(said.contains("is marked as moved"), "{said}");
    assert!(
        said.contains("database: postgres://") && said.contains(name),
        "{said}"
    );
    let ready = send(forgotten.http().get("/readyz")).await;
    assert_eq!(ready.status, 503, "{ready:?}");
    let late = send(forgotten.http().register("late@example.com")).await;
    assert_eq!(late.status, 503, "{late:?}");
    assert!(forgotten.terminate().status.success());
    let source = bench.db().await;
    let before = source.everything().await;
    for command in [
        &["serve", "--bind", "127.0.0.1:0"][..],
        &["migrate"],
        &["user", "suspend", EMAIL],
        &["keys", "rotate"],
        &["keys", "root", "add"],
        &["keys", "root", "replace-lost"],
        &["sessions", "revoke", "--all"],
    ] {
        let said = bench.fails(command);
        assert!(says_where(&said), "{command:?}: {said}");
        assert!(said.contains("db reopen"), "{said}");
    }
    for command in [&["user", "list"][..], &["check"], &["migrate", "--check"]] {
        let output = bench.run(command);
        assert!(output.status.success(), "{output:?}");
        let notice = String::from_utf8(output.stderr).unwrap();
        assert!(says_where(&notice), "{command:?}: {notice}");
    }
    let said = bench.fails(&arguments(&target, &[]));
    assert!(said.contains("not empty"), "{said}");
    let other = empty_database(Kind::Postgres).unwrap();
    let said = bench.fails(&arguments(&other, &[]));
    assert!(
        said.contains("was moved to postgres://") && said.contains("already"),
        "{said}"
    );
    let made = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(Db::open_url(other.url.clone()).await.number(made).await, 0);
    assert_eq!(source.everything().await, before);
    let there = Db::open_url(target.url.clone()).await;
    assert_eq!(there.count("users").await, 1);
    let state = there.texts("SELECT state FROM users").await;
    assert_eq!(state, ["active"]);

    assert_eq!(
        bench.changes(&["db", "reopen", "--reason", "a mistake"]),
        "changed\n"
    );
    assert_eq!(
        bench.changes(&["db", "reopen", "--reason", "again"]),
        "unchanged\n"
    );
    let details = "SELECT actor || detail FROM audit_events WHERE event = 'database.reopened'";
    let details = source.texts(details).await;
    let [detail] = &details[..] else {
        panic!("one row: {details:?}");
    };
    assert!(
        detail.contains("a mistake") && detail.contains(name),
        "{detail}"
    );
    bench.changes(&["user", "suspend", EMAIL]);
    let again = bench.serve();
    ok(again.http().register("bob@example.com")).await;
    assert!(again.terminate().status.success());
    bench.done(&arguments(&other, &[]));
    // A copy that ends here is a database like any other.
    bench.set("BP_AUTH_DATABASE__URL", &other.url);
    bench.changes(&["user", "activate", EMAIL]);
    assert_eq!(bench.changes(&["db", "reopen"]), "unchanged\n");
}

#[tokio::test]
async fn a_copy_that_is_interrupted_after_the_mark_can_be_ended() {
    let Some((mut bench, target)) = scene(Kind::Postgres) else {
        return;
    };
    let serving = bench.serve();
    ok(serving.http().register(EMAIL)).await;
    assert!(serving.terminate().status.success());
    bench.done(&arguments(&target, &[]));
    // As it is between the two last steps: the source has its mark, the target its note.
    let db = Db::open_url(target.url.clone()).await;
    db.execute(
        "CREATE TABLE db_copy_progress (table_name TEXT NOT NULL PRIMARY KEY, source TEXT NOT NULL, \
         last_key TEXT NOT NULL, rows BIGINT NOT NULL)",
    )
    .await;
    bench.set("BP_AUTH_DATABASE__URL", &target.url);
    let said = bench.fails(&["user", "list"]);
    assert!(said.contains("has not finished"), "{said}");
    bench.unset("BP_AUTH_DATABASE__URL");
    assert!(
        bench
            .fails(&["user", "suspend", EMAIL])
            .contains("was moved")
    );
    let said = bench.done(&arguments(&target, &["--restart"]));
    assert!(said.contains("all equal"), "{said}");
    assert_eq!(db.count("users").await, 1);
    assert!(
        bench
            .fails(&["user", "suspend", EMAIL])
            .contains("was moved")
    );
}
