//! SMS through a provider's REST interface and through a signed webhook, and providers that fail.

use std::time::Duration;

use bp_auth_server::config::{Config, Seconds, SecretText, SmsTransport};
use data_encoding::BASE64;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;

use crate::support::TestServer;
use crate::support::provider::{Heard, Provider};

const ADA: &str = "ada@example.com";
const NUMBER: &str = "+4915112345678";
/// From the specification's own examples.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn twilio(config: &mut Config, url: &str) {
    config.delivery.sms_transport = SmsTransport::Twilio;
    config.twilio.url = url.to_owned();
    config.twilio.account_sid = "AC123".to_owned();
    config.twilio.auth_token = SecretText::new("hunter2");
    config.twilio.from = "+15005550006".to_owned();
}

fn webhook(config: &mut Config, url: &str) {
    config.delivery.sms_transport = SmsTransport::Webhook;
    config.sms_webhook.url = format!("{url}/sms");
    config.sms_webhook.secret = SecretText::new(SECRET);
}

/// Has a code sent to a new user.
async fn send_code(server: &TestServer) {
    let tokens = server.register_with_phone(ADA, NUMBER).await;
    let client = server.bearer(&tokens.access_token);
    client
        .verify_phone_request()
        .send()
        .await
        .expect("it is sent later");
}

async fn row(server: &TestServer) -> String {
    let sql = "SELECT state || ' ' || CAST(attempts AS TEXT) || ' ' || COALESCE(last_error, '') \
               FROM outbox WHERE kind = 'sms'";
    server.db.texts(sql).await.remove(0).trim_end().to_owned()
}

async fn noted(server: &TestServer, words: &str) -> String {
    for _ in 0..3000 {
        let row = row(server).await;
        if row.starts_with(words) {
            return row;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not {words:?}: {}", row(server).await);
}

/// The signature as a receiver computes it.
fn signature(heard: &Heard) -> String {
    let key = BASE64
        .decode(SECRET.trim_start_matches("whsec_").as_bytes())
        .unwrap();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&key).unwrap();
    let text = |name: &str| heard.headers[name].to_str().unwrap();
    for part in [
        text("webhook-id"),
        ".",
        text("webhook-timestamp"),
        ".",
        &heard.body,
    ] {
        mac.update(part.as_bytes());
    }
    format!("v1,{}", BASE64.encode(&mac.finalize().into_bytes()))
}

#[tokio::test]
async fn a_code_goes_out_as_twilio_wants_it() {
    let provider = Provider::start().await;
    provider.answers(201, &[], r#"{"sid": "SM1", "status": "queued"}"#);
    let server = TestServer::start_with(|config| twilio(config, &provider.url)).await;
    send_code(&server).await;
    noted(&server, "sent 1").await;
    let heard = provider.heard();
    assert_eq!(heard.len(), 1);
    assert_eq!(heard[0].path, "/2010-04-01/Accounts/AC123/Messages.json");
    let basic = format!("Basic {}", BASE64.encode(b"AC123:hunter2"));
    assert_eq!(heard[0].headers["authorization"], basic);
    let form: Vec<(String, String)> = serde_urlencoded::from_str(&heard[0].body).unwrap();
    let of = |key: &str| {
        form.iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.as_str())
    };
    assert_eq!((of("To"), of("From")), (Some(NUMBER), Some("+15005550006")));
    let text = of("Body").unwrap();
    let code = text.split(' ').next().unwrap();
    assert!(
        code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()),
        "{text}"
    );
    assert_eq!(form.len(), 3);
    // A mail goes its own way.
    assert_eq!(server.mails_to(ADA).await.len(), 1);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_webhook_is_signed_and_each_try_has_the_same_id() {
    let provider = Provider::start().await;
    provider.answers(503, &[], "");
    let server = TestServer::start_with(|config| webhook(config, &provider.url)).await;
    send_code(&server).await;
    noted(&server, "pending 1 the SMS webhook answers 503").await;
    provider.answers(204, &[], "");
    server.advance(Duration::from_secs(2));
    noted(&server, "sent 2").await;
    let heard = provider.heard();
    assert_eq!(heard.len(), 2);
    for one in &heard {
        assert_eq!(one.path, "/sms");
        assert_eq!(one.headers["content-type"], "application/json");
        assert_eq!(one.headers["webhook-signature"], signature(one).as_str());
        let body: Value = serde_json::from_str(&one.body).unwrap();
        assert_eq!(body["type"], "sms");
        assert_eq!(body["data"]["to"], NUMBER);
        assert_eq!(body["data"]["template"], "sms_code");
        assert_eq!(
            body["data"]["id"],
            one.headers["webhook-id"].to_str().unwrap()
        );
    }
    assert_eq!(
        heard[0].headers["webhook-id"],
        heard[1].headers["webhook-id"]
    );
    assert_eq!(heard[0].body, heard[1].body);
    // The time is that of the try, for receivers that refuse old ones.
    assert_ne!(
        heard[0].headers["webhook-timestamp"],
        heard[1].headers["webhook-timestamp"]
    );
    server.stop_and_check().await;
}

/// Status, headers and body of an answer, what is noted of it, and the least and longest wait.
type Case<'a> = (
    u16,
    &'a [(&'static str, &'a str)],
    &'a str,
    &'a str,
    Option<(i64, i64)>,
);

