//! What operators do to accounts, and the way back from it.

use super::super::action::{Lever, Which};
use super::super::model::{self, Link, Model, State, choose, within};
use super::super::words::{Call, Expected, Field, Move, Source, Thing};

const HOUR: i64 = 3_600;

impl Model {
    pub(super) fn operator(&mut self, who: usize, lever: Lever) -> Move {
        let person = &mut self.people[who];
        let (name, state) = match lever {
            Lever::ResetMfa => {
                // Who has nothing to lose keeps the sessions too.
                if person.totp.is_some() || person.pending.is_some() {
                    person.clear_factors();
                }
                return Move::Operator("reset-mfa", who);
            }
            Lever::Deactivate => ("deactivate", State::Deactivated),
            Lever::Suspend => ("suspend", State::Suspended),
            Lever::Activate => ("activate", State::Active),
        };
        if person.state != state && state != State::Active {
            person.end_everything();
        }
        person.state = state;
        Move::Operator(name, who)
    }

    pub(super) fn reactivate_request(&mut self, who: usize) -> Move {
        let (now, person) = (self.now, &mut self.people[who]);
        let call = Call::post("/api/auth/reactivate/request").field("email", Field::Email(who));
        let mut expected = Expected::success(204);
        if within(&person.reactivation_requests, now, HOUR) < 3 {
            person.reactivation_requests.push(now);
            if person.state == State::Deactivated {
                person.reactivations.push(Link {
                    expires: now + model::REACTIVATION,
                    used: false,
                    factors: 0,
                    epoch: person.epoch,
                });
                let count = person.reactivations.len();
                let token = Thing::ReactivationToken(who, count - 1);
                let source = Source::Mail("reactivate", count);
                expected.learn.push((token, source));
            }
        }
        call.expecting(expected)
    }

    pub(super) fn reactivate_confirm(&mut self, who: usize, which: Which) -> Move {
        let (now, person) = (self.now, &mut self.people[who]);
        let number = choose(&person.reactivations, which, |one| !one.used);
        let thing = number.map_or(Thing::Nonsense, |number| {
            Thing::ReactivationToken(who, number)
        });
        let call = Call::post("/api/auth/reactivate/confirm").field("token", Field::Thing(thing));
        let Some(number) = number else {
            return call.expecting(Expected::refused(400, "token_invalid"));
        };
        let link = &mut person.reactivations[number];
        if link.used {
            return call.expecting(Expected::refused(410, "token_used"));
        }
        if link.is_expired(now) {
            return call.expecting(Expected::refused(400, "token_expired"));
        }
        if person.state == State::Suspended {
            return call.expecting(Expected::refused(409, "account_suspended"));
        }
        if link.epoch != person.epoch {
            return call.expecting(Expected::refused(400, "token_invalid"));
        }
        link.used = true;
        person.state = State::Active;
        call.expecting(Expected::success(200).saying("/status", "reactivated"))
    }
}
