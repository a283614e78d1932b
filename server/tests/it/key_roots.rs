//! The key that seals all others is replaced while two instances run, each with a data directory of its own.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

use bp_auth_server::keyring::Keyring;
use serde_json::Value;

use crate::keys::{enrolled, granted, kid, kids, second_factor};
use crate::support::TestServer;
use crate::support::db::Db;
use crate::support::http::send;
use crate::support::postgres::Kind;
use crate::support::process::Bench;

const ADA: &str = "ada@example.com";
const BOB: &str = "bob@example.com";
const WHY: [&str; 2] = ["--reason", "it may be known"];

/// Rows that a key seals, by what holds them.
async fn sealed_by(db: &Db, id: &str) -> [i64; 2] {
    let count = async |table, column| {
        let sql = format!("SELECT count(*) FROM {table} WHERE {column} LIKE 'v1.{id}.%'");
        db.number(&sql).await
    };
    [
        count("keys", "sealed").await,
        count("mfa_methods", "secret_sealed").await,
    ]
}

fn roots(data: &Path) -> Vec<String> {
    let keyring = Keyring::load(data).unwrap();
    keyring.sealing.into_iter().map(|key| key.id).collect()
}

fn signing(data: &Path) -> Vec<String> {
    let keyring = Keyring::load(data).unwrap();
    keyring.signing.into_iter().map(|key| key.kid).collect()
}

/// As an operator does, whose copy keeps its mode and never is half a file.
fn copy_keys(from: &Path, to: &Path) {
    let half = to.join("keys.json.new");
    fs::copy(from.join("keys.json"), &half).unwrap();
    fs::rename(half, to.join("keys.json")).unwrap();
}

fn data_directory(bench: &Bench, name: &str) -> std::path::PathBuf {
    let path = bench.path(name);
    fs::DirBuilder::new().mode(0o700).create(&path).unwrap();
    path
}

fn keys_root(bench: &Bench, arguments: &[&str]) -> String {
    bench.done(&[&["keys", "root"], arguments, &WHY].concat())
}

