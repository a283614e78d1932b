//! Registration, the password, the second factor.

use serde_json::json;

use super::super::action::{Code, Device, Method, Which};
use super::super::model::{
    self, Access, Challenge, Model, Passed, Person, Refresh, STEP, Session, State,
};
use super::super::model::{choose, within};
use super::super::words::{Call, Expected, Field, Move, Source, Thing};
use crate::kit::{PASSWORD, WRONG_PASSWORD};

impl Model {
    /// A new account, or another try with an address that has one.
    pub(super) fn register(&mut self, taken: Option<usize>) -> Move {
        // Nobody else comes into a full room.
        let taken = taken.or((self.people.len() >= self.crowd.max(1)).then_some(0));
        let who = taken.unwrap_or(self.people.len());
        let call = Call::post("/api/auth/register")
            .field("email", Field::Email(who))
            .field("password", Field::Text(PASSWORD));
        if within(&self.registrations, self.now, 60) >= 20 {
            return call.expecting(Expected::refused(429, "rate_limited"));
        }
        self.registrations.push(self.now);
        call.expecting(match taken {
            Some(_) => Expected::refused(409, "email_taken"),
            None => {
                self.people.push(Person::default());
                Expected::success(201)
                    .saying("/mfa_enabled", false)
                    .saying("/is_active", true)
            }
        })
    }

    pub(super) fn login(
        &mut self,
        who: usize,
        right: bool,
        network: usize,
        device: Device,
    ) -> Move {
        let network = network % 2;
        let password = if right { PASSWORD } else { WRONG_PASSWORD };
        let mut call = Call::post("/api/auth/token")
            .field("username", Field::Email(who))
            .field("password", Field::Text(password));
        call.form = true;
        call.network = network;
        let presented = self.device(who, device);
        call.device = presented;
        let (now, person) = (self.now, &mut self.people[who]);
        let trusted = match presented {
            Some(Thing::DeviceSecret(owner, number, rotated)) if owner == who => {
                let device = &person.devices[number];
                (device.is_live(now) && device.rotated == rotated).then_some(number)
            }
            _ => None,
        };
        let delay = match trusted {
            Some(number) => &mut person.devices[number].delay,
            None => &mut person.delays[network],
        };
        if delay.until > now {
            return call.expecting(Expected::refused(429, "rate_limited"));
        }
        if !right {
            delay.failures += 1;
            if delay.failures >= 5 {
                let seconds = 2i64 << (delay.failures - 5).min(10);
                delay.until = now + seconds.min(900);
            }
            return call.expecting(Expected::refused(401, "invalid_credentials"));
        }
        *delay = model::Delay::default();
        match person.state {
            State::Active => {}
            State::Deactivated => {
                return call.expecting(Expected::refused(403, "account_deactivated"));
            }
            State::Suspended => {
                return call.expecting(Expected::refused(403, "account_suspended"));
            }
        }
        if person.totp.is_none() {
            return call.expecting(self.tokens(who, Passed::default()));
        }
        if let Some(number) = trusted {
            let device = &mut self.people[who].devices[number];
            device.rotated += 1;
            let fresh = Thing::DeviceSecret(who, number, device.rotated);
            let mut expected = self
                .tokens(
                    who,
                    Passed {
                        device: Some(number),
                        ..Passed::default()
                    },
                )
                .learning(Thing::DeviceId(who, number), "/trusted_device_id");
            expected.learn.push((fresh, Source::Cookie));
            return call.expecting(expected);
        }
        let person = &mut self.people[who];
        let number = person.challenges.len();
        person.challenges.push(Challenge {
            began: now,
            tries: 0,
            over: false,
        });
        let mut methods = vec!["totp"];
        if person
            .codes
            .as_ref()
            .is_some_and(|codes| codes.used.contains(&false))
        {
            methods.push("backup_codes");
        }
        call.expecting(
            Expected::success(200)
                .saying("/mfa_required", true)
                .saying("/methods", json!(methods))
                .saying("/default_method", "totp")
                .saying("/mfa_expires_in", model::MFA_TOKEN)
                .saying("/code_sent", false)
                .learning(Thing::MfaToken(who, number), "/mfa_token"),
        )
    }

