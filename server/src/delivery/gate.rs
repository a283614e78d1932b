//! One message at a time between the yes of whoever takes it and the note of that in the database.
//!
//! A server that is killed between the two sends the message again after its restart, and nobody can
//! help that. But it holds for one message of each kind only, because no other is let in meanwhile.
//! Everything before, such as connecting, goes side by side.

use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{Instant, timeout_at};

use super::SendError;

/// One for each kind of message.
#[derive(Default)]
pub struct Gate(Mutex<()>);

/// One try at one message.
pub struct Try<'g> {
    gate: &'g Gate,
    /// How long each step may take.
    patience: Duration,
    /// When it is too late to begin what cannot be taken back.
    last_turn: Instant,
    /// When the message is another's, or of no use to anybody.
    end: Instant,
}

/// Held until the note is in the database.
pub struct Turn<'g>(#[expect(dead_code, reason = "held, not read")] Option<MutexGuard<'g, ()>>);

impl<'g> Try<'g> {
    /// A try that is over at `end`, and begins nothing that could last longer.
    pub fn new(gate: &'g Gate, patience: Duration, end: Instant) -> Self {
        // A message with less time than that takes its turn if it is free now.
        let last_turn = end.checked_sub(patience).unwrap_or(end);
        Self {
            gate,
            patience,
            last_turn,
            end,
        }
    }

    /// A step that goes side by side with those of other messages.
    pub async fn within<T>(
        &self,
        step: impl Future<Output = Result<T, SendError>>,
    ) -> Result<T, SendError> {
        let deadline = self.end.min(Instant::now() + self.patience);
        let too_long = || SendError::Temporary("the transport took too long".to_owned());
        timeout_at(deadline, step).await.map_err(|_| too_long())?
    }

    /// Waits for something of which there is not enough for everybody.
    pub async fn wait<T>(&self, turn: impl Future<Output = T>) -> Result<T, SendError> {
        let late = |_| SendError::NoTurn;
        timeout_at(self.last_turn, turn).await.map_err(late)
    }

    /// The step after which the message is taken.
    pub async fn alone(
        &self,
        step: impl Future<Output = Result<(), SendError>>,
    ) -> Result<Turn<'g>, SendError> {
        let guard = self.wait(self.gate.0.lock()).await?;
        self.within(step).await?;
        Ok(Turn(Some(guard)))
    }
}

impl Turn<'_> {
    /// Of a transport that does nothing twice.
    pub const FREE: Self = Self(None);
}
