use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};
use reqwest::header::HeaderValue;
use tokio::sync::watch;

use super::{
    auth::Settings, error::RefreshTrouble, refusal::Refusal, store::StoredTokens, trace::event,
};
use crate::{Client, Error, types};

/// Keeps the tokens of one session fresh, for all who call with it.
pub(crate) struct Keeper {
    pub settings: Arc<Settings>,
    /// Without credentials, and sends once: the refresh decides itself what is sent again.
    pub plain: Client,
    state: Mutex<State>,
}

/// Tokens in use.
#[derive(Clone)]
pub(crate) struct Access {
    pub tokens: StoredTokens,
    /// `Bearer` and the access token, made once for all calls.
    pub header: HeaderValue,
    pub refresh_at: DateTime<Utc>,
    /// The refresh token that the store still holds, when it could not take the new ones.
    pub unsaved_over: Option<crate::Secret>,
}

/// Why a call has no token. Shared by all who waited for the same refresh.
#[derive(Clone)]
pub(crate) enum NotRefreshed {
    Refused(Refusal),
    Trouble(RefreshTrouble),
}

pub(crate) type Outcome = Result<Arc<Access>, NotRefreshed>;

type Flight = watch::Receiver<Option<Outcome>>;

struct State {
    access: Arc<Access>,
    /// The refresh that runs at present.
    flight: Option<Flight>,
    /// Set when it did not succeed: nobody asks again before then.
    pause: Option<Pause>,
    /// A token that was refused as invalid although it was new: another one would be too.
    invalid: Option<HeaderValue>,
    /// Set for good when the server or the user ended the session.
    ended: Option<NotRefreshed>,
}

struct Pause {
    since: DateTime<Utc>,
    until: DateTime<Utc>,
    why: NotRefreshed,
}

/// After a refresh that failed without saying for how long to wait.
const PAUSE: Duration = Duration::from_secs(1);

impl Keeper {
    pub fn new(settings: Arc<Settings>, plain: Client, access: Access) -> Arc<Self> {
        Arc::new(Self {
            settings,
            plain,
            state: Mutex::new(State {
                access: Arc::new(access),
                flight: None,
                pause: None,
                invalid: None,
                ended: None,
            }),
        })
    }

    /// A token to call with: the current one, or a new one when that is about to expire.
    pub async fn access(self: &Arc<Self>) -> Outcome {
        let (current, flight) = {
            let mut state = self.state();
            if let Some(why) = &state.ended {
                return Err(why.clone());
            }
            let current = Arc::clone(&state.access);
            let now = (self.settings.clock)();
            if now < current.refresh_at {
                return Ok(current);
            }
            let usable = now < current.tokens.expires_at;
            if let Some(pause) = &state.pause {
                // A token whose refresh got no answer may be used up, so it is not presented again
                // as long as there is another way.
                if usable && (pause.after_a_lost_answer() || pause.lasts(now)) {
                    return Ok(current);
                }
                if pause.lasts(now) {
                    return Err(pause.why.clone());
                }
            }
            let flight = self.flight(&mut state);
            (usable.then_some(current), flight)
        };
        match (landed(flight).await, current) {
            // The refresh came early for such a case.
            (Err(NotRefreshed::Trouble(trouble)), Some(current))
                if trouble != RefreshTrouble::LoggedOut =>
            {
                Ok(current)
            }
            (Err(NotRefreshed::Refused(refusal)), Some(current)) if refusal.status() != 401 => {
                Ok(current)
            }
            (outcome, _) => outcome,
        }
    }

    /// A token in place of one that the server refuses.
    pub async fn replace(self: &Arc<Self>, refused: &HeaderValue) -> Outcome {
        let flight = {
            let mut state = self.state();
            if let Some(why) = &state.ended {
                return Err(why.clone());
            }
            if state.access.header != *refused {
                return Ok(Arc::clone(&state.access));
            }
            if let Some(pause) = &state.pause
                && pause.lasts((self.settings.clock)())
            {
                return Err(pause.why.clone());
            }
            self.flight(&mut state)
        };
        landed(flight).await
    }

