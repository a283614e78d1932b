//! Headers, statuses and bodies as such.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_ORIGIN, ALLOW, CACHE_CONTROL,
    CONTENT_TYPE, FORWARDED, ORIGIN, RETRY_AFTER, SERVER, VARY, WWW_AUTHENTICATE,
};
use http::{HeaderValue, Method, StatusCode};
use serde_json::{Value, json};

use super::Fault;
use super::kit::{
    answers, edit, edit_field, field, has_code, insisting, is_get, is_post, refuse, remembering,
    requests, set_body, set_request,
};

pub const FAULTS: &[Fault] = &[
    Fault::proxy(
        "may-be-cached",
        "Answers of the API have no Cache-Control: no-store.",
        || answers(|_, answer| drop(answer.headers.remove(CACHE_CONTROL))),
        &["token::a_right_password_gives_tokens"],
    ),
    Fault::proxy(
        "clients-choose-request-ids",
        "The request id of a client is taken for the server's own.",
        || {
            answers(|sent, answer| {
                let Some(id) = sent.headers.get("x-request-id").cloned() else {
                    return;
                };
                let text = id.to_str().unwrap_or_default().to_owned();
                answer.headers.insert("x-request-id", id);
                edit(answer, |body| {
                    if let Some(member) = body.get_mut("request_id") {
                        *member = Value::from(text);
                    }
                });
            })
        },
        &["gateway::request_ids_are_made_by_the_server"],
    ),
    Fault::proxy(
        "ports-are-not-understood",
        "Behind a proxy that writes ports all clients are one.",
        || {
            requests(|sent| {
                let named = sent.headers.get("x-forwarded-for");
                let has_port = named.is_some_and(|value| {
                    value.as_bytes().contains(&b'.') && value.as_bytes().contains(&b':')
                });
                if has_port {
                    sent.headers
                        .insert("x-forwarded-for", HeaderValue::from_static("unknown"));
                }
            })
        },
        &["networks::clients_of_a_proxy_that_writes_ports_are_told_apart"],
    ),
    Fault::proxy(
        "forwarded-is-not-looked-at",
        "Behind a proxy that writes Forwarded, as the server was told, all clients are one.",
        || requests(|sent| drop(sent.headers.remove(FORWARDED))),
        &["networks::forwarded_names_the_client_where_the_setting_says_so"],
    ),
    Fault::proxy(
        "request-ids-differ",
        "The request id in a refusal's body is not the one of its header.",
        || {
            answers(|_, answer| {
                edit(answer, |body| {
                    if let Some(member) = body.get_mut("request_id") {
                        *member = Value::from("00000000-0000-0000-0000-000000000000");
                    }
                });
            })
        },
        &["gateway::request_ids_are_made_by_the_server"],
    ),
    Fault::proxy(
        "no-challenge",
        "A 401 has no WWW-Authenticate.",
        || answers(|_, answer| drop(answer.headers.remove(WWW_AUTHENTICATE))),
        &[
            "token::an_unknown_user_is_answered_like_a_wrong_password",
            "credential_matrix::without_a_credential_nothing_is_opened",
        ],
    ),
    Fault::proxy(
        "no-retry-after",
        "A 429 does not say when to come back.",
        || answers(|_, answer| drop(answer.headers.remove(RETRY_AFTER))),
        &["register_limits::every_network_has_a_limit_of_its_own"],
    ),
    Fault::proxy(
        "no-oauth-error",
        "Refusals of the token endpoint lack RFC 6749's members.",
        || {
            answers(|_, answer| {
                edit(answer, |body| {
                    if let Some(members) = body.as_object_mut() {
                        members.remove("error");
                        members.remove("error_description");
                    }
                });
            })
        },
        &["token::a_bad_form_is_told_before_the_grant"],
    ),
    Fault::proxy(
        "names-its-server",
        "Every answer has a Server header.",
        || {
            answers(|_, answer| {
                answer
                    .headers
                    .insert(SERVER, HeaderValue::from_static("bp-auth/0.1"));
            })
        },
        &[
            "gateway::health_and_readiness_answer",
            "gateway::the_key_set_may_be_cached",
        ],
    ),
    Fault::proxy(
        "leaks-the-hash",
        "The user's password hash is shown in GET /me.",
        || {
            answers(|sent, answer| {
                if is_get(sent, "/me") && answer.status.is_success() {
                    edit(answer, |body| {
                        body["password_hash"] = json!("$argon2id$v=19$m=8,t=1,p=1$")
                    });
                }
            })
        },
        &["register::what_was_typed_is_shown_in_the_profile"],
    ),
    Fault::proxy(
        "refusals-are-pages",
        "What is not found is refused with a page of HTML.",
        || {
            answers(|_, answer| {
                if answer.status == StatusCode::NOT_FOUND {
                    answer
                        .headers
                        .insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
                    set_body(answer, "<h1>Not found</h1>");
                }
            })
        },
        &["gateway::an_unknown_path_is_404"],
    ),
    Fault::proxy(
        "wrong-method-is-not-found",
        "A method that a path does not have is refused with 404, not 405.",
        || {
            answers(|_, answer| {
                if answer.status == StatusCode::METHOD_NOT_ALLOWED {
                    answer.headers.remove(ALLOW);
                    refuse(answer, StatusCode::NOT_FOUND, "not_found");
                }
            })
        },
        &[
            "gateway::a_wrong_method_is_405",
            "cors::an_options_that_is_no_preflight_is_405",
        ],
    ),
    Fault::proxy(
        "head-is-get",
        "HEAD is answered as GET is, without the body.",
        || {
            remembering::<bool>(
                |was_head, sent| {
                    *was_head = sent.method == Method::HEAD;
                    if *was_head {
                        sent.method = Method::GET;
                    }
                },
                |was_head, _, answer| {
                    if *was_head {
                        set_body(answer, "");
                    }
                },
            )
        },
        &["gateway::a_wrong_method_is_405"],
    ),
    Fault::proxy(
        "one-code-for-all-tokens",
        "Whatever is wrong with a token, the error code is token_invalid.",
        || {
            answers(|_, answer| {
                if answer.status == StatusCode::UNAUTHORIZED
                    && ["token_expired", "session_revoked", "not_authenticated"]
                        .iter()
                        .any(|code| has_code(answer, code))
                {
                    edit(answer, |body| body["error_code"] = json!("token_invalid"));
                }
            })
        },
        &["credential_matrix::without_a_credential_nothing_is_opened"],
    ),
    Fault::proxy(
        "last-duplicate-wins",
        "Of two JSON members of one name the last counts, without a word.",
        || {
            requests(|sent| {
                if let Ok(json) = serde_json::from_slice::<Value>(&sent.body)
                    && json.is_object()
                {
                    set_request(sent, json.to_string());
                }
            })
        },
        &["syntax::a_key_twice_is_422"],
    ),
    Fault::proxy(
        "guesses-media-types",
        "A body without its media type is read as what it looks like.",
        || {
            requests(|sent| {
                if sent.body.starts_with(b"{") {
                    sent.headers
                        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                }
            })
        },
        &["syntax::another_media_type_is_415"],
    ),
    Fault::proxy(
        "drops-control-characters",
        "Control characters in texts are dropped, not refused.",
        || {
            requests(|sent| {
                for name in [
                    "email",
                    "password",
                    "full_name",
                    "device_name",
                    "locale",
                    "code",
                ] {
                    edit_field(sent, name, |text| {
                        text.chars()
                            .filter(|c| !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}'))
                            .collect()
                    });
                }
            })
        },
        &["syntax::control_characters_are_422"],
    ),
    Fault::proxy(
        "any-grant-type",
        "An unknown grant_type is taken for password.",
        || requests(|sent| edit_field(sent, "grant_type", |_| "password".to_owned())),
        &[
            "syntax::another_grant_type_is_400",
            "token::only_the_password_grant_is_served",
        ],
    ),
    Fault::proxy(
        "fields-before-credentials",
        "A request without credentials is told what is wrong with its body.",
        || {
            answers(|sent, answer| {
                let unreadable = serde_json::from_slice::<Value>(&sent.body).is_err()
                    || field(sent, "code").is_some_and(|code| code.len() != 6);
                if sent.method == Method::POST
                    && has_code(answer, "not_authenticated")
                    && !sent.body.is_empty()
                    && unreadable
                {
                    answer.headers.remove(WWW_AUTHENTICATE);
                    refuse(answer, StatusCode::UNPROCESSABLE_ENTITY, "validation_error");
                }
            })
        },
        &["order::each_check_comes_before_the_next"],
    ),
    Fault::proxy(
        "no-limit-on-bodies",
        "A body that is too large is read to its end.",
        || {
            insisting(|sent, answer| {
                if answer.status != StatusCode::PAYLOAD_TOO_LARGE {
                    return None;
                }
                let mut other = sent.clone();
                if let Some(text) = field(sent, "refresh_token") {
                    set_request(&mut other, json!({ "refresh_token": text }).to_string());
                } else {
                    set_request(&mut other, "{}");
                }
                Some(other)
            })
        },
        &["gateway::a_body_of_exactly_16_kib_is_read"],
    ),
    Fault::proxy(
        "everybody-is-allowed-origin",
        "CORS allows whatever origin asks.",
        || {
            answers(|sent, answer| {
                if let Some(origin) = sent.headers.get(ORIGIN) {
                    answer
                        .headers
                        .insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
                    answer.headers.insert(
                        ACCESS_CONTROL_ALLOW_CREDENTIALS,
                        HeaderValue::from_static("true"),
                    );
                }
            })
        },
        &[
            "cors::a_foreign_origin_may_read_nothing",
            "cors::a_preflight_of_a_foreign_origin_learns_nothing",
        ],
    ),
    Fault::proxy(
        "no-vary",
        "Answers that depend on the origin do not say so.",
        || answers(|_, answer| drop(answer.headers.remove(VARY))),
        &[
            "cors::a_preflight_of_a_foreign_origin_learns_nothing",
            "cors::a_preflight_names_the_methods_of_the_path",
        ],
    ),
    Fault::proxy(
        "keeps-its-word-from-pages",
        "CORS does not expose Retry-After, x-request-id and WWW-Authenticate.",
        || answers(|_, answer| drop(answer.headers.remove("access-control-expose-headers"))),
        &[
            "cors::an_allowed_origin_may_read_refusals",
            "cors::an_allowed_origin_may_read_answers",
        ],
    ),
    Fault::proxy(
        "private-keys-are-public",
        "The key set has the private half of each key.",
        || {
            answers(|sent, answer| {
                if sent.uri.path() == "/.well-known/jwks.json" {
                    edit(answer, |body| {
                        body["keys"][0]["d"] = json!("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A")
                    });
                }
            })
        },
        &["gateway::the_key_set_may_be_cached"],
    ),
    Fault::proxy(
        "resets-by-answer",
        "The token of an MFA reset is in the answer, not only in the mail.",
        || {
            answers(|sent, answer| {
                if is_post(sent, "/mfa/reset/request") && answer.status.is_success() {
                    edit(answer, |body| {
                        body["token"] = json!("eyJ0eXAiOiJKV1QifQ.e30.AA")
                    });
                }
            })
        },
        &["mfa_reset::the_token_is_in_the_mail_only"],
    ),
];
