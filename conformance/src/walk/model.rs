//! What there is: people, their factors, and everything that was given to them. Times are seconds
//! since the beginning of the sequence. The rules are in `predict`.

use std::collections::BTreeSet;

use super::action::Which;

pub const ACCESS: i64 = 15 * 60;
pub const FAMILY: i64 = 30 * 86_400;
pub const IDLE: i64 = 14 * 86_400;
pub const MFA_TOKEN: i64 = 5 * 60;
pub const RESET: i64 = 30 * 60;
pub const REACTIVATION: i64 = 60 * 60;
pub const SETUP: i64 = 10 * 60;
pub const TRUST: i64 = 30 * 86_400;
pub const STEP_UP: i64 = 15 * 60;
/// Clocks of two machines may differ so much.
pub const LEEWAY: i64 = 5;
/// Of a TOTP code.
pub const STEP: i64 = 30;
pub const TRIES: usize = 5;
pub const BACKUP_CODES: usize = 10;
pub const DEVICES: usize = 20;

#[derive(Debug, Clone, Default)]
pub struct Model {
    pub now: i64,
    /// So many people may come to be.
    pub crowd: usize,
    pub people: Vec<Person>,
    /// When somebody asked for an account.
    pub registrations: Vec<i64>,
}

#[derive(Debug, Clone, Default)]
pub struct Person {
    pub state: State,
    pub totp: Option<Totp>,
    pub pending: Option<Pending>,
    /// How many secrets there were so far.
    pub secrets: usize,
    pub codes: Option<Codes>,
    /// How many sets of backup codes there were so far.
    pub sets: usize,
    /// Changes with the verified methods and their secrets.
    pub factors: usize,
    /// How often everything that hung on the account has ended.
    pub epoch: usize,
    pub devices: Vec<Device>,
    pub sessions: Vec<Session>,
    pub access: Vec<Access>,
    pub challenges: Vec<Challenge>,
    pub resets: Vec<Link>,
    pub reactivations: Vec<Link>,
    pub reset_requests: Vec<i64>,
    pub reactivation_requests: Vec<i64>,
    /// When a second factor was tried in vain.
    pub failures: Vec<i64>,
    /// By client network, for whoever comes without a trusted device.
    pub delays: [Delay; 2],
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    #[default]
    Active,
    Deactivated,
    Suspended,
}

#[derive(Debug, Clone, Copy)]
pub struct Totp {
    pub secret: usize,
    /// The latest step whose code was accepted.
    pub last_step: i64,
}

#[derive(Debug, Clone, Copy)]
pub struct Pending {
    pub secret: usize,
    pub expires: i64,
    pub wrong: usize,
}

#[derive(Debug, Clone)]
pub struct Codes {
    pub set: usize,
    pub used: [bool; BACKUP_CODES],
}

#[derive(Debug, Clone)]
pub struct Device {
    pub rotated: usize,
    pub created: i64,
    pub revoked: bool,
    /// A trusted device is the way round a delay of its network, and has one of its own.
    pub delay: Delay,
}

#[derive(Debug, Clone)]
pub struct Session {
    pub began: i64,
    pub passed: Passed,
    pub ended: Option<End>,
    pub refresh: Vec<Refresh>,
    /// When it was refreshed.
    pub rotations: Vec<i64>,
}

/// The second factors that a session has passed; it counts as having passed one while one is there.
#[derive(Debug, Clone, Copy, Default)]
pub struct Passed {
    /// The secret.
    pub totp: Option<usize>,
    /// The set of the backup code.
    pub codes: Option<usize>,
    pub device: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Reuse,
    Other,
}

#[derive(Debug, Clone)]
pub struct Refresh {
    pub issued: i64,
    pub used: bool,
}

#[derive(Debug, Clone)]
pub struct Access {
    pub session: usize,
    pub expires: i64,
}

#[derive(Debug, Clone)]
pub struct Challenge {
    pub began: i64,
    pub tries: usize,
    pub over: bool,
}

/// A mailed token.
#[derive(Debug, Clone)]
pub struct Link {
    pub expires: i64,
    pub used: bool,
    /// [`Person::factors`] and [`Person::epoch`] when it was sent.
    pub factors: usize,
    pub epoch: usize,
}

#[derive(Debug, Clone, Default)]
pub struct Delay {
    pub failures: u32,
    pub until: i64,
}

impl Session {
    pub fn is_live(&self, now: i64) -> bool {
        self.ended.is_none() && self.began + FAMILY > now
    }

    pub fn end(&mut self, how: End) {
        self.ended.get_or_insert(how);
    }
}

impl Challenge {
    pub fn is_live(&self, now: i64) -> bool {
        !self.over && self.tries < TRIES && self.began + MFA_TOKEN > now
    }
}

impl Device {
    pub fn is_live(&self, now: i64) -> bool {
        !self.revoked && self.created + TRUST > now
    }
}

