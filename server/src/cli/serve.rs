//! `bp-auth serve`.

use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};

use super::{Outcome, parts};
use crate::api::{diff, document};
use crate::config::Config;

/// Serves until SIGTERM or SIGINT, then lets running requests finish.
pub async fn serve(config: Config) -> Outcome {
    refuse_drift(document::SNAPSHOT)?;
    let parts = parts(config).await?;
    let applied = parts.store.migrations_apply().await?;
    if !applied.is_empty() {
        tracing::info!(
            migrations = applied.len(),
            "the database was brought up to date"
        );
    }
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let running = parts.start().await?;
    println!("listening on {}", running.url());
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping");
    running.stop().await?;
    Ok(ExitCode::SUCCESS)
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
