//! `bp-auth user import`: accounts of another system, and their first login here.

use std::fmt::Write;
use std::process::Stdio;
use std::time::Duration;

use serde_json::json;

use crate::support::db::Db;
use crate::support::http::{Answer, send};
use crate::support::process::{Bench, Serving, operator, text};

/// A name and a hash on each line, made by Python's hashlib, passlib, argon2-cffi and Django.
const KNOWN: &str = include_str!("known_hashes.txt");
const PASSWORD: &str = "Tulpe-Kanu-9 grün";
const BCRYPT: &str = "$2b$04$3Til5J6PRDpHSiEfHLIIC.ReHQLW2EPgPhKvuJEguOierVvtoGWTq";
/// What the server of the tests makes.
const OURS: &str = "$argon2id$v=19$m=8,t=1,p=1$";

fn import<'a>(file: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["user", "import", file, "--reason", "moving in"], more].concat()
}

async fn login(serving: &Serving, email: &str, password: &str) -> Answer {
    let form = [("username", email), ("password", password)];
    send(serving.http().post("/api/auth/token").form(&form)).await
}

async fn stored(db: &Db, email: &str) -> String {
    let sql = format!("SELECT password_hash FROM users WHERE email_key = '{email}'");
    db.texts(&sql).await.concat()
}

/// So many accounts, each whole, and nothing else.
async fn assert_imported(bench: &Bench, db: &Db, number: i64) {
    for table in ["users", "tenants"] {
        assert_eq!(db.count(table).await, number, "{table}");
    }
    assert_eq!(db.audited("user.imported").await, number);
    assert_eq!(db.count("outbox").await, 0);
    bench.done(&["check"]);
}

/// A directory with an empty database.
async fn bench() -> (Bench, Db) {
    let bench = Bench::new();
    bench.done(&["migrate"]);
    let db = bench.db().await;
    (bench, db)
}

fn lines(number: usize) -> String {
    let mut file = String::new();
    for n in 0..number {
        let account = json!({ "email": format!("u{n}@example.com"), "password_hash": BCRYPT });
        writeln!(file, "{account}").unwrap();
    }
    file
}

#[tokio::test]
async fn a_hash_of_any_known_system_logs_in_once_and_is_one_of_ours_from_then_on() {
    let (bench, db) = bench().await;
    let mut file = String::new();
    for line in KNOWN.lines() {
        let (name, hash) = line.split_once(' ').unwrap();
        let email = format!("{name}@example.com");
        writeln!(file, "{}", json!({ "email": email, "password_hash": hash })).unwrap();
    }
    bench.write("users.jsonl", &file);
    let said = bench.done(&import("users.jsonl", &[]));
    assert!(said.contains("19 imported, 0 refused"), "{said}");
    assert_imported(&bench, &db, 19).await;

    let serving = bench.serve();
    for line in KNOWN.lines() {
        let (name, hash) = line.split_once(' ').unwrap();
        let email = format!("{name}@example.com");
        let wrong = login(&serving, &email, "Tulpe-Kanu-9 grun").await;
        let refused = (401, "invalid_credentials".to_owned());
        assert_eq!(wrong.refusal(), refused, "{name}");
        assert_eq!(stored(&db, &email).await, hash, "{name}");
        // Two at once: neither fails because the other has replaced the hash.
        let (one, two) = tokio::join!(
            login(&serving, &email, PASSWORD),
            login(&serving, &email, PASSWORD)
        );
        assert_eq!((one.status, two.status), (200, 200), "{name}");
        let new = stored(&db, &email).await;
        assert!(new.starts_with(OURS), "{name}: {new}");
        assert_eq!(login(&serving, &email, PASSWORD).await.status, 200);
        let wrong = login(&serving, &email, "Tulpe-Kanu-9 grun").await;
        assert_eq!(wrong.status, 401, "{name}");
        assert_eq!(stored(&db, &email).await, new, "{name}");
    }
    assert_imported(&bench, &db, 19).await;
}

