//! `bp-auth user import`: what other systems' files hold, and passwords that they hashed in another form of
//! Unicode.

use std::process::Command;

use serde_json::json;

use crate::support::http::send;
use crate::support::process::{Bench, Serving, text};

const MANUAL: &str = include_str!("../../../docs/operators.md");
const PASSWORD: &str = "Tulpe-Kanu-9 gr\u{fc}n";
/// The same, as some keyboards and file systems write it.
const DECOMPOSED: &str = "Tulpe-Kanu-9 gru\u{308}n";
/// Of the decomposed password.
const BCRYPT: &str = "$2b$04$uaAD/009iM.zO6nN3Lh4Be8BCgqhWMoEM2mF4q6P0/1R4wYC92Aaa";
const PBKDF2: &str = "pbkdf2_sha256$1000$saltSALT12$vpf0M9YLb3amUMcpRn17JJHN0ogy7ykRiXN+XTObPuo=";
/// With the parameters of the tests, as if it were one of ours.
const ARGON2: &str =
    "$argon2id$v=19$m=8,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$rXyB+fZj6g9assEF/Qtb4iPuuisoVEqbV26ToS3JgR8";
/// What the server of the tests makes.
const OURS: &str = "$argon2id$v=19$m=8,t=1,p=1$";

async fn login(serving: &Serving, email: &str, password: &str) -> u16 {
    let form = [("username", email), ("password", password)];
    let answer = send(serving.http().post("/api/auth/token").form(&form)).await;
    answer.status
}

fn import(bench: &Bench, file: &str) -> String {
    bench.done(&["user", "import", file, "--reason", "moving in"])
}

#[tokio::test]
async fn a_password_hashed_in_another_form_logs_in_as_typed_and_in_every_form_from_then_on() {
    let bench = Bench::new();
    bench.done(&["migrate"]);
    let db = bench.db().await;
    let mut file = String::new();
    for (name, hash) in [("bcrypt", BCRYPT), ("pbkdf2", PBKDF2), ("argon2", ARGON2)] {
        let account = json!({ "email": format!("{name}@example.com"), "password_hash": hash });
        file.push_str(&format!("{account}\n"));
    }
    bench.write("users.jsonl", &file);
    import(&bench, "users.jsonl");
    let serving = bench.serve();
    for name in ["bcrypt", "pbkdf2", "argon2"] {
        let email = format!("{name}@example.com");
        let stored = format!("SELECT password_hash FROM users WHERE email_key = '{email}'");
        let before = db.texts(&stored).await;
        // The composed form is another text, and the hash is not of that one.
        assert_eq!(login(&serving, &email, PASSWORD).await, 401, "{name}");
        assert_eq!(
            login(&serving, &email, "Tulpe-Kanu-9 grun").await,
            401,
            "{name}"
        );
        assert_eq!(db.texts(&stored).await, before, "{name}");
        assert_eq!(login(&serving, &email, DECOMPOSED).await, 200, "{name}");
        let after = db.texts(&stored).await;
        assert!(
            after != before && after[0].starts_with(OURS),
            "{name}: {after:?}"
        );
        for form in [PASSWORD, DECOMPOSED] {
            assert_eq!(login(&serving, &email, form).await, 200, "{name}");
        }
        assert_eq!(db.texts(&stored).await, after, "{name}");
    }
    let noted = "SELECT hash_kind FROM users WHERE hash_kind IS NOT NULL";
    assert!(db.texts(noted).await.is_empty());
    serving.terminate();
    bench.done(&["check"]);
}