#[tokio::test]
async fn each_misbehaviour_of_a_provider_ends_as_it_should() {
    let refused = r#"{"code": 21211, "message": "The 'To' number +4915112345678 is not valid"}"#;
    let cases: [Case<'_>; 8] = [
        (
            429,
            &[("retry-after", "30")],
            "",
            "pending 1 twilio answers 429",
            Some((30_000, 30_000)),
        ),
        (
            429,
            &[],
            "",
            "pending 1 twilio answers 429",
            Some((1000, 2000)),
        ),
        (
            500,
            &[],
            "oops",
            "pending 1 twilio answers 500",
            Some((1000, 2000)),
        ),
        (
            503,
            &[("retry-after", "86400")],
            "",
            "pending 1 twilio answers 503",
            Some((600_000, 600_000)),
        ),
        (
            0,
            &[],
            "",
            "pending 1 the transport took too long",
            Some((1000, 2000)),
        ),
        (
            401,
            &[],
            "{}",
            "pending 1 twilio answers 401",
            Some((1000, 2000)),
        ),
        // Wherever it points to, no code follows.
        (
            302,
            &[("location", "/elsewhere")],
            "",
            "pending 1 twilio answers 302",
            Some((1000, 2000)),
        ),
        (400, &[], refused, "dead 1 twilio answers 400 (21211)", None),
    ];
    for (status, headers, body, expected, wait) in cases {
        let provider = Provider::start().await;
        match status {
            0 => provider.is_silent(),
            status => provider.answers(status, headers, body),
        }
        let server = TestServer::start_with(|config| {
            twilio(config, &provider.url);
            config.delivery.timeout = Seconds::new(1);
        })
        .await;
        send_code(&server).await;
        let first = noted(&server, expected).await;
        assert!(!first.contains(NUMBER), "{first}");
        let next = "SELECT CAST(next_attempt_at AS TEXT) FROM outbox WHERE kind = 'sms'";
        let next: i64 = server.db.texts(next).await[0].parse().unwrap();
        let delay = next - crate::support::START.ms();
        println!("{status} {headers:?}: {first}, next try after {delay} ms");
        provider.answers(201, &[], "{}");
        let Some((least, longest)) = wait else {
            server.advance(Duration::from_secs(60));
            server.register("bob@example.com").await;
            assert_eq!(server.mails_to("bob@example.com").await.len(), 1);
            assert!(row(&server).await.starts_with("dead 1"));
            assert_eq!(provider.heard().len(), 1);
            server.stop_and_check().await;
            continue;
        };
        assert!((least..=longest).contains(&delay), "{delay}");
        server.advance(Duration::from_millis(u64::try_from(delay).unwrap()));
        // Longer than a code lives: then nothing goes out any more.
        let end = if delay < 600_000 {
            "sent 2"
        } else {
            "expired 1"
        };
        noted(&server, end).await;
        let times = if delay < 600_000 { 2 } else { 1 };
        assert_eq!(provider.heard().len(), times, "{status}");
        assert!(
            provider
                .heard()
                .iter()
                .all(|one| one.path.ends_with("/Messages.json"))
        );
        server.stop_and_check().await;
    }
}
