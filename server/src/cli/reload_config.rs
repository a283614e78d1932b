//! SIGHUP: a running server reads its configuration again.

use tokio::task::spawn_blocking;

use super::LogFilter;
use crate::config::{Config, Sources};
use crate::http::server::Running;
use crate::telemetry::Exporting;

/// What a reload is made from.
pub(super) struct Reload {
    sources: Sources,
    /// As it was at the last reload.
    current: Config,
    log: LogFilter,
}

impl Reload {
    pub(super) fn new(sources: Sources, config: Config, log: LogFilter) -> Self {
        Self {
            sources,
            current: config,
            log,
        }
    }

    /// Takes all that can be taken over, or nothing. Files of certificates, templates and secrets are read
    /// again also where no setting has changed.
    pub async fn run(&mut self, running: &Running, exporting: Option<&Exporting>) {
        match self.load(running, exporting).await {
            Ok(config) => self.report(config, running),
            Err(problems) => {
                for problem in problems {
                    tracing::error!(
                        problem,
                        "the configuration was not reloaded, and everything stays as it was"
                    );
                }
            }
        }
    }

    async fn load(
        &self,
        running: &Running,
        exporting: Option<&Exporting>,
    ) -> Result<Config, Vec<String>> {
        let sources = self.sources.clone();
        // It reads files, and may look names up.
        let loaded = spawn_blocking(move || Config::load(&sources)).await;
        let config = loaded
            .map_err(|error| vec![error.to_string()])?
            .map_err(|errors| errors.0.iter().map(ToString::to_string).collect::<Vec<_>>())?;
        let exporting = exporting
            .map(|exporting| exporting.prepare(&config.telemetry))
            .transpose()
            .map_err(|error| vec![error])?;
        running
            .reload(&config)
            .map_err(|error| vec![error.to_string()])?;
        if let Some(apply) = exporting {
            apply();
        }
        self.log.set(config.log.level);
        Ok(config)
    }

    fn report(&mut self, config: Config, running: &Running) {
        let changed = self.current.changes(&config).reloadable;
        // What runs was built from the configuration of the start.
        let needs_restart = running.app.config.changes(&config).needs_restart;
        tracing::info!(
            changed = changed.join(", "),
            "the configuration was reloaded"
        );
        if !needs_restart.is_empty() {
            tracing::warn!(
                settings = needs_restart.join(", "),
                "these settings have changed and count from the next start on"
            );
        }
        self.current = config;
    }
}