/// An address without an account does the work of both forms, as an imported account does.
#[tokio::test]
async fn both_forms_are_tried_at_an_address_without_an_account_too() {
    let mut bench = Bench::new();
    bench.set("BP_AUTH_LIMITS__PASSWORD_FREE_FAILURES", "100");
    bench.set("BP_AUTH_HASH__IMPORT_MAX_MS", "600000");
    bench.done(&["migrate"]);
    let hash = format!(
        "$pbkdf2-sha256$i=100000$MDEyMzQ1Njc4OWFiY2RlZg${}",
        "A".repeat(43)
    );
    let account = json!({ "email": "ada@example.com", "password_hash": hash });
    bench.write("users.jsonl", &format!("{account}\n"));
    import(&bench, "users.jsonl");
    let serving = bench.serve();
    // The work of the process, which whatever else the machine does cannot prolong.
    let work = async |email: &str, password: &str| {
        let before = serving.cpu_ticks();
        for _ in 0..3 {
            assert_eq!(login(&serving, email, password).await, 401);
        }
        serving.cpu_ticks() - before
    };
    for email in ["ada@example.com", "stranger@example.com"] {
        let (one, both) = (work(email, PASSWORD).await, work(email, DECOMPOSED).await);
        assert!(both * 2 > one * 3, "{email}: {one} and {both} ticks");
    }
}

/// The commands of the manual, run on a small export of each system.
#[tokio::test]
async fn exports_of_other_systems_become_a_file_by_the_commands_of_the_manual() {
    if Command::new("jq").arg("--version").output().is_err() {
        eprintln!("\nNOT TESTED: the exports of other systems need jq, and none was found\n");
        return;
    }
    let bench = Bench::new();
    bench.done(&["migrate"]);
    let db = bench.db().await;
    for (system, files) in exports() {
        for (name, text) in files {
            bench.write(name, &text);
        }
        let said = Command::new("sh")
            .args(["-ec", command(system)])
            .current_dir(bench.path(""))
            .output()
            .unwrap();
        assert!(said.status.success(), "{system}: {}", text(&said.stderr));
        let said = import(&bench, "users.jsonl");
        assert!(said.contains(", 0 refused"), "{system}: {said}");
    }
    let accounts = "SELECT email || ' ' || coalesce(full_name, '-') || ' ' || coalesce(phone, '-') || ' ' \
                    || coalesce(locale, '-') || ' ' || state || ' ' || created_at FROM users ORDER BY email";
    assert_eq!(
        db.texts(accounts).await,
        [
            "auth0-banned@example.com - - - suspended 1561982400000",
            "auth0@example.com Ada Lovelace +4915112345678 - active 1561982400000",
            "firebase-banned@example.com - - - suspended 1561982400000",
            "firebase@example.com Ada Lovelace +4915112345678 - active 1561982400000",
            "keycloak-argon2@example.com - - - active 1561982400000",
            "keycloak-none@example.com - - - suspended 1561982400000",
            "keycloak@example.com Ada Lovelace - de active 1561982400000",
        ]
    );
    let serving = bench.serve();
    for (email, password) in [
        ("keycloak@example.com", "Tulpe-Kanu-9 gr\u{fc}n"),
        ("keycloak-argon2@example.com", "Tulpe-Kanu-9 gr\u{fc}n"),
        ("auth0@example.com", "Tulpe-Kanu-9 gr\u{fc}n"),
        ("firebase@example.com", "user1password"),
    ] {
        assert_eq!(
            login(&serving, email, "another password").await,
            401,
            "{email}"
        );
        assert_eq!(login(&serving, email, password).await, 200, "{email}");
    }
    assert_eq!(login(&serving, "keycloak-none@example.com", "").await, 422);
    serving.terminate();
    bench.done(&["check"]);
}

/// The block of commands under a heading of the manual.
fn command(system: &str) -> &'static str {
    let (_, section) = MANUAL.split_once(&format!("\n**{system}.**")).unwrap();
    let (_, block) = section.split_once("```sh\n").unwrap();
    block.split_once("```").unwrap().0
}

