//! Cookies, tokens and keys: who a request comes from.

use std::collections::HashMap;

use http::header::{AUTHORIZATION, COOKIE, ORIGIN, SET_COOKIE};
use http::{Method, StatusCode};
use serde_json::Value;

use super::Fault;
use super::kit::{
    answers, bearer, claim, coalescing, cookies, edit, field, grant, insisting, is_get, is_post,
    remembering, replaying, requests, set_bearer, told,
};
use crate::witness::{Answer, Sent};

pub const FAULTS: &[Fault] = &[
    Fault::proxy(
        "scripts-read-the-cookie",
        "The cookie bp_token lacks HttpOnly.",
        || answers(|_, answer| cookies(answer, |cookie| Some(cookie.replace("; HttpOnly", "")))),
        &["cookies::a_login_sets_the_access_token_as_a_cookie"],
    ),
    Fault::proxy(
        "cookie-ends-with-its-token",
        "The cookie ends with the access token, so that no logout finds its session later.",
        || answers(|_, answer| cookies(answer, |cookie| Some(shortened(cookie)))),
        &[
            "token::the_cookie_carries_the_access_token",
            "cookies::a_login_sets_the_access_token_as_a_cookie",
        ],
    ),
    Fault::proxy(
        "cookie-is-never-cleared",
        "The cookie is never cleared.",
        || {
            answers(|_, answer| {
                cookies(answer, |cookie| {
                    (!cookie.contains("=;")).then(|| cookie.to_owned())
                })
            })
        },
        &[
            "cookies::a_logout_always_clears_the_cookie",
            "cookies::every_401_of_a_refresh_clears_the_cookie",
        ],
    ),
    Fault::proxy(
        "logout-does-nothing",
        "A logout answers 204 and leaves the session as it was.",
        || {
            // A logout that names nothing is granted, and ends nothing.
            requests(|sent| {
                if is_post(sent, "/logout") {
                    sent.headers.remove(AUTHORIZATION);
                    sent.headers.remove(COOKIE);
                    super::kit::set_request(sent, "");
                    sent.headers.remove(http::header::CONTENT_TYPE);
                }
            })
        },
        &[
            "logout::a_logout_ends_its_session_and_family",
            "logout::the_refresh_token_alone_suffices",
            "client_life::a_logout_ends_every_copy",
        ],
    ),
    Fault::proxy(
        "other-sites-may-act",
        "A request from another site is granted if it has the cookie.",
        || {
            requests(|sent| {
                sent.headers.remove(ORIGIN);
                sent.headers.remove("sec-fetch-site");
            })
        },
        &[
            "cross_site::an_unsafe_call_by_cookie_from_another_site_is_refused",
            "cross_site::what_sets_the_cookie_is_refused_to_other_sites",
        ],
    ),
    Fault::proxy(
        "null-is-at-home",
        "The origin null is taken for none.",
        || {
            requests(|sent| {
                if sent
                    .headers
                    .get(ORIGIN)
                    .is_some_and(|origin| origin == "null")
                {
                    sent.headers.remove(ORIGIN);
                }
            })
        },
        &["cross_site::an_origin_decides_alone"],
    ),
    Fault::proxy(
        "fetch-metadata-is-ignored",
        "Sec-Fetch-Site: cross-site is not looked at.",
        || requests(|sent| drop(sent.headers.remove("sec-fetch-site"))),
        &["cross_site::an_unsafe_call_by_cookie_from_another_site_is_refused"],
    ),
    Fault::proxy(
        "bad-token-falls-back",
        "A bad Authorization falls back to the cookie or the key.",
        || {
            insisting(|sent, answer| {
                let falls = sent.headers.contains_key(AUTHORIZATION)
                    && answer.status == StatusCode::UNAUTHORIZED
                    && (sent.headers.contains_key(COOKIE)
                        || sent.headers.contains_key("x-api-key"));
                falls.then(|| {
                    let mut other = sent.clone();
                    other.headers.remove(AUTHORIZATION);
                    other
                })
            })
        },
        &["cookies::a_token_in_the_header_wins_over_the_cookie"],
    ),
    Fault::proxy(
        "key-opens-everything",
        "An API key opens every operation, not only GET /me and its entitlements.",
        || {
            remembering::<HashMap<String, String>>(key_to_token, |known, sent, answer| {
                if let (Some(key), Some(token)) = (told(answer, "api_key"), bearer(sent)) {
                    known.insert(key, token.to_owned());
                }
            })
        },
        &["credential_matrix::an_api_key_opens_two_operations_in_its_header"],
    ),
    Fault::proxy(
        "pending-token-opens-everything",
        "The token of a login that waits for its second factor opens what an access token does.",
        || remembering::<Pending>(pending_to_access, remember_pending),
        &["token_pending::a_pending_login_is_no_login"],
    ),
    Fault::proxy(
        "signatures-are-not-read",
        "The signature of an access token is not looked at.",
        || {
            remembering::<HashMap<String, String>>(
                |known, sent| {
                    let good =
                        bearer(sent).and_then(|token| known.get(&claim(token, "jti")?).cloned());
                    if let Some(good) = good {
                        set_bearer(sent, &good);
                    }
                },
                |known, _, answer| {
                    if let Some(token) = told(answer, "access_token")
                        && let Some(jti) = claim(&token, "jti")
                    {
                        known.insert(jti, token);
                    }
                },
            )
        },
        &["credential_matrix::a_forged_token_opens_nothing"],
    ),
    Fault::proxy(
        "me-is-cached-by-token",
        "GET /me shows what it showed this token before, also after its session has ended.",
        || replaying(|sent| is_get(sent, "/me").then(|| bearer(sent).map(str::to_owned))?),
        &[
            "me::a_closed_account_has_no_profile",
            "me::the_profile_is_the_one_of_now",
        ],
    ),
    Fault::proxy(
        "me-is-cached-for-everybody",
        "GET /me shows what it showed somebody else.",
        || replaying(|sent| is_get(sent, "/me").then(|| "me".to_owned())),
        &[
            "me::each_session_shows_itself",
            "client_life::a_restart_takes_the_session_up",
        ],
    ),
    Fault::proxy(
        "entitlements-are-cached",
        "Entitlements are those of the first time that the token asked.",
        || {
            replaying(|sent| {
                is_get(sent, "/me/entitlements").then(|| bearer(sent).map(str::to_owned))?
            })
        },
        &["entitlements::an_unverified_phone_is_a_restriction"],
    ),
    Fault::proxy(
        "used-refresh-token-is-answered-again",
        "A used refresh token gets the same answer as the first time.",
        || replaying(|sent| is_post(sent, "/refresh").then(|| field(sent, "refresh_token"))?),
        &[
            "refresh::a_used_token_ends_its_family_and_its_session",
            "refresh::a_reuse_is_told_to_the_owner",
            "client_life::a_stolen_refresh_token_ends_the_session",
        ],
    ),
    Fault::proxy(
        "refresh-race-has-many-winners",
        "Of two uses of a refresh token at the same time both win.",
        || coalescing(|sent| is_post(sent, "/refresh").then(|| field(sent, "refresh_token"))?),
        &["races::of_200_uses_of_a_refresh_token_one_wins"],
    ),
    Fault::proxy(
        "refresh-keeps-the-cookie",
        "A refused refresh leaves the cookie in place.",
        || {
            answers(|sent, answer| {
                if is_post(sent, "/refresh") && !answer.status.is_success() {
                    answer.headers.remove(SET_COOKIE);
                }
            })
        },
        &["cookies::every_401_of_a_refresh_clears_the_cookie"],
    ),
    Fault::proxy(
        "rotation-without-being-asked",
        "With rotation off, a refresh answers with another refresh token.",
        || {
            answers(|sent, answer| {
                if is_post(sent, "/refresh") && answer.status.is_success() {
                    edit(answer, |body| {
                        if let Some(token) = body["refresh_token"].as_str() {
                            // Of as many tokens as end in `0` by themselves, none stays the same.
                            let (start, last) = token.split_at(token.len() - 1);
                            let other = if last == "0" { "4" } else { "0" };
                            body["refresh_token"] = Value::from(format!("{start}{other}"));
                        }
                    });
                }
            })
        },
        &[
            "refresh_static::a_logout_ends_the_one_token",
            "refresh_static::the_refresh_token_stays_and_the_access_token_is_new",
        ],
    )
    .of(crate::case::Profile::RotationOff),
    Fault::proxy(
        "scheme-is-case-sensitive",
        "The scheme is only known as Bearer, not as bearer.",
        || {
            requests(|sent| {
                let lower = sent
                    .headers
                    .get(AUTHORIZATION)
                    .is_some_and(|value| value.as_bytes().starts_with(b"bearer "));
                if lower {
                    sent.headers.remove(AUTHORIZATION);
                }
            })
        },
        &["credential_precedence::the_scheme_is_written_in_any_case"],
    ),
    Fault::proxy(
        "foreign-devices-can-be-removed",
        "Deleting a trusted device that is not there, or somebody else's, is a success.",
        || {
            answers(|sent, answer| {
                let device = sent
                    .uri
                    .path()
                    .starts_with("/api/auth/mfa/trusted-devices/");
                if device && sent.method == Method::DELETE && answer.status == StatusCode::NOT_FOUND
                {
                    grant(answer, StatusCode::NO_CONTENT, &Value::Null);
                }
            })
        },
        &["syntax::path_parameters_are_checked"],
    ),
    Fault::proxy(
        "key-changes-each-time",
        "Every GET of the API key shows another id.",
        || {
            answers(|sent, answer| {
                if is_get(sent, "/api-key") && answer.status.is_success() {
                    edit(answer, |body| {
                        body["id"] = Value::from(uuid::Uuid::new_v4().to_string())
                    });
                }
            })
        },
        &["api_key::a_look_needs_no_recent_login"],
    ),
];

