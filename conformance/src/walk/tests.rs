//! The model against itself: what the dice lead to, and that a walk which goes wrong is made short.

use std::collections::BTreeSet;

use anyhow::anyhow;
use http::HeaderMap;
use serde_json::json;

use super::action::Action;
use super::guard::{Asked, Guard};
use super::model::{End, Model};
use super::search::{self, Wrong, actions};
use super::words::Move;
use crate::kit::Raw;

/// A server that is the model itself, but for one fault: what it does wrong with an action.
fn faulty(
    people: usize,
    spoil: fn(&mut Model, &Action),
) -> impl FnMut(&[Action], bool) -> Result<(), Wrong> {
    move |actions, _| {
        let (mut model, mut server) = (Model::new(people), Model::new(people));
        let mut trace = Vec::new();
        for action in actions {
            trace.push(format!("{action:?}"));
            let said = server.apply(action);
            spoil(&mut server, action);
            if answer(&model.apply(action)) != answer(&said) {
                let error = anyhow!("not as predicted");
                return Err(Wrong { error, trace });
            }
        }
        Ok(())
    }
}

/// All that a client would see of it.
fn answer(one: &Move) -> Option<(u16, &'static str, String)> {
    let Move::Ask(ask) = one else { return None };
    let expected = &ask.expected;
    Some((
        expected.status,
        expected.code,
        format!("{:?}", expected.facts),
    ))
}

/// The shortest way to the fault from the first sequence that meets it.
fn found(spoil: fn(&mut Model, &Action)) -> Vec<Action> {
    for number in 0..200 {
        if let Err(found) = search::sequence::<1>(7, number, faulty(1, spoil)) {
            return found.actions;
        }
    }
    panic!("no sequence meets the fault");
}

#[test]
fn a_code_that_is_accepted_twice_is_found_in_few_actions() {
    let found = found(|server, _| {
        for person in &mut server.people {
            if let Some(totp) = &mut person.totp {
                totp.last_step = i64::MIN;
            }
        }
    });
    // Register, login, setup, verify, login, challenge with the code of the verification; or two logins
    // with one code.
    assert!((6..=8).contains(&found.len()), "{found:#?}");
}

#[test]
fn a_device_that_outlives_a_changed_factor_is_found_in_few_actions() {
    let found = found(|server, _| {
        for device in server.people.iter_mut().flat_map(|one| &mut one.devices) {
            device.revoked = false;
        }
    });
    assert!(found.len() <= 10, "{found:#?}");
}

#[test]
fn a_session_that_survives_the_reuse_of_its_token_is_found_in_five_actions() {
    let found = found(|server, _| {
        let sessions = server.people.iter_mut().flat_map(|one| &mut one.sessions);
        let reused = sessions.filter(|session| session.ended == Some(End::Reuse));
        reused.for_each(|session| session.ended = None);
    });
    // Register, login, refresh, refresh with the first token, and anything that shows it.
    assert!(found.len() <= 5, "{found:#?}");
}

#[test]
fn a_seed_replays_and_another_one_leads_elsewhere() {
    assert_eq!(actions::<3>(1, 0), actions::<3>(1, 0));
    assert_ne!(actions::<3>(1, 0), actions::<3>(2, 0));
    assert_ne!(actions::<3>(1, 0), actions::<3>(1, 1));
}

/// The dice lead to what is rare, too.
#[test]
fn a_walk_comes_to_every_refusal_of_the_model() {
    let mut seen = BTreeSet::new();
    for number in 0..60 {
        let mut model = Model::new(1);
        for action in actions::<1>(3, number) {
            if let Move::Ask(ask) = model.apply(&action) {
                seen.insert((ask.call.path, ask.expected.code));
            }
        }
    }
    let wanted = [
        ("/api/auth/token", "rate_limited"),
        ("/api/auth/token", "account_deactivated"),
        ("/api/auth/token", "account_suspended"),
        ("/api/auth/mfa/challenge", "mfa_locked"),
        ("/api/auth/mfa/challenge", "mfa_method_unavailable"),
        ("/api/auth/mfa/totp/setup", "reauthentication_required"),
        ("/api/auth/mfa/totp/verify", "code_attempts_exceeded"),
        ("/api/auth/mfa/reset/request", "rate_limited"),
        ("/api/auth/mfa/reset/confirm", "token_used"),
        ("/api/auth/mfa/reset/confirm", "token_expired"),
        ("/api/auth/mfa/reset/confirm", "token_invalid"),
        ("/api/auth/refresh", "token_reused"),
        ("/api/auth/refresh", "token_revoked"),
        ("/api/auth/refresh", "token_expired"),
        ("/api/auth/refresh", "session_revoked"),
        ("/api/auth/reactivate/confirm", "token_used"),
        ("/api/auth/reactivate/confirm", "account_suspended"),
    ];
    let missed: Vec<_> = wanted.iter().filter(|one| !seen.contains(*one)).collect();
    assert!(missed.is_empty(), "never reached: {missed:?}");
}

/// The guard knows a token that must not be good, though nobody has told it what to expect.
#[test]
fn the_guard_names_what_was_given_for_a_password_alone() {
    let mut guard = Guard::default();
    let mut see = |path, bearer, body: serde_json::Value| {
        let asked = Asked {
            path,
            who: 0,
            bearer,
            device: None,
            token: None,
            tail: None,
        };
        let answer = Raw {
            status: 200,
            headers: HeaderMap::new(),
            text: body.to_string(),
        };
        guard.see(&asked, &answer)
    };
    let login = |name: &str| json!({ "access_token": name });
    assert!(see("/api/auth/token", None, login("first")).is_empty());
    assert!(see("/api/auth/token", None, login("second")).is_empty());
    // The session that enrols a factor has shown it, the other one has not.
    let verify = "/api/auth/mfa/totp/verify";
    assert_eq!(see(verify, Some("first"), json!({})), ["second"]);
    let pending = json!({ "mfa_token": "pending" });
    assert_eq!(see("/api/auth/token", None, pending), ["pending"]);
    let challenge = "/api/auth/mfa/challenge";
    assert!(see(challenge, None, login("third")).is_empty());
    assert_eq!(see("/api/auth/token", None, login("fourth")), ["fourth"]);
    assert_eq!(guard.loose(), ["fourth", "pending", "second"]);
}