#[tokio::test]
async fn a_csv_brings_the_whole_account_and_what_it_says_counts() {
    let (bench, db) = bench().await;
    let header = "email,full_name,phone,phone_verified,locale,deactivated,created_at,plan";
    let more = "password_hash";
    let ada = "Ada@Example.com,\"Ada, Countess\",+49 (0)151 12345678,t,de_DE,f,2019-07-01 12:00:00+00,free";
    let bob = "bob@example.com,,,,,true,,";
    let eve = "eve@example.com,,,,,,,";
    let file = format!("{header},{more}\r\n{ada},{BCRYPT}\r\n{bob},{BCRYPT}\r\n{eve},\r\n");
    bench.write("users.csv", &file);
    bench.done(&import("users.csv", &[]));
    assert_imported(&bench, &db, 3).await;
    let locale = "SELECT locale FROM users WHERE email_key = 'ada@example.com'";
    assert_eq!(db.texts(locale).await, ["de-DE"]);
    let shown = bench.done(&["user", "show", "ada@example.com"]);
    for words in [
        "Ada@Example.com active created 2019-07-01T12:00:00+00:00 last login never",
        "name: Ada, Countess",
        "role: owner",
        "phone: +4915112345678 (verified)",
        "plan: free active",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let detail = "SELECT actor || detail FROM audit_events WHERE event = 'user.imported'";
    for said in db.texts(detail).await {
        let told = said.starts_with(&operator()) && said.contains("moving in");
        assert!(told && !said.contains("$2b$"), "{said}");
    }

    let serving = bench.serve();
    assert_eq!(
        login(&serving, "ada@example.com", PASSWORD).await.status,
        200
    );
    let closed = login(&serving, "bob@example.com", PASSWORD).await;
    assert_eq!(closed.refusal(), (403, "account_deactivated".to_owned()));
    // Without a hash no password is right, the mark that is stored least of all.
    for password in ["!", PASSWORD] {
        let refused = login(&serving, "eve@example.com", password).await;
        assert_eq!(refused.refusal(), (401, "invalid_credentials".to_owned()));
    }
    assert_eq!(stored(&db, "eve@example.com").await, "!");
    assert_eq!(db.count("sessions").await, 1);
    bench.done(&["check"]);
}

#[tokio::test]
async fn a_line_that_is_wrong_is_named_with_every_reason_and_the_others_are_imported() {
    let (bench, db) = bench().await;
    let good = |email: &str| json!({ "email": email }).to_string();
    let secret = "md5$salt$0123456789abcdef";
    let file = [
        good("ada@example.com"),
        r#"{"email":"not an address","phone":"0151","locale":"!","plan":"gold"}"#.to_owned(),
        good("ADA@example.com"),
        json!({ "email": "a@example.com", "password_hash": secret }).to_string(),
        r#"{"email":"b@example.com","created_at":"2999-01-01T00:00:00Z"}"#.to_owned(),
        r#"{"email":"c@example.com","role":"owner","tenant_id":"x"}"#.to_owned(),
        r#"{"email":"d@example.com","email":"e@example.com"}"#.to_owned(),
        "[\"f@example.com\"]".to_owned(),
        String::new(),
        r#"{"full_name":"g\u0000","phone_verified":true}"#.to_owned(),
        r#"{"email":"h@example.com","active":true,"deactivated":true}"#.to_owned(),
        format!(
            r#"{{"email":"i@example.com","full_name":"{}"}}"#,
            "i".repeat(70_000)
        ),
        r#"{"email":"j@example.com","password_hash":"$2b$04$short"}"#.to_owned(),
        good("bob@example.com"),
        r#"{"email":"k@example.com","phone":"+449091234567","created_at":20190701}"#.to_owned(),
        r#"{"email":"cyd@example.com","phone":" ","full_name":" ","locale":"","created_at":1561982400000}"#
            .to_owned(),
    ];
    bench.write("users.jsonl", &file.join("\n"));
    let said = bench.fails(&import("users.jsonl", &[]));
    for words in [
        "line 2: email: email_invalid:",
        "line 2: phone: phone_invalid:",
        "line 2: locale: locale_invalid:",
        "line 2: plan: plan_unknown:",
        "line 3: email: email_taken:",
        "line 4: password_hash: hash_unknown:",
        "line 5: created_at: time_invalid:",
        "line 6: role: unknown_field:",
        "line 6: tenant_id: unknown_field:",
        "line 7: email: duplicate_key:",
        "line 8: line: json_invalid:",
        "line 10: full_name: control_character:",
        "line 10: email: missing:",
        "line 10: phone_verified: phone_missing:",
        "line 11: deactivated: contradiction:",
        "line 12: line: too_long:",
        "line 13: password_hash: hash_invalid:",
        "line 15: phone: phone_not_allowed:",
        "line 15: created_at: time_invalid:",
        "3 imported, 12 refused (1 of them email_taken)",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert!(!said.contains(secret) && !said.contains("f@example.com"));
    for good in ["line 1:", "line 14:", "line 16:"] {
        assert!(!said.contains(good), "{good} {said}");
    }
    let blank = "SELECT email_key FROM users WHERE created_at = 1561982400000 \
                 AND phone IS NULL AND full_name IS NULL AND locale IS NULL";
    assert_eq!(db.texts(blank).await, ["cyd@example.com"]);
    assert_imported(&bench, &db, 3).await;
}

#[tokio::test]
async fn a_header_that_cannot_be_followed_is_refused_before_anything_is_written() {
    let (bench, db) = bench().await;
    for (header, reason) in [
        ("email,is_staff,colour", "unknown columns: is_staff, colour"),
        ("full_name,plan", "there is no column email"),
        ("email,plan,email", "the column email appears twice"),
    ] {
        bench.write("users.csv", &format!("{header}\na@example.com,x,y\n"));
        let said = bench.fails(&import("users.csv", &[]));
        assert!(said.contains(reason), "{said}");
    }
    bench.write("users.txt", "email\na@example.com\n");
    assert!(bench.fails(&import("users.txt", &[])).contains("--format"));
    assert_imported(&bench, &db, 0).await;
    bench.done(&import("users.txt", &["--format", "csv"]));
    assert_imported(&bench, &db, 1).await;
    // A row with too few or too many columns would put values under the wrong names.
    let rows = "email,plan\nb@example.com\nc@example.com,free,x\n\"\u{fc}@example.com\",\n";
    bench.write("users.csv", rows);
    let said = bench.fails(&import("users.csv", &[]));
    for line in [
        "line 2: line: columns:",
        "line 3: line: columns:",
        "line 4: email:",
    ] {
        assert!(said.contains(line), "{said}");
    }
    assert_imported(&bench, &db, 1).await;
}

#[tokio::test]
async fn a_quote_that_is_not_closed_does_not_swallow_the_file() {
    let (bench, db) = bench().await;
    let mut file = "email,full_name\na@example.com,A\nb@example.com,\"B\n".to_owned();
    for n in 0..10_000 {
        writeln!(file, "u{n}@example.com,U").unwrap();
    }
    bench.write("users.csv", &file);
    let said = bench.fails(&import("users.csv", &[]));
    assert!(
        said.contains("line 3: a row is longer than 64 KiB"),
        "{said}"
    );
    assert!(said.contains("1 imported, 0 refused"), "{said}");
    assert_imported(&bench, &db, 1).await;
}

#[tokio::test]
async fn a_dry_run_finds_what_the_import_would_and_writes_nothing() {
    let (bench, db) = bench().await;
    bench.write("first.jsonl", &lines(1));
    bench.done(&import("first.jsonl", &[]));
    let before = db.everything().await;
    let file = format!("{}{}", lines(1200), lines(2));
    bench.write("users.jsonl", &file);
    let said = bench.fails(&import("users.jsonl", &["--dry-run"]));
    for words in [
        "line 1: email: email_taken:",
        "line 1201: email: email_taken:",
        "line 1202: email: email_taken:",
        "1199 could be imported, 3 refused (3 of them email_taken)",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert_eq!(db.everything().await, before);
    let said = bench.fails(&import("users.jsonl", &[]));
    assert!(
        said.contains("1199 imported, 3 refused (3 of them"),
        "{said}"
    );
    assert_imported(&bench, &db, 1200).await;
}

#[tokio::test]
async fn hashes_that_would_cost_too_much_are_refused_by_their_bound() {
    let (bench, db) = bench().await;
    let (salt, hash) = ("MDEyMzQ1Njc4OWFiY2RlZg", "A".repeat(43));
    let hashes = [
        (
            format!("$argon2id$v=19$m=4194304,t=1,p=1${salt}${hash}"),
            "131072 KiB",
        ),
        (
            format!("$argon2id$v=19$m=65536,t=99,p=1${salt}${hash}"),
            "524288",
        ),
        (BCRYPT.replace("$04$", "$31$"), "cost is at most 14"),
        (format!("$scrypt$ln=20,r=8,p=1${salt}${hash}"), "128 MiB"),
        (format!("pbkdf2_sha256$99000000$salt${hash}="), "2000000"),
    ];
    let mut file = "email,password_hash\n".to_owned();
    for (n, (hash, _)) in hashes.iter().enumerate() {
        writeln!(file, "u{n}@example.com,\"{hash}\"").unwrap();
    }
    bench.write("users.csv", &file);
    let said = bench.fails(&import("users.csv", &[]));
    for (n, (_, bound)) in hashes.iter().enumerate() {
        let line = format!("line {}: password_hash: hash_too_costly:", n + 2);
        let told = said.lines().find(|said| said.starts_with(&line));
        assert!(told.is_some_and(|told| told.contains(bound)), "{said}");
    }
    assert_imported(&bench, &db, 0).await;
}

#[tokio::test]
async fn what_a_hash_costs_here_is_measured_and_bounded() {
    let (mut bench, db) = bench().await;
    let salt = "MDEyMzQ1Njc4OWFiY2RlZg";
    let hash = "A".repeat(43);
    let dear = format!("$argon2id$v=19$m=65536,t=8,p=1${salt}${hash}");
    let cheap = format!("$argon2id$v=19$m=8,t=1,p=1${salt}${hash}");
    let file =
        format!("email,password_hash\na@example.com,\"{dear}\"\nb@example.com,\"{cheap}\"\n");
    bench.write("users.csv", &file);
    bench.set("BP_AUTH_HASH__IMPORT_MAX_MS", "2");
    let said = bench.fails(&import("users.csv", &[]));
    for words in [
        "line 2: password_hash: hash_too_costly:",
        "argon2id 19 65536 8 1 32",
        "allows 2",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert_imported(&bench, &db, 1).await;
    bench.set("BP_AUTH_HASH__IMPORT_MAX_MS", "600000");
    bench.fails(&import("users.csv", &[]));
    assert_imported(&bench, &db, 2).await;
    let kinds = "SELECT hash_kind FROM users WHERE hash_kind IS NOT NULL";
    let mut kinds = db.texts(kinds).await;
    kinds.sort();
    assert_eq!(kinds, ["argon2id 19 65536 8 1 32", "argon2id 19 8 1 1 32"]);
}

#[tokio::test]
async fn who_was_inactive_elsewhere_is_suspended_unless_the_operator_says_otherwise() {
    let (bench, db) = bench().await;
    let file = |name: &str| {
        format!(
            "email,active,deactivated\n{name}-banned@example.com,false,\n\
             {name}-left@example.com,,true\n{name}-both@example.com,false,true\n\
             {name}-here@example.com,true,\n"
        )
    };
    bench.write("one.csv", &file("one"));
    bench.write("two.csv", &file("two"));
    bench.done(&import("one.csv", &[]));
    bench.done(&import("two.csv", &["--inactive-may-reopen"]));
    let states = "SELECT email_key || ' ' || state FROM users ORDER BY email_key";
    assert_eq!(
        db.texts(states).await,
        [
            "one-banned@example.com suspended",
            "one-both@example.com deactivated",
            "one-here@example.com active",
            "one-left@example.com deactivated",
            "two-banned@example.com deactivated",
            "two-both@example.com deactivated",
            "two-here@example.com active",
            "two-left@example.com deactivated",
        ]
    );
}

#[tokio::test]
async fn an_import_that_was_killed_goes_on_where_it_was() {
    const MANY: usize = 20_000;
    let (bench, db) = bench().await;
    bench.write("users.jsonl", &lines(MANY));
    let mut child = bench
        .command(&import("users.jsonl", &[]))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while db.count("users").await == 0 {
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    child.kill().unwrap();
    assert!(!child.wait().unwrap().success());
    let done = db.count("users").await;
    let many = i64::try_from(MANY).unwrap();
    assert!(done > 0 && done < many, "{done}");
    assert_imported(&bench, &db, done).await;

    let again = bench.run(&import("users.jsonl", &[]));
    let said = text(&again.stdout);
    let rest = format!("{} imported, {done} refused ({done} of them", many - done);
    assert!(said.contains(&rest), "{}", said.lines().last().unwrap());
    assert_imported(&bench, &db, many).await;

    let third = text(&bench.run(&import("users.jsonl", &[])).stdout);
    assert!(third.contains(&format!("0 imported, {many} refused")));
    assert_imported(&bench, &db, many).await;
    let serving = bench.serve();
    let last = format!("u{}@example.com", MANY - 1);
    assert_eq!(login(&serving, &last, PASSWORD).await.status, 200);
}
