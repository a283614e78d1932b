//! A whole journey, after which no secret of it is found where none may be: in no row of the
//! database, in no line of the log, in no error body.

use std::borrow::Cow;
use std::collections::BTreeSet;

use opentelemetry_proto::tonic::trace::v1::Span;
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::support::PASSWORD;
use crate::support::collector::{Collector, Manner};
use crate::support::http::send;
use crate::support::operations::operations;
use crate::support::process::{Bench, Serving};

const ADA: &str = "ada@example.com";
const WRONG: &str = "wrong horse battery staple";

/// Collects what people must not read, and every error body that was answered.
struct Journey {
    serving: Serving,
    secrets: BTreeSet<String>,
    errors: Vec<String>,
}

impl Journey {
    async fn send(&mut self, request: RequestBuilder) -> Value {
        let answer = send(request).await;
        for cookie in answer.headers.get_all("set-cookie") {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            self.keep(pair.split_once('=').unwrap().1);
        }
        let text = answer.body;
        if !(200..300).contains(&answer.status) {
            self.errors.push(text.clone());
        }
        let body: Value = serde_json::from_str(&text).unwrap_or_default();
        for field in [
            "access_token",
            "refresh_token",
            "mfa_token",
            "secret",
            "provisioning_uri",
            "qr_code",
            "api_key",
        ] {
            self.keep(body[field].as_str().unwrap_or_default());
        }
        for list in ["backup_codes", "codes"] {
            for code in body[list].as_array().into_iter().flatten() {
                self.keep(code.as_str().unwrap());
            }
        }
        body
    }

    fn keep(&mut self, secret: &str) {
        if !secret.is_empty() {
            self.secrets.insert(secret.to_owned());
        }
    }

    fn post(&self, path: &str, token: &str) -> RequestBuilder {
        let request = self.serving.http().post(&format!("/api/auth/{path}"));
        if token.is_empty() {
            request
        } else {
            request.bearer_auth(token)
        }
    }

    async fn login(&mut self, password: &str) -> Value {
        let form = [
            ("username", ADA),
            ("password", password),
            ("client_secret", WRONG),
        ];
        let request = self.post("token", "").form(&form);
        self.send(request).await
    }

    async fn call(&mut self, path: &str, token: &str, body: Value) -> Value {
        let request = self.post(path, token).json(&body);
        self.send(request).await
    }
}

/// The last token or code that was delivered in a file of this ending.
async fn delivered(bench: &Bench, ending: &str, find: impl Fn(&str) -> Option<String>) -> String {
    for _ in 0..500 {
        let files = std::fs::read_dir(bench.path("data/outbox")).unwrap();
        for file in files.map(|file| file.unwrap().path()) {
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            if file.to_string_lossy().ends_with(ending)
                && let Some(found) = find(&text)
            {
                return found;
            }
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("nothing was delivered");
}

fn link(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("#token=")?;
    let token = rest
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c));
    Some(token.collect())
}

fn six_digits(text: &str) -> Option<String> {
    let mut runs = text.split(|c: char| !c.is_ascii_digit());
    runs.find(|run| run.len() == 6).map(str::to_owned)
}

fn totp(secret: &str) -> String {
    let secret = totp_rs::Secret::try_from_base32(secret).unwrap();
    let totp = totp_rs::Builder::new()
        .with_algorithm(totp_rs::Algorithm::SHA1)
        .with_secret(secret);
    totp.build().unwrap().generate_current().to_string()
}

