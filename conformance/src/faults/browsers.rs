//! Faults that pages, generated clients and probes notice.

use http::header::{CONTENT_TYPE, COOKIE};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::Fault;
use super::kit::{answers, cookies, edit, is_post, refuse, requests, set_request};
use crate::kit::set_cookie;

pub const FAULTS: &[Fault] = &[
    Fault::proxy(
        "scripts-read-the-refresh-token",
        "A refresh by cookie has the new refresh token in its body.",
        || {
            answers(|sent, answer| {
                let cookie = set_cookie(&answer.headers, "bp_refresh").unwrap_or_default();
                let pair = cookie.split(';').next().unwrap_or_default();
                let Some(token) = pair.strip_prefix("bp_refresh=").map(Value::from) else {
                    return;
                };
                if is_post(sent, "/refresh") && answer.status == StatusCode::OK {
                    edit(answer, |body| body["refresh_token"] = token);
                }
            })
        },
        &["refresh_cookie::a_refresh_by_cookie_gives_new_cookies_and_no_refresh_token"],
    ),
    Fault::proxy(
        "no-refresh-cookie",
        "A login does not set bp_refresh.",
        || {
            answers(|_, answer| {
                cookies(answer, |cookie| {
                    (!cookie.starts_with("bp_refresh=")).then(|| cookie.to_owned())
                })
            })
        },
        &[
            "refresh_cookie::a_login_sets_the_refresh_token_as_a_cookie",
            "refresh_cookie::a_logout_clears_the_refresh_cookie",
        ],
    ),
    Fault::proxy(
        "null-is-a-body",
        "JSON null and white space as an optional body are refused.",
        || {
            requests(|sent| {
                let text = sent.body.trim_ascii();
                if !sent.body.is_empty() && (text.is_empty() || text == b"null") {
                    sent.headers.insert(
                        CONTENT_TYPE,
                        http::HeaderValue::from_static("application/json"),
                    );
                    set_request(sent, "7");
                }
            })
        },
        &[
            "refresh_cookie::without_a_body_the_cookie_counts",
            "logout::an_absent_body_is_no_body_in_every_form",
        ],
    ),
    Fault::proxy(
        "cookie-is-a-fall-back",
        "A bad refresh token in the body is forgiven for a good cookie.",
        || {
            requests(|sent| {
                if is_post(sent, "/refresh") && sent.headers.contains_key(COOKIE) {
                    set_request(sent, json!({}).to_string());
                }
            })
        },
        &["refresh_cookie::a_token_in_the_body_wins_over_the_cookie"],
    ),
    Fault::proxy(
        "head-is-refused-everywhere",
        "HEAD is 405 for health and the key set too.",
        || {
            answers(|sent, answer| {
                if sent.method == Method::HEAD {
                    refuse(answer, StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed");
                }
            })
        },
        &["gateway::what_is_beside_the_contract_answers_head"],
    ),
    Fault::settings(
        "no-leeway-for-tabs",
        "Of two tabs that refresh at once one is logged out.",
        &[("refresh.cookie_leeway_seconds", "0")],
        &[
            "refresh_cookie::tabs_that_refresh_at_once_are_all_served",
            "refresh_cookie::within_the_leeway_the_tabs_get_the_same_successor",
        ],
    ),
    Fault::settings(
        "stolen-cookies-have-a-minute",
        "The predecessor of a refresh cookie is good for a minute.",
        &[("refresh.cookie_leeway_seconds", "60")],
        &["refresh_cookie::a_stolen_cookie_ends_the_session_after_the_leeway"],
    ),
    Fault::settings(
        "leeway-in-the-body-too",
        "The leeway of the cookie holds for tokens in a body.",
        &[("refresh.reuse_leeway_seconds", "10")],
        &["refresh_cookie::the_leeway_of_the_cookie_is_not_the_bodys"],
    ),
];
