//! Where a login comes from, and what it draws on: sources that the account knows are counted apart from
//! strangers, so that nobody shuts an owner out.

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Uuid;

use super::budget::{Budget, DAY, Granted, HOUR};
use super::clock::Timestamp;
use super::error::{Error, Result};
use super::network::Networks;
use super::random::hash;
use super::{App, Client};
use crate::datastore::{Event, Taken, Txn};
use crate::metrics::Limit;

/// Who tries a password, as the limits tell them apart.
pub(super) struct Source {
    /// The hash of the address, which need not be anybody's.
    pub account: String,
    pub networks: Networks,
    /// A trusted device of the account.
    device: Option<i64>,
    /// Whether the account has had a right login from this network.
    is_known_network: bool,
}

impl Source {
    /// What the delay of the account counts the source as.
    pub fn counted_as(&self) -> String {
        match self.device {
            Some(id) => format!("device {id}"),
            None => self.networks.narrow.clone(),
        }
    }

    fn is_known(&self) -> bool {
        self.device.is_some() || self.is_known_network
    }
}

impl App {
    pub(super) async fn login_source(
        &self,
        email_key: &str,
        trusted_devices: &[&str],
        client: &Client,
    ) -> Result<Source> {
        let networks = client.networks();
        let device = self.trusted_device_of(email_key, trusted_devices).await?;
        let is_known_network = self.network_is_known(email_key, &networks).await?;
        Ok(Source {
            account: hash(email_key),
            networks,
            device,
            is_known_network,
        })
    }

    /// What a wrong password draws on. A device of the account has its own delay and nothing else. A known
    /// network of the account shares no budget with strangers, neither its own network's nor those of
    /// other networks about the account.
    pub(super) fn guess_budgets(&self, source: &Source) -> Vec<Budget> {
        let limits = &self.config.limits;
        let window = limits.failures_window.duration();
        let budget = |limit, bucket: &str, most| {
            Budget::exactly(limit, format!("password:{bucket}"), window, most)
        };
        if source.device.is_some() {
            return Vec::new();
        }
        let Networks {
            narrow, is_shared, ..
        } = &source.networks;
        let most = limits.network_failures;
        if source.is_known_network {
            let bucket = format!("known:{narrow}");
            return vec![budget(Limit::PasswordNetwork, &bucket, most)];
        }
        // An IPv6 /48 is one subscriber as its /64 is; an IPv4 /24 is many.
        let factor = match is_shared {
            true => limits.wide_network_factor,
            false => 1,
        };
        let by_network = budget(Limit::PasswordNetwork, "network", most);
        let mut budgets = by_network.by_network(&source.networks, factor).to_vec();
        let bucket = format!("account:{}", source.account);
        let most = limits.account_failures;
        budgets.push(budget(Limit::PasswordAccount, &bucket, most));
        budgets
    }

    /// Takes what a guess draws on before it is judged: the failure that it may be, to be given back if it
    /// is none, and one step of a login.
    pub(super) async fn guess_take(
        &self,
        txn: &Txn,
        budgets: &[Budget],
        source: &Source,
    ) -> Result<Granted> {
        let events = self.budgets_take(txn, budgets, &source.networks).await?;
        let Ok(events) = events else {
            return Ok(events);
        };
        let step = self
            .login_step_take(txn, &source.account, source.is_known(), &source.networks)
            .await?;
        if let Err(retry_at) = step {
            self.budgets_give_back(txn, &events).await?;
            return Ok(Err(retry_at));
        }
        Ok(Ok(events))
    }

    /// One step of a login, right or wrong, for its network: each may leave rows behind. An account has some
    /// of its own at the sources it knows, which strangers in the same network cannot use up.
    pub(super) async fn login_step_take(
        &self,
        txn: &Txn,
        account: &str,
        is_known: bool,
        networks: &Networks,
    ) -> Result<std::result::Result<(), Timestamp>> {
        let limits = &self.config.limits;
        if is_known {
            let bucket = format!("logins:account:{account}");
            let hour = i64::try_from(HOUR.as_millis()).unwrap_or(i64::MAX);
            let most = limits.known_logins_per_hour.into();
            let taken = txn.rate_level_take(&bucket, self.now().ms(), hour, most);
            if let Taken::Granted(_) = taken.await? {
                return Ok(Ok(()));
            }
        }
        let budgets = self.login_step_budgets(networks);
        let events = self.budgets_take(txn, &budgets, networks).await?;
        Ok(events.map(|_: Vec<Event>| ()))
    }

    fn login_step_budgets(&self, networks: &Networks) -> [Budget; 2] {
        let limits = &self.config.limits;
        let most = limits.logins_per_hour;
        Budget::as_level(Limit::Logins, "logins".to_owned(), HOUR, most)
            .by_network(networks, limits.wide_network_factor)
    }

    pub(super) async fn network_is_known(
        &self,
        email_key: &str,
        networks: &Networks,
    ) -> Result<bool> {
        let mark = self.network_mark(networks)?;
        Ok(self.store.known_network_is(email_key, &mark).await?)
    }

    /// Remembers the network of a login or a registration.
    pub(super) async fn network_note(&self, txn: &Txn, user: Uuid, client: &Client) -> Result<()> {
        let mark = self.network_mark(&client.networks())?;
        let now = self.now();
        // Noted once a day, not with every login.
        let fresh = now.minus(DAY - Duration::from_millis(1)).ms();
        let most = self.config.limits.known_networks.into();
        txn.known_network_note(user, &mark, now.ms(), fresh, most)
            .await?;
        Ok(())
    }

    /// A network as the database keeps it. The key is in the data directory, so that the database alone
    /// does not say where people log in from; a new one makes accounts know no network for a while.
    fn network_mark(&self, networks: &Networks) -> Result<String> {
        let keyring = self.keys.keyring();
        let no_key = || Error::Internal("no key for the hashes of networks".to_owned());
        let root = keyring.sealing.last().ok_or_else(no_key)?;
        let mut mac = Hmac::<Sha256>::new_from_slice(root.key.as_slice()).map_err(|_| no_key())?;
        mac.update(b"bp-auth known network\0");
        mac.update(networks.narrow.as_bytes());
        Ok(hex::encode(mac.finalize().into_bytes()))
    }
}