// The collector takes the last spans while this waits for the server to end.
#[tokio::test(flavor = "multi_thread")]
async fn no_secret_of_a_whole_journey_is_stored_logged_or_repeated() {
    let mut collector = Collector::start(Manner::Answers(200)).await;
    let mut bench = Bench::new();
    bench.set("BP_AUTH_TELEMETRY__OTLP_ENDPOINT", &collector.url);
    bench.set("BP_AUTH_SERVER__ADMIN_BIND", "127.0.0.1:0");
    let serving = bench.serve();
    let (secrets, errors) = (BTreeSet::new(), Vec::new());
    let mut ada = Journey {
        serving,
        secrets,
        errors,
    };
    ada.keep(PASSWORD);
    ada.keep(WRONG);
    let body = json!({ "email": ADA, "password": PASSWORD, "phone": "+4915112345678" });
    ada.call("register", "", body.clone()).await;
    ada.call("register", "", body).await;
    ada.login(WRONG).await;
    let tokens = ada.login(PASSWORD).await;
    let token = tokens["access_token"].as_str().unwrap().to_owned();

    ada.call("verify-phone/request", &token, json!({})).await;
    let sms = delivered(&bench, ".sms.txt", six_digits).await;
    ada.call("verify-phone/confirm", &token, json!({ "code": sms }))
        .await;
    let setup = ada.call("mfa/totp/setup", &token, json!({})).await;
    let code = totp(setup["secret"].as_str().unwrap());
    let enrolled = ada
        .call("mfa/totp/verify", &token, json!({ "code": code }))
        .await;
    let backup = enrolled["backup_codes"][0].clone();
    ada.call("api-key/rotate", &token, json!({})).await;
    ada.call("mfa/backup-codes/regenerate", &token, json!({}))
        .await;

    let pending = ada.login(PASSWORD).await;
    let mfa = pending["mfa_token"].clone();
    // A used-up code, a wrong one, and a right one, on a device that is remembered.
    ada.call(
        "mfa/challenge",
        "",
        json!({ "mfa_token": mfa, "code": backup }),
    )
    .await;
    ada.call(
        "mfa/challenge",
        "",
        json!({ "mfa_token": mfa, "code": code }),
    )
    .await;
    let fresh = ada
        .call("mfa/backup-codes/regenerate", &token, json!({}))
        .await;
    let right = json!({ "mfa_token": mfa, "code": fresh["codes"][0], "remember_device": true });
    let full = ada.call("mfa/challenge", "", right).await;
    assert_eq!(full["mfa_required"], false, "{full}");
    let refresh = json!({ "refresh_token": full["refresh_token"] });
    let next = ada.call("refresh", "", refresh.clone()).await;
    assert!(next["access_token"].is_string(), "{next}");
    let reused = ada.call("refresh", "", refresh).await;
    assert_eq!(reused["error_code"], "token_reused");

    ada.call("mfa/reset/request", &token, json!({})).await;
    let reset = delivered(&bench, ".eml", link).await;
    ada.keep(&reset);
    ada.call("mfa/reset/confirm", "", json!({ "token": reset }))
        .await;
    ada.call("mfa/reset/confirm", "", json!({ "token": reset }))
        .await;

    // Every secret once more where it does not belong: each operation refuses and repeats nothing.
    assert!(ada.secrets.len() > 35, "{}", ada.secrets.len());
    for secret in ada.secrets.clone() {
        let odd =
            json!({ "email": [secret], "token": { "x": secret }, "code": [secret], "password": 1 });
        ada.call("register", "", odd).await;
        if secret.is_ascii() && secret.len() < 4000 {
            let request = ada.serving.http().get("/api/auth/me").bearer_auth(&secret);
            ada.send(request).await;
            let request = ada
                .serving
                .http()
                .get("/api/auth/me")
                .header("x-api-key", &secret);
            ada.send(request).await;
        }
    }
    for operation in operations()
        .into_iter()
        .filter(|operation| operation.media.is_some())
    {
        let path = operation.path.strip_prefix("/api/auth/").unwrap();
        let body = json!({ "refresh_token": [reset], "mfa_token": reset, "code": [reset], "token": [reset] });
        ada.call(path, &token, body).await;
    }
    assert!(ada.errors.len() > 80);

    let db = bench.db().await;
    for _ in 0..500 {
        if db
            .number("SELECT count(*) FROM outbox WHERE state = 'pending'")
            .await
            == 0
        {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let rows = db.everything().await;
    assert!(
        rows.iter().any(|row| row.contains(ADA)),
        "the search finds what is there"
    );
    let metrics = send(ada.serving.admin().get("/metrics")).await.body;
    assert!(metrics.contains("outcome=\"token_reused\""), "{metrics}");
    let ended = ada.serving.terminate();
    assert!(
        ended.stderr.contains("\"operation\":\"login\""),
        "{}",
        ended.stderr
    );
    // A server that has ended has sent all its spans.
    let spans = collector.spans();
    let deliveries = spans.iter().filter(|span| span.name == "outbox.deliver");
    assert!(
        deliveries.count() >= 2 && spans.len() > 200,
        "{}",
        spans.len()
    );
    let traces: Vec<Cow<'_, str>> = (collector.received.iter())
        .map(|export| String::from_utf8_lossy(&export.bytes))
        .collect();
    assert!(
        traces
            .iter()
            .any(|export| export.contains("/api/auth/token")),
        "the search finds what is there"
    );
    for personal in [ADA, "ada@", "15112345678"] {
        let in_trace = traces.iter().any(|export| export.contains(personal));
        assert!(!in_trace, "{personal} in a span");
    }
    for secret in &ada.secrets {
        // A code with separators may be kept without them.
        let bare: String = secret.chars().filter(|c| *c != '-').collect();
        for form in [secret, &bare] {
            let in_row = rows.iter().find(|row| row.contains(form.as_str()));
            assert_eq!(in_row, None, "{secret} in the database");
            let in_log = ended
                .stderr
                .lines()
                .find(|line| line.contains(form.as_str()));
            assert_eq!(in_log, None, "{secret} in the log");
            // Six digits may as well be those of a duration.
            let in_metrics = form.len() > 6 && metrics.contains(form.as_str());
            assert!(!in_metrics, "{secret} in the metrics");
            // The bytes of a time and of an id hold any six digits, so that a short one is looked for in
            // the texts of the spans.
            let text = |span: &Span| {
                let values = span.attributes.iter().map(|it| format!("{:?}", it.value));
                let values = values.filter(|value| value.matches('-').count() != 4);
                values.collect::<String>() + &span.name
            };
            let in_trace = match form.len() > 8 {
                true => traces.iter().any(|export| export.contains(form.as_str())),
                false => spans.iter().any(|span| text(span).contains(form.as_str())),
            };
            assert!(!in_trace, "{secret} in a span");
            let in_error = ada
                .errors
                .iter()
                .find(|error| error.contains(form.as_str()));
            assert_eq!(in_error, None, "{secret} in an error body");
        }
    }
    bench.done(&["check"]);
}
