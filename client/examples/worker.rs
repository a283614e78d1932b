//! A job that runs for days: on an API key, or on the session that `login_cli` has stored.
//!
//!     cargo run --example worker -- http://127.0.0.1:8080 --api-key-file key
//!     cargo run --example worker -- http://127.0.0.1:8080 --store session.json
//!
//! With `--orders http://127.0.0.1:8081` it shows the session's token to the example `orders_service`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use bp_auth_client::session::FileStore;
use bp_auth_client::{AuthClient, Client, ErrorCode, Secret, Session, SessionError};
use clap::{ArgGroup, Parser};
use reqwest::{StatusCode, header::RETRY_AFTER};
use tokio::time::sleep;

#[derive(Parser)]
#[command(group = ArgGroup::new("credential").required(true))]
struct Options {
    /// Where bp-auth is.
    url: String,
    /// Holds an API key. A key among the arguments could be read by every user of the machine.
    #[arg(long, value_name = "FILE", group = "credential")]
    api_key_file: Option<PathBuf>,
    /// Holds a session.
    #[arg(long, value_name = "FILE", group = "credential")]
    store: Option<PathBuf>,
    /// The orders service, to which the session's token is shown.
    #[arg(long, value_name = "URL", requires = "store")]
    orders: Option<String>,
    /// Milliseconds between two jobs.
    #[arg(long, value_name = "MS", default_value_t = 1000)]
    every: u64,
    /// How many jobs to do; without end unless told.
    #[arg(long, value_name = "N", default_value_t = u64::MAX)]
    jobs: u64,
}

/// What a job works with.
enum Work {
    ApiKey(Client),
    Session(Session),
    Orders(Session, reqwest::Client, String),
}

/// A job that was not done.
struct Failure {
    why: String,
    /// How long to wait before it is tried again; none when that is no use.
    again_in: Option<Duration>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<(), String> {
    // A task, so that the signal is heeded from the start, and waits for the end of a job.
    let mut stop = tokio::spawn(asked_to_stop());
    let pause = Duration::from_millis(options.every);
    let jobs = options.jobs;
    let work = work(options).await?;
    for number in 1..=jobs {
        let mut wait = pause;
        match work.one_job().await {
            Ok(what) => println!("job {number}: {what}"),
            Err(Failure { why, again_in }) => {
                let Some(least) = again_in else {
                    return Err(why);
                };
                wait = wait.max(least);
                println!("job {number} failed, and the next comes in {wait:?}: {why}");
            }
        }
        if number == jobs {
            break;
        }
        tokio::select! {
            _ = &mut stop => {
                println!("stopped after job {number}");
                break;
            }
            () = sleep(wait) => {}
        }
    }
    Ok(())
}

async fn work(options: Options) -> Result<Work, String> {
    if let Some(path) = options.api_key_file {
        let key = std::fs::read_to_string(&path);
        let key = key.map_err(|e| format!("{}: {e}", path.display()))?;
        let client = AuthClient::with_api_key(&options.url, &Secret::from(key.trim()));
        return Ok(Work::ApiKey(client.map_err(|e| e.to_string())?));
    }
    let store = FileStore::new(options.store.unwrap_or_default());
    let auth = AuthClient::builder(&options.url).store(store).build();
    let session = auth.map_err(|e| e.to_string())?.resume().await;
    let session = session.map_err(|e| e.to_string())?;
    let session = session.ok_or("nobody is logged in: start login_cli first")?;
    Ok(match options.orders {
        Some(url) => Work::Orders(session, reqwest::Client::new(), url),
        None => Work::Session(session),
    })
}

impl Work {
    /// Expired tokens are no failure: the session replaces them.
    async fn one_job(&self) -> Result<String, Failure> {
        match self {
            Self::ApiKey(client) => {
                let entitlements = client.me_entitlements().send().await;
                let plan = &entitlements.map_err(SessionError::from)?.plan;
                Ok(format!("the plan is {}", plan.key))
            }
            Self::Session(session) => {
                let me = session.me().send().await.map_err(SessionError::from)?;
                Ok(format!("still {}", me.email))
            }
            Self::Orders(session, http, url) => {
                let answer = match orders(session, http, url).await? {
                    // Only bp-auth knows why: the clocks differ, and this call refreshes the token,
                    // or the session has ended, and this call says so.
                    refused if refused.status() == StatusCode::UNAUTHORIZED => {
                        session.me().send().await.map_err(SessionError::from)?;
                        orders(session, http, url).await?
                    }
                    answer => answer,
                };
                let answer = answer.error_for_status()?;
                let orders: Vec<serde_json::Value> = answer.json().await?;
                Ok(format!("{} orders", orders.len()))
            }
        }
    }
}

async fn orders(
    session: &Session,
    http: &reqwest::Client,
    url: &str,
) -> Result<reqwest::Response, Failure> {
    // Asked for anew for each call: the session knows when it must be replaced.
    let token = session.access_token().await?;
    let request = http
        .get(format!("{url}/orders"))
        .bearer_auth(token.expose());
    let answer = request.timeout(Duration::from_secs(10)).send().await?;
    match answer.status() {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            let seconds = answer.headers().get(RETRY_AFTER);
            let seconds = seconds.and_then(|value| value.to_str().ok()?.parse().ok());
            Err(Failure {
                why: format!("the orders service answers {}", answer.status()),
                again_in: Some(Duration::from_secs(seconds.unwrap_or(1))),
            })
        }
        _ => Ok(answer),
    }
}

impl From<SessionError> for Failure {
    fn from(e: SessionError) -> Self {
        let why = if e.needs_login() {
            format!("the session is over, so log in again with login_cli: {e}")
        } else if e.code() == Some(&ErrorCode::ApiKeyInvalid) {
            format!("the API key is not, or no longer, good, so put the new one into the file: {e}")
        } else {
            e.to_string()
        };
        let again_in = e
            .is_retryable()
            .then(|| e.retry_after().unwrap_or_default());
        Self { why, again_in }
    }
}

/// Of the orders service: what was not answered may be answered later, a refusal stays one.
impl From<reqwest::Error> for Failure {
    fn from(e: reqwest::Error) -> Self {
        let passing = e.status().is_none_or(|status| status.is_server_error());
        Self {
            why: format!("the orders service: {e}"),
            again_in: passing.then_some(Duration::ZERO),
        }
    }
}

/// Comes back with SIGTERM or Ctrl-C.
async fn asked_to_stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};

        if let Ok(mut terminated) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminated.recv() => return,
                _ = tokio::signal::ctrl_c() => return,
            }
        }
    }
    // Without a signal to wait for it would otherwise stop at once.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
