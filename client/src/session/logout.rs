use progenitor_client::ClientInfo as _;
use reqwest::header::AUTHORIZATION;

use super::{
    call::{Caller, Credential},
    error::{RefreshTrouble, SessionError},
    keeper::{Keeper, NotRefreshed},
    store::{StoreError, StoredTokens},
    trace::event,
};
use crate::{Client, Error, types};

impl Keeper {
    /// Ends the session here, in the store and at the server.
    ///
    /// The store is held meanwhile: a refresh that is under way comes first, so that what is revoked
    /// and forgotten is what it brought.
    pub async fn log_out(&self, everywhere: bool) -> Result<(), SessionError> {
        let lock = self.settings.store.lock().await;
        let tokens = self.newest_stored().await;
        let told = self.tell(tokens, everywhere).await;
        let forgotten = match &lock {
            Ok(_) => self.forget().await,
            Err(e) => Err(e.clone()),
        };
        self.end(NotRefreshed::Trouble(RefreshTrouble::LoggedOut));
        event!(INFO, "the session was logged out");
        told?;
        Ok(forgotten?)
    }

    /// Ends the session here and in the store, because the server has been told.
    pub async fn log_out_here(&self) {
        self.end(NotRefreshed::Trouble(RefreshTrouble::LoggedOut));
        let Ok(_lock) = self.settings.store.lock().await else {
            return;
        };
        // What is left there is worth nothing: who takes it up is told so by the server.
        let _ = self.forget().await;
    }

    async fn newest_stored(&self) -> StoredTokens {
        let ours = self.current().tokens.clone();
        match self.settings.store.load().await {
            Ok(stored) => match stored.tokens {
                Some(tokens) if tokens.user_id == ours.user_id => tokens,
                _ => ours,
            },
            Err(_) => ours,
        }
    }

    /// A logout may be sent again although it was executed: to end what has ended changes nothing.
    async fn tell(&self, tokens: StoredTokens, everywhere: bool) -> Result<(), SessionError> {
        let access = super::keeper::Access::new(tokens, self.settings.refresh_margin)?;
        let credential = Credential::Fixed(AUTHORIZATION, access.header);
        let transport = Caller::transport(&self.settings, credential, None);
        let client =
            Client::new_with_client(self.plain.baseurl(), self.plain.client().clone(), transport);
        let mut attempts = self.settings.budget.begin();
        loop {
            attempts.count_one();
            let body = types::LogoutRequest {
                all_sessions: everywhere.then_some(true),
                refresh_token: Some(access.tokens.refresh_token.clone()),
            };
            let error = match client.logout().body(body).send().await {
                Ok(_) => return Ok(()),
                Err(error) => error,
            };
            let again = match &error {
                // Sent again already.
                Error::CommunicationError(e) if e.is_connect() => false,
                Error::CommunicationError(_) => attempts.wait(None).await,
                _ => false,
            };
            if !again {
                return Err(error.into());
            }
        }
    }

    /// The trusted device stays, and so does the session of somebody else.
    async fn forget(&self) -> Result<(), StoreError> {
        let store = &self.settings.store;
        let mut stored = store.load().await?;
        let user = self.current().tokens.user_id;
        if stored
            .tokens
            .take_if(|tokens| tokens.user_id == user)
            .is_some()
        {
            store.save(&stored).await?;
        }
        Ok(())
    }
}
