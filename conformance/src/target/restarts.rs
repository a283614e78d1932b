//! Instances that die and come back while cases are tried on the others.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::Target;

#[derive(Clone)]
pub struct Restarts {
    every: Duration,
    done: Arc<AtomicU64>,
}

/// Goes on until it is ended.
pub struct Restarting {
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<Result<()>>>,
}

impl Restarts {
    pub fn new(every: Duration) -> Self {
        Self {
            every,
            done: Arc::default(),
        }
    }

    /// How often it has happened. A run in which it never did has not tried what it was to try.
    pub fn done(&self) -> Result<u64> {
        let done = self.done.load(Ordering::SeqCst);
        ensure!(done > 0, "no instance was restarted: the run was too short");
        Ok(done)
    }

    /// Restarts the instances of each deployment that has several, one after the other.
    pub fn begin<'t>(&self, targets: impl Iterator<Item = &'t Arc<Target>>) -> Restarting {
        let (stop, stopped) = watch::channel(false);
        let several = targets.filter(|target| target.instances.len() > 1);
        let tasks = several
            .map(|target| {
                let run = restart(target.clone(), self.clone(), stopped.clone());
                tokio::spawn(run)
            })
            .collect();
        Restarting { stop, tasks }
    }
}

impl Restarting {
    /// When this returns, every instance is back; an error is an instance that did not come back.
    pub async fn end(self) -> Result<()> {
        self.stop.send_replace(true);
        for task in self.tasks {
            task.await??;
        }
        Ok(())
    }
}

async fn restart(
    target: Arc<Target>,
    restarts: Restarts,
    mut stopped: watch::Receiver<bool>,
) -> Result<()> {
    for turn in 0.. {
        let wait = tokio::time::timeout(restarts.every, stopped.wait_for(|stop| *stop));
        if wait.await.is_ok() {
            break;
        }
        target.restart(turn % target.instances.len()).await?;
        restarts.done.fetch_add(1, Ordering::SeqCst);
    }
    Ok(())
}