    /// Whether a refresh may help with a token that the server calls invalid. It is believed when it
    /// says so of one that took the place of another for this very reason.
    pub fn doubts_invalid(&self, presented: &HeaderValue, replaced: bool) -> bool {
        let mut state = self.state();
        if replaced {
            state.invalid = Some(presented.clone());
        }
        state.invalid.as_ref() != Some(presented)
    }

    /// The tokens at this moment, valid or not.
    pub fn current(&self) -> Arc<Access> {
        Arc::clone(&self.state().access)
    }

    /// No call is sent with this session any more.
    pub fn end(&self, why: NotRefreshed) {
        self.state().ended.get_or_insert(why);
    }

    /// The refresh that runs, or a new one. It runs in a task of its own: who waits for it may be
    /// dropped at any moment, and the tokens that the server has issued must not be lost with them.
    fn flight(self: &Arc<Self>, state: &mut State) -> Flight {
        if let Some(flight) = &state.flight
            && flight.has_changed().is_ok()
        {
            return flight.clone();
        }
        let (landing, flight) = watch::channel(None);
        let keeper = Arc::clone(self);
        let stale = Arc::clone(&state.access);
        tokio::spawn(async move {
            let outcome = keeper.refresh(&stale).await;
            landing.send_replace(Some(outcome));
        });
        state.flight = Some(flight.clone());
        flight
    }

    /// Lets everybody see what came of a refresh; called while its lock is still held.
    pub fn settle(&self, outcome: Outcome) -> Outcome {
        let mut state = self.state();
        state.flight = None;
        state.pause = None;
        match &outcome {
            Ok(access) => state.access = Arc::clone(access),
            Err(why) if why.is_final() => {
                event!(WARN, "the session has ended");
                state.ended.get_or_insert(why.clone());
            }
            Err(why) => {
                event!(WARN, "the session was not refreshed");
                let pause = match why {
                    NotRefreshed::Refused(refusal) => refusal.retry_after().unwrap_or(PAUSE),
                    NotRefreshed::Trouble(_) => PAUSE,
                };
                let since = (self.settings.clock)();
                state.pause = Some(Pause {
                    since,
                    until: later(since, pause),
                    why: why.clone(),
                });
            }
        }
        match &state.ended {
            // Logged out while the refresh ran.
            Some(why) => Err(why.clone()),
            None => outcome,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Access {
    pub fn new(tokens: StoredTokens, margin: Duration) -> Result<Self, Error<types::Error>> {
        let mut header = HeaderValue::try_from(format!("Bearer {}", tokens.access_token.expose()))?;
        header.set_sensitive(true);
        Ok(Self {
            refresh_at: tokens.refresh_at(margin),
            tokens,
            header,
            unsaved_over: None,
        })
    }
}

impl Pause {
    /// Not when the clock was set back meanwhile.
    fn lasts(&self, now: DateTime<Utc>) -> bool {
        (self.since..self.until).contains(&now)
    }

    fn after_a_lost_answer(&self) -> bool {
        matches!(self.why, NotRefreshed::Trouble(RefreshTrouble::AnswerLost))
    }
}

impl NotRefreshed {
    fn is_final(&self) -> bool {
        match self {
            Self::Refused(refusal) => refusal.status() == 401,
            Self::Trouble(trouble) => *trouble == RefreshTrouble::LoggedOut,
        }
    }

    pub fn into_error(self) -> Error<types::Error> {
        match self {
            Self::Refused(refusal) => refusal.into_error(),
            Self::Trouble(trouble) => trouble.into_error(),
        }
    }
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keeper")
    }
}

/// The server may ask for any time, also for one past the end of the calendar.
fn later(at: DateTime<Utc>, by: Duration) -> DateTime<Utc> {
    let by = chrono::TimeDelta::from_std(by).unwrap_or(chrono::TimeDelta::MAX);
    at.checked_add_signed(by)
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}

async fn landed(mut flight: Flight) -> Outcome {
    match flight.wait_for(Option::is_some).await {
        Ok(outcome) => match &*outcome {
            Some(outcome) => outcome.clone(),
            None => Err(NotRefreshed::Trouble(RefreshTrouble::AnswerLost)),
        },
        // The runtime that the refresh ran on has stopped: nobody knows how far it came.
        Err(_) => Err(NotRefreshed::Trouble(RefreshTrouble::AnswerLost)),
    }
}