fn shortened(cookie: &str) -> String {
    let parts = cookie
        .split("; ")
        .map(|part| match part.strip_prefix("Max-Age=") {
            Some(age) if age != "0" && cookie.starts_with("bp_token=") => "Max-Age=900",
            _ => part,
        });
    parts.collect::<Vec<_>>().join("; ")
}

fn key_to_token(known: &mut HashMap<String, String>, sent: &mut Sent) {
    let path = sent.uri.path();
    if path == "/api/auth/me"
        || path == "/api/auth/me/entitlements"
        || sent.headers.contains_key(AUTHORIZATION)
    {
        return;
    }
    let key = sent
        .headers
        .get("x-api-key")
        .and_then(|key| key.to_str().ok());
    if let Some(token) = key.and_then(|key| known.get(key).cloned()) {
        set_bearer(sent, &token);
    }
}

/// Access tokens by e-mail address, and addresses by pending token.
type Pending = (HashMap<String, String>, HashMap<String, String>);

fn pending_to_access((access, pending): &mut Pending, sent: &mut Sent) {
    let known = bearer(sent).and_then(|token| access.get(pending.get(token)?).cloned());
    if let Some(token) = known {
        set_bearer(sent, &token);
    }
}

fn remember_pending((access, pending): &mut Pending, sent: &Sent, answer: &mut Answer) {
    let Some(email) = field(sent, "username") else {
        return;
    };
    if let Some(token) = told(answer, "mfa_token") {
        pending.insert(token, email);
    } else if let Some(token) = told(answer, "access_token") {
        access.insert(email, token);
    }
}