fn refused_root(bench: &Bench, arguments: &[&str]) -> String {
    bench.fails(&[&["keys", "root"], arguments, &WHY].concat())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_root_takes_over_everything_while_instances_run_and_the_old_one_opens_nothing() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let mut bench = Bench::on(kind);
        if kind == Kind::Postgres && !bench.has_database() {
            return;
        }
        bench.set("BP_AUTH_TOKENS__ISSUER", "https://auth.example.com");
        let url = format!("sqlite://{}?mode=rwc", bench.path("shared.db").display());
        if !bench.has_database() {
            bench.set("BP_AUTH_DATABASE__URL", &url);
        }
        let one_data = bench.path("data");
        let one = bench.serve();
        let two_data = data_directory(&bench, "two");
        copy_keys(&one_data, &two_data);
        bench.set("BP_AUTH_DATA_DIR", two_data.to_str().unwrap());
        let two = bench.serve();
        bench.unset("BP_AUTH_DATA_DIR");
        let stolen = data_directory(&bench, "stolen");
        copy_keys(&one_data, &stolen);
        let db = match bench.has_database() {
            true => bench.db().await,
            false => Db::open_url(url.clone()).await,
        };
        let (one_http, two_http) = (one.http(), two.http());
        for email in [ADA, BOB] {
            granted(one_http.register(email)).await;
        }
        let ada = granted(one_http.login(ADA)).await;
        let ada_secret = enrolled(&one_http, &ada.text("access_token")).await;
        let [old] = &roots(&one_data)[..] else {
            panic!("one root at first");
        };
        assert_eq!(sealed_by(&db, old).await, [1, 1]);

        // Added, and used for nothing.
        let said = keys_root(&bench, &["add"]);
        let new = said.split(' ').nth(1).unwrap().to_owned();
        assert_eq!(roots(&one_data), [new.as_str(), old]);
        let mode = fs::metadata(one_data.join("keys.json")).unwrap();
        assert_eq!(mode.permissions().mode() & 0o777, 0o600);
        bench.done(&["keys", "rotate", "--signing", "--reason", "as always"]);
        assert_eq!(sealed_by(&db, &new).await, [0, 0]);
        let bob = granted(two_http.login(BOB)).await;
        let bob_secret = enrolled(&two_http, &bob.text("access_token")).await;
        assert_eq!(sealed_by(&db, old).await, [2, 2]);
        for (id, reason) in [(old, "still opens"), (&"0".repeat(16), "no root")] {
            let refusal = refused_root(&bench, &["remove", id]);
            assert!(refusal.contains(reason), "{refusal}");
        }
        assert_eq!(roots(&one_data).len(), 2);

        // Whoever forgets to copy the file first is told, and is well again when it is there.
        keys_root(&bench, &["use", &new]);
        assert_eq!(sealed_by(&db, old).await, [0, 0]);
        assert_eq!(sealed_by(&db, &new).await, [3, 0]);
        assert_eq!(send(two_http.login(BOB)).await.status, 500);
        assert!(two.log().contains("copy keys.json"), "{}", two.log());
        copy_keys(&one_data, &two_data);
        second_factor(&two_http, BOB, &bob_secret).await;
        second_factor(&one_http, ADA, &ada_secret).await;
        let refreshed = granted(two_http.refresh(&ada.text("refresh_token"))).await;
        granted(one_http.me(&refreshed.text("access_token"))).await;

        keys_root(&bench, &["remove", old]);
        assert_eq!(roots(&one_data), [new.as_str()]);
        assert_ne!(signing(&one_data), signing(&stolen), "as old as the root");
        let refusal = refused_root(&bench, &["remove", &new]);
        assert!(refusal.contains("still opens"), "{refusal}");
        copy_keys(&one_data, &two_data);
        // Instances that have held the old root all the time follow. The signing key that had not signed
        // makes way.
        bench.done(&["keys", "rotate", "--now", "--reason", "as always"]);
        assert_eq!(sealed_by(&db, &new).await, [4, 0]);
        let signer = kids(&two_http).await.pop().unwrap();
        let token = granted(two_http.refresh(&bob.text("refresh_token"))).await;
        assert_eq!(kid(&token.text("access_token")), signer);
        granted(one_http.me(&token.text("access_token"))).await;
        assert!(one.terminate().status.success() && two.terminate().status.success());

        // The database as it is now, and the file as it was.
        bench.set("BP_AUTH_DATA_DIR", stolen.to_str().unwrap());
        let refusal = bench.fails(&["serve", "--bind", "127.0.0.1:0"]);
        assert!(
            refusal.contains(&new) && refusal.contains("keys.json"),
            "{refusal}"
        );
        bench.set("BP_AUTH_DATA_DIR", two_data.to_str().unwrap());
        let again = bench.serve();
        granted(again.http().me(&token.text("access_token"))).await;
        for (event, times) in [("added", 1), ("used", 1), ("removed", 1)] {
            let event = format!("keys.root_{event}");
            assert_eq!(db.audited(&event).await, times, "{event}");
        }
        bench.done(&["check"]);
        assert!(again.terminate().status.success());
    }
}

#[test]
fn a_root_that_seals_but_opens_nothing_yet_is_kept_and_the_refusal_says_why() {
    let bench = Bench::on(Kind::Sqlite);
    assert!(bench.serve().terminate().status.success());
    let said = keys_root(&bench, &["add"]);
    let new = said.split(' ').nth(1).unwrap().to_owned();
    let path = bench.path("data/keys.json");
    let mut file: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    // As when somebody has added it by hand: the last one seals while the database has no sealing key.
    file["sealing"].as_array_mut().unwrap().reverse();
    fs::write(&path, file.to_string()).unwrap();
    let refusal = refused_root(&bench, &["remove", &new]);
    assert!(
        refusal.contains(&new) && refusal.contains("seals whatever is new"),
        "{refusal}"
    );
    assert!(!refusal.contains("(rows: )"), "{refusal}");
    assert_eq!(roots(&bench.path("data")).len(), 2);
    // What the refusal advises helps.
    let old = roots(&bench.path("data")).remove(0);
    keys_root(&bench, &["use", &old]);
    keys_root(&bench, &["remove", &new]);
    assert_eq!(roots(&bench.path("data")), [old]);
}

