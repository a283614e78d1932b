//! `bp-auth serve`.

use std::process::ExitCode;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep};

use super::args::{Access, VERSION};
use super::reload_config::Reload;
use super::{Outcome, parts};
use crate::api::{diff, document};
use crate::config::Config;
use crate::http::server::{Parts, Running};
use crate::telemetry::Exporting;

/// Serves until SIGTERM or SIGINT, then lets running requests finish. SIGHUP reads the configuration again.
pub(super) async fn serve(
    config: Config,
    migrate: bool,
    exporting: Option<Exporting>,
    mut reload: Reload,
) -> Outcome {
    refuse_drift(document::SNAPSHOT)?;
    let mut hangup = signal(SignalKind::hangup())?;
    allow_many_connections();
    let drain = config.server.drain_timeout.duration();
    let stop_delay = config.server.stop_delay.duration();
    let parts = parts(config, Access::Creates).await?;
    if let Err(refusal) = ready(&parts, migrate).await {
        parts.store.close().await?;
        return Err(refusal);
    }
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let running = parts.start().await?;
    say_started(&running);
    println!("listening on {}", running.url());
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            _ = hangup.recv() => {}
        }
        reload.run(&running, exporting.as_ref()).await;
    }
    tracing::info!("stopping");
    let deadline = Instant::now() + drain;
    // Whoever sends requests here learns from the readiness that he should not. A second signal is from
    // somebody who knows that nobody does.
    running.announce_stop();
    tokio::select! {
        () = sleep(stop_delay) => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    let stopped = running.stop_by(deadline).await;
    // What the last requests did is told in what is left of the time.
    if let Some(exporting) = exporting {
        exporting.finish(deadline).await;
    }
    stopped?;
    Ok(ExitCode::SUCCESS)
}

/// One line by which an operator recognizes what runs, and on what.
fn say_started(running: &Running) {
    let config = &running.app.config;
    let store = &running.app.store;
    tracing::info!(
        version = VERSION,
        mode = config.mode.as_str(),
        database = store.kind(),
        database_location = store.location(),
        address = running.url(),
        public_url = config.public_url(running.address),
        admin_address = running.admin_url(),
        "started"
    );
}

async fn ready(parts: &Parts, migrate: bool) -> Result<(), Box<dyn std::error::Error>> {
    super::refuse_unusable(&parts.store, Access::Creates).await?;
    bring_up_to_date(parts, migrate).await
}

/// Each connection takes a file descriptor, also one on which nobody ever says a word. What a process
/// may have without asking is meant for programs of another kind, and soon used up.
fn allow_many_connections() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, files = limit.current, "the limit of open files stays as it is");
    }
}

/// A server on a schema that is not its own would fail in odd places; one that changes the schema
/// unasked would surprise the others that use it.
async fn bring_up_to_date(parts: &Parts, migrate: bool) -> Result<(), Box<dyn std::error::Error>> {
    let pending = parts.store.migrations_pending().await?;
    if pending.is_empty() {
        return Ok(());
    }
    if !migrate && !parts.config.migrates_on_start() {
        return Err(format!(
            "the database lacks {} migrations; run `bp-auth migrate`, or start with `--migrate` \
             or with database.migrate_on_start = true",
            pending.len()
        )
        .into());
    }
    let applied = parts.store.migrations_apply().await?;
    tracing::info!(
        migrations = applied.len(),
        "the database was brought up to date"
    );
    Ok(())
}

/// A server that would not do what its contract says does not start.
pub fn refuse_drift(snapshot: &str) -> Result<(), Box<dyn std::error::Error>> {
    let emitted = document::emit()?;
    if emitted == snapshot {
        return Ok(());
    }
    let changes = diff::compare_text(snapshot, &emitted)?;
    let list: Vec<String> = changes
        .iter()
        .map(|change| format!("\n  {change}"))
        .collect();
    Err(format!(
        "this build does not emit the contract it carries:{}",
        list.concat()
    )
    .into())
}
