//! The profile, and the changes of an account's state that end everything it had open.

use super::caller::Caller;
use super::error::Result;
use super::methods::{Method, verified};
use super::{App, Client, audit::Audit};
use crate::datastore::{Session, Tenant, Txn, User};

/// A user as `GET /me` shows it.
pub struct Profile {
    pub user: User,
    pub tenant: Tenant,
    pub methods: Vec<Method>,
    pub session: Option<Session>,
}

impl App {
    pub async fn me(&self, caller: Caller) -> Result<Profile> {
        let methods = verified(&self.store.mfa_methods_list(caller.user.id).await?);
        let session = caller.session().cloned();
        Ok(Profile {
            user: caller.user,
            tenant: caller.tenant,
            methods,
            session,
        })
    }

    /// Ends every credential of the account: sessions, challenges, trusted devices, the API key and
    /// the links in its mails. The epoch alone decides; the rows say why. Returns how many sessions
    /// were ended.
    pub(super) async fn revoke_all_access(
        &self,
        txn: &Txn,
        user: &User,
        reason: &str,
    ) -> Result<u64> {
        let now = self.now().ms();
        txn.user_epoch_begin(user.id).await?;
        let sessions = txn
            .sessions_revoke_by_user(user.id, now, reason, None, false)
            .await?;
        txn.mfa_challenges_void(user.id, now).await?;
        txn.trusted_devices_revoke_all(user.id, now, reason).await?;
        Ok(sessions)
    }

    /// A refusal because of the account's state, on record.
    pub(super) async fn audit_gate(&self, txn: &Txn, client: &Client, user: &User) -> Result<()> {
        let audit =
            Audit::of("login.refused", user).detail(serde_json::json!({ "state": user.state }));
        self.audit_repeated(txn, client, audit).await
    }
}
