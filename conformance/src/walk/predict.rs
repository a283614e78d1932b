//! What the contract says an answer must be, and what is different afterwards.

mod account;
mod factors;
mod login;
mod session;

use super::action::{Action, Credential, Which};
use super::model::{Model, choose};
use super::words::{Call, Expected, Move, Thing};

/// Whoever presents nonsense as an access token hears this.
const TOKEN_INVALID: (u16, &str) = (401, "token_invalid");

impl Model {
    /// Does the action to the model, and says what it is in the world and what comes of it there.
    pub fn apply(&mut self, action: &Action) -> Move {
        // Before there is anybody, nobody does anything.
        if self.people.is_empty() && !matches!(action, Action::Register | Action::Wait(_)) {
            return Move::Wait(0);
        }
        match *action {
            Action::Register => self.register(None),
            Action::RegisterAgain(who) => self.register(Some(self.person(who))),
            Action::Login {
                who,
                right,
                network,
                device,
            } => self.login(self.person(who), right, network, device),
            Action::Challenge {
                who,
                token,
                code,
                method,
                remember,
            } => self.challenge(self.person(who), token, code, method, remember),
            Action::Me(who, credential) => self.me(self.person(who), credential),
            Action::Methods(who, access) => self.methods(self.person(who), access),
            Action::TotpSetup(who, access) => self.totp_setup(self.person(who), access),
            Action::TotpVerify { who, access, right } => {
                self.totp_verify(self.person(who), access, right)
            }
            Action::Delete {
                who,
                access,
                method,
            } => self.delete(self.person(who), access, method),
            Action::Regenerate(who, access) => self.regenerate(self.person(who), access),
            Action::ResetRequest(who, credential) => {
                self.reset_request(self.person(who), credential)
            }
            Action::ResetConfirm(who, which) => self.reset_confirm(self.person(who), which),
            Action::Refresh { who, session, back } => self.refresh(self.person(who), session, back),
            Action::Logout {
                who,
                access,
                refresh,
                all,
            } => self.logout(self.person(who), access, refresh, all),
            Action::Devices(who, access) => self.devices(self.person(who), access),
            Action::RevokeDevice {
                who,
                access,
                device,
                foreign,
            } => self.revoke_device(self.person(who), access, device, foreign),
            Action::Operator(who, lever) => self.operator(self.person(who), lever),
            Action::ReactivateRequest(who) => self.reactivate_request(self.person(who)),
            Action::ReactivateConfirm(who, which) => {
                self.reactivate_confirm(self.person(who), which)
            }
            Action::Wait(seconds) => self.wait(i64::from(seconds)),
        }
    }

    fn person(&self, who: usize) -> usize {
        who % self.people.len()
    }

    /// The next one; oneself if there is nobody else.
    fn neighbour(&self, who: usize) -> usize {
        (who + 1) % self.people.len()
    }

    fn wait(&mut self, seconds: i64) -> Move {
        let before = self.now;
        self.now += seconds;
        // For the leeway of clocks after its end, the contract lets an mfa_token be good or not.
        while self.people.iter().any(|one| one.is_undecided(self.now)) {
            self.now += 1;
        }
        Move::Wait(self.now - before)
    }

    /// Puts an access token on the request, and says which session it speaks for, or what comes of
    /// it if it speaks for none.
    fn authenticated(
        &self,
        call: Call,
        who: usize,
        which: Which,
    ) -> (Call, Result<usize, Expected>) {
        self.presented(call, who, Credential::Access(which))
    }

    fn presented(
        &self,
        call: Call,
        who: usize,
        credential: Credential,
    ) -> (Call, Result<usize, Expected>) {
        let token = self.token(who, credential);
        let call = call.bearer(token);
        let Thing::Access(_, number) = token else {
            let (status, code) = TOKEN_INVALID;
            return (call, Err(Expected::refused(status, code)));
        };
        let person = &self.people[who];
        let access = &person.access[number];
        let verdict = if access.is_expired(self.now) {
            Err(Expected::refused(401, "token_expired"))
        } else if !person.access_is_good(access, self.now) {
            Err(Expected::refused(401, "session_revoked"))
        } else {
            Ok(access.session)
        };
        (call, verdict)
    }

    /// The thing that stands in the place of an access token.
    fn token(&self, who: usize, credential: Credential) -> Thing {
        let person = &self.people[who];
        let now = self.now;
        let found = match credential {
            Credential::Access(which) => {
                let good = |one: &_| person.access_is_good(one, now);
                choose(&person.access, which, good).map(|number| Thing::Access(who, number))
            }
            Credential::MfaToken(which) => {
                choose(&person.challenges, which, |one| one.is_live(now))
                    .map(|number| Thing::MfaToken(who, number))
            }
            Credential::Refresh(which) => choose(&person.sessions, which, |one| one.is_live(now))
                .map(|session| {
                    let latest = person.sessions[session].refresh.len() - 1;
                    Thing::Refresh(who, session, latest)
                }),
            Credential::ResetToken(which) => choose(&person.resets, which, |one| !one.used)
                .map(|number| Thing::ResetToken(who, number)),
            Credential::Nonsense => None,
        };
        found.unwrap_or(Thing::Nonsense)
    }
}
