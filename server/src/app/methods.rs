//! The second factors of a user: what there is, which one is asked first, and their removal.

use super::audit::Audit;
use super::caller::Caller;
use super::error::{Error, Result};
use super::identity::phone_hint;
use super::message::Message;
use super::{App, Client};
use crate::datastore::{MfaMethod, Session, Txn, User};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Totp,
    Sms,
    BackupCodes,
}

impl Method {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Totp => "totp",
            Self::Sms => "sms",
            Self::BackupCodes => "backup_codes",
        }
    }

    fn of(row: &MfaMethod) -> Option<Self> {
        match row.method.as_str() {
            "totp" => Some(Self::Totp),
            "sms" => Some(Self::Sms),
            _ => None,
        }
    }
}

/// The verified methods, the default one first: an authenticator costs nothing and cannot be
/// redirected, so it comes before SMS whichever was enrolled first.
pub fn verified(rows: &[MfaMethod]) -> Vec<Method> {
    [Method::Totp, Method::Sms]
        .into_iter()
        .filter(|method| find(rows, *method, true).is_some())
        .collect()
}

pub fn find(rows: &[MfaMethod], method: Method, verified: bool) -> Option<&MfaMethod> {
    rows.iter()
        .find(|row| row.verified == verified && Method::of(row) == Some(method))
}

/// Verified, or pending and not lapsed.
fn is_live(row: &MfaMethod, now: i64) -> bool {
    row.verified || row.expires_at.is_some_and(|at| at > now)
}

/// One line of the list of methods.
pub struct MethodInfo {
    pub method: Method,
    pub verified: bool,
    pub created_at: i64,
    pub last_used_at: Option<i64>,
    pub phone_hint: Option<String>,
}

pub struct MethodList {
    pub enabled: bool,
    pub default: Option<Method>,
    pub methods: Vec<MethodInfo>,
    pub backup_codes_remaining: u32,
}

impl App {
    pub async fn mfa_methods(&self, caller: &Caller) -> Result<MethodList> {
        let now = self.now().ms();
        let rows = self.store.mfa_methods_list(caller.user.id).await?;
        let default = verified(&rows).first().copied();
        let methods = rows
            .iter()
            .filter(|row| is_live(row, now))
            .filter_map(|row| {
                Some(MethodInfo {
                    method: Method::of(row)?,
                    verified: row.verified,
                    created_at: row.created_at,
                    last_used_at: row.last_used_at,
                    phone_hint: row.phone.as_deref().map(phone_hint),
                })
            })
            .collect();
        let remaining = self.store.backup_codes_remaining(caller.user.id).await?;
        Ok(MethodList {
            enabled: default.is_some(),
            default,
            methods,
            backup_codes_remaining: u32::try_from(remaining).unwrap_or(0),
        })
    }

    /// Removes a method, pending or verified, or the set of backup codes.
    pub async fn mfa_method_delete(
        &self,
        caller: &Caller,
        method: Method,
        client: &Client,
    ) -> Result<()> {
        self.step_up(caller).await?;
        self.retried(|| async {
            let txn = self.store.begin().await?;
            let user = self.user_locked(&txn, caller).await?;
            let before = txn.mfa_methods_list(user.id).await?;
            let removed = match method {
                Method::BackupCodes => txn.backup_codes_delete(user.id).await?,
                method => {
                    // A set-up that has lapsed is not in the list, so it is not there to be deleted.
                    let now = self.now().ms();
                    if !before
                        .iter()
                        .any(|row| Method::of(row) == Some(method) && is_live(row, now))
                    {
                        return Err(Error::NotFound);
                    }
                    if method == Method::Sms {
                        txn.sms_code_delete(user.id, "mfa_setup").await?;
                        txn.sms_code_delete(user.id, "login").await?;
                    }
                    txn.mfa_methods_delete(user.id, Some(method.as_str()))
                        .await?
                }
            };
            if removed == 0 {
                return Err(Error::NotFound);
            }
            let was_verified = verified(&before).contains(&method);
            if was_verified {
                self.factors_changed(&txn, &user, "mfa_method_removed")
                    .await?;
                if verified(&before).len() == 1 {
                    txn.backup_codes_delete(user.id).await?;
                    txn.mfa_challenges_void(user.id, self.now().ms()).await?;
                }
            }
            let event = match (method, was_verified) {
                (Method::BackupCodes, _) => "mfa.backup_codes.deleted",
                (_, true) => "mfa.method.deleted",
                (_, false) => "mfa.setup.cancelled",
            };
            let detail = serde_json::json!({ "method": method.as_str() });
            self.audit(
                &txn,
                client,
                Audit::of(event, &user)
                    .session(caller.session_id())
                    .detail(detail),
            )
            .await?;
            if was_verified || method == Method::BackupCodes {
                let (at, ip) = (self.now().ms(), client.ip.to_string());
                let message = Message::MfaDisabled {
                    method: method.as_str().to_owned(),
                    at,
                    ip,
                };
                self.notify(&txn, &user, message).await?;
            }
            self.commit(txn).await
        })
        .await
    }

    /// The caller's user, locked and still allowed, inside a transaction.
    pub(super) async fn user_locked(&self, txn: &Txn, caller: &Caller) -> Result<User> {
        let user = txn
            .user_lock(caller.user.id)
            .await?
            .ok_or(Error::SessionRevoked)?;
        super::caller::gate(&user).map_err(|_| Error::SessionRevoked)?;
        if let Some(id) = caller.session_id() {
            let session = txn.session_fetch(id).await?;
            let live = |row: &Session| row.revoked_at.is_none() && row.epoch == user.epoch;
            if !session.as_ref().is_some_and(live) {
                return Err(Error::SessionRevoked);
            }
        }
        Ok(user)
    }

    /// A device was trusted on the strength of the factors there were; others void that trust.
    pub(super) async fn factors_changed(&self, txn: &Txn, user: &User, why: &str) -> Result<()> {
        txn.trusted_devices_revoke_all(user.id, self.now().ms(), why)
            .await?;
        Ok(())
    }
}
