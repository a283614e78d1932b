//! Keys change while several servers run, and what was signed or sealed with the old ones stays good
//! for as long as it should.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use bp_auth_client::Secret;
use bp_auth_server::app::key_rotation::{KeyUse, Publish, Rotation};
use bp_auth_server::keyring::{Keyring, SigningKey};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::http::{Answer, Http, refused, send};
use crate::support::postgres::Kind;
use crate::support::process::Bench;
use crate::support::{RefreshSecret, START, TestServer, test_config};

const ADA: &str = "ada@example.com";
const BOB: &str = "bob@example.com";
const ISSUER: &str = "https://auth.example.com";
const SIGNING: Rotation = Rotation {
    signing: Some(Publish::Ahead),
    sealing: false,
};
const MINUTE: Duration = Duration::from_secs(60);
/// The life of the longest-lived token, and the leeway.
const KEEP: Duration = Duration::from_secs(3605);

pub async fn kids(http: &Http) -> Vec<String> {
    let body = send(http.get("/.well-known/jwks.json")).await.json();
    let keys = body["keys"].as_array().unwrap().iter();
    keys.map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect()
}

pub fn kid(token: &str) -> String {
    let head = token.split('.').next().unwrap();
    let head = data_encoding::BASE64URL_NOPAD
        .decode(head.as_bytes())
        .unwrap();
    let head: Value = serde_json::from_slice(&head).unwrap();
    head["kid"].as_str().unwrap().to_owned()
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

pub async fn granted(request: reqwest::RequestBuilder) -> Answer {
    let answer = send(request).await;
    assert!([200, 201].contains(&answer.status), "{answer:?}");
    answer
}

/// Enrols an authenticator and gives its secret.
pub async fn enrolled(http: &Http, token: &str) -> String {
    let post = |path| http.post(path).bearer_auth(token);
    let secret = granted(post("/api/auth/mfa/totp/setup"))
        .await
        .text("secret");
    let verify = post("/api/auth/mfa/totp/verify").json(&json!({ "code": code(&secret, 0) }));
    granted(verify).await;
    secret
}

/// A login with the code of the next step.
pub async fn second_factor(http: &Http, email: &str, secret: &str) -> Answer {
    let pending = granted(http.login(email)).await.text("mfa_token");
    granted(http.challenge(&pending, &code(secret, 1))).await
}

/// Two servers on one database, each with a clock of its own.
async fn two_servers() -> (TestServer, TestServer) {
    let dir = TempDir::new().unwrap();
    let (mut config, database) = test_config(&dir);
    config.tokens.issuer = Some(ISSUER.to_owned());
    let one = TestServer::start_configured(dir, config.clone(), database).await;
    let two = TestServer::start_configured(TempDir::new().unwrap(), config, None).await;
    (one, two)
}

/// The `kid` of a login now.
async fn signer(server: &TestServer) -> String {
    kid(server.login(ADA).await.access_token.expose())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_servers_follow_a_rotation_and_a_revocation_with_their_next_request() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let mut bench = Bench::on(kind);
        if kind == Kind::Postgres && !bench.has_database() {
            return;
        }
        // The issuer would otherwise follow the port.
        bench.set("BP_AUTH_TOKENS__ISSUER", ISSUER);
        let servers = [bench.serve(), bench.serve(), bench.serve()];
        let [one, two, three] = [0, 1, 2].map(|n: usize| servers[n].http());
        let all = [&one, &two, &three];
        for email in [ADA, BOB] {
            granted(one.register(email)).await;
        }
        let old = granted(one.login(ADA)).await;
        let (old_token, old_refresh) = (old.text("access_token"), old.text("refresh_token"));
        let old_kid = kid(&old_token);
        let secret = enrolled(&one, &old_token).await;
        for http in all {
            assert_eq!(kids(http).await, [old_kid.as_str()]);
        }

        let said = bench.done(&["keys", "rotate", "--now", "--reason", "yearly"]);
        let db = bench.db().await;
        assert_eq!(db.audited("keys.rotated").await, 1);
        let after = kids(&one).await;
        assert_eq!(after.len(), 2);
        assert_eq!(after[0], old_kid);
        let new_kid = after[1].clone();
        assert!(said.contains(&new_kid), "{said}");
        for http in all {
            assert_eq!(kids(http).await, after);
            let token = granted(http.login(BOB)).await.text("access_token");
            assert_eq!(kid(&token), new_kid);
            for other in all {
                granted(other.me(&token)).await;
                granted(other.me(&old_token)).await;
            }
        }
        // What was sealed with the old key opens, and what is sealed with the new one elsewhere.
        second_factor(&two, ADA, &secret).await;
        let bob = granted(three.login(BOB)).await.text("access_token");
        let secret = enrolled(&three, &bob).await;
        second_factor(&one, BOB, &secret).await;
        let sealing = said
            .lines()
            .find_map(|line| line.strip_prefix("sealing key "));
        let sealing = sealing.unwrap().split(' ').next().unwrap();
        let sealed = db
            .texts("SELECT secret_sealed FROM mfa_methods ORDER BY created_at DESC")
            .await;
        assert!(sealed[0].contains(sealing) && !sealed[1].contains(sealing));

        let own = bench.fails(&["keys", "revoke", &new_kid, "--reason", "a slip"]);
        assert!(own.contains("keys rotate --signing --now"), "{own}");
        bench.done(&["keys", "revoke", &old_kid, "--reason", "stolen"]);
        assert_eq!(db.audited("keys.revoked").await, 1);
        for http in all {
            refused(&send(http.me(&old_token)).await, 401, "token_invalid");
            granted(http.me(&bob)).await;
            assert_eq!(kids(http).await, [new_kid.as_str()]);
        }
        // Sessions go on: only what the key has signed is refused.
        let refreshed = granted(two.refresh(&old_refresh)).await;
        assert_eq!(kid(&refreshed.text("access_token")), new_kid);
        bench.done(&["check"]);
        for server in servers {
            assert!(server.terminate().status.success());
        }
    }
}

