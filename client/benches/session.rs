//! What a call of a `Session` costs, beside the same request sent by plain reqwest.
//!
//! `cargo bench --bench session`; see docs/benchmarks.md.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use bp_auth_client::{AuthClient, LoginOutcome, Session, bearer_client, types};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

const ROUNDS: usize = 40;
const CALLS: u32 = 500;

/// One answer to every `GET`, small and always the same, so that the client is what is measured.
const METHODS: &str = r#"{"mfa_enabled":false,"methods":[],"backup_codes_remaining":0}"#;

/// What a round took: plain reqwest, the generated client, a session.
type Round = [Duration; 3];

fn main() {
    // `cargo test` starts benchmarks too, to see that they run.
    let rounds = if std::env::args().any(|a| a == "--bench") {
        ROUNDS
    } else {
        1
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(measure(rounds));
}

async fn measure(rounds: usize) {
    let url = serve();
    let session = session(&url).await;
    let token = session.access_token().await.expect("a token");
    let generated = bearer_client(&url, &token).expect("a client");
    // As the client's own is built, so that what differs is the session alone.
    let plain = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(15))
        .timeout(Duration::from_secs(15))
        .build()
        .expect("a client");
    let (address, bearer) = (
        format!("{url}/api/auth/mfa/methods"),
        format!("Bearer {}", token.expose()),
    );

    let mut measured: Vec<Round> = Vec::new();
    // The first round opens the connections, and is not counted.
    for round in 0..=rounds {
        let mut taken = Round::default();
        // In turns, and each round begins with another: what disturbs one disturbs all.
        for turn in 0..3 {
            let which = (round + turn) % 3;
            let began = Instant::now();
            for _ in 0..CALLS {
                match which {
                    0 => by_reqwest(&plain, &address, &bearer).await,
                    1 => drop(black_box(
                        generated.mfa_methods().send().await.expect("an answer"),
                    )),
                    _ => drop(black_box(
                        session.mfa_methods().send().await.expect("an answer"),
                    )),
                }
            }
            taken[which] = began.elapsed();
        }
        if round > 0 {
            measured.push(taken);
        }
    }
    report(&measured);
}

async fn by_reqwest(http: &reqwest::Client, address: &str, bearer: &str) {
    let request = http
        .get(address)
        .header("accept", "application/json")
        .header("api-version", "1.0.0")
        .header("authorization", bearer);
    let answer = request.send().await.expect("an answer");
    assert!(answer.status().is_success());
    let bytes = answer.bytes().await.expect("a body");
    let methods: types::MfaMethods = serde_json::from_slice(&bytes).expect("methods");
    drop(black_box(methods));
}

fn report(measured: &[Round]) {
    println!("{} rounds of {CALLS} calls each, in turns", measured.len());
    for (which, name) in ["plain reqwest", "generated client", "session"]
        .iter()
        .enumerate()
    {
        let call = median(measured, |round| round[which].as_secs_f64());
        let ratio = median(measured, |round| {
            round[which].as_secs_f64() / round[0].as_secs_f64()
        });
        let micros = call * 1e6 / f64::from(CALLS);
        println!("{name:<18}{micros:>8.1} us a call{ratio:>8.3} x plain reqwest");
    }
}

fn median(measured: &[Round], of: impl Fn(&Round) -> f64) -> f64 {
    let mut values: Vec<f64> = measured.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

async fn session(url: &str) -> Session {
    let auth = AuthClient::new(url).expect("a client");
    match auth.login("ada@example.org", "...").await.expect("a login") {
        LoginOutcome::Authenticated(session) => session,
        LoginOutcome::MfaRequired(challenge) => panic!("{challenge:?}"),
    }
}

/// The server is a thread of its own, so that its work is not on the client's.
fn serve() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("a socket");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let listener = TcpListener::from_std(listener).expect("a socket");
            loop {
                let (stream, _) = listener.accept().await.expect("a connection");
                tokio::spawn(answer(stream));
            }
        });
    });
    url
}

async fn answer(mut stream: TcpStream) {
    let login = json!({
        "access_token": format!("eyJ{}", "x".repeat(600)),
        "token_type": "bearer",
        "expires_in": 900,
        "refresh_token": "bpr_x",
        "refresh_expires_in": 1_209_600,
        "scope": "",
        "mfa_required": false,
        "user": {
            "id": "0198c4f2-4b3a-7c55-8d10-5a4b1f3f9a01",
            "email": "ada@example.org",
            "tenant_id": "0198c4f2-4b3a-7c55-8d10-5a4b1f3f9a02",
            "roles": ["owner"],
            "mfa_enabled": false,
        },
    });
    let (login, methods) = (whole(&login.to_string()), whole(METHODS));
    let mut request = [0; 8192];
    let mut held = 0;
    while let Ok(read) = stream.read(&mut request[held..]).await {
        held += read;
        let text = &request[..held];
        let is_login = text.starts_with(b"POST");
        let ends = if is_login {
            b"example.org".as_slice()
        } else {
            b"\r\n\r\n"
        };
        if read == 0 {
            return;
        }
        if text.ends_with(ends) {
            held = 0;
            let answer = if is_login { &login } else { &methods };
            if stream.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
        }
    }
}

fn whole(body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}