#[tokio::test]
async fn a_reset_link_that_is_on_its_way_survives_a_new_root_and_removes_the_factor() {
    let server = TestServer::start().await;
    let user = server.totp_user(ADA).await;
    let client = server.bearer(&user.tokens.access_token);
    client.mfa_reset_request().send().await.unwrap();
    let token = server.link_token(ADA, "mfa-reset").await;
    let (app, operator) = (server.app(), server.operator());
    let before = server
        .db
        .texts("SELECT secret_sealed FROM mfa_methods")
        .await;
    let new = app.operator_root_add(&operator).await.unwrap();
    let used = app.operator_root_use(&new, &operator).await.unwrap();
    assert_eq!((used.keys, used.secrets), (1, 1));
    let after = server
        .db
        .texts("SELECT secret_sealed FROM mfa_methods")
        .await;
    assert_ne!(before, after);
    let public = server.client();
    let confirm = public
        .mfa_reset_confirm()
        .body_map(|body| body.token(token.as_str()));
    assert!(!confirm.send().await.unwrap().mfa_enabled);
    assert_eq!(server.db.count("mfa_methods").await, 0);
    server.stop_and_check().await;
}

/// Everything that is sealed is lost with `keys.json`, and nothing else.
#[tokio::test]
async fn what_only_a_lost_file_opens_is_given_up_and_its_users_are_named() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let bench = Bench::on(kind);
        if kind == Kind::Postgres && !bench.has_database() {
            return;
        }
        let serving = bench.serve();
        let http = serving.http();
        let db = bench.db().await;
        const EVE: &str = "eve@example.com";
        for email in [ADA, BOB, EVE] {
            granted(http.register(email)).await;
        }
        let mut tokens = Vec::new();
        for email in [ADA, BOB, EVE] {
            tokens.push(granted(http.login(email)).await);
        }
        for answer in &tokens[..2] {
            enrolled(&http, &answer.text("access_token")).await;
        }
        let rotate = http.post("/api/auth/api-key/rotate");
        let eve = tokens[2].text("access_token");
        let api_key = granted(rotate.bearer_auth(&eve)).await.text("api_key");
        // Bob has a number too, and a message to him has not been sent.
        let bobs = format!("SELECT id FROM users WHERE email = '{BOB}'");
        db.execute(&format!(
            "INSERT INTO mfa_methods (id, user_id, method, phone, created_at, verified_at, verified) \
             SELECT {}, user_id, 'sms', '+4915112345678', 1, 1, TRUE FROM mfa_methods \
             WHERE user_id = ({bobs})",
            db.new_id()
        ))
        .await;
        db.hold_messages().await;
        granted(http.register("late@example.com")).await;
        db.mend("outbox").await;
        bench.done(&["keys", "rotate", "--sealing"]);
        assert!(serving.terminate().status.success());

        fs::remove_file(bench.path("data/keys.json")).unwrap();
        let said = bench.changes(&["keys", "root", "replace-lost", "--reason", "the disk"]);
        assert!(said.contains("keys.json made with the root"), "{said}");
        assert_eq!(
            said.matches(" given up\n").count(),
            3,
            "two keys and a line of counts: {said}"
        );
        assert!(said.contains("0 codes and 1 messages given up"), "{said}");
        let of = |email: &str| {
            let line = said.lines().find(|line| line.contains(email));
            line.unwrap_or_default().to_owned()
        };
        assert!(of(ADA).contains("the password alone logs in"), "{said}");
        assert!(of(BOB).contains("another second factor is left"), "{said}");
        assert_eq!(of(EVE), "");
        let held = "SELECT count(*) FROM outbox WHERE recipient = 'late@example.com' \
                    AND state = 'dead' AND payload = '' AND last_error = 'its key was lost'";
        assert_eq!(db.number(held).await, 1);
        for (event, times) in [("keys.lost_replaced", 1), ("mfa.reset", 2)] {
            assert_eq!(db.audited(event).await, times, "{event}");
        }
        let told = "SELECT count(*) FROM outbox WHERE state = 'pending' AND template LIKE 'mfa_%'";
        assert_eq!(db.number(told).await, 2, "both are told");
        bench.done(&["check"]);

        // What was no secret of the server's goes on.
        let again = bench.serve();
        let http = again.http();
        assert_eq!(granted(http.login(ADA)).await.json()["mfa_required"], false);
        let bob = granted(http.login(BOB)).await.json();
        assert_eq!(bob["mfa_required"], true);
        assert_eq!(bob["methods"].as_array().unwrap().len(), 2, "{bob}");
        assert!(!bob["methods"].to_string().contains("totp"), "{bob}");
        let by_key = http.get("/api/auth/me").header("x-api-key", &api_key);
        granted(by_key).await;
        assert_eq!(send(http.me(&eve)).await.status, 401, "its key was lost");
        granted(http.refresh(&tokens[2].text("refresh_token"))).await;
        for ended in &tokens[..2] {
            let refused = send(http.refresh(&ended.text("refresh_token"))).await;
            assert_eq!(refused.status, 401, "{refused:?}");
        }
        let ada = granted(http.login(ADA)).await.text("access_token");
        let secret = enrolled(&http, &ada).await;
        second_factor(&http, ADA, &secret).await;
        assert!(again.terminate().status.success());

        // With nothing lost, nothing is replaced.
        let file = fs::read(bench.path("data/keys.json")).unwrap();
        let said = bench.fails(&["keys", "root", "replace-lost", "--reason", "a slip"]);
        assert!(said.contains("nothing is lost"), "{said}");
        assert_eq!(fs::read(bench.path("data/keys.json")).unwrap(), file);
        assert_eq!(db.audited("keys.lost_replaced").await, 1);
        assert_eq!(db.count("mfa_methods").await, 2);
    }
}

