//! Which instance is asked next, and how one is taken out of turn without harm to what it is doing: what
//! a balancer does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Result, bail};
use tokio::time::{Instant, sleep};

/// Longer than any request runs, and than an instance is away.
const PATIENCE: Duration = Duration::from_secs(60);
const GLANCE: Duration = Duration::from_millis(5);

pub struct Rotation {
    next: AtomicUsize,
    places: Vec<Place>,
}

#[derive(Default)]
struct Place {
    is_out: AtomicBool,
    /// How many requests it is answering.
    running: AtomicUsize,
}

/// A hold on an instance, by a request or a connection; it ends when dropped.
pub struct Turn {
    rotation: Arc<Rotation>,
    instance: usize,
}

impl Rotation {
    pub fn new(instances: usize) -> Self {
        Self {
            next: AtomicUsize::new(0),
            places: (0..instances).map(|_| Place::default()).collect(),
        }
    }

    /// The instance that was named, counted around, when it is there; or the next one that is.
    pub async fn turn(self: &Arc<Self>, named: Option<usize>) -> Result<Turn> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let number = named.unwrap_or_else(|| self.next.fetch_add(1, Ordering::Relaxed));
            let instance = number % self.places.len();
            let place = &self.places[instance];
            place.running.fetch_add(1, Ordering::SeqCst);
            let turn = Turn {
                rotation: Arc::clone(self),
                instance,
            };
            // Looked at after the request was counted: whoever takes it out then waits for it.
            if !place.is_out.load(Ordering::SeqCst) {
                return Ok(turn);
            }
            drop(turn);
            if Instant::now() > deadline {
                bail!("instance {instance} did not come back within {PATIENCE:?}");
            }
            if named.is_some() || self.places.len() == 1 {
                sleep(GLANCE).await;
            }
        }
    }

    /// Gives the instance no more requests, and waits for those it has.
    pub async fn take_out(&self, instance: usize) -> Result<()> {
        let place = &self.places[instance];
        place.is_out.store(true, Ordering::SeqCst);
        let deadline = Instant::now() + PATIENCE;
        while place.running.load(Ordering::SeqCst) > 0 {
            if Instant::now() > deadline {
                bail!("a request still runs after {PATIENCE:?}");
            }
            sleep(GLANCE).await;
        }
        Ok(())
    }

    pub fn put_back(&self, instance: usize) {
        self.places[instance].is_out.store(false, Ordering::SeqCst);
    }
}

impl Turn {
    pub fn instance(&self) -> usize {
        self.instance
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let place = &self.rotation.places[self.instance];
        place.running.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_is_out_gets_no_turn_until_it_is_back_and_is_waited_for() {
        let rotation = Arc::new(Rotation::new(2));
        let held = rotation.turn(Some(1)).await.unwrap();
        let brief = Duration::from_millis(30);
        let leaving = tokio::time::timeout(brief, rotation.take_out(1)).await;
        assert!(leaving.is_err(), "its request was not waited for");
        drop(held);
        rotation.take_out(1).await.unwrap();
        for _ in 0..4 {
            assert_eq!(rotation.turn(None).await.unwrap().instance(), 0);
        }
        let named = tokio::time::timeout(brief, rotation.turn(Some(3))).await;
        assert!(named.is_err(), "it was asked while it was out");
        rotation.put_back(1);
        assert_eq!(rotation.turn(Some(3)).await.unwrap().instance(), 1);
    }
}
