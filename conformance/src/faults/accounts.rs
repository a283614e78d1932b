//! Accounts, passwords, and what strangers learn about them.

use std::collections::{HashMap, HashSet};

use http::header::SET_COOKIE;
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

use super::Fault;
use super::kit::{
    answers, choosing, coalescing, edit, edit_field, field, grant, has_code, insisting, is_get,
    is_post, refuse, remembering, replaying, requests, set_request,
};
use crate::case::Profile;
use crate::kit::PASSWORD;
use crate::witness::{Answer, Sent};

pub const FAULTS: &[Fault] = &[
    Fault::proxy(
        "taken-address-is-granted",
        "Registering a taken address answers 201, as if it were hidden.",
        || remembering::<Option<Value>>(|_, _| {}, taken_is_granted),
        &[
            "register::a_taken_address_is_refused_and_changes_nothing",
            "register::the_address_of_a_closed_account_stays_taken",
        ],
    ),
    Fault::proxy(
        "taken-address-is-told",
        "A taken address is refused with 409 although it has to be hidden.",
        || {
            remembering::<HashSet<String>>(
                |_, _| {},
                |known, sent, answer| {
                    let Some(email) = registered(sent, answer) else {
                        return;
                    };
                    if !known.insert(email) {
                        refuse(answer, StatusCode::CONFLICT, "email_taken");
                    }
                },
            )
        },
        &[
            "register_hidden::a_hidden_attempt_changes_nothing",
            "register_hidden::the_owner_is_told_at_most_hourly",
        ],
    )
    .of(Profile::HideExisting),
    Fault::proxy(
        "unproved-address-is-told",
        "The right password of a registration whose address nobody has proved is told that it is deactivated.",
        || {
            remembering::<HashSet<String>>(
                |_, _| {},
                |known, sent, answer| {
                    if let Some(email) = registered(sent, answer) {
                        known.insert(email);
                    }
                    let named = field(sent, "username").is_some_and(|name| known.contains(&name));
                    if named && is_post(sent, "/token") && has_code(answer, "invalid_credentials") {
                        refuse(answer, StatusCode::FORBIDDEN, "account_deactivated");
                    }
                },
            )
        },
        &[
            "register_confirm::a_registration_is_no_account_before_its_address_is_proved",
            "register_confirm::the_chosen_password_does_not_tell_who_has_an_account",
        ],
    ),
    Fault::proxy(
        "registration-race-has-many-winners",
        "Of two registrations of one address at the same time both win.",
        || coalescing(|sent| is_post(sent, "/register").then(|| field(sent, "email"))?),
        &["races::of_60_registrations_of_an_address_one_makes_the_account"],
    ),
    Fault::proxy(
        "registration-logs-in",
        "A registration sets the cookie.",
        || {
            answers(|sent, answer| {
                if is_post(sent, "/register") && answer.status.is_success() {
                    let cookie = "bp_token=eyJ.e30.AA; HttpOnly; SameSite=Lax; Path=/; Max-Age=900";
                    answer
                        .headers
                        .append(SET_COOKIE, HeaderValue::from_static(cookie));
                }
            })
        },
        &["register::a_registration_gives_no_tokens"],
    ),
    Fault::proxy(
        "clients-choose-their-role",
        "A role in the body of a registration is applied.",
        || {
            remembering::<HashMap<String, String>>(
                |_, _| {},
                |roles, sent, answer| {
                    if let (Some(email), Some(role)) =
                        (registered(sent, answer), field(sent, "role"))
                    {
                        roles.insert(email, role);
                    }
                    edit(answer, |body| {
                        if let Some(role) =
                            body["email"].as_str().and_then(|email| roles.get(email))
                        {
                            body["roles"] = json!([role]);
                        }
                    });
                },
            )
        },
        &["register::unknown_fields_are_ignored_and_never_applied"],
    ),
    Fault::proxy(
        "unknown-user-is-told",
        "The message for an unknown user is not the one for a wrong password.",
        || {
            remembering::<HashSet<String>>(
                |_, _| {},
                |known, sent, answer| {
                    known.extend(registered(sent, answer));
                    let unknown =
                        field(sent, "username").is_some_and(|name| !known.contains(&name));
                    if is_post(sent, "/token") && unknown && has_code(answer, "invalid_credentials")
                    {
                        edit(answer, |body| {
                            body["message"] = json!("There is no such user.")
                        });
                    }
                },
            )
        },
        &[
            "token::an_unknown_user_is_answered_like_a_wrong_password",
            "token::a_closed_account_is_told_to_the_right_password_only",
        ],
    ),
    Fault::proxy(
        "reactivation-tells-addresses",
        "Asking for a reactivation of an unknown address is refused with 404.",
        || {
            remembering::<HashSet<String>>(
                |_, _| {},
                |known, sent, answer| {
                    known.extend(registered(sent, answer));
                    let unknown = field(sent, "email").is_some_and(|email| !known.contains(&email));
                    if is_post(sent, "/reactivate/request") && unknown && answer.status.is_success()
                    {
                        refuse(answer, StatusCode::NOT_FOUND, "not_found");
                    }
                },
            )
        },
        &["reactivate::every_address_gets_the_same_answer"],
    ),
    Fault::proxy(
        "state-is-told-before-the-password",
        "A deactivated account is said to be one, also to a wrong password.",
        || {
            choosing(
                |sent, answer| {
                    (is_post(sent, "/token") && has_code(answer, "invalid_credentials")).then(
                        || {
                            let mut right = sent.clone();
                            edit_field(&mut right, "password", |_| PASSWORD.to_owned());
                            right
                        },
                    )
                },
                |answer| answer.status == StatusCode::FORBIDDEN,
            )
        },
        &["token::a_closed_account_is_told_to_the_right_password_only"],
    ),
    Fault::proxy(
        "passwords-are-trimmed",
        "Spaces around a password do not count.",
        || requests(|sent| edit_field(sent, "password", |text| text.trim().to_owned())),
        &["token::a_password_is_compared_exactly"],
    ),
    Fault::proxy(
        "passwords-are-cut",
        "Only the first 72 bytes of a password count.",
        || requests(|sent| edit_field(sent, "password", |text| text.chars().take(72).collect())),
        &["register_identity::a_password_has_8_to_128_characters"],
    ),
    Fault::proxy(
        "weak-passwords-are-granted",
        "A password that everybody would guess is granted.",
        || {
            insisting(|sent, answer| {
                has_code(answer, "weak_password").then(|| {
                    let mut other = sent.clone();
                    edit_field(&mut other, "password", |text| {
                        format!("{text} zebra quartz lantern 83")
                    });
                    other
                })
            })
        },
        &["register_identity::an_easy_password_is_weak"],
    ),
    Fault::proxy(
        "stems-are-granted",
        "A known word beside digits is granted, because it is on no list as it is.",
        || {
            insisting(|sent, answer| {
                let typed = field(sent, "password")?;
                let stem = typed.contains("2024") || typed.contains("123");
                (stem && has_code(answer, "weak_password")).then(|| {
                    let mut other = sent.clone();
                    edit_field(&mut other, "password", |text| {
                        format!("{text} zebra quartz lantern 83")
                    });
                    other
                })
            })
        },
        &["register_identity::a_known_word_beside_digits_and_signs_is_weak"],
    ),
    Fault::proxy(
        "trunk-zeros-are-kept",
        "A phone number is answered as it was typed.",
        || {
            answers(|sent, answer| {
                if registered(sent, answer).is_some()
                    && let Some(phone) = field(sent, "phone")
                {
                    edit(answer, |body| body["phone"] = json!(phone));
                }
            })
        },
        &["register_identity::a_phone_is_kept_in_e164"],
    ),
    Fault::proxy(
        "costly-numbers-are-allowed",
        "A number that costs extra is taken as any other.",
        || {
            insisting(|sent, answer| {
                has_code(answer, "phone_not_allowed").then(|| {
                    let mut other = sent.clone();
                    for name in ["phone", "phone_number"] {
                        if field(sent, name).is_some() {
                            edit_field(&mut other, name, |_| "+447400123456".to_owned());
                        }
                    }
                    other
                })
            })
        },
        &[
            "register_identity::a_phone_that_costs_extra_is_not_allowed",
            "sms_limits::a_range_that_is_not_known_is_told_from_a_country",
        ],
    ),
    Fault::proxy(
        "blank-fields-are-values",
        "An empty phone number is no phone number.",
        || {
            answers(|sent, answer| {
                if is_post(sent, "/register") && field(sent, "phone").is_some_and(|p| p.is_empty())
                {
                    refuse(answer, StatusCode::UNPROCESSABLE_ENTITY, "validation_error");
                }
            })
        },
        &["register::a_blank_field_is_absent"],
    ),
    Fault::proxy(
        "unseen-characters-stay",
        "An address is shown with the characters that nobody sees.",
        || {
            answers(|sent, answer| {
                if let Some(typed) = registered(sent, answer) {
                    edit(answer, |body| {
                        body["email"] = json!(typed.trim_matches(' '))
                    });
                }
            })
        },
        &["register_identity::what_cannot_be_seen_is_no_part_of_an_address"],
    ),
    Fault::proxy(
        "empty-grant-is-a-grant",
        "An empty grant_type is one that is not supported.",
        || {
            answers(|sent, answer| {
                if is_post(sent, "/token")
                    && field(sent, "grant_type").is_some_and(|g| g.is_empty())
                {
                    refuse(answer, StatusCode::BAD_REQUEST, "unsupported_grant_type");
                }
            })
        },
        &["token::a_parameter_without_a_value_is_absent"],
    ),
    Fault::proxy(
        "reactivation-token-is-answered-again",
        "A used reactivation token gets the same answer as the first time.",
        || replaying(|sent| is_post(sent, "/reactivate/confirm").then(|| field(sent, "token"))?),
        &["reactivate::a_link_works_once"],
    ),
    Fault::proxy(
        "reactivation-race-has-many-winners",
        "Of two uses of a reactivation token at the same time both win.",
        || coalescing(|sent| is_post(sent, "/reactivate/confirm").then(|| field(sent, "token"))?),
        &["races::of_50_uses_of_a_reactivation_token_one_reactivates"],
    ),
    Fault::proxy(
        "empty-refresh-token-is-nobody",
        "An empty refresh token is refused as an invalid one, not as an invalid request.",
        || {
            requests(|sent| {
                if is_post(sent, "/refresh")
                    && field(sent, "refresh_token").is_some_and(|token| token.is_empty())
                {
                    set_request(sent, json!({ "refresh_token": "bpr_nobody" }).to_string());
                }
            })
        },
        &["refresh::an_empty_token_is_422"],
    ),
    Fault::proxy(
        "verified-phone-is-verified-again",
        "Confirming a phone that is verified already is a success.",
        || {
            answers(|_, answer| {
                if has_code(answer, "phone_already_verified") {
                    let body = json!({ "phone": "+4915100000000", "phone_verified": true,
                        "phone_verified_at": "2026-01-01T00:00:00Z" });
                    grant(answer, StatusCode::OK, &body);
                }
            })
        },
        &["phone::a_verified_number_needs_no_code"],
    ),
    Fault::proxy(
        "session-is-not-shown",
        "GET /me has no session for an access token.",
        || {
            answers(|sent, answer| {
                if is_get(sent, "/me") {
                    edit(answer, |body| {
                        if let Some(members) = body.as_object_mut() {
                            members.remove("session");
                        }
                    });
                }
            })
        },
        &[
            "me::a_token_shows_its_user_and_its_session",
            "me::each_session_shows_itself",
        ],
    ),
];

/// The address of a registration that was granted.
fn registered(sent: &Sent, answer: &Answer) -> Option<String> {
    (is_post(sent, "/register") && answer.status.is_success()).then(|| field(sent, "email"))?
}

fn taken_is_granted(last: &mut Option<Value>, sent: &Sent, answer: &mut Answer) {
    if registered(sent, answer).is_some() {
        *last = answer.json();
    }
    if has_code(answer, "email_taken")
        && let Some(mut user) = last.clone()
    {
        user["email"] = json!(field(sent, "email"));
        grant(answer, StatusCode::CREATED, &user);
    }
}
