//! What the contract says of a credential at an operation, in a place.

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::{Kind, Place};
use crate::kit::PASSWORD;
use crate::matrix::snapshot::{Caller, Operation};
use crate::trial::Trial;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// It is turned away.
    Refused(u16, &'static str),
    /// It is not looked at: the answer is the one [`without`] it.
    Ignored,
    /// It opens the operation, which may still refuse for what it knows of the user.
    Accepted,
    /// The same, where what comes next also answers 401.
    AcceptedAs(u16, &'static str),
}

use Expected::{Accepted, AcceptedAs, Ignored, Refused};

impl Expected {
    pub fn opens(self) -> bool {
        matches!(self, Accepted | AcceptedAs(..))
    }
}

/// The rules, the most special one first.
pub fn expected(kind: Kind, place: Place, operation: &Operation) -> Expected {
    if let Place::Field(field) = place {
        return in_the_body(kind, field, &operation.id);
    }
    match operation.caller {
        Caller::Anybody => Ignored,
        Caller::Maybe => at_logout(kind, place),
        Caller::Token => in_the_request(kind, place, false),
        Caller::TokenOrApiKey => in_the_request(kind, place, true),
    }
}

/// A logout never refuses, and finds the session even from an expired own token.
fn at_logout(kind: Kind, place: Place) -> Expected {
    match (place, kind) {
        (
            Place::Bearer | Place::Cookie,
            Kind::Access | Kind::AccessOfSomebodyElse | Kind::ExpiredAccess,
        ) => Accepted,
        _ => Ignored,
    }
}

fn in_the_request(kind: Kind, place: Place, takes_api_key: bool) -> Expected {
    match place {
        Place::Bearer | Place::Cookie => as_access_token(kind),
        Place::ApiKeyHeader if takes_api_key => as_api_key(kind),
        _ => Refused(401, "not_authenticated"),
    }
}

fn as_access_token(kind: Kind) -> Expected {
    match kind {
        Kind::Access | Kind::AccessOfSomebodyElse => Accepted,
        Kind::ExpiredAccess => Refused(401, "token_expired"),
        Kind::RevokedAccess | Kind::AccessOfSuspended | Kind::AccessOfDeactivated => {
            Refused(401, "session_revoked")
        }
        _ => Refused(401, "token_invalid"),
    }
}

fn as_api_key(kind: Kind) -> Expected {
    match kind {
        Kind::ApiKey => Accepted,
        Kind::ApiKeyOfSuspended => Refused(403, "account_suspended"),
        Kind::ApiKeyOfDeactivated => Refused(403, "account_deactivated"),
        _ => Refused(401, "api_key_invalid"),
    }
}

fn in_the_body(kind: Kind, field: &str, operation: &str) -> Expected {
    match (operation, kind) {
        // The code beside it is wrong: that it is looked at is what the token has opened.
        ("mfa_challenge", Kind::MfaPending) => AcceptedAs(401, "code_invalid"),
        ("mfa_reset_confirm", Kind::Reset) => Accepted,
        ("reactivate_confirm", Kind::Reactivation) => Accepted,
        ("refresh_token_endpoint", Kind::Refresh) => Accepted,
        ("refresh_token_endpoint", Kind::UsedRefresh) => Refused(401, "token_reused"),
        // Possession suffices, and a used one also says which session is meant.
        ("logout", Kind::Refresh | Kind::UsedRefresh) => Accepted,
        ("logout", _) => Ignored,
        _ => match field {
            "mfa_token" => Refused(401, "mfa_token_invalid"),
            "refresh_token" => Refused(401, "token_invalid"),
            _ => Refused(400, "token_invalid"),
        },
    }
}

/// A request to an operation that asks for no credentials, and its answer: whatever is presented
/// beside it must not change that.
pub fn without(t: &Trial, operation: &Operation) -> Result<(Value, u16, &'static str)> {
    let username = "nobody@example.com";
    Ok(match operation.id.as_str() {
        "register" => (
            json!({ "email": "no address", "password": PASSWORD }),
            422,
            "validation_error",
        ),
        "login" => (
            json!({ "username": username, "password": PASSWORD, "grant_type": "magic" }),
            400,
            "unsupported_grant_type",
        ),
        "refresh_token_endpoint" => (json!({ "refresh_token": "bpr_x" }), 401, "token_invalid"),
        "logout" => (json!({}), 204, ""),
        "mfa_challenge" => (
            json!({ "mfa_token": "x", "method": "backup_codes", "code": "aaaaa-aaaaa" }),
            401,
            "mfa_token_invalid",
        ),
        "mfa_reset_confirm" | "reactivate_confirm" => {
            (json!({ "token": "x" }), 400, "token_invalid")
        }
        "reactivate_request" => (json!({ "email": t.fresh_email() }), 204, ""),
        other => bail!("no rule for what {other} says to a stranger"),
    })
}
