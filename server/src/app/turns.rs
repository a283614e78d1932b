//! Turns: of those that do the same at once, only a few go at a time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// One queue for each key that somebody waits for. A key that nobody holds takes no memory.
#[derive(Default)]
pub struct Turns(Mutex<HashMap<String, Weak<Semaphore>>>);

/// Ends when dropped.
pub struct Turn {
    _permit: Option<OwnedSemaphorePermit>,
}

impl Turns {
    /// Waits until fewer than `most` others with this key have their turn.
    pub async fn take(&self, key: &str, most: usize) -> Turn {
        let queue = self.queue(key, most.clamp(1, Semaphore::MAX_PERMITS));
        // Nobody closes the queue; if it were closed, there would be no order to keep.
        let _permit = queue.acquire_owned().await.ok();
        Turn { _permit }
    }

    fn queue(&self, key: &str, most: usize) -> Arc<Semaphore> {
        let mut queues = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(queue) = queues.get(key).and_then(Weak::upgrade) {
            return queue;
        }
        queues.retain(|_, queue| queue.strong_count() > 0);
        let queue = Arc::new(Semaphore::new(most));
        queues.insert(key.to_owned(), Arc::downgrade(&queue));
        queue
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_key_has_so_many_turns_and_no_more_and_is_forgotten_afterwards() {
        let turns = Turns::default();
        let first = turns.take("ada", 2).await;
        let second = turns.take("ada", 2).await;
        let brief = Duration::from_millis(20);
        let third = tokio::time::timeout(brief, turns.take("ada", 2)).await;
        assert!(third.is_err(), "a third turn of two");
        let other = turns.take("eve", 2).await;
        drop(first);
        let third = turns.take("ada", 2).await;
        drop((second, third, other));
        let last = turns.take("bob", 2).await;
        assert_eq!(turns.0.lock().unwrap().len(), 1);
        drop(last);
    }
}