#[test]
fn a_replacement_that_was_interrupted_goes_on_and_what_still_opens_stays() {
    let bench = Bench::on(Kind::Sqlite);
    assert!(bench.serve().terminate().status.success());
    // As when the file was made and the process then killed.
    let file = bench.path("data/keys.json");
    fs::remove_file(&file).unwrap();
    Keyring::load_or_create(&bench.path("data"), 0).unwrap();
    let made = fs::read(&file).unwrap();
    assert!(bench.fails(&["serve"]).contains("copy keys.json"));
    let said = bench.changes(&["keys", "root", "replace-lost", "--reason", "the disk"]);
    assert!(!said.contains("keys.json made"), "{said}");
    assert_eq!(fs::read(&file).unwrap(), made);
    bench.changes(&["keys", "rotate", "--sealing"]);
    let before = bench.done(&["keys", "list"]);
    // One root of two is lost: what the other seals stays.
    let added = keys_root(&bench, &["add"]);
    let added = added.split(' ').nth(1).unwrap();
    let mut keys: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let roots = keys["sealing"].as_array_mut().unwrap();
    roots.retain(|root| root["id"] != added);
    fs::write(&file, keys.to_string()).unwrap();
    let said = bench.fails(&["keys", "root", "replace-lost", "--reason", "a slip"]);
    assert!(said.contains("nothing is lost"), "{said}");
    assert_eq!(bench.done(&["keys", "list"]), before);
    assert!(bench.serve().terminate().status.success());
}

#[test]
fn a_damaged_key_file_is_named_and_left_alone() {
    let bench = Bench::on(Kind::Sqlite);
    assert!(bench.serve().terminate().status.success());
    let file = bench.path("data/keys.json");
    let good = fs::read(&file).unwrap();
    for damaged in [&good[..good.len() / 2], b"\xff\xfe", b""] {
        fs::write(&file, damaged).unwrap();
        for command in [
            &["serve"][..],
            &["user", "list"],
            &["keys", "root", "replace-lost"],
        ] {
            let said = bench.fails(command);
            assert!(
                said.contains("keys.json") && said.contains("restore it from its backup"),
                "{command:?}: {said}"
            );
            assert_eq!(fs::read(&file).unwrap(), damaged);
        }
    }
}
