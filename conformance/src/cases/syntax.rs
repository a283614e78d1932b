//! What a body or a path parameter may look like, and how it is refused.

use anyhow::{Result, ensure};
use bp_auth_client::ErrorCode;
use http::header::CONTENT_TYPE;
use serde_json::json;

use crate::case;
use crate::case::{Case, Verdict};
use crate::kit::{Granted, PASSWORD, Raw};
use crate::trial::Trial;

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

pub const CASES: &[Case] = &[
    case!(
        what_is_no_json_object_is_422_at_the_body,
        "What is no JSON object is 422 with `loc` `[\"body\"]`: broken JSON, other types, two values, a byte order mark, invalid UTF-8, nothing at all."
    ),
    case!(
        a_key_twice_is_422,
        "A key that stands twice in an object is 422 at the key, known or not, at any depth."
    ),
    case!(
        control_characters_are_422,
        "Control characters (category Cc, U+2028, U+2029) are 422 in every string and key, known or not."
    ),
    case!(
        unknown_fields_are_ignored,
        "Unknown fields are ignored and never applied: `role`, `plan` and `tenant_id` at registration make nobody more than the owner of a free tenant."
    ),
    case!(
        another_media_type_is_415,
        "A body without its declared media type is 415 `unsupported_media_type`: none, a form for JSON, JSON for the form, a list of types."
    ),
    case!(
        parameters_of_a_media_type_do_not_matter,
        "The media type is compared without regard to letter case and parameters."
    ),
    case!(
        a_form_is_read_as_strictly_as_json,
        "A form's missing, empty, double or controlling fields are 422 at the field, with RFC 6749's `invalid_request`."
    ),
    case!(
        a_password_over_1024_bytes_is_422,
        "A password over 1024 bytes is 422 at login and at registration."
    ),
    case!(
        another_grant_type_is_400,
        "Any `grant_type` but `password` is 400 `unsupported_grant_type`; `password`, `scope` and client credentials change nothing."
    ),
    case!(
        a_refusal_never_repeats_a_value,
        "A refusal names the field and never the value that was sent."
    ),
    case!(
        path_parameters_are_checked,
        "A `device_id` that is no 64-bit integer and a method that is none of the three are 422 at the path; absent ones are 404 `not_found`."
    ),
    case!(
        an_empty_logout_needs_no_body,
        "A logout without a body needs no media type; with a body it is read like any other."
    ),
];

async fn what_is_no_json_object_is_422_at_the_body(t: Trial) -> Verdict {
    let deep = format!("{{\"x\":{}{}}}", "[".repeat(4000), "]".repeat(4000));
    let texts = [
        "",
        "{",
        "{]",
        "{} {}",
        "nul",
        "[]",
        "1",
        "null",
        "\"x\"",
        "[{}]",
        "\u{feff}{}",
    ];
    let mut bodies: Vec<Vec<u8>> = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
    bodies.push(deep.into_bytes());
    bodies.push(b"{\"x\":\"\xff\"}".to_vec());
    for path in ["register", "refresh", "mfa/challenge"] {
        for body in &bodies {
            let answer = sends(&t, path, JSON, body.clone()).await?;
            answer.is(422, "validation_error")?;
            let blamed = fields(&answer);
            let text = String::from_utf8_lossy(body);
            // What is too deep or no text may be blamed where it is found.
            ensure!(
                blamed.iter().all(|field| field.starts_with("body")),
                "{path} {text:.20}: {blamed:?}"
            );
            ensure!(!blamed.is_empty(), "{path} {text:.20}: nothing is blamed");
        }
    }
    Ok(())
}

