//! How many messages have come.

use anyhow::{Result, ensure};

use crate::target::messages::Message;
use crate::trial::Trial;

impl Trial {
    /// So many messages to the address come, and no more. Unlike [`Trial::settled_messages`] alone it
    /// waits for them: of several instances one may overtake the other.
    #[track_caller]
    pub fn exactly_messages(
        &self,
        address: &str,
        expected: usize,
    ) -> impl Future<Output = Result<Vec<Message>>> {
        let at = std::panic::Location::caller();
        async move {
            self.messages(address, expected).await?;
            let all = self.settled_messages(address).await?;
            let subjects: Vec<&str> = all.iter().map(|one| one.subject.as_str()).collect();
            ensure!(
                all.len() == expected,
                "{} messages instead of {expected}: {subjects:?} ({at})",
                all.len()
            );
            Ok(all)
        }
    }
}
