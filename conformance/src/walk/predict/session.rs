//! What tokens are good for: `GET /me`, refresh, logout, trusted devices.

use serde_json::json;

use super::super::action::{Credential, Which};
use super::super::model::{self, Access, End, Model, Refresh, State, choose, within};
use super::super::words::{Call, Expected, Fact, Field, Move, Thing};

impl Model {
    pub(super) fn me(&self, who: usize, credential: Credential) -> Move {
        let (call, caller) = self.presented(Call::get("/api/auth/me"), who, credential);
        let person = &self.people[who];
        let enabled = person.totp.is_some();
        let methods = if enabled { json!(["totp"]) } else { json!([]) };
        call.expecting(match caller {
            Err(refusal) => refusal,
            Ok(_) => Expected::success(200)
                .saying("/mfa_enabled", enabled)
                .saying("/mfa_methods", methods),
        })
    }

    pub(super) fn refresh(&mut self, who: usize, session: Which, back: u8) -> Move {
        let (now, person) = (self.now, &mut self.people[who]);
        let call = Call::post("/api/auth/refresh");
        let Some(number) = choose(&person.sessions, session, |one| one.is_live(now)) else {
            return call
                .field("refresh_token", Field::Thing(Thing::Nonsense))
                .expecting(Expected::refused(401, "token_invalid"));
        };
        let session = &mut person.sessions[number];
        let latest = session.refresh.len() - 1;
        let which = latest - usize::from(back) % session.refresh.len();
        let thing = Thing::Refresh(who, number, which);
        let call = call.field("refresh_token", Field::Thing(thing));
        let used = session.refresh[which].used;
        let refusal = if person.state != State::Active {
            Some("session_revoked")
        } else if let Some(how) = session.ended {
            // Reuse is called so for the token that was reused, however often.
            Some(match (how, used) {
                (End::Reuse, true) => "token_reused",
                _ => "token_revoked",
            })
        } else if !session.is_live(now) {
            Some("token_expired")
        } else if used {
            session.end(End::Reuse);
            Some("token_reused")
        } else if session.refresh[which].issued + model::IDLE <= now {
            Some("token_expired")
        } else {
            None
        };
        if let Some(code) = refusal {
            return call.expecting(Expected::refused(401, code));
        }
        if within(&session.rotations, now, 60) >= 30 {
            return call.expecting(Expected::refused(429, "rate_limited"));
        }
        session.rotations.push(now);
        session.refresh[which].used = true;
        session.refresh.push(Refresh {
            issued: now,
            used: false,
        });
        // No token outlives its session.
        let left = session.began + model::FAMILY - now;
        let (access, refresh) = (left.min(model::ACCESS), left.min(model::IDLE));
        person.access.push(Access {
            session: number,
            expires: now + access,
        });
        let token = Thing::Access(who, person.access.len() - 1);
        call.expecting(
            Expected::success(200)
                .saying("/mfa_required", false)
                .saying("/expires_in", access)
                .saying("/refresh_expires_in", refresh)
                .learning(token, "/access_token")
                .learning(Thing::Refresh(who, number, latest + 1), "/refresh_token"),
        )
    }

    pub(super) fn logout(
        &mut self,
        who: usize,
        access: Option<Which>,
        refresh: Option<Which>,
        all: bool,
    ) -> Move {
        let now = self.now;
        let mut call = Call::post("/api/auth/logout");
        let presented = refresh.map(|which| self.token(who, Credential::Refresh(which)));
        if let Some(thing) = presented {
            call = call.field("refresh_token", Field::Thing(thing));
        }
        if all {
            call = call.field("all_sessions", Field::Flag(true));
        }
        let own = access.map(|which| self.token(who, Credential::Access(which)));
        call.bearer = own;
        let person = &mut self.people[who];
        let mut valid = false;
        let mut session = None;
        if let Some(Thing::Access(_, number)) = own {
            let access = &person.access[number];
            valid = person.access_is_good(access, now);
            session = Some(access.session);
        } else if let Some(Thing::Refresh(_, number, _)) = presented {
            // Possession alone suffices.
            session = Some(number);
        }
        match session {
            Some(_) if all && valid => {
                for session in &mut person.sessions {
                    session.end(End::Other);
                }
            }
            Some(number) => person.sessions[number].end(End::Other),
            None => {}
        }
        call.expecting(Expected::success(204))
    }

    pub(super) fn devices(&self, who: usize, access: Which) -> Move {
        let call = Call::get("/api/auth/mfa/trusted-devices");
        let (call, caller) = self.authenticated(call, who, access);
        if let Err(refusal) = caller {
            return call.expecting(refusal);
        }
        // Newest first.
        let devices = self.people[who].devices.iter().enumerate().rev();
        let live = devices.filter(|(_, device)| device.is_live(self.now));
        let ids = live.map(|(number, _)| Thing::DeviceId(who, number));
        let mut expected = Expected::success(200);
        expected.facts.push(("", Fact::Ids(ids.collect())));
        call.expecting(expected)
    }

    pub(super) fn revoke_device(
        &mut self,
        who: usize,
        access: Which,
        device: Which,
        foreign: bool,
    ) -> Move {
        let now = self.now;
        let owner = if foreign { self.neighbour(who) } else { who };
        let number = choose(&self.people[owner].devices, device, |one| one.is_live(now));
        let id = match number {
            Some(number) => Field::Thing(Thing::DeviceId(owner, number)),
            None => Field::Text("9007199254740991"),
        };
        let call = Call::delete("/api/auth/mfa/trusted-devices/", id);
        let (call, caller) = self.authenticated(call, who, access);
        if let Err(refusal) = caller {
            return call.expecting(refusal);
        }
        let mine = &mut self.people[who].devices;
        call.expecting(match number {
            Some(number) if owner == who && mine[number].is_live(now) => {
                mine[number].revoked = true;
                Expected::success(204)
            }
            _ => Expected::refused(404, "not_found"),
        })
    }
}
