//! What a case is: a name, the sentence it holds a server to, and what it needs in order to try.

use std::fmt;

use futures::future::BoxFuture;

use crate::trial::Trial;

/// Nothing to object to, or an objection.
pub type Verdict = anyhow::Result<()>;

/// One sentence of the contract, tried.
#[derive(Clone, Copy)]
pub struct Case {
    pub name: &'static str,
    /// The last part of the module that holds it.
    pub group: &'static str,
    /// What the contract says, in one sentence.
    pub sentence: &'static str,
    /// The profiles that it holds in.
    pub profiles: &'static [Profile],
    /// The settings that can change its verdict.
    pub settings: &'static [Setting],
    pub needs: Needs,
    pub run: fn(Trial) -> BoxFuture<'static, Verdict>,
}

/// What a case cannot be tried without. A target that lacks it skips the case, and says so.
#[derive(Debug, Clone, Copy)]
pub struct Needs {
    /// Mails and SMS can be read.
    pub messages: bool,
    /// Somebody can deactivate, suspend and activate users.
    pub operator: bool,
    /// The server's time can be moved. Such a case has a server of its own.
    pub clock: bool,
    /// The server was started by this suite: its files and its `bp-auth` commands are at hand.
    pub spawned: bool,
    /// Settings beside the profile's. Such a case has a server of its own.
    pub settings: &'static [(&'static str, &'static str)],
    /// How many instances share the database.
    pub instances: usize,
    /// The server itself answers: what a proxy in front says of this is the proxy's.
    pub itself: bool,
    /// It ends after a number of steps, however long these take.
    pub unhurried: bool,
}

/// How the server under judgement is configured, where the contract leaves a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, clap::ValueEnum)]
pub enum Profile {
    /// The defaults.
    Strict,
    /// `refresh.reuse_leeway_seconds = 30`.
    Leeway,
    /// `refresh.rotation_enabled = false`.
    RotationOff,
    /// `register.hide_existing = true`.
    HideExisting,
}

/// A setting of which a profile has another value than the strict one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Setting {
    ReuseLeeway,
    RotationEnabled,
    HideExisting,
}

/// Declares a case: the name of an `async fn(Trial) -> Verdict`, and the sentence it holds to.
#[macro_export]
macro_rules! case {
    ($name:ident, $sentence:expr $(,)?) => {
        $crate::case::Case::new(stringify!($name), module_path!(), $sentence, |trial| {
            Box::pin($name(trial))
        })
    };
}

impl Case {
    pub const fn new(
        name: &'static str,
        module: &'static str,
        sentence: &'static str,
        run: fn(Trial) -> BoxFuture<'static, Verdict>,
    ) -> Self {
        Self {
            name,
            group: last_part(module),
            sentence,
            profiles: &Profile::ALL,
            settings: &[],
            needs: Needs::NOTHING,
            run,
        }
    }

    /// It reads mails or SMS.
    pub const fn messages(mut self) -> Self {
        self.needs.messages = true;
        self
    }

    /// It has an operator act on users.
    pub const fn operator(mut self) -> Self {
        self.needs.operator = true;
        self
    }

    /// It moves the time, which stands still otherwise.
    pub const fn clock(mut self) -> Self {
        self.needs.clock = true;
        self
    }

    /// It looks into, or runs commands of, a server that the suite has started.
    pub const fn spawned(mut self) -> Self {
        self.needs.spawned = true;
        self
    }

    /// It is about a server with these settings.
    pub const fn set(mut self, settings: &'static [(&'static str, &'static str)]) -> Self {
        self.needs.settings = settings;
        self
    }

    /// It is about so many instances on one database, which all such cases share.
    pub const fn instances(mut self, instances: usize) -> Self {
        self.needs.instances = instances;
        self
    }

    /// It is about what a proxy before the server would answer by itself.
    pub const fn itself(mut self) -> Self {
        self.needs.itself = true;
        self
    }

    /// It belongs to another group than the module it is declared in.
    pub const fn of_group(mut self, group: &'static str) -> Self {
        self.group = group;
        self
    }

    /// It takes as many steps as the caller wants, so no time is too long for it. Each of its requests
    /// must have an end of its own.
    pub const fn unhurried(mut self) -> Self {
        self.needs.unhurried = true;
        self
    }

    /// It holds in these profiles only.
    pub const fn only(mut self, profiles: &'static [Profile]) -> Self {
        self.profiles = profiles;
        self
    }