fn exports() -> Vec<(&'static str, Vec<(&'static str, String)>)> {
    let credential = |secret: serde_json::Value, data: serde_json::Value| {
        json!([{ "type": "otp" }, { "type": "password", "secretData": secret.to_string(),
            "credentialData": data.to_string() }])
    };
    let pbkdf2 = credential(
        json!({ "value": "C62B07l1cTfa+CvqfVwGoedGw36UUGnySCpAltV55xRdh8fQPKvysBXGutTXvy9A1PNldWe3S/2qSpbVYaiYsA==", "salt": "MDEyMzQ1Njc4OWFiY2RlZg==", "additionalParameters": {} }),
        json!({ "hashIterations": 27500, "algorithm": "pbkdf2-sha256", "additionalParameters": {} }),
    );
    let argon2 = credential(
        json!({ "value": "FlZcr4SJW/dd2SnIau2IYBLmg52Q29MhuD0mbnXYq5Y=", "salt": "MDEyMzQ1Njc4OWFiY2RlZg==" }),
        json!({ "hashIterations": 2, "algorithm": "argon2", "additionalParameters": {
            "hashLength": ["32"], "memory": ["64"], "type": ["id"], "version": ["1.3"], "parallelism": ["1"] } }),
    );
    let keycloak = json!({ "realm": "shop", "users": [
        { "username": "ada", "email": "keycloak@example.com", "emailVerified": true, "enabled": true,
          "firstName": "Ada", "lastName": "Lovelace", "createdTimestamp": 1561982400000_i64,
          "attributes": { "locale": ["de"] }, "credentials": pbkdf2 },
        { "username": "bob", "email": "keycloak-argon2@example.com", "emailVerified": true, "enabled": true,
          "createdTimestamp": 1561982400000_i64, "credentials": argon2 },
        { "username": "cyd", "email": "keycloak-none@example.com", "emailVerified": true, "enabled": false,
          "createdTimestamp": 1561982400000_i64, "credentials": [] },
        { "username": "eve", "email": "victim@example.com", "emailVerified": false, "enabled": true,
          "createdTimestamp": 1561982400000_i64 },
        { "username": "service-account-shop", "enabled": true },
    ] });
    let lines = |rows: &[serde_json::Value]| rows.iter().map(|row| format!("{row}\n")).collect();
    let hash = "$2b$04$Eei4Rkt8yXTOE6jXMnjRY.dkFpIyX/e3KeY4qMFNVZxR.Dmh22lka";
    let auth0_users = lines(&[
        json!({ "email": "auth0@example.com", "email_verified": true, "name": "Ada Lovelace",
            "phone_number": "+49 151 12345678", "created_at": "2019-07-01T12:00:00.000Z" }),
        json!({ "email": "auth0-banned@example.com", "email_verified": true, "blocked": true,
            "name": "auth0-banned@example.com", "created_at": "2019-07-01T12:00:00.000Z" }),
        json!({ "email": "victim@example.com", "email_verified": false, "name": "Eve",
            "created_at": "2019-07-01T12:00:00.000Z" }),
    ]);
    let auth0_hashes = lines(&[
        json!({ "_id": { "$oid": "5d1" }, "email": "auth0@example.com", "email_verified": true,
            "passwordHash": hash, "connection": "Username-Password-Authentication" }),
    ]);
    let firebase = json!({ "users": [
        { "localId": "a", "email": "firebase@example.com", "emailVerified": true, "displayName": "Ada Lovelace",
          "passwordHash":
            "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==",
          "salt": "42xEC+ixf3L2lw==", "createdAt": "1561982400000", "phoneNumber": "+4915112345678" },
        { "localId": "b", "email": "firebase-banned@example.com", "emailVerified": true, "disabled": true,
          "createdAt": "1561982400000" },
        { "localId": "c", "email": "victim@example.com", "emailVerified": false, "createdAt": "1561982400000" },
        { "localId": "d", "createdAt": "1561982400000", "phoneNumber": "+4915112345679" },
    ] });
    vec![
        ("Keycloak", vec![("shop-realm.json", keycloak.to_string())]),
        (
            "Auth0",
            vec![("users.json", auth0_users), ("hashes.json", auth0_hashes)],
        ),
        ("Firebase", vec![("users.json", firebase.to_string())]),
    ]
}
