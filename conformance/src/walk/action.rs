//! What can happen. Every action means something in every state, so that a sequence stays one when
//! parts of it are taken away: what it speaks of is chosen among what there is, and if there is
//! nothing, nonsense is presented in its place.

use proptest::prelude::*;
use proptest::strategy::Union;

use super::model::{Model, Person, State, within};

/// Of things in the order in which they came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The latest that is still good, else the latest.
    Good,
    /// So many before the latest.
    Back(u8),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Device {
    None,
    /// The latest secret of a device.
    Current(Which),
    /// A secret that was replaced, where there is one.
    Replaced(Which),
    /// The latest secret of a device of the next person.
    Foreign(Which),
    Nonsense,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// Of the authenticator, at a step that is good if any is.
    Fresh,
    /// Of the authenticator, so many steps from now.
    Step(i8),
    /// Six digits.
    Wrong,
    /// One of the present set, used or not.
    Backup(u8),
    /// One of the set before.
    OldBackup(u8),
    WrongBackup,
    /// Of the next person's authenticator.
    Foreign,
    /// None: a message is wanted.
    Absent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Implied,
    Totp,
    Sms,
    BackupCodes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    Access(Which),
    MfaToken(Which),
    Refresh(Which),
    ResetToken(Which),
    Nonsense,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lever {
    Deactivate,
    Suspend,
    Activate,
    ResetMfa,
}

/// Whose doing it is comes first everywhere: a number of a person, of as many as there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Register,
    RegisterAgain(usize),
    Login {
        who: usize,
        right: bool,
        network: usize,
        device: Device,
    },
    Challenge {
        who: usize,
        token: Which,
        code: Code,
        method: Method,
        remember: bool,
    },
    Me(usize, Credential),
    Methods(usize, Which),
    TotpSetup(usize, Which),
    TotpVerify {
        who: usize,
        access: Which,
        right: bool,
    },
    Delete {
        who: usize,
        access: Which,
        method: &'static str,
    },
    Regenerate(usize, Which),
    ResetRequest(usize, Credential),
    ResetConfirm(usize, Which),
    Refresh {
        who: usize,
        session: Which,
        back: u8,
    },
    Logout {
        who: usize,
        access: Option<Which>,
        refresh: Option<Which>,
        all: bool,
    },
    Devices(usize, Which),
    RevokeDevice {
        who: usize,
        access: Which,
        device: Which,
        foreign: bool,
    },
    Operator(usize, Lever),
    ReactivateRequest(usize),
    ReactivateConfirm(usize, Which),
    Wait(u32),
}

/// What may come next, and how likely: what leads on is more likely than what is refused.
pub fn next(model: &Model) -> BoxedStrategy<Action> {
    let mut options = vec![(30, waits())];
    if model.people.len() < model.crowd {
        let urgency = if model.people.is_empty() { 10_000 } else { 20 };
        options.push((urgency, Just(Action::Register).boxed()));
    }
    for (who, person) in model.people.iter().enumerate() {
        options.extend(login(model, who, person));
        options.extend(session(model, who, person));
        options.extend(factors(model, who, person));
        options.extend(account(who, person));
    }
    Union::new_weighted(options).boxed()
}

type Options = Vec<(u32, BoxedStrategy<Action>)>;

