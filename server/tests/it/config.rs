//! The binary as a newcomer and an operator start it: configuration, files, first words, last words.

use std::os::unix::fs::PermissionsExt;

use crate::support::http::{Http, send};
use crate::support::postgres::{self, Kind};
use crate::support::process::{Bench, text};

const PRODUCTION: &str = r#"
mode = "production"
[server]
public_url = "https://auth.example.com"
[delivery]
acknowledge_file = true
[sms]
allowed_countries = ["DE"]
[security]
hsts_max_age = "365d"
"#;

fn mode(bench: &Bench, name: &str) -> u32 {
    std::fs::metadata(bench.path(name))
        .unwrap()
        .permissions()
        .mode()
        & 0o777
}

#[test]
fn check_config_shows_every_setting_its_value_and_who_set_it() {
    let mut bench = Bench::empty(postgres::kind());
    bench.write("bp-auth.toml", "[limits]\nmfa_failures = 7\n");
    bench.set("BP_AUTH_TOKENS__ACCESS_TTL", "5m");
    bench.set("REFRESH_ROTATION_ENABLED", "false");
    let said = bench.done(&["check-config", "--set", "totp.skew_steps=2"]);
    let line = |key: &str| {
        let line = said
            .lines()
            .find(|line| line.split(' ').next() == Some(key));
        line.unwrap_or_else(|| panic!("no {key} in\n{said}"))
            .to_owned()
    };
    assert!(line("limits.mfa_failures").contains("7  "));
    assert!(line("limits.mfa_failures").contains("bp-auth.toml"));
    assert!(line("tokens.access_ttl").contains("BP_AUTH_TOKENS__ACCESS_TTL"));
    assert!(line("refresh.rotation_enabled").contains("false"));
    assert!(line("refresh.rotation_enabled").contains("REFRESH_ROTATION_ENABLED"));
    assert!(line("totp.skew_steps").ends_with("flag"));
    assert!(line("server.bind").ends_with("default"));
}

#[test]
fn an_unknown_key_is_refused_by_name_from_every_source() {
    for command in ["check-config", "serve", "migrate", "check"] {
        let mut bench = Bench::empty(postgres::kind());
        bench.write("bp-auth.toml", "[limits]\nmfa_failuers = 7\n");
        assert!(
            bench.fails(&[command]).contains("limits.mfa_failuers"),
            "{command}"
        );
        bench.write("bp-auth.toml", "[limitz]\nmfa_failures = 7\n");
        assert!(bench.fails(&[command]).contains("limitz"), "{command}");
        bench.write("bp-auth.toml", "");
        bench.set("BP_AUTH_LIMITS__MFA_FAILUERS", "7");
        assert!(
            bench
                .fails(&[command])
                .contains("BP_AUTH_LIMITS__MFA_FAILUERS"),
            "{command}"
        );
        bench.unset("BP_AUTH_LIMITS__MFA_FAILUERS");
        let said = bench.fails(&[command, "--set", "limits.mfa_failuers=7"]);
        assert!(said.contains("limits.mfa_failuers"), "{command}");
        assert!(
            !bench.path("data").exists(),
            "a refused configuration leaves no data"
        );
    }
}

#[test]
fn a_value_that_cannot_be_is_refused_with_its_key_and_its_source() {
    let bench = Bench::empty(postgres::kind());
    for (assignment, key) in [
        ("tokens.access_ttl=soon", "tokens.access_ttl"),
        ("server.bind=everywhere", "server.bind"),
        (
            "cors.allowed_origins=https://app.example.com/path",
            "cors.allowed_origins",
        ),
        ("hash.profile=none", "hash.profile"),
        ("server.body_timeout=0", "server.body_timeout"),
        ("server.drain_timeout=0", "server.drain_timeout"),
        ("server.drain_timeout=31s", "server.drain_timeout"),
        ("mode=test", "mode"),
    ] {
        let said = bench.fails(&["check-config", "--set", assignment]);
        assert!(
            said.contains(key) && said.contains("flag"),
            "{assignment}: {said}"
        );
    }
    assert!(
        bench
            .fails(&["check-config", "--config", "absent.toml"])
            .contains("absent.toml")
    );
}

