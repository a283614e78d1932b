use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::{
    error::RefreshTrouble,
    keeper::{Access, Keeper, NotRefreshed, Outcome},
    refusal::Refusal,
    retry::Attempts,
    store::{StoreError, Stored, StoredTokens},
    trace::event,
};
use crate::{Error, Secret, types};

/// How often new tokens are offered to a store that fails: they exist nowhere else.
const SAVES: u32 = 3;

impl Keeper {
    /// One refresh, alone among all processes that share the store.
    pub async fn refresh(&self, stale: &Arc<Access>) -> Outcome {
        let store = &self.settings.store;
        let lock = match store.lock().await {
            Ok(lock) => lock,
            Err(e) => return self.settle(Err(e.into())),
        };
        let outcome = self.refresh_alone(stale).await;
        let outcome = self.settle(outcome);
        drop(lock);
        outcome
    }

    async fn refresh_alone(&self, stale: &Arc<Access>) -> Outcome {
        let store = &self.settings.store;
        let mut stored = store.load().await?;
        let Some(found) = stored.tokens.clone() else {
            return Err(NotRefreshed::Trouble(RefreshTrouble::LoggedOut));
        };
        // Somebody else's session must not become this one in silence.
        if found.user_id != stale.tokens.user_id {
            return Err(NotRefreshed::Trouble(RefreshTrouble::LoggedOut));
        }
        let tokens = self.newest(stale, found);
        let newer = tokens.access_token.expose() != stale.tokens.access_token.expose();
        if newer && (self.settings.clock)() < tokens.refresh_at(self.settings.refresh_margin) {
            event!(DEBUG, "another process has refreshed the session");
            return self.take(tokens);
        }
        // A store that cannot be written is found out before the token is used up, not after.
        stored.tokens = Some(tokens.clone());
        store.save(&stored).await?;
        match self.rotate(&tokens.refresh_token).await {
            Ok((answer, asked_at)) => {
                // The server answers a token in the body with a new one; without one the answer is unusable.
                let fresh = StoredTokens::new(answer, asked_at)
                    .map_err(|_| NotRefreshed::Trouble(RefreshTrouble::AnswerLost))?;
                self.keep(stored, fresh).await
            }
            Err(why) => {
                if let NotRefreshed::Refused(refusal) = &why
                    && refusal.status() == 401
                {
                    stored.tokens = None;
                    // The tokens are worth nothing; who finds them asks the server and is told.
                    let _ = store.save(&stored).await;
                }
                Err(why)
            }
        }
    }

    /// The store's tokens, unless it still holds those that ours have replaced.
    fn newest(&self, stale: &Access, found: StoredTokens) -> StoredTokens {
        match &stale.unsaved_over {
            Some(over) if over.expose() == found.refresh_token.expose() => stale.tokens.clone(),
            _ => found,
        }
    }

    /// New tokens are on disk before anybody uses them.
    async fn keep(&self, mut stored: Stored, fresh: StoredTokens) -> Outcome {
        let used = stored.tokens.replace(fresh.clone());
        let mut saved = self.settings.store.save(&stored).await;
        for _ in 1..SAVES {
            if saved.is_ok() {
                break;
            }
            saved = self.settings.store.save(&stored).await;
        }
        event!(INFO, "the session was refreshed");
        let access = self.take(fresh)?;
        if saved.is_ok() {
            return Ok(access);
        }
        // They are good all the same, and to refuse them would end a session that can go on here.
        event!(ERROR, "the store does not take the tokens of a refresh");
        let mut access = Access::clone(&access);
        access.unsaved_over = used.map(|tokens| tokens.refresh_token);
        Ok(Arc::new(access))
    }

    fn take(&self, tokens: StoredTokens) -> Outcome {
        match Access::new(tokens, self.settings.refresh_margin) {
            Ok(access) => Ok(Arc::new(access)),
            // Only a server that answers with what is no token comes here.
            Err(_) => Err(NotRefreshed::Trouble(RefreshTrouble::AnswerLost)),
        }
    }

    /// Exchanges the token. It is sent again when it cannot have been used: the server was not
    /// reached or turned it away; and when the answer is lost within the leeway that the server
    /// grants for that.
    async fn rotate(
        &self,
        token: &Secret,
    ) -> Result<(types::TokenResponse, DateTime<Utc>), NotRefreshed> {
        let mut attempts = self.settings.budget.begin();
        let began = Instant::now();
        let mut lost = false;
        loop {
            attempts.count_one();
            let asked_at = (self.settings.clock)();
            let request = self.plain.refresh_token_endpoint();
            let request = request.body(types::RefreshRequest {
                refresh_token: Some(token.clone()),
            });
            let error = match request.send().await {
                Ok(answer) => return Ok((answer.into_inner(), asked_at)),
                Err(error) => error,
            };
            let verdict = Verdict::of(error);
            lost |= matches!(verdict, Verdict::Lost);
            // Once an answer was lost the token may be used, whatever came of a later attempt.
            let safe = || !lost || began.elapsed() < self.settings.reuse_leeway;
            // The pause may outlast the leeway.
            if !(safe() && verdict.may_be_asked_again(&attempts).await && safe()) {
                return Err(verdict.into_outcome(lost));
            }
        }
    }
}

/// What an error says about the token that was sent.
enum Verdict {
    /// It did not arrive.
    NotSent,
    /// It was looked at and not exchanged.
    Refused(Refusal),
    /// Nobody here knows.
    Lost,
}

impl Verdict {
    fn of(error: Error<types::Error>) -> Self {
        match error {
            Error::InvalidRequest(_) | Error::Custom(_) => Self::NotSent,
            Error::CommunicationError(e) if e.is_connect() || e.is_builder() => Self::NotSent,
            // 503 is what the server says when it did not begin; any other failure may be one of
            // the moment after the exchange.
            Error::ErrorResponse(answer)
                if answer.status().is_client_error() || answer.status() == 503 =>
            {
                Self::Refused(answer.into())
            }
            _ => Self::Lost,
        }
    }

    async fn may_be_asked_again(&self, attempts: &Attempts) -> bool {
        match self {
            Self::NotSent | Self::Lost => attempts.wait(None).await,
            Self::Refused(refusal) => {
                matches!(refusal.status(), 429 | 503) && attempts.wait(refusal.retry_after()).await
            }
        }
    }

    fn into_outcome(self, lost: bool) -> NotRefreshed {
        match self {
            // A refusal of the token itself is the answer that was missing.
            Self::Refused(refusal) if !lost || refusal.status() == 401 => {
                NotRefreshed::Refused(refusal)
            }
            Self::NotSent if !lost => NotRefreshed::Trouble(RefreshTrouble::Unreachable),
            _ => NotRefreshed::Trouble(RefreshTrouble::AnswerLost),
        }
    }
}

impl From<StoreError> for NotRefreshed {
    fn from(e: StoreError) -> Self {
        Self::Trouble(RefreshTrouble::Store(e.to_string()))
    }
}
