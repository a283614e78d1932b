//! Doing a transaction again that lost against another one.
//!
//! PostgreSQL may end a transaction that did nothing wrong: two that wait for each other, and at the
//! isolation level `serializable` any whose outcome would depend on which came first. It has then
//! left no trace. This is the one place that runs such a transaction again.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// An error that may mean that another transaction won.
pub trait Contention {
    fn is_contention(&self) -> bool;
}

const FIRST_PAUSE: Duration = Duration::from_millis(4);
const LONGEST_PAUSE: Duration = Duration::from_millis(120);
/// After that a client is better told to come back.
const BUDGET: Duration = Duration::from_secs(5);

/// Runs `work` until it is done or has failed for a reason of its own. It holds exactly one
/// transaction, from its beginning to its commit; whatever else it does must be as good done twice.
pub async fn retried<T, E, F>(work: impl Fn() -> F) -> Result<T, E>
where
    E: Contention,
    F: Future<Output = Result<T, E>>,
{
    retried_within(BUDGET, work).await
}

async fn retried_within<T, E, F>(budget: Duration, work: impl Fn() -> F) -> Result<T, E>
where
    E: Contention,
    F: Future<Output = Result<T, E>>,
{
    let deadline = Instant::now() + budget;
    let mut pause = FIRST_PAUSE;
    loop {
        match work().await {
            Err(error) if error.is_contention() && Instant::now() < deadline => {}
            outcome => return outcome,
        }
        // Those that met once must not meet again at the same pace.
        sleep(pause.mul_f64(random_fraction())).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Without random numbers the pauses are only less spread.
fn random_fraction() -> f64 {
    let mut bytes = [0u8; 4];
    match getrandom::fill(&mut bytes) {
        Ok(()) => f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX),
        Err(_) => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::super::Error;
    use super::*;

    #[tokio::test]
    async fn work_is_done_again_while_others_win_and_not_for_ever() {
        let tries = Cell::new(0);
        let count = || tries.replace(tries.get() + 1);
        let done = retried(|| async {
            match count() {
                0..3 => Err(Error::Contention("lost".to_owned())),
                n => Ok(n),
            }
        });
        assert_eq!(done.await.unwrap(), 3);

        tries.set(0);
        let budget = Duration::from_millis(100);
        let never = retried_within(budget, || async {
            count();
            Err::<(), _>(Error::Contention("lost".to_owned()))
        });
        assert!(never.await.is_err());
        assert!(tries.get() > 2, "{}", tries.get());
    }

    #[tokio::test]
    async fn any_other_error_is_the_outcome() {
        let tries = Cell::new(0);
        let failed = retried(|| async {
            tries.set(tries.get() + 1);
            Err::<(), _>(Error::Unavailable("gone".to_owned()))
        });
        assert!(failed.await.is_err());
        assert_eq!(tries.get(), 1);
    }
}