fn login(model: &Model, who: usize, person: &Person) -> Options {
    let hungry = !person.sessions.iter().any(|one| one.is_live(model.now));
    let often = if hungry { 60 } else { 20 };
    // Who has failed goes on failing: limits are far away otherwise.
    let failures = person
        .delays
        .iter()
        .map(|delay| delay.failures.min(6))
        .max();
    let stubborn = 8 + 40 * failures.unwrap_or_default();
    let right = move |device: BoxedStrategy<Device>, right: bool| {
        (0..2usize, device)
            .prop_map(move |(network, device)| Action::Login {
                who,
                right,
                network,
                device,
            })
            .boxed()
    };
    let mut options = vec![
        (often, right(Just(Device::None).boxed(), true)),
        (stubborn, right(Just(Device::None).boxed(), false)),
    ];
    if !person.devices.is_empty() {
        let device = prop_oneof![
            6 => which().prop_map(Device::Current),
            3 => which().prop_map(Device::Replaced),
        ];
        options.push((25, right(device.boxed(), true)));
    }
    let stranger = prop_oneof![which().prop_map(Device::Foreign), Just(Device::Nonsense)];
    options.push((5, right(stranger.boxed(), true)));
    let waiting = person.challenges.iter().any(|one| one.is_live(model.now));
    let locked = person.is_locked(model.now);
    let answers = match (waiting, locked) {
        (true, false) => [60, 25, 8],
        (true, true) => [8, 3, 2],
        (false, _) => [2, 1, 1],
    };
    let failures = within(&person.failures, model.now, 900);
    let failures = u32::try_from(failures).unwrap_or_default();
    let stubborn = if locked {
        answers[1]
    } else {
        answers[1] * (1 + failures / 2)
    };
    let challenge = move |code: BoxedStrategy<Code>, method: BoxedStrategy<Method>| {
        (which(), code, method, any::<bool>())
            .prop_map(move |(token, code, method, remember)| Action::Challenge {
                who,
                token,
                code,
                method,
                remember,
            })
            .boxed()
    };
    let implied = || prop_oneof![3 => Just(Method::Implied), 1 => Just(Method::Totp)].boxed();
    let by_code = prop_oneof![Just(Method::Implied), Just(Method::BackupCodes)].boxed();
    let wrong = prop_oneof![
        4 => Just(Code::Wrong),
        3 => (-3..3i8).prop_map(Code::Step),
        1 => Just(Code::Foreign),
        1 => Just(Code::WrongBackup),
        1 => (0..10u8).prop_map(Code::OldBackup),
    ];
    let any_method = prop_oneof![
        Just(Method::Implied),
        Just(Method::Totp),
        Just(Method::BackupCodes),
        Just(Method::Sms),
    ];
    let any_code = prop_oneof![Just(Code::Fresh), Just(Code::Backup(0)), Just(Code::Absent)];
    options.push((answers[0], challenge(Just(Code::Fresh).boxed(), implied())));
    let backup = (0..10u8).prop_map(Code::Backup).boxed();
    options.push((answers[1], challenge(backup, by_code)));
    options.push((stubborn, challenge(wrong.boxed(), implied())));
    options.push((answers[2], challenge(any_code.boxed(), any_method.boxed())));
    options
}

fn session(model: &Model, who: usize, person: &Person) -> Options {
    let credential = prop_oneof![
        6 => which().prop_map(Credential::Access),
        3 => which().prop_map(Credential::MfaToken),
        1 => which().prop_map(Credential::Refresh),
        1 => which().prop_map(Credential::ResetToken),
        1 => Just(Credential::Nonsense),
    ];
    let refresh = (which(), prop_oneof![5 => Just(0u8), 1 => 1..4u8])
        .prop_map(move |(session, back)| Action::Refresh { who, session, back });
    let logout = (
        prop::option::weighted(0.8, which()),
        prop::option::weighted(0.3, which()),
        prop::bool::weighted(0.3),
    )
        .prop_map(move |(access, refresh, all)| Action::Logout {
            who,
            access,
            refresh,
            all,
        });
    let mut options: Options = vec![
        (
            15,
            credential.prop_map(move |one| Action::Me(who, one)).boxed(),
        ),
        (12, refresh.boxed()),
        (6, logout.boxed()),
        (
            4,
            which()
                .prop_map(move |one| Action::Devices(who, one))
                .boxed(),
        ),
    ];
    if person.devices.iter().any(|one| one.is_live(model.now)) {
        let revoke = (which(), which(), prop::bool::weighted(0.2)).prop_map(
            move |(access, device, foreign)| Action::RevokeDevice {
                who,
                access,
                device,
                foreign,
            },
        );
        options.push((6, revoke.boxed()));
    }
    options
}