#[test]
fn a_secret_can_come_from_a_file_and_is_never_shown() {
    let mut bench = Bench::empty(Kind::Sqlite);
    let url = format!("sqlite://{}?mode=rwc", bench.path("hunter2.db").display());
    let file = bench.write("url", &format!("{url}\n"));
    bench.set("BP_AUTH_DATABASE__URL_FILE", file.to_str().unwrap());
    let said = bench.done(&["check-config"]);
    assert!(said.contains("BP_AUTH_DATABASE__URL_FILE"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
    bench.done(&["migrate"]);
    assert!(bench.path("hunter2.db").exists());
}

#[test]
fn production_refuses_each_development_setting_by_name() {
    let mut bench = Bench::empty(postgres::kind());
    bench.unset("BP_AUTH_HASH__PROFILE");
    bench.write("bp-auth.toml", PRODUCTION);
    bench.done(&["check-config"]);
    for (assignment, key) in [
        ("hash.profile=cheap", "hash.profile"),
        ("cookie.secure=false", "cookie.secure"),
        ("delivery.acknowledge_file=false", "delivery.transport"),
        ("sms.allowed_countries=*", "sms.allowed_countries"),
        (
            "server.public_url=http://auth.example.com",
            "server.public_url",
        ),
        ("server.public_url=", "server.public_url"),
        (
            "cors.allowed_origins=http://app.example.com",
            "cors.allowed_origins",
        ),
        ("server.trusted_proxies=0.0.0.0/0", "server.trusted_proxies"),
    ] {
        for command in ["check-config", "serve"] {
            let said = bench.fails(&[command, "--set", assignment]);
            assert!(said.contains(key), "{assignment}: {said}");
        }
    }
    // All that is wrong is said at once.
    bench.write("bp-auth.toml", "mode = \"production\"\n");
    let said = bench.fails(&["serve"]);
    for key in [
        "delivery.transport",
        "sms.allowed_countries",
        "server.public_url",
    ] {
        assert!(said.contains(key), "{said}");
    }
}

#[tokio::test]
async fn the_first_start_makes_private_files_and_says_one_line() {
    let bench = Bench::empty(postgres::kind());
    let serving = bench.serve();
    let answer = send(serving.http().get("/readyz")).await;
    assert_eq!(answer.status, 200, "it answers once it says so");
    assert_eq!(mode(&bench, "data"), 0o700);
    for entry in std::fs::read_dir(bench.path("data")).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let others = entry.metadata().unwrap().permissions().mode() & 0o077;
        if name.starts_with("keys") || name == "outbox" {
            assert_eq!(others, 0, "{name} is private");
        }
    }
    assert_eq!(mode(&bench, "data/keys.json"), 0o600);
    let ended = serving.terminate();
    assert!(ended.status.success(), "{:?}", ended.status);
    assert_eq!(ended.stdout, "", "logs go to standard error");
}

#[tokio::test]
async fn a_second_start_serves_the_same_data_with_the_same_keys() {
    let bench = Bench::empty(postgres::kind());
    let first = bench.serve();
    let keys = async |http: Http| send(http.get("/.well-known/jwks.json")).await.body;
    let before = keys(first.http()).await;
    let register = async |http: Http| send(http.register("ada@example.com")).await.status;
    assert_eq!(register(first.http()).await, 201);
    assert!(first.terminate().status.success());

    let second = bench.serve();
    assert_eq!(keys(second.http()).await, before);
    assert_eq!(register(second.http()).await, 409);
    assert!(second.terminate().status.success());
    assert_eq!(bench.db().await.count("users").await, 1);
}

#[tokio::test]
async fn a_stop_does_not_wait_for_an_idle_connection() {
    let bench = Bench::empty(postgres::kind());
    let serving = bench.serve();
    let http = serving.http();
    assert_eq!(send(http.get("/healthz")).await.status, 200);
    let started = std::time::Instant::now();
    assert!(serving.terminate().status.success());
    assert!(started.elapsed().as_secs() < 5);
    drop(http);
}

#[test]
fn keys_that_others_can_read_are_not_used() {
    let bench = Bench::empty(postgres::kind());
    bench.done(&["migrate"]);
    let keys = bench.path("data/keys.json");
    std::fs::set_permissions(&keys, PermissionsExt::from_mode(0o644)).unwrap();
    let said = bench.fails(&["serve", "--bind", "127.0.0.1:0"]);
    assert!(said.contains("keys.json") && said.contains("644"), "{said}");
}

#[test]
fn a_database_that_others_can_read_is_not_used() {
    let bench = Bench::empty(Kind::Sqlite);
    bench.done(&["migrate"]);
    let database = bench.path("data/bp-auth.db");
    std::fs::set_permissions(&database, PermissionsExt::from_mode(0o640)).unwrap();
    let said = bench.fails(&["serve", "--bind", "127.0.0.1:0"]);
    assert!(
        said.contains("bp-auth.db") && said.contains("640") && said.contains("chmod 600"),
        "{said}"
    );
}

#[test]
fn an_outbox_that_is_a_link_is_not_written_to() {
    let bench = Bench::empty(postgres::kind());
    bench.done(&["migrate"]);
    let elsewhere = bench.path("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    std::fs::set_permissions(&elsewhere, PermissionsExt::from_mode(0o755)).unwrap();
    std::os::unix::fs::symlink(&elsewhere, bench.path("data/outbox")).unwrap();
    let said = bench.fails(&["serve", "--bind", "127.0.0.1:0"]);
    assert!(said.contains("outbox") && said.contains("link"), "{said}");
    assert_eq!(
        mode(&bench, "elsewhere"),
        0o755,
        "somebody else's directory"
    );
}

#[test]
fn an_address_in_use_is_said_and_nothing_listens() {
    let bench = Bench::empty(postgres::kind());
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = bench.run(&["serve", "--bind", &address]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout), "");
    assert!(text(&output.stderr).contains(&address));
}

#[test]
fn the_version_names_the_commit_and_the_log_says_what_has_started() {
    let mut bench = Bench::empty(postgres::kind());
    let version = bench.done(&["--version"]);
    let commit =
        version
            .trim_end()
            .strip_prefix(concat!("bp-auth ", env!("CARGO_PKG_VERSION"), " ("));
    let commit = commit.unwrap().strip_suffix(')').unwrap();
    let is_hash =
        |text: &str| text.len() >= 12 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    assert!(
        commit == "commit unknown" || is_hash(commit.trim_end_matches(", modified")),
        "{version}"
    );

    bench.set("BP_AUTH_SERVER__ADMIN_BIND", "127.0.0.1:0");
    let serving = bench.serve();
    let log = serving.log();
    let started: Vec<serde_json::Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|line: &serde_json::Value| line["message"] == "started")
        .collect();
    let [started] = &started[..] else {
        panic!("one line: {log}");
    };
    let kind = match bench.has_database() {
        true => "postgres",
        false => "sqlite",
    };
    assert_eq!(
        started["version"],
        version.trim_end().strip_prefix("bp-auth ").unwrap()
    );
    assert_eq!(started["mode"], "development");
    assert_eq!(started["database"], kind);
    assert_eq!(started["address"], serving.url());
    assert_eq!(started["public_url"], serving.url());
    let admin = started["admin_address"].as_str().unwrap();
    assert!(admin.starts_with("http://127.0.0.1:"), "{started}");
    let location = started["database_location"].as_str().unwrap();
    assert!(
        !location.contains('@') && location.contains(kind.trim_end_matches("lite"))
            || !bench.has_database()
    );
    assert!(serving.terminate().status.success());
}

#[test]
fn a_configuration_file_that_cannot_be_read_is_named_with_the_reason() {
    let bench = Bench::empty(postgres::kind());
    let file = bench.path("bp-auth.toml");
    for (content, reason) in [
        (&b"mode = \"production"[..], "not TOML, line 1"),
        (b"mode = \"\xff\"\n", "UTF-8"),
    ] {
        std::fs::write(&file, content).unwrap();
        let said = bench.fails(&["check-config"]);
        assert!(
            said.contains("bp-auth.toml") && said.contains(reason),
            "{said}"
        );
    }
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    let said = bench.fails(&["check-config"]);
    assert!(
        said.contains("bp-auth.toml") && said.contains("directory"),
        "{said}"
    );
    assert!(!bench.path("data").exists());
}
