//! Enrolment and removal of second factors.

use serde_json::json;

use super::super::action::{Credential, Which};
use super::super::model::{
    self, Codes, End, Link, Model, Passed, Pending, STEP, Totp, choose, within,
};
use super::super::words::{Call, Expected, Field, Move, Source, Thing};

const HOUR: i64 = 3_600;

impl Model {
    pub(super) fn methods(&self, who: usize, access: Which) -> Move {
        let call = Call::get("/api/auth/mfa/methods");
        let (call, caller) = self.authenticated(call, who, access);
        let person = &self.people[who];
        let codes = person.codes.as_ref();
        let left = codes.map_or(0, |codes| codes.used.iter().filter(|used| !**used).count());
        call.expecting(match caller {
            Err(refusal) => refusal,
            Ok(_) => Expected::success(200)
                .saying("/mfa_enabled", person.totp.is_some())
                .saying("/backup_codes_remaining", left),
        })
    }

    pub(super) fn totp_setup(&mut self, who: usize, access: Which) -> Move {
        let call = Call::post("/api/auth/mfa/totp/setup");
        let (call, caller) = self.authenticated(call, who, access);
        if let Err(refusal) = caller.and_then(|session| self.stepped_up(who, session)) {
            return call.expecting(refusal);
        }
        let (now, person) = (self.now, &mut self.people[who]);
        let secret = person.secrets;
        person.secrets += 1;
        person.pending = Some(Pending {
            secret,
            expires: now + model::SETUP,
            wrong: 0,
        });
        call.expecting(
            Expected::success(200)
                .saying("/expires_in", model::SETUP)
                .learning(Thing::Secret(who, secret), "/secret"),
        )
    }

    pub(super) fn totp_verify(&mut self, who: usize, access: Which, right: bool) -> Move {
        let (now, step) = (self.now, self.now / STEP);
        let pending = self.people[who].pending_totp(now);
        let code = match pending {
            Some(pending) if right => Field::Totp(Thing::Secret(who, pending.secret), step),
            _ => Field::WrongCode(who),
        };
        let call = Call::post("/api/auth/mfa/totp/verify").field("code", code);
        let (call, caller) = self.authenticated(call, who, access);
        let session = match caller {
            Ok(session) => session,
            Err(refusal) => return call.expecting(refusal),
        };
        let person = &mut self.people[who];
        let Some(mut pending) = pending else {
            return call.expecting(Expected::refused(409, "mfa_not_pending"));
        };
        if pending.wrong >= model::TRIES {
            person.pending = None;
            return call.expecting(Expected::refused(400, "code_attempts_exceeded"));
        }
        if !right {
            pending.wrong += 1;
            person.pending = Some(pending);
            return call.expecting(Expected::refused(400, "code_invalid"));
        }
        let first = person.totp.is_none();
        person.pending = None;
        person.totp = Some(Totp {
            secret: pending.secret,
            last_step: step,
        });
        person.factors_changed();
        if !person.has_passed(&person.sessions[session]) {
            person.sessions[session].passed = Passed {
                totp: Some(pending.secret),
                ..Passed::default()
            };
        }
        let mut expected = Expected::success(200)
            .saying("/method", "totp")
            .saying("/mfa_enabled", true);
        if first {
            // A password alone is no longer enough.
            for number in 0..person.sessions.len() {
                if !person.has_passed(&person.sessions[number]) {
                    person.sessions[number].end(End::Other);
                }
            }
            expected = self.new_codes(who, expected, "/backup_codes");
        } else {
            expected = expected.saying("/backup_codes", json!(null));
        }
        call.expecting(expected)
    }

    pub(super) fn delete(&mut self, who: usize, access: Which, method: &'static str) -> Move {
        let call = Call::delete("/api/auth/mfa/", Field::Text(method));
        let (call, caller) = self.authenticated(call, who, access);
        let session = match caller {
            Ok(session) => session,
            Err(refusal) => return call.expecting(refusal),
        };
        if !["totp", "sms", "backup_codes"].contains(&method) {
            return call.expecting(Expected::refused(422, "validation_error"));
        }
        if let Err(refusal) = self.stepped_up(who, session) {
            return call.expecting(refusal);
        }
        let (now, person) = (self.now, &mut self.people[who]);
        let there = match method {
            "totp" => person.totp.is_some() || person.pending_totp(now).is_some(),
            "backup_codes" => person.codes.is_some(),
            _ => false,
        };
        if !there {
            return call.expecting(Expected::refused(404, "not_found"));
        }
        if method == "backup_codes" {
            person.codes = None;
        } else {
            person.pending = None;
            if person.totp.take().is_some() {
                // It was the last one.
                person.codes = None;
                person.factors_changed();
                person.void_challenges();
            }
        }
        call.expecting(Expected::success(204))
    }