    /// These settings can change its verdict, so that it is tried in their profiles too. The strict
    /// profile fails a case that meets a setting which it does not name here.
    pub const fn depends_on(mut self, settings: &'static [Setting]) -> Self {
        self.settings = settings;
        self
    }

    /// Whether a profile tries it: where it holds, the strict profile, and any other that can change its
    /// verdict.
    pub fn is_tried_in(&self, profile: Profile) -> bool {
        let changed = |setting| self.settings.contains(&setting);
        self.profiles.contains(&profile)
            && (!self.profiles.contains(&Profile::Strict) || profile.setting().is_none_or(changed))
    }

    /// Where the server's state, not only its answers, is the case's own.
    pub fn wants_own_server(&self) -> bool {
        self.needs.clock || !self.needs.settings.is_empty()
    }

    /// `group::name`, by which filters and reports know it.
    pub fn id(&self) -> String {
        format!("{}::{}", self.group, self.name)
    }
}

impl Needs {
    pub const NOTHING: Self = Self {
        messages: false,
        operator: false,
        clock: false,
        spawned: false,
        settings: &[],
        instances: 1,
        itself: false,
        unhurried: false,
    };
}

impl Profile {
    pub const ALL: [Self; 4] = [
        Self::Strict,
        Self::Leeway,
        Self::RotationOff,
        Self::HideExisting,
    ];
    /// Where a used refresh token is replaced.
    pub const ROTATING: [Self; 3] = [Self::Strict, Self::Leeway, Self::HideExisting];
    /// Where a used refresh token is refused at once.
    pub const UNFORGIVING: [Self; 2] = [Self::Strict, Self::HideExisting];
    /// Where a taken address is said to be taken.
    pub const OPEN_REGISTRATION: [Self; 3] = [Self::Strict, Self::Leeway, Self::RotationOff];

    /// What makes it another than the strict one.
    pub fn setting(self) -> Option<Setting> {
        match self {
            Self::Strict => None,
            Self::Leeway => Some(Setting::ReuseLeeway),
            Self::RotationOff => Some(Setting::RotationEnabled),
            Self::HideExisting => Some(Setting::HideExisting),
        }
    }

    /// The setting that makes our server such a one, and its value.
    pub fn settings(self) -> Option<(&'static str, &'static str)> {
        let setting = self.setting()?;
        let value = match setting {
            Setting::ReuseLeeway => "30",
            Setting::RotationEnabled => "false",
            Setting::HideExisting => "true",
        };
        Some((setting.name(), value))
    }
}

impl Setting {
    /// What `/refresh` reads when it meets a used token.
    pub const REUSE: &[Self] = &[Self::ReuseLeeway, Self::RotationEnabled];
    /// What it reads when it meets any other.
    pub const ROTATION: &[Self] = &[Self::RotationEnabled];
    /// What a registration reads when the address is taken.
    pub const TAKEN: &[Self] = &[Self::HideExisting];
    pub const ALL: &[Self] = &[Self::ReuseLeeway, Self::RotationEnabled, Self::HideExisting];

    /// Its name in the server's configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::ReuseLeeway => "refresh.reuse_leeway_seconds",
            Self::RotationEnabled => "refresh.rotation_enabled",
            Self::HideExisting => "register.hide_existing",
        }
    }

    /// Those that an answer of a strict server can depend on: its refresh judged a token, or it
    /// refused an address because it is taken.
    pub fn met_by(operation: &str, status: u16, error_code: Option<&str>) -> &'static [Self] {
        match (operation, status, error_code) {
            ("refresh_token_endpoint", 401, Some("token_reused" | "token_revoked")) => Self::REUSE,
            ("refresh_token_endpoint", 200, _)
            | (
                "refresh_token_endpoint",
                _,
                Some("token_expired" | "session_revoked" | "rate_limited"),
            ) => Self::ROTATION,
            ("register", _, Some("email_taken")) => Self::TAKEN,
            _ => &[],
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Strict => "strict",
            Self::Leeway => "leeway",
            Self::RotationOff => "rotation-off",
            Self::HideExisting => "hide-existing",
        })
    }
}

/// `refresh` of `bp_auth_conformance::cases::refresh`.
const fn last_part(module: &'static str) -> &'static str {
    let bytes = module.as_bytes();
    let mut start = bytes.len();
    while start > 0 && bytes[start - 1] != b':' {
        start -= 1;
    }
    module.split_at(start).1
}
