//! Logout: best effort, because only a client with a bad token needs it badly.

use super::audit::Audit;
use super::error::Result;
use super::random::{REFRESH_PREFIX, hash_if_well_formed};
use super::token::Kind;
use super::{App, Client};
use crate::datastore::Txn;
use uuid::Uuid;

/// What a logout presents; every part may be missing, stale or foreign.
pub struct Logout<'r> {
    /// The bearer token, or every cookie of the name.
    pub access_tokens: Vec<&'r str>,
    pub refresh_token: Option<&'r str>,
    pub all_sessions: bool,
}

impl App {
    pub async fn logout(&self, request: Logout<'_>, client: &Client) -> Result<()> {
        let mut own = Vec::new();
        for token in &request.access_tokens {
            let decoded = self.decode(token, &[Kind::Access]).await?;
            own.extend(decoded.and_then(|decoded| Some((decoded.claims.sid?, !decoded.expired))));
        }
        if own.is_empty() {
            // Possession of the refresh token alone suffices.
            let session = self.session_of_refresh_token(request.refresh_token).await?;
            own.extend(session.map(|session| (session, false)));
        }
        if own.is_empty() {
            return Ok(());
        }
        self.retried(|| async {
            let txn = self.store.begin().await?;
            for (session, unexpired) in &own {
                let all = request.all_sessions && *unexpired;
                self.session_end(&txn, *session, all, client).await?;
            }
            self.commit(txn).await
        })
        .await
    }

    /// Ends the session, or with `all` and while it lives every session of its user.
    async fn session_end(
        &self,
        txn: &Txn,
        session: Uuid,
        all: bool,
        client: &Client,
    ) -> Result<()> {
        let Some((session, user)) = txn.session_with_user_fetch(session).await? else {
            return Ok(());
        };
        let now = self.now().ms();
        let ended = if all && self.session_is_live(&session, &user) {
            txn.sessions_revoke_by_user(user.id, now, "logout", None, false)
                .await?
        } else {
            u64::from(txn.session_revoke(session.id, now, "logout").await?)
        };
        if ended > 0 {
            let audit = Audit::of("logout", &user)
                .session(session.id)
                .detail(serde_json::json!({ "sessions": ended }));
            self.audit(txn, client, audit).await?;
        }
        Ok(())
    }

    async fn session_of_refresh_token(&self, token: Option<&str>) -> Result<Option<Uuid>> {
        let hash = token.and_then(|token| hash_if_well_formed(REFRESH_PREFIX, token));
        let Some(hash) = hash else { return Ok(None) };
        let row = self.store.refresh_token_fetch_by_hash(&hash).await?;
        Ok(row.map(|row| row.session_id))
    }
}
