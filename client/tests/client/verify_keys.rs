//! When a verifier reads the public keys, and what it makes of the answers.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Sender, channel},
    },
    time::Duration,
};

use bp_auth_client::{
    testing::TestAuth,
    verify::{Verifier, VerifierBuilder, VerifyError},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::scripted::{Answer, Scripted};

const SECOND: Duration = Duration::from_secs(1);
/// What timers may be late by.
const MOMENT: Duration = Duration::from_millis(5);
const KEYS: &str = "GET /.well-known/jwks.json";
const LARGEST: usize = 64 * 1024;

/// An answer made of the keys, and of the headers that lead elsewhere.
type Spoilt = fn(Value, Vec<(&'static str, String)>) -> Answer;

async fn published(auth: &TestAuth) -> Value {
    let url = format!("{}/.well-known/jwks.json", auth.url());
    reqwest::get(url).await.unwrap().json().await.unwrap()
}

fn builder(auth: &TestAuth, keys_from: &Scripted) -> VerifierBuilder {
    let now = auth.now();
    Verifier::builder(&keys_from.url)
        .issuer(auth.url())
        .clock(move || now)
}

/// The same keys, made larger by a member that nobody reads.
fn padded(keys: &Value, size: usize) -> Value {
    let mut padded = keys.clone();
    padded["padding"] = json!("");
    let missing = size - padded.to_string().len();
    padded["padding"] = json!("x".repeat(missing));
    assert_eq!(padded.to_string().len(), size);
    padded
}

/// The time of the runtime, which stands still unless it is moved.
struct Time {
    /// Tokio does not move it by itself while a blocking task runs; this one ends when it is dropped.
    _stopped: Sender<()>,
}

impl Time {
    fn stop() -> Self {
        tokio::time::pause();
        let (stopped, over) = channel();
        tokio::task::spawn_blocking(move || over.recv());
        Self { _stopped: stopped }
    }

    /// Moves it on, and lets everybody do what is due.
    async fn pass(&self, server: &Scripted, time: Duration) {
        tokio::time::advance(time).await;
        let address = server.url.strip_prefix("http://").unwrap();
        // All share one thread: a reading that is due is answered before the last of these.
        for _ in 0..20 {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream
                .write_all(b"GET /nothing HTTP/1.1\r\n\r\n")
                .await
                .unwrap();
            stream.read_to_end(&mut Vec::new()).await.unwrap();
        }
    }
}

#[tokio::test]
async fn keys_are_read_again_when_their_answer_says_so_within_bounds() {
    let auth = TestAuth::start().await;
    let keys = published(&auth).await;
    let time = Time::stop();
    for (cache_control, seconds) in [
        (None, 300),
        (Some("public, max-age=60"), 60),
        (Some("Max-Age=60"), 60),
        (Some("max-age=1"), 10),
        (Some("max-age=86400"), 300),
        (Some("max-age=soon"), 300),
        (Some("no-cache"), 300),
    ] {
        let keys = keys.clone();
        let server = Scripted::start(move |_| {
            let headers = cache_control.map(|value| ("cache-control", value.to_owned()));
            let answer = Answer::With(200, Vec::from_iter(headers), keys.clone());
            async { answer }
        })
        .await;
        let verifier = builder(&auth, &server).build().unwrap();
        verifier.ready().await.unwrap();
        for readings in 1..4 {
            time.pass(&server, seconds * SECOND - MOMENT).await;
            assert_eq!(server.count(KEYS), readings, "{cache_control:?}");
            time.pass(&server, 2 * MOMENT).await;
            assert_eq!(server.count(KEYS), readings + 1, "{cache_control:?}");
        }
    }
}

#[tokio::test]
async fn a_reading_for_an_unknown_key_delays_the_next_one_by_no_more_than_a_period() {
    let auth = TestAuth::start().await;
    let keys = published(&auth).await;
    let server = Scripted::start(move |_| {
        let answer = Answer::Json(200, keys.clone());
        async { answer }
    })
    .await;
    let time = Time::stop();
    let verifier = builder(&auth, &server).build().unwrap();
    verifier.ready().await.unwrap();
    time.pass(&server, 2 * SECOND).await;
    time.pass(&server, 198 * SECOND).await;
    let forged = auth.token().unknown_key().sign();
    verifier.verify(&forged).await.unwrap_err();
    assert_eq!(server.count(KEYS), 2);
    time.pass(&server, 300 * SECOND - MOMENT).await;
    assert_eq!(server.count(KEYS), 2);
    time.pass(&server, 2 * MOMENT).await;
    assert_eq!(server.count(KEYS), 3);
}

#[tokio::test]
async fn a_reading_that_failed_is_repeated_sooner_and_brings_what_is_new() {
    let auth = TestAuth::start().await;
    let old = published(&auth).await;
    auth.rotate().await;
    let new = published(&auth).await;
    let is_back = Arc::new(AtomicBool::new(false));
    let back = Arc::clone(&is_back);
    let server = Scripted::start(move |asked| {
        let answer = match (asked.before, back.load(Ordering::SeqCst)) {
            (0, _) => Answer::Json(200, old.clone()),
            (_, true) => Answer::Json(200, new.clone()),
            (_, false) => Answer::Nothing,
        };
        async { answer }
    })
    .await;
    // No token makes it read.
    let builder = builder(&auth, &server).cool_down(Duration::MAX);
    let verifier = builder.build().unwrap();
    let time = Time::stop();
    verifier.ready().await.unwrap();
    let token = auth.token().sign();
    time.pass(&server, 300 * SECOND + MOMENT).await;
    let mut readings = 2;
    for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
        assert_eq!(server.count(KEYS), readings);
        time.pass(&server, seconds * SECOND - MOMENT).await;
        assert_eq!(server.count(KEYS), readings, "{seconds} s are not over");
        time.pass(&server, 2 * MOMENT).await;
        readings += 1;
    }
    let refused = verifier.verify(&token).await.unwrap_err();
    assert_eq!(refused, VerifyError::KeysUnavailable);
    is_back.store(true, Ordering::SeqCst);
    time.pass(&server, 60 * SECOND + MOMENT).await;
    verifier.verify(&token).await.unwrap();
    assert_eq!(server.count(KEYS), readings + 1);
    // Now at its usual pace.
    time.pass(&server, 299 * SECOND).await;
    assert_eq!(server.count(KEYS), readings + 1);
}

#[tokio::test]
async fn an_answer_that_is_no_set_of_keys_is_refused_and_the_old_keys_go_on() {
    let auth = TestAuth::start().await;
    let keys = published(&auth).await;
    let elsewhere = vec![("location", format!("{}/.well-known/jwks.json", auth.url()))];
    let rows: Vec<(&str, Spoilt)> = vec![
        ("one byte too large", |keys, _| {
            Answer::Json(200, padded(&keys, LARGEST + 1))
        }),
        ("far too large", |keys, _| {
            Answer::Json(200, padded(&keys, 40 * LARGEST))
        }),
        ("a failure", |keys, _| Answer::Json(500, keys)),
        ("no set", |keys, _| Answer::Json(200, keys["keys"].clone())),
        ("nothing", |_, _| Answer::Nothing),
        ("elsewhere", |keys, elsewhere| {
            Answer::With(302, elsewhere, keys)
        }),
    ];
    for (what, answer) in rows {
        let (keys, elsewhere) = (keys.clone(), elsewhere.clone());
        let server = Scripted::start(move |asked| {
            let answer = match asked.before {
                0 => Answer::Json(200, padded(&keys, LARGEST)),
                _ => answer(keys.clone(), elsewhere.clone()),
            };
            async { answer }
        })
        .await;
        let verifier = builder(&auth, &server).cool_down(Duration::ZERO);
        let verifier = verifier.build().unwrap();
        let good = auth.token().sign();
        verifier.verify(&good).await.unwrap();
        let unknown = auth.token().unknown_key().sign();
        let refused = verifier.verify(&unknown).await.unwrap_err();
        assert_eq!(refused, VerifyError::KeysUnavailable, "{what}");
        assert_eq!(server.count(KEYS), 2, "{what}");
        verifier.verify(&good).await.unwrap();

        // Without old keys there is nothing to go on with.
        let late = builder(&auth, &server).build().unwrap();
        assert_eq!(late.ready().await, Err(VerifyError::KeysUnavailable));
    }
}

#[tokio::test]
async fn keys_of_other_kinds_spoil_nothing_and_verify_nothing() {
    let auth = TestAuth::start().await;
    let mut keys = published(&auth).await;
    let own = keys["keys"][0].clone();
    let good = auth.token().sign();
    auth.rotate().await;
    let mut sealing = published(&auth).await["keys"][1].clone();
    sealing["use"] = json!("enc");
    let others = [
        sealing,
        json!({ "kty": "RSA", "kid": "1", "n": "AQAB", "e": "AQAB", "use": "sig" }),
        json!({ "kty": "OKP", "crv": "Ed25519", "kid": "2", "x": "too short" }),
        json!({ "kty": "OKP", "crv": "Ed25519", "x": own["x"] }),
        json!({}),
    ];
    keys["keys"] = Value::from_iter(others.into_iter().chain([own]));
    let by_sealing = auth.token().sign();
    let server = Scripted::start(move |_| {
        let answer = Answer::Json(200, keys.clone());
        async { answer }
    })
    .await;
    let verifier = builder(&auth, &server).build().unwrap();
    verifier.verify(&good).await.unwrap();
    let refused = verifier.verify(&by_sealing).await.unwrap_err();
    assert_eq!(refused, VerifyError::UnknownKey);
}

#[tokio::test]
async fn the_keys_of_a_server_below_a_path_are_read_there() {
    let auth = TestAuth::start().await;
    let keys = published(&auth).await;
    let server = Scripted::start(move |_| {
        let answer = Answer::Json(200, keys.clone());
        async { answer }
    })
    .await;
    let now = auth.now();
    let verifier = Verifier::builder(&format!("{}/auth/", server.url))
        .issuer(auth.url())
        .clock(move || now);
    verifier.build().unwrap().ready().await.unwrap();
    assert_eq!(server.count("GET /auth/.well-known/jwks.json"), 1);
}