fn factors(model: &Model, who: usize, person: &Person) -> Options {
    let setup = if person.totp.is_none() { 25 } else { 4 };
    let pending = person.pending_totp(model.now);
    let verify = if pending.is_some() { 30 } else { 2 };
    // As with passwords: who has failed goes on failing.
    let wrong = pending.map_or(1, |pending| {
        [12, 60, 90, 120, 150, 200][pending.wrong.min(5)]
    });
    let code = move |right: bool| {
        which()
            .prop_map(move |access| Action::TotpVerify { who, access, right })
            .boxed()
    };
    let asked = within(&person.reset_requests, model.now, 3_600);
    let insistent = [4, 20, 30, 30][asked.min(3)];
    let delete = (
        which(),
        prop_oneof![
            6 => Just("totp"),
            2 => Just("backup_codes"),
            1 => Just("sms"),
            1 => Just("carrier_pigeon"),
        ],
    )
        .prop_map(move |(access, method)| Action::Delete {
            who,
            access,
            method,
        });
    let asker = prop_oneof![
        5 => which().prop_map(Credential::Access),
        1 => which().prop_map(Credential::MfaToken),
    ];
    let mut options: Options = vec![
        (
            setup,
            which()
                .prop_map(move |one| Action::TotpSetup(who, one))
                .boxed(),
        ),
        (verify, code(true)),
        (wrong, code(false)),
        (5, delete.boxed()),
        (
            4,
            which()
                .prop_map(move |one| Action::Methods(who, one))
                .boxed(),
        ),
        (
            3,
            which()
                .prop_map(move |one| Action::Regenerate(who, one))
                .boxed(),
        ),
        (
            insistent,
            asker
                .prop_map(move |one| Action::ResetRequest(who, one))
                .boxed(),
        ),
    ];
    let often = if person.resets.is_empty() { 1 } else { 6 };
    let confirm = which().prop_map(move |one| Action::ResetConfirm(who, one));
    options.push((often, confirm.boxed()));
    options
}

fn account(who: usize, person: &Person) -> Options {
    let lever = prop_oneof![
        Just(Lever::Deactivate),
        Just(Lever::Suspend),
        Just(Lever::Activate),
        Just(Lever::ResetMfa),
    ];
    let mut options: Options = vec![
        (
            3,
            lever
                .prop_map(move |one| Action::Operator(who, one))
                .boxed(),
        ),
        (1, Just(Action::RegisterAgain(who)).boxed()),
        (1, Just(Action::ReactivateRequest(who)).boxed()),
    ];
    if person.state != State::Active {
        options.push((15, Just(Action::Operator(who, Lever::Activate)).boxed()));
        options.push((15, Just(Action::ReactivateRequest(who)).boxed()));
        // With a way back in the mail, the other way out is worth a look.
        if !person.reactivations.is_empty() {
            options.push((8, Just(Action::Operator(who, Lever::Suspend)).boxed()));
        }
    }
    let often = match (person.reactivations.is_empty(), person.state) {
        (true, _) => 1,
        (false, State::Active) => 5,
        (false, _) => 40,
    };
    let confirm = which().prop_map(move |one| Action::ReactivateConfirm(who, one));
    options.push((often, confirm.boxed()));
    options
}

/// Moments, steps of a code, what expires within a login, and what takes days.
fn waits() -> BoxedStrategy<Action> {
    let seconds = prop_oneof![
        10 => 1..10u32,
        12 => prop::sample::select(vec![30, 31, 60]),
        4 => prop::sample::select(vec![120, 295, 300, 600, 895, 900, 905, 1805]),
        1 => prop::sample::select(vec![3_600, 86_400, 13 * 86_400, 14 * 86_400, 30 * 86_400]),
    ];
    seconds.prop_map(Action::Wait).boxed()
}

fn which() -> BoxedStrategy<Which> {
    prop_oneof![
        7 => Just(Which::Good),
        2 => (0..3u8).prop_map(Which::Back),
        1 => (0..20u8).prop_map(Which::Back),
    ]
    .boxed()
}
