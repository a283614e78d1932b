//! Second factors, as a lying proxy shows them.

use std::collections::{HashMap, HashSet};

use http::StatusCode;
use http::header::{SET_COOKIE, WWW_AUTHENTICATE};
use serde_json::{Value, json};

use super::Fault;
use super::kit::{
    answers, bearer, coalescing, edit, edit_field, field, grant, has_code, is_get, is_post, refuse,
    remembering, replaying, requests, set_bearer, told,
};
use crate::witness::Sent;

pub const FAULTS: &[Fault] = &[
    Fault::proxy(
        "challenge-is-answered-again",
        "A challenge that was answered rightly gets the same answer when it is sent again.",
        || {
            replaying(|sent| {
                challenge(sent)
                    .zip(field(sent, "code"))
                    .map(|pair| format!("{pair:?}"))
            })
        },
        &["replays::an_answered_challenge_is_not_answered_again"],
    ),
    Fault::proxy(
        "second-factor-is-answered-again",
        "An mfa_token that was used gets the same answer again, whatever the code.",
        || replaying(challenge),
        &["challenge::an_mfa_token_is_good_for_one_login"],
    ),
    Fault::proxy(
        "challenge-race-has-many-winners",
        "Of two uses of an mfa_token at the same time both win.",
        || coalescing(challenge),
        &["races::of_10_right_codes_for_an_mfa_token_one_wins"],
    ),
    Fault::proxy(
        "reset-race-has-many-winners",
        "Of two uses of an MFA reset token at the same time both win.",
        || coalescing(|sent| is_post(sent, "/mfa/reset/confirm").then(|| field(sent, "token"))?),
        &["races::of_50_uses_of_a_reset_token_one_resets"],
    ),
    Fault::proxy(
        "digits-are-ascii",
        "A code in digits of another script is none.",
        || {
            requests(|sent| {
                edit_field(sent, "code", |code| {
                    code.replace(|c: char| !c.is_ascii(), "x")
                });
            })
        },
        &[
            "totp::digits_of_every_script_count",
            "backup_codes::a_code_is_read_as_it_was_typed",
        ],
    ),
    Fault::proxy(
        "wrong-codes-are-told-apart",
        "The words for a wrong code depend on the code.",
        || {
            answers(|sent, answer| {
                if challenge(sent).is_some() && has_code(answer, "code_invalid") {
                    let code = field(sent, "code").unwrap_or_default();
                    edit(answer, |body| {
                        body["message"] = json!(format!("{code} is wrong."))
                    });
                }
            })
        },
        &["challenge::every_wrong_code_is_told_the_same"],
    ),
    Fault::proxy(
        "wrong-clocks-are-not-told",
        "At set-up every wrong code has the same words.",
        || {
            answers(|sent, answer| {
                if is_post(sent, "/mfa/totp/verify") && has_code(answer, "code_invalid") {
                    edit(answer, |body| body["message"] = json!("The code is wrong."));
                }
            })
        },
        &["totp::a_wrong_clock_is_told_to_the_owner"],
    ),
    Fault::proxy(
        "nine-backup-codes",
        "There are nine backup codes, not ten.",
        || {
            answers(|_, answer| {
                edit(answer, |body| {
                    for name in ["codes", "backup_codes"] {
                        if let Some(codes) = body.get_mut(name).and_then(Value::as_array_mut) {
                            codes.pop();
                        }
                    }
                });
            })
        },
        &[
            "totp::the_first_method_brings_ten_backup_codes",
            "backup_codes::there_are_ten_of_fifty_bits",
        ],
    ),
    Fault::proxy(
        "backup-codes-repeat",
        "A new set of backup codes shows the codes of the old one.",
        || {
            remembering::<HashMap<String, Value>>(
                |_, _| {},
                |known, sent, answer| {
                    let Some(token) = bearer(sent).map(str::to_owned) else {
                        return;
                    };
                    edit(answer, |body| {
                        if body["backup_codes"].is_array() {
                            known.insert(token, body["backup_codes"].clone());
                        } else if body["codes"].is_array()
                            && let Some(codes) = known.get(&token)
                        {
                            body["codes"] = codes.clone();
                        }
                    });
                },
            )
        },
        &["backup_codes::there_are_ten_of_fifty_bits"],
    ),
    Fault::proxy(
        "phone-is-not-masked",
        "Hints show the whole number.",
        || {
            remembering::<Vec<String>>(
                |_, _| {},
                |numbers, sent, answer| {
                    numbers.extend(field(sent, "phone").or_else(|| field(sent, "phone_number")));
                    edit(answer, |body| {
                        let methods = body.get_mut("methods").and_then(Value::as_array_mut);
                        for method in methods.into_iter().flatten() {
                            unmask(numbers, method);
                        }
                        unmask(numbers, body);
                    });
                },
            )
        },
        &[
            "token_pending::sms_as_the_only_method_sends_the_code",
            "sms::a_set_up_sends_one_code_to_the_number",
            "methods::the_list_shows_no_secret_and_no_whole_number",
        ],
    ),
    Fault::proxy(
        "pending-login-sets-the-cookie",
        "A login that waits for its second factor sets the cookie.",
        || {
            answers(|sent, answer| {
                if is_post(sent, "/token")
                    && let Some(token) = told(answer, "mfa_token")
                {
                    let cookie =
                        format!("bp_token={token}; HttpOnly; SameSite=Lax; Path=/; Max-Age=300");
                    if let Ok(cookie) = cookie.parse() {
                        answer.headers.append(SET_COOKIE, cookie);
                    }
                }
            })
        },
        &[
            "cookies::a_second_factor_sets_the_cookie_and_its_lack_does_not",
            "token_pending::a_verified_factor_makes_the_login_pending",
        ],
    ),
    Fault::proxy(
        "used-reset-token-is-invalid",
        "A used MFA reset token is refused as an invalid one, not with 410.",
        || {
            answers(|_, answer| {
                if answer.status == StatusCode::GONE {
                    refuse(answer, StatusCode::BAD_REQUEST, "token_invalid");
                }
            })
        },
        &[
            "mfa_reset::a_token_works_once",
            "reactivate::a_link_works_once",
        ],
    ),
    Fault::proxy(
        "absent-method-is-removed",
        "Removing a method that is not enrolled is a success.",
        || {
            answers(|sent, answer| {
                let path = sent.uri.path();
                let method = ["totp", "sms", "backup_codes"]
                    .iter()
                    .any(|name| path == format!("/api/auth/mfa/{name}"));
                if method && answer.status == StatusCode::NOT_FOUND {
                    grant(answer, StatusCode::NO_CONTENT, &Value::Null);
                }
            })
        },
        &["methods::what_is_not_enrolled_cannot_be_deleted"],
    ),
    Fault::proxy(
        "codes-may-be-absent",
        "A challenge without a code is a wrong guess, not an invalid request.",
        || {
            answers(|sent, answer| {
                if is_post(sent, "/mfa/challenge")
                    && answer.status == StatusCode::UNPROCESSABLE_ENTITY
                    && field(sent, "mfa_token").is_some()
                    && field(sent, "code").is_none()
                {
                    refuse(answer, StatusCode::UNAUTHORIZED, "code_invalid");
                    answer
                        .headers
                        .insert(WWW_AUTHENTICATE, http::HeaderValue::from_static("Bearer"));
                }
            })
        },
        &["challenge::only_sms_can_do_without_a_code"],
    ),
    Fault::proxy(
        "lock-looks-like-a-limit",
        "The lock after ten wrong codes is told as rate_limited.",
        || {
            answers(|_, answer| {
                if has_code(answer, "mfa_locked") {
                    edit(answer, |body| body["error_code"] = json!("rate_limited"));
                }
            })
        },
        &["challenge_lock::a_lock_slides_and_is_not_prolonged"],
    ),
    Fault::proxy(
        "no-device-is-the-current-one",
        "The list of trusted devices does not say which of them asks.",
        || {
            answers(|sent, answer| {
                if is_get(sent, "/mfa/trusted-devices") {
                    edit(answer, |body| {
                        for device in body.as_array_mut().into_iter().flatten() {
                            device["is_current"] = json!(false);
                        }
                    });
                }
            })
        },
        &["trusted_devices::the_list_tells_devices_apart"],
    ),
    Fault::proxy(
        "devices-are-oldest-first",
        "Trusted devices are listed oldest first.",
        || {
            answers(|sent, answer| {
                if is_get(sent, "/mfa/trusted-devices") {
                    edit(answer, |body| {
                        if let Some(devices) = body.as_array_mut() {
                            devices.reverse();
                        }
                    });
                }
            })
        },
        &["trusted_devices::the_list_tells_devices_apart"],
    ),
    Fault::proxy(
        "devices-are-always-remembered",
        "A device is trusted although nobody asked for it.",
        || {
            requests(|sent| {
                if is_post(sent, "/mfa/challenge")
                    && let Ok(mut body) = serde_json::from_slice::<Value>(&sent.body)
                    && body.is_object()
                {
                    body["remember_device"] = json!(true);
                    super::kit::set_request(sent, body.to_string());
                }
            })
        },
        &["credential_matrix::an_mfa_pending_token_opens_the_challenge_and_nothing_else"],
    ),
    Fault::proxy(
        "device-header-is-ignored",
        "A trusted device is only known by its cookie.",
        || requests(|sent| drop(sent.headers.remove("x-trusted-device"))),
        &[
            "trusted_devices::a_remembered_device_needs_no_second_factor",
            "client_factors::a_trusted_device_is_not_asked_again",
        ],
    ),
    Fault::proxy(
        "secret-is-shown-in-a-picture-only",
        "The QR code of a set-up is no picture.",
        || {
            answers(|sent, answer| {
                if is_post(sent, "/mfa/totp/setup") && answer.status.is_success() {
                    edit(answer, |body| {
                        body["qr_code"] = json!("data:text/plain;base64,AAAA")
                    });
                }
            })
        },
        &["totp::a_set_up_shows_the_secret_three_ways"],
    ),
    Fault::proxy(
        "old-session-speaks-for-a-new-one",
        "A session that knows only the password does what asks for a second factor.",
        || {
            remembering::<HashMap<String, (String, HashSet<String>)>>(
                |known, sent| {
                    // The strongest session of the user answers for all of them.
                    let strong = bearer(sent).and_then(|token| {
                        let mut users = known.values();
                        users.find(|(strong, all)| all.contains(token) && strong != token)
                    });
                    if let Some((strong, _)) = strong.cloned() {
                        set_bearer(sent, &strong);
                    }
                },
                |known, sent, answer| {
                    if let (Some(email), Some(token)) =
                        (field(sent, "username"), told(answer, "access_token"))
                    {
                        let user = known
                            .entry(email)
                            .or_insert_with(|| (token.clone(), HashSet::new()));
                        user.1.insert(token.clone());
                    }
                },
            )
        },
        &["totp::enrolling_ends_the_sessions_that_know_only_the_password"],
    ),
    Fault::proxy(
        "codes-are-padded",
        "Of a code only the first six characters count.",
        || {
            requests(|sent| {
                edit_field(sent, "code", |code| {
                    let digits = code.bytes().all(|byte| byte.is_ascii_digit());
                    if digits {
                        code.chars().take(6).collect()
                    } else {
                        code.to_owned()
                    }
                })
            })
        },
        &["phone::a_malformed_code_is_no_try"],
    ),
];

/// The token of a challenge that is answered.
fn challenge(sent: &Sent) -> Option<String> {
    field(sent, "code")?;
    is_post(sent, "/mfa/challenge").then(|| field(sent, "mfa_token"))?
}

/// Shows the number that the hint is about, among those that anybody has told.
fn unmask(numbers: &[String], body: &mut Value) {
    let Some(hint) = body.get("phone_hint").and_then(Value::as_str) else {
        return;
    };
    let end = hint
        .trim_start_matches(|c| c != '*')
        .trim_start_matches('*');
    // Cases share the proxy, and two of their numbers may end alike: each finds its own in there.
    let whole = numbers.iter().map(String::as_str);
    let whole: Vec<_> = whole.filter(|number| number.ends_with(end)).collect();
    if !whole.is_empty() {
        body["phone_hint"] = Value::from(whole.join(" "));
    }
}
