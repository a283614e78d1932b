//! A server whose answers a test writes, and which remembers what it was asked.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use bp_auth_client::{
    AuthClient, LoginOutcome, Session,
    session::{AuthClientBuilder, RetryPolicy},
};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::one_answer::is_complete;

/// What begins every secret that the server gives.
pub const MARKER: &str = "m4rk3r";
pub const EMAIL: &str = "ada@example.org";

pub struct Scripted {
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    time: Arc<AtomicI64>,
}

#[derive(Clone)]
pub struct Asked {
    /// Method and path.
    pub line: String,
    /// The whole request.
    pub text: String,
    /// How many requests with the same line came before.
    pub before: usize,
}

pub enum Answer {
    Json(u16, Value),
    With(u16, Vec<(&'static str, String)>, Value),
    Empty(u16),
    /// The connection is closed without a word.
    Nothing,
}

type Script = Arc<dyn Fn(Asked) -> Pin<Box<dyn Future<Output = Answer> + Send>> + Send + Sync>;

impl Scripted {
    pub async fn start<F>(script: impl Fn(Asked) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let script: Script = Arc::new(move |asked| Box::pin(script(asked)));
        let log = Arc::clone(&asked);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, Arc::clone(&log), Arc::clone(&script)));
            }
        });
        let time = Arc::new(AtomicI64::new(1_767_225_600_000));
        Self { url, asked, time }
    }

    /// A client whose clock the test moves, and which does not wait long between attempts.
    pub fn builder(&self) -> AuthClientBuilder {
        let time = Arc::clone(&self.time);
        let retry = RetryPolicy {
            base: Duration::from_millis(1),
            ..RetryPolicy::default()
        };
        AuthClient::builder(&self.url).retry(retry).clock(move || {
            DateTime::<Utc>::from_timestamp_millis(time.load(Ordering::SeqCst)).unwrap()
        })
    }

    pub async fn session(&self) -> Session {
        log_in(&self.builder().build().unwrap()).await
    }

    pub fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap();
        self.time.fetch_add(by, Ordering::SeqCst);
    }

    /// How many requests were asked with this method and path.
    pub fn count(&self, line: &str) -> usize {
        self.asked(line).len()
    }

    pub fn asked(&self, line: &str) -> Vec<Asked> {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|a| a.line == line).cloned().collect()
    }
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        let (head, _) = self.text.split_once("\r\n\r\n").unwrap();
        let lines = head.lines().filter_map(|line| line.split_once(": "));
        let mut values = lines.filter(|(n, _)| n.eq_ignore_ascii_case(name));
        values.next().map(|(_, value)| value)
    }

    pub fn body(&self) -> &str {
        self.text.split_once("\r\n\r\n").unwrap().1
    }

    /// The number of the access token that it presents.
    pub fn token(&self) -> Option<usize> {
        let token = self.header("authorization")?;
        let number = token.strip_prefix(&format!("Bearer {MARKER}-access-"))?;
        Some(number.parse().unwrap())
    }
}

pub const LOGIN: &str = "POST /api/auth/token";
pub const REFRESH: &str = "POST /api/auth/refresh";
/// What `mfa_methods` sends, as an example of a call that changes nothing.
pub const READ: &str = "GET /api/auth/mfa/methods";
/// What `verify_phone_request` sends, as an example of one that does.
pub const WRITE: &str = "POST /api/auth/verify-phone/request";
pub const LOGOUT: &str = "POST /api/auth/logout";

/// What a server says that is content: tokens number 0 at login, the next at each refresh.
pub fn content(asked: &Asked) -> Answer {
    match asked.line.as_str() {
        LOGIN => tokens(0),
        REFRESH => tokens(asked.before + 1),
        READ => Answer::Json(
            200,
            json!({"mfa_enabled": false, "methods": [], "backup_codes_remaining": 0}),
        ),
        WRITE => Answer::Json(
            200,
            json!({"sent": true, "phone_hint": "+49******67", "expires_in": 600, "retry_after": 60}),
        ),
        LOGOUT => Answer::Empty(204),
        other => panic!("nobody expected {other}"),
    }
}

pub fn tokens(number: usize) -> Answer {
    tokens_for(number, 900)
}

pub fn tokens_for(number: usize, seconds: u32) -> Answer {
    Answer::Json(
        200,
        json!({
            "access_token": format!("{MARKER}-access-{number}"),
            "token_type": "bearer",
            "expires_in": seconds,
            "refresh_token": format!("{MARKER}-refresh-{number}"),
            "refresh_expires_in": 1_209_600,
            "scope": "",
            "mfa_required": false,
            "user": {
                "id": "0198c4f2-4b3a-7c55-8d10-5a4b1f3f9a01",
                "email": EMAIL,
                "tenant_id": "0198c4f2-4b3a-7c55-8d10-5a4b1f3f9a02",
                "roles": ["owner"],
                "mfa_enabled": false,
            },
        }),
    )
}

pub fn refusal(status: u16, code: &str) -> Answer {
    Answer::Json(status, refusal_body(code))
}

pub fn refusal_body(code: &str) -> Value {
    json!({"error_code": code, "message": "No.", "request_id": "r"})
}

pub async fn log_in(auth: &AuthClient) -> Session {
    match auth.login(EMAIL, format!("{MARKER}-password")).await {
        Ok(LoginOutcome::Authenticated(session)) => session,
        other => panic!("{other:?}"),
    }
}

async fn serve(mut stream: TcpStream, log: Arc<Mutex<Vec<Asked>>>, script: Script) {
    let mut request = Vec::new();
    while !is_complete(&request) {
        let mut part = [0; 4096];
        match stream.read(&mut part).await {
            Ok(read) if read > 0 => request.extend_from_slice(&part[..read]),
            // A client may hang up whenever it likes.
            _ => return,
        }
    }
    let text = String::from_utf8(request).unwrap();
    let mut words = text.split(' ');
    let line = format!("{} {}", words.next().unwrap(), words.next().unwrap());
    let asked = {
        let mut log = log.lock().unwrap();
        let before = log.iter().filter(|asked| asked.line == line).count();
        log.push(Asked { line, text, before });
        log.last().unwrap().clone()
    };
    let (status, headers, body) = match script(asked).await {
        Answer::Json(status, body) => (status, Vec::new(), body.to_string()),
        Answer::With(status, headers, body) => (status, headers, body.to_string()),
        Answer::Empty(status) => (status, Vec::new(), String::new()),
        Answer::Nothing => return,
    };
    let mut answer = format!("HTTP/1.1 {status} Whatever\r\nconnection: close\r\n");
    for (name, value) in headers {
        answer += &format!("{name}: {value}\r\n");
    }
    if status != 204 {
        answer += &format!(
            "content-type: application/json\r\ncontent-length: {}\r\n",
            body.len()
        );
    }
    answer += &format!("\r\n{body}");
    // The client may have gone meanwhile.
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
}