#[tokio::test]
async fn a_new_signing_key_is_published_before_it_signs_and_the_old_one_stays_as_long_as_its_tokens()
 {
    let (one, two) = two_servers().await;
    let advance = |by| {
        one.advance(by);
        two.advance(by);
    };
    one.register(ADA).await;
    let old = signer(&one).await;
    let operator = one.operator();
    let rotated = one.app().operator_keys_rotate(SIGNING, &operator).await;
    let (new, from) = rotated.unwrap().signing.unwrap();
    assert_eq!(from, START.plus(10 * MINUTE));
    for server in [&one, &two] {
        assert_eq!(kids(&server.http()).await, [&*old, &*new]);
        assert_eq!(signer(server).await, old);
    }
    advance(10 * MINUTE - Duration::from_millis(1));
    assert_eq!(signer(&two).await, old);
    let last = two.login(ADA).await;
    advance(Duration::from_millis(1));
    for server in [&one, &two] {
        assert_eq!(signer(server).await, new);
        assert_eq!(server.raw_me(&last.access_token).await.status, 200);
    }

    advance(KEEP - Duration::from_millis(1));
    assert_eq!(kids(&two.http()).await, [&*old, &*new]);
    advance(Duration::from_millis(1));
    for server in [&one, &two] {
        assert_eq!(kids(&server.http()).await, [&*new]);
        let answer = server.raw_me(&last.access_token).await;
        refused(&answer, 401, "token_expired");
    }
    // A browser that comes back with its old cookie can still end its session.
    let logout = one.http().post("/api/auth/logout");
    let answer = send(logout.bearer_auth(last.access_token.expose())).await;
    assert_eq!(answer.status, 204);
    refused(
        &two.raw_refresh(last.refresh_secret()).await,
        401,
        "token_revoked",
    );
    two.stop_and_check().await;
    one.stop_and_check().await;
}

