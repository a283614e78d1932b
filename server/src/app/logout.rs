//! Logout: best effort, because only a client with a bad token needs it badly.

use super::audit::Audit;
use super::error::Result;
use super::random::{REFRESH_PREFIX, hash_if_well_formed};
use super::token::Kind;
use super::{App, Client};

/// What a logout presents; every part may be missing, stale or foreign.
pub struct Logout<'r> {
    /// The bearer token, or every cookie of the name.
    pub access_tokens: Vec<&'r str>,
    pub refresh_token: Option<&'r str>,
    pub all_sessions: bool,
}

impl App {
    pub async fn logout(&self, request: Logout<'_>, client: &Client) -> Result<()> {
        let now = self.now();
        let mut own = None;
        for token in &request.access_tokens {
            let decoded = self.decode(token, &[Kind::Access]).await?;
            own = own
                .into_iter()
                .chain(decoded)
                .min_by_key(|decoded| decoded.expired);
        }
        let session = match own.as_ref().and_then(|decoded| decoded.claims.sid) {
            Some(session) => Some(session),
            // Possession of the refresh token alone suffices.
            None => self.session_of_refresh_token(request.refresh_token).await?,
        };
        let Some(session) = session else {
            return Ok(());
        };
        self.retried(|| async {
            let txn = self.store.begin().await?;
            let Some((session, user)) = txn.session_with_user_fetch(session).await? else {
                return Ok(());
            };
            let valid = own.as_ref().is_some_and(|decoded| !decoded.expired)
                && self.session_is_live(&session, &user);
            let ended = if request.all_sessions && valid {
                txn.sessions_revoke_by_user(user.id, now.ms(), "logout", None, false)
                    .await?
            } else {
                u64::from(txn.session_revoke(session.id, now.ms(), "logout").await?)
            };
            if ended > 0 {
                let audit = Audit::of("logout", &user)
                    .session(session.id)
                    .detail(serde_json::json!({ "sessions": ended }));
                self.audit(&txn, client, audit).await?;
            }
            self.commit(txn).await
        })
        .await
    }

    async fn session_of_refresh_token(&self, token: Option<&str>) -> Result<Option<uuid::Uuid>> {
        let hash = token.and_then(|token| hash_if_well_formed(REFRESH_PREFIX, token));
        let Some(hash) = hash else { return Ok(None) };
        let row = self.store.refresh_token_fetch_by_hash(&hash).await?;
        Ok(row.map(|row| row.session_id))
    }
}