    pub(super) fn challenge(
        &mut self,
        who: usize,
        token: Which,
        code: Code,
        method: Method,
        remember: bool,
    ) -> Move {
        let (now, person) = (self.now, &self.people[who]);
        let number = choose(&person.challenges, token, |one| one.is_live(now));
        let token = number.map_or(Thing::Nonsense, |number| Thing::MfaToken(who, number));
        let mut call =
            Call::post("/api/auth/mfa/challenge").field("mfa_token", Field::Thing(token));
        // Without a code only a message can be wanted.
        let method = if code == Code::Absent {
            Method::Sms
        } else {
            method
        };
        let (field, verdict) = self.code(who, code);
        call.fields.extend(field.map(|field| ("code", field)));
        if method != Method::Implied {
            call = call.field("method", Field::Text(method.name()));
        }
        if remember {
            call = call.field("remember_device", Field::Flag(true));
        }
        let number = number.filter(|number| person.challenges[*number].is_live(now));
        let Some(number) = number else {
            return call.expecting(Expected::refused(401, "mfa_token_invalid"));
        };
        if code == Code::Absent {
            return call.expecting(Expected::refused(409, "mfa_method_unavailable"));
        }
        if person.is_locked(now) {
            return call.expecting(Expected::refused(429, "mfa_locked"));
        }
        let method = match method {
            Method::Implied if code.is_backup() => Method::BackupCodes,
            Method::Implied => Method::Totp,
            given => given,
        };
        let available = match method {
            Method::BackupCodes => person.codes.is_some(),
            Method::Sms => false,
            _ => person.totp.is_some(),
        };
        if !available {
            return call.expecting(Expected::refused(409, "mfa_method_unavailable"));
        }
        let person = &mut self.people[who];
        person.challenges[number].tries += 1;
        let mut passed = Passed::default();
        match (verdict, method, &mut person.totp, &mut person.codes) {
            (Good::Step(step), Method::Totp, Some(totp), _) => {
                totp.last_step = step;
                passed.totp = Some(totp.secret);
            }
            (Good::Slot(slot), Method::BackupCodes, _, Some(codes)) => {
                codes.used[slot] = true;
                passed.codes = Some(codes.set);
            }
            _ => {
                person.failures.push(now);
                return call.expecting(Expected::refused(401, "code_invalid"));
            }
        }
        person.challenges[number].over = true;
        if remember {
            passed.device = Some(self.people[who].devices.len());
        }
        let mut expected = self.tokens(who, passed);
        if remember {
            expected = self.trust(who, expected);
        }
        call.expecting(expected)
    }

    /// A session begins.
    fn tokens(&mut self, who: usize, passed: Passed) -> Expected {
        let (now, person) = (self.now, &mut self.people[who]);
        let session = person.sessions.len();
        person.sessions.push(Session {
            began: now,
            passed,
            ended: None,
            refresh: vec![Refresh {
                issued: now,
                used: false,
            }],
            rotations: Vec::new(),
        });
        let access = person.access.len();
        person.access.push(Access {
            session,
            expires: now + model::ACCESS,
        });
        Expected::success(200)
            .saying("/mfa_required", false)
            .saying("/expires_in", model::ACCESS)
            .saying("/refresh_expires_in", model::IDLE)
            .learning(Thing::Access(who, access), "/access_token")
            .learning(Thing::Refresh(who, session, 0), "/refresh_token")
    }

    /// The device is remembered; of too many the oldest is forgotten.
    fn trust(&mut self, who: usize, expected: Expected) -> Expected {
        let (now, person) = (self.now, &mut self.people[who]);
        let number = person.devices.len();
        person.devices.push(model::Device {
            rotated: 0,
            created: now,
            revoked: false,
            delay: model::Delay::default(),
        });
        let mut live: Vec<&mut model::Device> = person
            .devices
            .iter_mut()
            .filter(|device| device.is_live(now))
            .collect();
        let surplus = live.len().saturating_sub(model::DEVICES);
        for device in live.iter_mut().take(surplus) {
            device.revoked = true;
        }
        let secret = Thing::DeviceSecret(who, number, 0);
        let mut expected = expected.learning(Thing::DeviceId(who, number), "/trusted_device_id");
        expected.learn.push((secret, Source::Cookie));
        expected
    }

