//! SIGHUP: what a running server takes over from its configuration, and what it does not.

use serde_json::{Value, json};

use crate::support::PASSWORD;
use crate::support::http::send;
use crate::support::process::{Bench, Serving};
use crate::support::provider::Provider;

const RELOADED: &str = "the configuration was reloaded";
const REFUSED: &str = "the configuration was not reloaded, and everything stays as it was";
const FILE: &str = "bp-auth.toml";

fn of<'l>(lines: &'l [Value], message: &str) -> Vec<&'l Value> {
    let found = lines.iter().filter(|line| line["message"] == message);
    found.collect()
}

async fn is_alive(serving: &Serving) {
    assert_eq!(send(serving.http().get("/healthz")).await.status, 200);
}

/// Has a code sent to a new user.
async fn send_code(serving: &Serving, email: &str, phone: &str) {
    let http = serving.http();
    let body = json!({ "email": email, "password": PASSWORD, "phone": phone });
    let registered = send(http.post_json("/api/auth/register", &body)).await;
    assert_eq!(registered.status, 201, "{registered:?}");
    let token = send(http.token(email, PASSWORD)).await.text("access_token");
    let request = http.post("/api/auth/verify-phone/request");
    let sent = send(request.bearer_auth(token)).await;
    assert_eq!(sent.status, 200, "{sent:?}");
}

async fn heard(provider: &Provider, number: usize) -> String {
    for _ in 0..1000 {
        if let Some(heard) = provider.heard().get(number) {
            let value = heard.headers["authorization"].to_str().unwrap();
            return value.to_owned();
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("no message {number}");
}

#[tokio::test]
async fn the_secret_of_a_provider_is_read_again_from_its_file() {
    let provider = Provider::start().await;
    provider.answers(201, &[], "{}");
    let mut bench = Bench::new();
    let token = bench.write("token", "first\n");
    for (name, value) in [
        ("BP_AUTH_DELIVERY__SMS_TRANSPORT", "twilio"),
        ("BP_AUTH_TWILIO__URL", &provider.url),
        ("BP_AUTH_TWILIO__ACCOUNT_SID", "AC123"),
        ("BP_AUTH_TWILIO__FROM", "+15005550006"),
        ("BP_AUTH_TWILIO__AUTH_TOKEN_FILE", token.to_str().unwrap()),
    ] {
        bench.set(name, value);
    }
    let serving = bench.serve();
    send_code(&serving, "ada@example.com", "+4915112345678").await;
    let first = heard(&provider, 0).await;
    bench.write("token", "second\n");
    serving.signal("-HUP");
    let lines = serving.logged(RELOADED, 1).await;
    assert_eq!(of(&lines, RELOADED)[0]["changed"], "twilio.auth_token");
    send_code(&serving, "bob@example.com", "+4915112345679").await;
    let second = heard(&provider, 1).await;
    let basic = |token: &str| {
        let pair = format!("AC123:{token}");
        format!("Basic {}", data_encoding::BASE64.encode(pair.as_bytes()))
    };
    assert_eq!([first, second], [basic("first"), basic("second")]);
    let ended = serving.terminate();
    assert!(ended.status.success());
    assert!(!ended.stderr.contains("second"), "a secret in the log");
}

#[tokio::test]
async fn the_log_level_is_taken_over_and_what_needs_a_restart_is_named() {
    let bench = Bench::new();
    bench.write(FILE, "[log]\nlevel = \"warn\"\n");
    let serving = bench.serve();
    is_alive(&serving).await;
    assert!(!serving.log().contains("\"request\""), "{}", serving.log());
    bench.write(
        FILE,
        "[log]\nlevel = \"info\"\n[limits]\nregister_per_minute = 5\n[server]\nidle_timeout = 60\n",
    );
    serving.signal("-HUP");
    let lines = serving.logged(RELOADED, 1).await;
    assert_eq!(of(&lines, RELOADED)[0]["changed"], "log.level");
    is_alive(&serving).await;
    // Until the restart, each reload says so.
    serving.signal("-HUP");
    serving.logged(RELOADED, 2).await;
    let ended = serving.terminate();
    assert!(ended.status.success());
    let lines = crate::logs::lines(&ended.stderr);
    assert_eq!(of(&lines, "request").len(), 1, "{}", ended.stderr);
    let named = of(
        &lines,
        "these settings have changed and count from the next start on",
    );
    assert_eq!(named.len(), 2);
    for line in named {
        assert_eq!(line["level"], "WARN");
        assert_eq!(
            line["settings"],
            "limits.register_per_minute, server.idle_timeout"
        );
    }
    assert_eq!(of(&lines, RELOADED)[1]["changed"], "");
}

#[tokio::test]
async fn a_configuration_that_cannot_be_used_changes_nothing() {
    let bench = Bench::new();
    bench.write(FILE, "[log]\nlevel = \"warn\"\n");
    let serving = bench.serve();
    for (number, (file, named)) in [
        ("[log]\nlevel = \"loud\"\n", "log.level"),
        ("[log]\nlevel = ", "not TOML"),
        (
            "[log]\nlevel = \"info\"\n[delivery]\ntimeout = \"5m\"\n",
            "delivery.timeout",
        ),
        (
            "[log]\nlevel = \"info\"\n[delivery]\ntemplates_dir = \"nowhere\"\n",
            "nowhere",
        ),
        (
            "[log]\nlevel = \"info\"\n[lag]\nlevel = \"info\"\n",
            "lag.level",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        bench.write(FILE, file);
        serving.signal("-HUP");
        let lines = serving.logged(REFUSED, number + 1).await;
        let refused = of(&lines, REFUSED)[number];
        assert_eq!(refused["level"], "ERROR");
        let problem = refused["problem"].as_str().unwrap();
        assert!(problem.contains(named), "{problem}");
        is_alive(&serving).await;
    }
    let ended = serving.terminate();
    assert!(ended.status.success());
    // Nor was the better half of a bad file taken over.
    let lines = crate::logs::lines(&ended.stderr);
    assert!(of(&lines, "request").is_empty() && of(&lines, RELOADED).is_empty());
}
