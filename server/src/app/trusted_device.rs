//! Trusted devices: a second factor that was passed before, remembered by a secret.

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::audit::Audit;
use super::caller::Caller;
use super::error::{Error, Result};
use super::random::{hash, mint};
use super::session::PresentedDevice;
use super::{App, Client};
use crate::datastore::{NewTrustedDevice, TrustedDevice, Txn, User};

const MOST: i64 = 20;
const MOST_LISTED: u64 = 20;
/// A browser sends one; more are not looked up before the password is known.
const MOST_PRESENTED: usize = 3;
/// What `<id>.<secret>` begins its secret with.
const PREFIX: &str = "bpd_";

pub struct DeviceView {
    pub device: TrustedDevice,
    pub is_current: bool,
}

impl App {
    pub async fn trusted_devices(
        &self,
        caller: &Caller,
        presented: &[&str],
    ) -> Result<Vec<DeviceView>> {
        let now = self.now().ms();
        let rows = self
            .store
            .trusted_devices_list_live(caller.user.id, now, MOST_LISTED)
            .await?;
        let current =
            |device: &TrustedDevice| presented.iter().any(|text| is_secret_of(text, device));
        let views = rows
            .into_iter()
            .map(|device| DeviceView {
                is_current: current(&device),
                device,
            })
            .collect();
        Ok(views)
    }

    /// Says whether it was the device the request came from, whose cookie is then cleared.
    pub async fn trusted_device_revoke(
        &self,
        caller: &Caller,
        id: i64,
        presented: &[&str],
        client: &Client,
    ) -> Result<bool> {
        self.retried(|| async {
            let txn = self.store.begin().await?;
            let user = self.user_locked(&txn, caller).await?;
            let device = txn.trusted_device_fetch(id).await?.ok_or(Error::NotFound)?;
            if !txn
                .trusted_device_revoke(id, user.id, self.now().ms(), "revoked_by_user")
                .await?
            {
                return Err(Error::NotFound);
            }
            let detail = serde_json::json!({ "device_id": id });
            self.audit(
                &txn,
                client,
                Audit::of("trusted_device.revoked", &user)
                    .session(caller.session_id())
                    .detail(detail),
            )
            .await?;
            self.commit(txn).await?;
            Ok(presented.iter().any(|text| is_secret_of(text, &device)))
        })
        .await
    }

    /// Which of the presented devices the account of this address trusts. Nothing is used up: whoever
    /// asks has not shown a password yet. The work is the same for an account that does not exist,
    /// and only who has a device's secret can tell a difference.
    pub(super) async fn trusted_device_of(
        &self,
        email_key: &str,
        presented: &[&str],
    ) -> Result<Option<i64>> {
        let parsed: Vec<_> = presented
            .iter()
            .filter_map(|text| Some((*text, parse(text)?.0)))
            .take(MOST_PRESENTED)
            .collect();
        if parsed.is_empty() {
            return Ok(None);
        }
        let user = self.store.user_fetch_by_email_key(email_key).await?;
        let now = self.now().ms();
        for (text, id) in parsed {
            let device = self.store.trusted_device_fetch(id).await?;
            let trusted = device.is_some_and(|device| {
                let is_live = device.revoked_at.is_none() && device.expires_at > now;
                let is_theirs = user.as_ref().is_some_and(|user| belongs_to(&device, user));
                is_secret_of(text, &device) && is_live && is_theirs
            });
            if trusted {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    /// A presented device of this user: its secret is used up and replaced, its id and its end stay.
    pub(super) async fn trusted_device_accept(
        &self,
        txn: &Txn,
        user: &User,
        presented: &str,
        client: &Client,
    ) -> Result<Option<PresentedDevice>> {
        let Some((id, secret)) = parse(presented) else {
            return Ok(None);
        };
        let now = self.now();
        let device = txn.trusted_device_fetch(id).await?;
        let Some(device) = device.filter(|device| belongs_to(device, user)) else {
            return Ok(None);
        };
        let fresh = mint(self.random.as_ref(), PREFIX)?;
        let rotated = txn
            .trusted_device_secret_rotate(
                id,
                &hash(secret),
                &fresh.hash,
                now.ms(),
                client.user_agent.as_deref(),
                Some(&client.ip.to_string()),
            )
            .await?;
        Ok(rotated.then(|| presented_device(id, &fresh.plain, device.expires_at - now.ms())))
    }

    /// Trusts the device that has just passed a second factor.
    pub(super) async fn trusted_device_add(
        &self,
        txn: &Txn,
        user: &User,
        name: Option<String>,
        client: &Client,
    ) -> Result<PresentedDevice> {
        let now = self.now();
        let fresh = mint(self.random.as_ref(), PREFIX)?;
        let ttl = self.config.trusted_device.ttl;
        let new = NewTrustedDevice {
            user_id: user.id,
            secret_hash: fresh.hash,
            name,
            user_agent: client.user_agent.clone(),
            ip_address: Some(client.ip.to_string()),
            created_at: now.ms(),
            expires_at: now.plus(ttl.duration()).ms(),
            epoch: user.epoch,
        };
        let id = txn.trusted_device_insert(new).await?;
        txn.trusted_devices_evict(user.id, MOST, now.ms()).await?;
        let detail = serde_json::json!({ "device_id": id });
        self.audit(
            txn,
            client,
            Audit::of("trusted_device.added", user).detail(detail),
        )
        .await?;
        let millis = i64::try_from(ttl.duration().as_millis()).unwrap_or(i64::MAX);
        Ok(presented_device(id, &fresh.plain, millis))
    }
}

fn presented_device(id: i64, secret: &str, left_ms: i64) -> PresentedDevice {
    PresentedDevice {
        id,
        secret: Zeroizing::new(format!("{id}.{secret}")),
        expires_in: u64::try_from(left_ms / 1000).unwrap_or(0),
    }
}

fn belongs_to(device: &TrustedDevice, user: &User) -> bool {
    device.user_id == user.id && device.epoch == user.epoch
}

fn parse(presented: &str) -> Option<(i64, &str)> {
    let (id, secret) = presented.split_once('.')?;
    Some((id.parse().ok()?, secret))
}

fn is_secret_of(presented: &str, device: &TrustedDevice) -> bool {
    parse(presented).is_some_and(|(id, secret)| {
        id == device.id && bool::from(hash(secret).as_bytes().ct_eq(device.secret_hash.as_bytes()))
    })
}