    fn device(&self, who: usize, device: Device) -> Option<Thing> {
        let (owner, which) = match device {
            Device::None => return None,
            Device::Nonsense => return Some(Thing::Nonsense),
            Device::Foreign(which) => (self.neighbour(who), which),
            Device::Current(which) | Device::Replaced(which) => (who, which),
        };
        let devices = &self.people[owner].devices;
        let Some(number) = choose(devices, which, |one| one.is_live(self.now)) else {
            return Some(Thing::Nonsense);
        };
        let rotated = devices[number].rotated;
        let rotated = match device {
            Device::Replaced(_) => rotated.saturating_sub(1),
            _ => rotated,
        };
        Some(Thing::DeviceSecret(owner, number, rotated))
    }

    /// A code, and for what it is good.
    fn code(&self, who: usize, code: Code) -> (Option<Field>, Good) {
        let (step, person) = (self.now / STEP, &self.people[who]);
        let last = person.totp.map_or(i64::MIN, |totp| totp.last_step);
        let totp = |at: i64| {
            let Some(totp) = person.totp else {
                return (Some(Field::WrongCode(who)), Good::Nothing);
            };
            let good = (at - step).abs() <= 1 && at > last;
            let field = Field::Totp(Thing::Secret(who, totp.secret), at);
            (
                Some(field),
                if good { Good::Step(at) } else { Good::Nothing },
            )
        };
        match code {
            Code::Absent => (None, Good::Nothing),
            Code::Wrong => (Some(Field::WrongCode(who)), Good::Nothing),
            Code::WrongBackup => (Some(Field::Text("00000-00000")), Good::Nothing),
            Code::Fresh => totp(step.max(last.saturating_add(1)).min(step + 1)),
            Code::Step(by) => totp(step + i64::from(by)),
            Code::Foreign => {
                let other = self.neighbour(who);
                match self.people[other].totp {
                    Some(theirs) if other != who => {
                        let secret = Thing::Secret(other, theirs.secret);
                        (Some(Field::Totp(secret, step)), Good::Nothing)
                    }
                    _ => (Some(Field::WrongCode(who)), Good::Nothing),
                }
            }
            Code::Backup(slot) => {
                let slot = usize::from(slot) % model::BACKUP_CODES;
                let Some(codes) = &person.codes else {
                    return (Some(Field::Text("00000-00000")), Good::Nothing);
                };
                let good = if codes.used[slot] {
                    Good::Nothing
                } else {
                    Good::Slot(slot)
                };
                let thing = Thing::BackupCode(who, codes.set, slot);
                (Some(Field::Thing(thing)), good)
            }
            Code::OldBackup(slot) => {
                let slot = usize::from(slot) % model::BACKUP_CODES;
                let present = person.codes.as_ref().map_or(person.sets, |codes| codes.set);
                let field = match present.checked_sub(1) {
                    Some(set) => Field::Thing(Thing::BackupCode(who, set, slot)),
                    None => Field::Text("00000-00000"),
                };
                (Some(field), Good::Nothing)
            }
        }
    }
}

/// What a code would be accepted as.
#[derive(Debug, Clone, Copy)]
enum Good {
    Nothing,
    Step(i64),
    Slot(usize),
}

impl Code {
    /// Not six digits.
    fn is_backup(self) -> bool {
        matches!(
            self,
            Self::Backup(_) | Self::OldBackup(_) | Self::WrongBackup
        )
    }
}

impl Method {
    fn name(self) -> &'static str {
        match self {
            Self::Implied | Self::Totp => "totp",
            Self::Sms => "sms",
            Self::BackupCodes => "backup_codes",
        }
    }
}