    pub(super) fn regenerate(&mut self, who: usize, access: Which) -> Move {
        let call = Call::post("/api/auth/mfa/backup-codes/regenerate");
        let (call, caller) = self.authenticated(call, who, access);
        let session = match caller {
            Ok(session) => session,
            Err(refusal) => return call.expecting(refusal),
        };
        if let Err(refusal) = self.stepped_up(who, session) {
            return call.expecting(refusal);
        }
        let person = &mut self.people[who];
        if person.totp.is_none() {
            return call.expecting(Expected::refused(409, "mfa_not_enabled"));
        }
        // Whoever is shown the new set may stand on it.
        let shown = person.sets;
        let codes = &mut person.sessions[session].passed.codes;
        *codes = codes.map(|_| shown);
        call.expecting(self.new_codes(who, Expected::success(200), "/codes"))
    }

    pub(super) fn reset_request(&mut self, who: usize, credential: Credential) -> Move {
        let call = Call::post("/api/auth/mfa/reset/request");
        let (call, caller) = self.presented(call, who, credential);
        if let Err(refusal) = caller {
            return call.expecting(refusal);
        }
        let (now, person) = (self.now, &mut self.people[who]);
        if within(&person.reset_requests, now, HOUR) >= 3 {
            return call.expecting(Expected::refused(429, "rate_limited"));
        }
        if person.totp.is_none() {
            return call.expecting(Expected::refused(409, "mfa_not_enabled"));
        }
        person.reset_requests.push(now);
        person.resets.push(Link {
            expires: now + model::RESET,
            used: false,
            factors: person.factors,
            epoch: person.epoch,
        });
        let count = person.resets.len();
        let mut expected = Expected::success(200).saying("/expires_in", model::RESET);
        let token = Thing::ResetToken(who, count - 1);
        expected
            .learn
            .push((token, Source::Mail("mfa-reset", count)));
        call.expecting(expected)
    }

    pub(super) fn reset_confirm(&mut self, who: usize, which: Which) -> Move {
        let (now, person) = (self.now, &mut self.people[who]);
        let number = choose(&person.resets, which, |one| !one.used);
        let thing = number.map_or(Thing::Nonsense, |number| Thing::ResetToken(who, number));
        let call = Call::post("/api/auth/mfa/reset/confirm").field("token", Field::Thing(thing));
        let Some(number) = number else {
            return call.expecting(Expected::refused(400, "token_invalid"));
        };
        let link = &person.resets[number];
        if link.used {
            return call.expecting(Expected::refused(410, "token_used"));
        }
        if link.is_expired(now) {
            return call.expecting(Expected::refused(400, "token_expired"));
        }
        let active = person.state == model::State::Active;
        let link = &person.resets[number];
        if !person.is_bound(link) || person.totp.is_none() || !active {
            return call.expecting(Expected::refused(400, "token_invalid"));
        }
        person.resets[number].used = true;
        person.clear_factors();
        call.expecting(
            Expected::success(200)
                .saying("/status", "mfa_reset")
                .saying("/mfa_enabled", false),
        )
    }

    /// A sensitive operation wants a fresh login, and the second factor of somebody who has one.
    fn stepped_up(&self, who: usize, session: usize) -> Result<(), Expected> {
        let person = &self.people[who];
        let session = &person.sessions[session];
        let fresh = session.began + model::STEP_UP > self.now;
        if fresh && (person.has_passed(session) || person.totp.is_none()) {
            return Ok(());
        }
        Err(Expected::refused(403, "reauthentication_required"))
    }

    fn new_codes(&mut self, who: usize, mut expected: Expected, at: &str) -> Expected {
        let person = &mut self.people[who];
        let set = person.sets;
        person.sets += 1;
        person.codes = Some(Codes {
            set,
            used: [false; model::BACKUP_CODES],
        });
        for slot in 0..model::BACKUP_CODES {
            let thing = Thing::BackupCode(who, set, slot);
            expected = expected.learning(thing, format!("{at}/{slot}"));
        }
        expected
    }
}