#[tokio::test]
async fn a_token_that_a_retired_key_signs_later_is_worth_nothing() {
    let server = TestServer::start().await;
    let tokens = server.registered(ADA).await;
    let app = server.app();
    let now = Rotation {
        signing: Some(Publish::Now),
        sealing: false,
    };
    app.operator_keys_rotate(now, &server.operator())
        .await
        .unwrap();
    server.advance(KEEP + MINUTE);
    // Somebody has the old key, and a session of somebody else.
    let payload = tokens.access_token.expose().split('.').nth(1).unwrap();
    let payload = data_encoding::BASE64URL_NOPAD
        .decode(payload.as_bytes())
        .unwrap();
    let mut claims: Value = serde_json::from_slice(&payload).unwrap();
    let seconds = START.plus(KEEP + MINUTE).seconds();
    claims["iat"] = json!(seconds);
    claims["nbf"] = json!(seconds);
    claims["exp"] = json!(seconds + 900);
    let stolen = Keyring::load(&server.dir.path().join("data"))
        .unwrap()
        .signing
        .remove(0);
    let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::EdDSA);
    header.typ = Some("at+jwt".to_owned());
    header.kid = Some(stolen.kid.clone());
    let key = jsonwebtoken::EncodingKey::from_ed_der(&stolen.pkcs8);
    let forged = jsonwebtoken::encode(&header, &claims, &key).unwrap();
    refused(
        &server.raw_me(&Secret::from(forged)).await,
        401,
        "token_expired",
    );
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_key_that_has_not_signed_makes_way_and_its_predecessor_goes_on() {
    let (one, two) = two_servers().await;
    one.register(ADA).await;
    let old = signer(&two).await;
    let (app, operator) = (one.app(), one.operator());
    let rotate = async |rotation| {
        let rotated = app.operator_keys_rotate(rotation, &operator).await;
        rotated.unwrap().signing.unwrap().0
    };
    let unused = rotate(SIGNING).await;
    one.advance(MINUTE);
    let pending = rotate(SIGNING).await;
    assert_eq!(kids(&two.http()).await, [&*old, &*pending]);
    for (gone, code) in [(&unused, "key_unknown"), (&old, "key_in_use")] {
        let refusal = app.operator_keys_revoke(gone, &operator).await.unwrap_err();
        assert!(format!("{refusal:?}").contains(code), "{refusal:?}");
    }
    let uses = async || -> Vec<KeyUse> {
        let lines = app.operator_keys_list().await.unwrap();
        lines.iter().map(|line| line.use_).collect()
    };
    let from = START.plus(11 * MINUTE);
    assert_eq!(
        uses().await,
        [KeyUse::Signs, KeyUse::SignsFrom(from), KeyUse::Seals]
    );

    app.operator_keys_revoke(&pending, &operator).await.unwrap();
    assert_eq!(kids(&two.http()).await, [&*old]);
    one.advance(24 * KEEP);
    two.advance(24 * KEEP);
    assert_eq!(signer(&two).await, old, "no successor, no end");
    assert_eq!(kids(&one.http()).await, [&*old]);

    let now = Rotation {
        signing: Some(Publish::Now),
        sealing: true,
    };
    rotate(now).await;
    let until = START.plus(MINUTE + 25 * KEEP);
    let expected = [
        KeyUse::VerifiesUntil(until),
        KeyUse::Signs,
        KeyUse::Opens,
        KeyUse::Seals,
    ];
    assert_eq!(uses().await, expected);
    two.stop_and_check().await;
    one.stop_and_check().await;
}

#[tokio::test]
async fn of_two_cookies_the_one_whose_key_counts_is_taken() {
    let server = TestServer::start().await;
    server.register(ADA).await;
    let old = server.login(ADA).await.access_token;
    server.advance(MINUTE);
    let (app, operator) = (server.app(), server.operator());
    let now = Rotation {
        signing: Some(Publish::Now),
        sealing: false,
    };
    app.operator_keys_rotate(now, &operator).await.unwrap();
    app.operator_keys_revoke(&kid(old.expose()), &operator)
        .await
        .unwrap();
    let new = server.login(ADA).await.access_token;
    let (old, new) = (old.expose(), new.expose());
    for (cookies, status) in [
        (format!("bp_token={old}; bp_token={new}"), 200),
        (format!("bp_token={old}"), 401),
    ] {
        let request = server.http().get("/api/auth/me");
        let answer = send(request.header("cookie", cookies)).await;
        assert_eq!(answer.status, status, "{answer:?}");
    }
    server.stop_and_check().await;
}

#[tokio::test]
async fn public_keys_are_told_also_while_the_database_does_not_tell_them() {
    let server = TestServer::start().await;
    let tokens = server.registered(ADA).await;
    let before = kids(&server.http()).await;
    server.db.execute("ALTER TABLE keys RENAME TO away").await;
    assert_eq!(kids(&server.http()).await, before);
    // What is at stake is not judged without them.
    assert_eq!(server.raw_me(&tokens.access_token).await.status, 500);
    server.db.execute("ALTER TABLE away RENAME TO keys").await;
    assert_eq!(server.raw_me(&tokens.access_token).await.status, 200);
    server.stop_and_check().await;
}

