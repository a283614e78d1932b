//! What the server is compared to, each in a process of its own.

use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use argon2::{Algorithm, Argon2, Params, Version};
use bp_auth_server::app::password::Hasher;
use bp_auth_server::app::random::SystemRandom;
use bp_auth_server::config::Hash;
use bp_auth_server::datastore::Datastore;
use clap::Subcommand;
use dropshot::{
    ApiDescription, ConfigDropshot, HandlerTaskMode, HttpError, HttpResponseOk, RequestContext,
    ServerBuilder, endpoint,
};
use serde::Serialize;
use tokio::process::Command;

use super::process::Process;
use super::seed::{self, PASSWORD};
use super::{CONNECTIONS, Outcome};

/// How this program is told to be a baseline. Not for people.
#[derive(Debug, Clone, Subcommand)]
#[command(hide = true)]
pub enum Baseline {
    /// A dropshot server with one endpoint that does nothing.
    Dropshot,
    /// `SELECT` of a random user by primary key, through the server's own datastore.
    Select { database: PathBuf, users: u64 },
    /// Argon2id with the parameters of production, one thread a core, and nothing around it.
    Argon2id,
}

impl Baseline {
    fn arguments(&self) -> Vec<String> {
        match self {
            Self::Dropshot => vec!["dropshot".to_owned()],
            Self::Select { database, users } => vec![
                "select".to_owned(),
                database.display().to_string(),
                users.to_string(),
            ],
            Self::Argon2id => vec!["argon2id".to_owned()],
        }
    }

    /// A process of this program that is the baseline.
    pub fn process(&self) -> Outcome<Process> {
        Process::spawn(self.command()?)
    }

    /// The same for one that listens, at the address it returns.
    pub async fn listening(&self) -> Outcome<(Process, String)> {
        Process::listening(self.command()?).await
    }

    fn command(&self) -> Outcome<Command> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(self.arguments());
        Ok(command)
    }

    pub async fn run(self) -> Outcome {
        match self {
            Self::Dropshot => dropshot().await,
            Self::Select { database, users } => {
                let url = format!("sqlite://{}", database.display());
                let store = Datastore::connect(&url).await?;
                for seconds in rounds() {
                    let work = select(store.clone(), users, seconds?);
                    report(work.await?)?;
                }
                Ok(())
            }
            Self::Argon2id => {
                for seconds in rounds() {
                    report(argon2id(seconds?)?)?;
                }
                Ok(())
            }
        }
    }
}

#[derive(Serialize, schemars::JsonSchema)]
struct Nothing {
    ok: bool,
}

#[endpoint { method = GET, path = "/" }]
async fn nothing(_: RequestContext<()>) -> Result<HttpResponseOk<Nothing>, HttpError> {
    Ok(HttpResponseOk(Nothing { ok: true }))
}

/// Set up as the server sets it up, so that the difference is what the server adds.
async fn dropshot() -> Outcome {
    let mut api = ApiDescription::new();
    api.register(nothing)?;
    let config = ConfigDropshot {
        default_handler_task_mode: HandlerTaskMode::Detached,
        ..ConfigDropshot::default()
    };
    let silent = slog::Logger::root(slog::Discard, slog::o!());
    let server = ServerBuilder::new(api, (), silent).config(config).start()?;
    println!("listening on http://{}", server.local_addr());
    Ok(server.await?)
}

/// As many at once as a server under the same load would be asked for.
async fn select(store: Datastore, users: u64, time: Duration) -> Outcome<u64> {
    let end = tokio::time::Instant::now() + time;
    let mut tasks = tokio::task::JoinSet::new();
    for start in 0..CONNECTIONS as u64 {
        let store = store.clone();
        tasks.spawn(async move {
            let mut done = 0;
            for number in seed::strides(users, start) {
                if tokio::time::Instant::now() >= end {
                    break;
                }
                let found = store.user_fetch(seed::user_id(number)).await?;
                found.ok_or("a user that was seeded is not there")?;
                done += 1;
            }
            Ok::<u64, Box<dyn std::error::Error + Send + Sync>>(done)
        });
    }
    let mut total = 0;
    while let Some(done) = tasks.join_next().await {
        total += done??;
    }
    Ok(total)
}

fn argon2id(time: Duration) -> Outcome<u64> {
    // The server's own parameters, so that the comparison stays true when they change.
    let cost = Hasher::new(&Hash::default(), Arc::new(SystemRandom))
        .map_err(|error| format!("{error:?}"))?
        .cost();
    let params = Params::new(cost.m, cost.t, cost.p, None)?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let (over, done) = (AtomicBool::new(false), AtomicU64::new(0));
    let cores = std::thread::available_parallelism()?.get();
    let end = std::time::Instant::now() + time;
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let mut output = [0; 32];
                    let hashed = argon2.hash_password_into(
                        PASSWORD.as_bytes(),
                        b"sixteen byte salt",
                        &mut output,
                    );
                    // A failure takes no time, and would be the fastest hash of all.
                    hashed.expect("a hash with parameters that were accepted");
                    done.fetch_add(1, Ordering::Relaxed);
                    if std::time::Instant::now() >= end {
                        over.store(true, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    Ok(done.into_inner())
}

/// Each line of standard input asks for so many milliseconds of work.
fn rounds() -> impl Iterator<Item = Outcome<Duration>> {
    std::io::stdin()
        .lock()
        .lines()
        .map(|line| Ok(Duration::from_millis(line?.trim().parse()?)))
}

fn report(done: u64) -> Outcome {
    println!("{done}");
    Ok(std::io::stdout().flush()?)
}