impl Link {
    pub fn is_expired(&self, now: i64) -> bool {
        self.expires + LEEWAY <= now
    }
}

impl Access {
    pub fn is_expired(&self, now: i64) -> bool {
        self.expires + LEEWAY <= now
    }
}

impl Person {
    pub fn pending_totp(&self, now: i64) -> Option<Pending> {
        self.pending.filter(|pending| pending.expires > now)
    }

    pub fn access_is_good(&self, access: &Access, now: i64) -> bool {
        !access.is_expired(now)
            && self.state == State::Active
            && self.sessions[access.session].is_live(now)
    }

    /// Whether one of the challenges has just come to its end, give or take the leeway.
    pub fn is_undecided(&self, now: i64) -> bool {
        let mut open = self.challenges.iter().filter(|one| !one.over);
        open.any(|one| (MFA_TOKEN..MFA_TOKEN + LEEWAY).contains(&(now - one.began)))
    }

    /// Whether the session still counts as having passed a second factor.
    pub fn has_passed(&self, session: &Session) -> bool {
        let Passed {
            totp,
            codes,
            device,
        } = session.passed;
        let secret = self.totp.map(|one| one.secret);
        let set = self.codes.as_ref().map(|one| one.set);
        totp.is_some() && totp == secret
            || codes.is_some() && codes == set
            || device.is_some_and(|number| !self.devices[number].revoked)
    }

    /// What ends with the activity of an account, and with the reset of its factors.
    pub fn end_everything(&mut self) {
        self.epoch += 1;
        for session in &mut self.sessions {
            session.end(End::Other);
        }
        self.void_challenges();
        self.revoke_devices();
    }

    pub fn void_challenges(&mut self) {
        for challenge in &mut self.challenges {
            challenge.over = true;
        }
    }

    /// The set of methods, or a secret, is another one now.
    pub fn factors_changed(&mut self) {
        self.factors += 1;
        self.revoke_devices();
    }

    fn revoke_devices(&mut self) {
        for device in &mut self.devices {
            device.revoked = true;
        }
    }

    /// Whether a reset link is of the factors and the epoch that there are.
    pub fn is_bound(&self, link: &Link) -> bool {
        (link.factors, link.epoch) == (self.factors, self.epoch)
    }

    /// As before the first enrolment.
    pub fn clear_factors(&mut self) {
        self.totp = None;
        self.pending = None;
        self.codes = None;
        self.factors_changed();
        self.end_everything();
    }

    /// What is worth telling apart when states are counted.
    fn outline(&self, now: i64) -> String {
        let few = |count: usize| ["-", "1", "+"][count.min(2)];
        let live = self.sessions.iter().filter(|one| one.is_live(now));
        let passed = live.clone().filter(|one| self.has_passed(one)).count();
        let challenges = self.challenges.iter().filter(|one| one.is_live(now));
        let devices = self.devices.iter().filter(|one| one.is_live(now)).count();
        let good = |link: &&Link| !link.used && !link.is_expired(now);
        let resets = self.resets.iter().filter(good);
        let codes = match &self.codes {
            None => "none",
            Some(codes) if codes.used.contains(&false) => "some",
            Some(_) => "used",
        };
        format!(
            "{:?} totp {} pending {} codes {codes} devices {} sessions {}/{} challenges {} resets {} \
             locked {} delayed {}",
            self.state,
            self.totp.is_some(),
            self.pending_totp(now).is_some(),
            few(devices),
            few(passed),
            few(live.count() - passed),
            few(challenges.count()),
            few(resets.filter(|link| self.is_bound(link)).count()),
            self.is_locked(now),
            self.delays.iter().any(|delay| delay.until > now),
        )
    }

    pub fn is_locked(&self, now: i64) -> bool {
        within(&self.failures, now, 15 * 60) >= 10
    }
}

impl Model {
    pub fn new(crowd: usize) -> Self {
        Self {
            crowd,
            ..Self::default()
        }
    }

    /// A name of the state that leaves out what hardly matters: one line a person, sorted.
    pub fn outline(&self) -> String {
        let people = self.people.iter().map(|one| one.outline(self.now));
        let lines: BTreeSet<String> = people.collect();
        lines.into_iter().collect::<Vec<_>>().join("\n")
    }
}

/// How many of these moments lie in the window that ends now.
pub fn within(moments: &[i64], now: i64, window: i64) -> usize {
    let mut count = 0;
    for at in moments {
        count += usize::from(*at > now - window);
    }
    count
}

/// Which of the things is meant, if there are any.
pub fn choose<T>(things: &[T], which: Which, good: impl Fn(&T) -> bool) -> Option<usize> {
    let last = things.len().checked_sub(1)?;
    Some(match which {
        Which::Good => things.iter().rposition(good).unwrap_or(last),
        Which::Back(by) => last - usize::from(by) % things.len(),
    })
}