async fn a_key_twice_is_422(t: Trial) -> Verdict {
    let email = t.fresh_email();
    let right = format!(r#""email":"{email}","password":"{PASSWORD}""#);
    for (more, field) in [
        (r#""email":"other@example.com""#, "body.email"),
        (r#""odd":1,"odd":1"#, "body.odd"),
        (r#""odd":{"in":1,"in":2}"#, "body.odd.in"),
        (r#""odd":[{"in":1,"in":2}]"#, "body.odd.0.in"),
        (r#""e\u006dail":"other@example.com""#, "body.email"),
    ] {
        let answer = sends(&t, "register", JSON, format!("{{{right},{more}}}")).await?;
        answer.is(422, "validation_error")?;
        ensure!(fields(&answer) == [field], "{more}: {:?}", fields(&answer));
    }
    // Nobody was registered by any of them.
    let login = t.try_login(&email, PASSWORD).await;
    login.refused(401, ErrorCode::InvalidCredentials)?;
    Ok(())
}

async fn control_characters_are_422(t: Trial) -> Verdict {
    let email = t.fresh_email();
    for bad in [
        "\\u0000", "\\n", "\\t", "\\u001b", "\\u007f", "\\u0085", "\\u2028", "\\u2029",
    ] {
        for (text, field) in [
            (format!(r#""full_name":"Ada{bad}""#), "body.full_name"),
            (format!(r#""odd":["{bad}"]"#), "body.odd.0"),
        ] {
            let body = format!(r#"{{"email":"{email}","password":"{PASSWORD}",{text}}}"#);
            let answer = sends(&t, "register", JSON, body).await?;
            answer.is(422, "validation_error")?;
            ensure!(fields(&answer) == [field], "{text}: {:?}", fields(&answer));
        }
        let body = format!(r#"{{"email":"{email}","password":"{PASSWORD}","o{bad}":1}}"#);
        let answer = sends(&t, "register", JSON, body).await?;
        answer.is(422, "validation_error")?;
    }
    Ok(())
}

async fn unknown_fields_are_ignored(t: Trial) -> Verdict {
    let (email, other) = (t.fresh_email(), t.newcomer().await?);
    let theirs = other.client.me().send().await.granted()?.tenant.id;
    let body = json!({
        "email": email, "password": PASSWORD, "role": "admin", "roles": ["admin"],
        "plan": "enterprise", "tenant_id": theirs, "tenant": { "id": theirs, "plan": "enterprise" },
        "is_active": false, "phone_verified": true, "mfa_enabled": true, "id": theirs,
        "odd": { "deep": [null, 1.5, "x"] },
    });
    let answer = sends(&t, "register", JSON, body.to_string()).await?;
    ensure!(answer.status == 201, "answered {}", answer.status);
    let me = t
        .session(&email)
        .await?
        .client
        .me()
        .send()
        .await
        .granted()?;
    ensure!(me.tenant.id != theirs && me.id != theirs, "somebody else's");
    ensure!(me.tenant.plan == "free", "plan {}", me.tenant.plan);
    let roles = serde_json::to_value(&me.roles)?;
    ensure!(roles == json!(["owner"]), "roles {roles}");
    ensure!(
        me.is_active && !me.phone_verified && !me.mfa_enabled,
        "{me:?}"
    );
    Ok(())
}

async fn another_media_type_is_415(t: Trial) -> Verdict {
    let email = t.fresh_email();
    let body = json!({ "email": email, "password": PASSWORD }).to_string();
    for media in [
        FORM,
        "text/plain",
        "text/json",
        "application/json, text/plain",
        "json",
        "",
    ] {
        let answer = sends(&t, "register", media, body.clone()).await?;
        answer.is(415, "unsupported_media_type")?;
    }
    let call = t.http().post(t.at("/api/auth/register")).body(body);
    Raw::of(call).await?.is(415, "unsupported_media_type")?;
    t.try_login(&email, PASSWORD)
        .await
        .refused(401, ErrorCode::InvalidCredentials)?;
    let ada = t.register().await?.email;
    let json = json!({ "username": ada, "password": PASSWORD }).to_string();
    for media in [JSON, "multipart/form-data; boundary=x", "text/plain"] {
        let answer = sends(&t, "token", media, json.clone()).await?;
        answer.is(415, "unsupported_media_type")?;
    }
    Ok(())
}

async fn parameters_of_a_media_type_do_not_matter(t: Trial) -> Verdict {
    let ada = t.register().await?.email;
    let body = json!({ "email": t.fresh_email() }).to_string();
    for media in [
        "application/json; charset=utf-8",
        "Application/JSON",
        "application/json;x=y",
    ] {
        let answer = sends(&t, "reactivate/request", media, body.clone()).await?;
        ensure!(answer.status == 204, "{media}: {}", answer.status);
    }
    let form = login_form(&ada);
    for media in [FORM.to_uppercase(), format!("{FORM}; charset=UTF-8")] {
        let answer = sends(&t, "token", &media, form.clone()).await?;
        ensure!(answer.status == 200, "{media}: {}", answer.status);
    }
    Ok(())
}

async fn a_form_is_read_as_strictly_as_json(t: Trial) -> Verdict {
    for (text, field) in [
        ("", "body.username"),
        ("password=x", "body.username"),
        ("username=ada%40example.com", "body.password"),
        ("username=&password=x", "body.username"),
        ("username=a%40b.example&password=", "body.password"),
        ("username=a&username=b&password=x", "body.username"),
        ("username=a&password=x&odd=1&odd=2", "body.odd"),
        ("username=a%00&password=x", "body.username"),
        ("username=a&password=x%0A", "body.password"),
        ("username=a&password=x%E2%80%A8", "body.password"),
        ("username=a&password=x&scope=%07", "body.scope"),
    ] {
        let answer = sends(&t, "token", FORM, text).await?;
        answer.is(422, "validation_error")?;
        ensure!(fields(&answer) == [field], "{text}: {:?}", fields(&answer));
    }
    // Unknown ones are ignored, as in JSON.
    let ada = t.register().await?.email;
    let odd = format!("{}&odd=1&role=admin", login_form(&ada));
    let answer = sends(&t, "token", FORM, odd).await?;
    ensure!(answer.status == 200, "an unknown field: {}", answer.status);
    Ok(())
}

async fn a_password_over_1024_bytes_is_422(t: Trial) -> Verdict {
    let ada = t.register().await?.email;
    let form = |length: usize| {
        format!(
            "username={}&password={}",
            urlencoded(&ada),
            "a".repeat(length)
        )
    };
    let answer = sends(&t, "token", FORM, form(1025)).await?;
    answer.is(422, "validation_error")?;
    ensure!(
        fields(&answer) == ["body.password"],
        "{:?}",
        fields(&answer)
    );
    let answer = sends(&t, "token", FORM, form(1024)).await?;
    answer.is(401, "invalid_credentials")?;
    let body = json!({ "email": t.fresh_email(), "password": "é".repeat(600) });
    let answer = sends(&t, "register", JSON, body.to_string()).await?;
    ensure!(answer.status == 422, "answered {}", answer.status);
    ensure!(
        fields(&answer) == ["body.password"],
        "{:?}",
        fields(&answer)
    );
    Ok(())
}

async fn another_grant_type_is_400(t: Trial) -> Verdict {
    let ada = t.register().await?.email;
    let right = login_form(&ada);
    for other in [
        "client_credentials",
        "refresh_token",
        "authorization_code",
        "PASSWORD",
    ] {
        let form = format!("{right}&grant_type={other}");
        let answer = sends(&t, "token", FORM, form).await?;
        answer.is(400, "unsupported_grant_type")?;
        ensure!(!answer.headers.contains_key("set-cookie"), "a cookie");
    }
    let full = format!("{right}&grant_type=password&scope=admin&client_id=a&client_secret=b");
    let answer = sends(&t, "token", FORM, full).await?;
    ensure!(answer.status == 200, "answered {}", answer.status);
    ensure!(
        answer.json().get("scope").is_none(),
        "scope {}",
        answer.json()["scope"]
    );
    Ok(())
}

async fn a_refusal_never_repeats_a_value(t: Trial) -> Verdict {
    for (path, text) in [
        (
            "register",
            r#"{"email":"a@example.com","password":"hunter2hunter2\u0000"}"#,
        ),
        (
            "register",
            r#"{"email":"a@example.com","password":["hunter2hunter2"]}"#,
        ),
        (
            "register",
            r#"{"email":"a@example.com","password":"hunter2hunter2""#,
        ),
        ("register", r#"{"email":"hunter2hunter2","password":"x"}"#),
        (
            "mfa/challenge",
            r#"{"mfa_token":"x","code":"1","method":"hunter2hunter2"}"#,
        ),
    ] {
        let answer = sends(&t, path, JSON, text).await?;
        ensure!(answer.status == 422, "{text}: {}", answer.status);
        ensure!(!answer.text.contains("hunter2"), "{}", answer.text);
    }
    Ok(())
}

async fn path_parameters_are_checked(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let delete = async |path: &str| {
        let call = t.http().delete(t.at(&format!("/api/auth/mfa/{path}")));
        Raw::of(call.bearer_auth(ada.tokens.access_token.expose())).await
    };
    for id in [
        "abc",
        "1.5",
        "9223372036854775808",
        "-9223372036854775809",
        "1e3",
        "0x1",
        "%20",
    ] {
        let answer = delete(&format!("trusted-devices/{id}")).await?;
        answer.is(422, "validation_error")?;
        ensure!(
            fields(&answer) == ["path.device_id"],
            "{:?}",
            fields(&answer)
        );
    }
    for id in ["0", "-1", "9223372036854775807", "-9223372036854775808"] {
        let answer = delete(&format!("trusted-devices/{id}")).await?;
        answer.is(404, "not_found")?;
    }
    for method in ["email", "TOTP", "webauthn", "totp%20", "1"] {
        let answer = delete(method).await?;
        answer.is(422, "validation_error")?;
        ensure!(fields(&answer) == ["path.method"], "{:?}", fields(&answer));
    }
    // A literal path wins over the parameter.
    for name in ["methods", "trusted-devices", "challenge"] {
        delete(name).await?.is(405, "method_not_allowed")?;
    }
    for method in ["totp", "sms", "backup_codes"] {
        delete(method).await?.is(404, "not_found")?;
    }
    Ok(())
}

async fn an_empty_logout_needs_no_body(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    for text in [
        "{",
        "[]",
        r#"{"refresh_token":1}"#,
        r#"{"all_sessions":"true"}"#,
    ] {
        let answer = sends(&t, "logout", JSON, text).await?;
        answer.is(422, "validation_error")?;
    }
    let answer = sends(&t, "logout", "text/plain", "{}").await?;
    answer.is(415, "unsupported_media_type")?;
    ada.client.me().send().await.granted()?;
    let call = t.http().post(t.at("/api/auth/logout"));
    let answer = Raw::of(call.bearer_auth(ada.tokens.access_token.expose())).await?;
    ensure!(answer.status == 204, "answered {}", answer.status);
    Ok(())
}

/// A body as it is, to an operation under `/api/auth/`.
async fn sends(t: &Trial, path: &str, media: &str, body: impl Into<reqwest::Body>) -> Result<Raw> {
    let call = t.http().post(t.at(&format!("/api/auth/{path}")));
    Raw::of(call.header(CONTENT_TYPE, media).body(body)).await
}

/// The fields that a refusal blames.
fn fields(answer: &Raw) -> Vec<String> {
    let json = answer.json();
    let errors = json["errors"].as_array().cloned().unwrap_or_default();
    let place = |error: &serde_json::Value| {
        let parts = error["loc"].as_array().cloned().unwrap_or_default();
        let parts = parts.iter().filter_map(|part| part.as_str());
        parts.collect::<Vec<_>>().join(".")
    };
    errors.iter().map(place).collect()
}

fn login_form(email: &str) -> String {
    format!(
        "username={}&password={}",
        urlencoded(email),
        urlencoded(PASSWORD)
    )
}

fn urlencoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
