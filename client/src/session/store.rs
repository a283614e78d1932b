use std::{
    any::Any,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Secret, types::TokenResponse};

/// Where a session outlives the process, or is shared by several.
///
/// A refresh token is good for one use, so whoever may use it must be alone: the session takes the
/// lock, loads, refreshes, saves, and only then lets go. `load` and `save` are called by the
/// holder of the lock; `load` also by who only reads.
///
/// A store of your own keeps the three promises: `lock` excludes every other holder of the same
/// store, in this process and in others, and is let go by the system when its holder dies; `save`
/// is all or nothing, and durable when it returns; what was saved is readable by nobody else.
///
/// ```
#[doc = include_str!("../doc/server.txt")]
/// use std::sync::Arc;
/// use bp_auth_client::{AuthClient, session::{StoreError, StoreLock, Stored, TokenStore}};
/// use tokio::sync::Mutex;
///
/// /// Of a single process, so one mutex excludes all others.
/// #[derive(Debug, Default)]
/// struct Vault { alone: Arc<Mutex<()>>, sealed: Mutex<Vec<u8>> }
///
/// #[async_trait::async_trait]
/// impl TokenStore for Vault {
///     async fn lock(&self) -> Result<StoreLock, StoreError> {
///         Ok(StoreLock::new(self.alone.clone().lock_owned().await))
///     }
///
///     async fn load(&self) -> Result<Stored, StoreError> {
///         match self.sealed.lock().await.as_slice() {
///             [] => Ok(Stored::default()),
///             sealed => serde_json::from_slice(sealed).map_err(StoreError::new),
///         }
///     }
///
///     async fn save(&self, stored: &Stored) -> Result<(), StoreError> {
///         *self.sealed.lock().await = serde_json::to_vec(stored).map_err(StoreError::new)?;
///         Ok(())
///     }
/// }
///
/// let auth = AuthClient::builder(url).store(Vault::default()).build()?;
/// let _session = auth.login("ada@example.org", "...").await?;
/// assert!(auth.resume().await?.is_some());
/// # Ok(()) }
/// ```
#[async_trait]
pub trait TokenStore: fmt::Debug + Send + Sync + 'static {
    /// Waits, for a bounded time, until nobody else holds the store.
    async fn lock(&self) -> Result<StoreLock, StoreError>;

    /// What was saved last; the default when there is nothing.
    async fn load(&self) -> Result<Stored, StoreError>;

    /// Replaces what is stored.
    async fn save(&self, stored: &Stored) -> Result<(), StoreError>;
}

/// Holds a store until it is dropped.
#[must_use = "the lock is let go when this is dropped"]
pub struct StoreLock(
    #[expect(dead_code, reason = "kept for what its drop does")] Box<dyn Any + Send + Sync>,
);

/// What a store keeps.
///
/// It serialises with the secrets in it; its `Debug` shows none.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Stored {
    /// The session; none when nobody is logged in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<StoredTokens>,
    /// The secret of the trusted device, which outlives sessions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trusted_device: Option<Secret>,
}

/// The tokens of a session, and how long they live.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StoredTokens {
    /// Whose session it is.
    pub user_id: Uuid,
    /// Presented with calls.
    pub access_token: Secret,
    /// Good for one refresh.
    pub refresh_token: Secret,
    /// When the tokens were asked for: they were issued no earlier.
    pub issued_at: DateTime<Utc>,
    /// When the access token expires.
    pub expires_at: DateTime<Utc>,
    /// When the refresh token expires, if it is not used.
    pub refresh_expires_at: DateTime<Utc>,
}

/// A store that cannot be locked, read or written.
#[derive(Clone, Debug)]
pub struct StoreError(String);

/// Keeps a session in memory, for as long as the process lives. Clones share it.
///
/// ```
#[doc = include_str!("../doc/server.txt")]
/// use bp_auth_client::{AuthClient, session::MemoryStore};
///
/// let store = MemoryStore::new();
/// let auth = AuthClient::builder(url).store(store.clone()).build()?;
/// let _session = auth.login("ada@example.org", "...").await?;
/// let another = AuthClient::builder(url).store(store).build()?;
/// assert!(another.resume().await?.is_some());
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default)]
pub struct MemoryStore(Arc<Memory>);

#[derive(Debug, Default)]
struct Memory {
    lock: Arc<tokio::sync::Mutex<()>>,
    stored: Mutex<Stored>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }
}

#[async_trait]
impl TokenStore for MemoryStore {
    async fn lock(&self) -> Result<StoreLock, StoreError> {
        let lock = Arc::clone(&self.0.lock);
        Ok(StoreLock::new(lock.lock_owned().await))
    }

    async fn load(&self) -> Result<Stored, StoreError> {
        let stored = self.0.stored.lock();
        Ok(stored.unwrap_or_else(PoisonError::into_inner).clone())
    }

    async fn save(&self, stored: &Stored) -> Result<(), StoreError> {
        let place = self.0.stored.lock();
        *place.unwrap_or_else(PoisonError::into_inner) = stored.clone();
        Ok(())
    }
}

impl StoreLock {
    /// A lock that `holder` lets go when it is dropped.
    pub fn new(holder: impl Any + Send + Sync) -> Self {
        Self(Box::new(holder))
    }
}

impl fmt::Debug for StoreLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreLock")
    }
}

impl StoredTokens {
    /// The tokens of an answer to what was asked at `asked_at`.
    ///
    /// ```
    #[doc = include_str!("../doc/server.txt")]
    /// use bp_auth_client::{client, session::StoredTokens, types::LoginResponse};
    ///
    /// # let now = chrono::DateTime::UNIX_EPOCH;
    /// let client = client(url)?;
    /// let form = client.login().body_map(|form| form.username("ada@example.org").password("..."));
    /// if let LoginResponse::TokenResponse(answer) = form.send().await?.into_inner() {
    ///     let tokens = StoredTokens::new(answer, now)?;
    ///     assert_eq!((tokens.expires_at - now).num_minutes(), 15);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// An answer to the cookie `bp_refresh` has no refresh token that could be stored.
    pub fn new(answer: TokenResponse, asked_at: DateTime<Utc>) -> Result<Self, StoreError> {
        let refresh_token = answer.refresh_token;
        Ok(Self {
            user_id: answer.user.id,
            access_token: answer.access_token,
            refresh_token: refresh_token
                .ok_or_else(|| StoreError::new("the answer has no refresh token"))?,
            issued_at: asked_at,
            expires_at: later(asked_at, answer.expires_in),
            refresh_expires_at: later(asked_at, answer.refresh_expires_in),
        })
    }

    /// When a refresh is due: `margin` before the end, or a fifth of the life of a short token, so
    /// that a token of a few seconds is used at all.
    pub(crate) fn refresh_at(&self, margin: Duration) -> DateTime<Utc> {
        let margin = TimeDelta::from_std(margin).unwrap_or(TimeDelta::MAX);
        let life = self.expires_at.signed_duration_since(self.issued_at);
        // A store may hold any times; what cannot be told is due.
        self.expires_at
            .checked_sub_signed(margin.min(life / 5))
            .unwrap_or(DateTime::<Utc>::MIN_UTC)
    }
}

impl StoreError {
    /// Says what could not be done, without secrets.
    pub fn new(what: impl fmt::Display) -> Self {
        Self(what.to_string())
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StoreError {}

fn later(at: DateTime<Utc>, seconds: u32) -> DateTime<Utc> {
    at.checked_add_signed(TimeDelta::seconds(seconds.into()))
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}