#[test]
fn a_key_file_that_does_not_open_the_keys_in_the_database_is_refused() {
    let mut bench = Bench::new();
    if !bench.has_database() {
        let url = format!("sqlite://{}?mode=rwc", bench.path("shared.db").display());
        bench.set("BP_AUTH_DATABASE__URL", &url);
    }
    bench.done(&["migrate"]);
    // Three that start at once, each with a key file of its own: one brings its keys, and the others
    // are told what to do.
    let directories = ["a", "b", "c"];
    let started = std::thread::scope(|scope| {
        let bench = &bench;
        let start = |name| scope.spawn(move || bench.serve_with(&["--data-dir", name]));
        let started = directories.map(start);
        started.map(|thread| thread.join().unwrap())
    });
    let listens = |n: &usize| started[*n].first_line.starts_with("listening");
    let first: Vec<usize> = (0..3).filter(listens).collect();
    assert_eq!(first.len(), 1, "one truth");
    let (good, others): (Vec<_>, Vec<_>) = (0..3).partition(listens);
    let good = directories[good[0]];
    for n in others {
        let directory = directories[n];
        for command in [
            &["user", "list"][..],
            &["keys", "list"],
            &["keys", "rotate"],
        ] {
            let said = bench.fails(&[&["--data-dir", directory], command].concat());
            assert!(
                said.contains("copy keys.json from the other instances"),
                "{said}"
            );
        }
        std::fs::copy(
            bench.path(&format!("{good}/keys.json")),
            bench.path(&format!("{directory}/keys.json")),
        )
        .unwrap();
        let server = bench.serve_with(&["--data-dir", directory]);
        assert!(server.first_line.starts_with("listening"));
        assert!(server.terminate().status.success());
    }
    let list = bench.done(&["--data-dir", good, "keys", "list"]);
    assert_eq!(list.matches("signing ").count(), 1, "{list}");
}

#[tokio::test]
async fn keys_that_an_older_version_has_rotated_in_its_file_go_on() {
    let dir = TempDir::new().unwrap();
    let (config, database) = test_config(&dir);
    let (hour, day) = (60 * MINUTE, 24 * 60 * MINUTE);
    let old = SigningKey::generate(START.minus(10 * day).ms()).unwrap();
    let new = SigningKey::generate(START.minus(hour).ms()).unwrap();
    write_keys(&config.data_dir, &[&old, &new]);
    let server = TestServer::start_configured(dir, config, database).await;
    server.register(ADA).await;
    assert_eq!(signer(&server).await, new.kid);
    assert_eq!(kids(&server.http()).await, [&*old.kid, &*new.kid]);
    server.advance(KEEP - hour);
    assert_eq!(kids(&server.http()).await, [&*new.kid]);
    server.stop_and_check().await;
}

/// A key file with these signing keys, the newest last.
fn write_keys(data: &Path, signing: &[&SigningKey]) {
    let stored = |key: &&SigningKey| {
        json!({
            "id": key.kid,
            "created_at": key.created_at,
            "key": data_encoding::BASE64.encode(&key.pkcs8),
        })
    };
    let file = json!({
        "version": 1,
        "signing": signing.iter().map(stored).collect::<Vec<_>>(),
        "sealing": [{ "id": "root", "created_at": 0, "key": data_encoding::BASE64.encode(&[7; 32]) }],
    });
    std::fs::create_dir(data).unwrap();
    let path = data.join("keys.json");
    std::fs::write(&path, file.to_string()).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
}

#[test]
fn one_kind_of_key_can_be_rotated_alone() {
    let bench = Bench::new();
    bench.done(&["migrate"]);
    let file = std::fs::read(bench.path("data/keys.json")).unwrap();
    let counts = || {
        let list = bench.done(&["keys", "list"]);
        ["signing", "sealing"].map(|kind| {
            let of_kind = |line: &&str| line.starts_with(kind);
            list.lines().filter(of_kind).count()
        })
    };
    assert_eq!(counts(), [1, 1]);
    bench.done(&["keys", "rotate", "--signing"]);
    assert_eq!(counts(), [2, 1]);
    bench.done(&["keys", "rotate", "--sealing"]);
    assert_eq!(counts(), [2, 2]);
    let said = bench.fails(&["keys", "rotate", "--sealing", "--now"]);
    assert!(said.contains("--now"), "{said}");
    assert_eq!(counts(), [2, 2]);
    assert_eq!(std::fs::read(bench.path("data/keys.json")).unwrap(), file);
}
