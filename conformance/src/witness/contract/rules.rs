//! What holds for every answer, whoever asked and whatever for.

use http::StatusCode;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, SERVER, SET_COOKIE, WWW_AUTHENTICATE,
    X_CONTENT_TYPE_OPTIONS,
};
use serde_json::Value;

use super::{Answer, Contract, Operation, Sent};

/// Error codes and the statuses they come with.
const STATUSES: &[(u16, &[&str])] = &[
    (
        400,
        &[
            "unsupported_grant_type",
            "code_invalid",
            "code_expired",
            "code_attempts_exceeded",
            "token_invalid",
            "token_expired",
            "bad_request",
        ],
    ),
    (
        401,
        &[
            "invalid_credentials",
            "not_authenticated",
            "token_expired",
            "token_invalid",
            "token_reused",
            "token_revoked",
            "session_revoked",
            "api_key_invalid",
            "mfa_token_invalid",
            "code_invalid",
        ],
    ),
    (
        403,
        &[
            "account_deactivated",
            "account_suspended",
            "reauthentication_required",
            "csrf_rejected",
            "registration_disabled",
        ],
    ),
    (404, &["not_found"]),
    (405, &["method_not_allowed"]),
    (408, &["request_timeout"]),
    (
        409,
        &[
            "email_taken",
            "phone_missing",
            "phone_already_verified",
            "mfa_not_pending",
            "mfa_not_enabled",
            "mfa_method_unavailable",
            "account_suspended",
        ],
    ),
    (410, &["token_used"]),
    (413, &["payload_too_large"]),
    (415, &["unsupported_media_type"]),
    (
        422,
        &["validation_error", "weak_password", "phone_not_allowed"],
    ),
    (429, &["rate_limited", "mfa_locked"]),
    (500, &["internal_error"]),
    (503, &["overloaded", "delivery_unavailable"]),
];

/// Operations whose refusals also speak RFC 6749.
const OAUTH: [&str; 2] = ["/api/auth/token", "/api/auth/refresh"];

pub fn objections(
    contract: &Contract,
    operation: Option<&Operation>,
    sent: &Sent,
    answer: &Answer,
) -> Vec<String> {
    let mut found = Vec::new();
    headers(sent, answer, &mut found);
    if answer.status.is_success() {
        success(operation, answer, &mut found);
    } else {
        refusal(contract, operation, sent, answer, &mut found);
    }
    found
}

fn headers(sent: &Sent, answer: &Answer, found: &mut Vec<String>) {
    let mut demand = |holds: bool, objection: &str| {
        if !holds {
            found.push(objection.to_owned());
        }
    };
    demand(
        answer
            .header("x-request-id")
            .is_some_and(|id| !id.is_empty()),
        "no x-request-id",
    );
    demand(
        answer.header(X_CONTENT_TYPE_OPTIONS.as_str()) == Some("nosniff"),
        "no X-Content-Type-Options: nosniff",
    );
    demand(!answer.headers.contains_key(SERVER), "it names its Server");
    if sent.uri.path().starts_with("/api/") {
        demand(
            answer.header(CACHE_CONTROL.as_str()) == Some("no-store"),
            "no Cache-Control: no-store",
        );
    }
    for cookie in answer.headers.get_all(SET_COOKIE) {
        let cookie = cookie.to_str().unwrap_or_default();
        let mut parts = cookie.split(';').map(str::trim);
        let name = parts.next().and_then(|pair| pair.split('=').next());
        let attributes: Vec<&str> = parts.collect();
        let path = match name {
            Some("bp_token") => "=/",
            Some("bp_refresh") => "/api/auth/refresh",
            Some("bp_trusted_device") => "/api/auth",
            _ => {
                demand(false, "it sets a cookie that the contract does not know");
                continue;
            }
        };
        let name = name.unwrap_or_default();
        for attribute in ["HttpOnly", "SameSite=Lax"] {
            demand(
                attributes.contains(&attribute),
                &format!("the cookie {name} lacks {attribute}"),
            );
        }
        // A server may be reached below a path of its public address.
        demand(
            attributes
                .iter()
                .any(|one| one.starts_with("Path=/") && one.ends_with(path)),
            &format!("the cookie {name} has another path than {path}"),
        );
        demand(
            attributes.iter().any(|one| one.starts_with("Max-Age=")),
            "a cookie without Max-Age",
        );
    }
}

fn success(operation: Option<&Operation>, answer: &Answer, found: &mut Vec<String>) {
    // Preflights, key sets and health are not in the document.
    let Some(operation) = operation else { return };
    match operation.responses.get(answer.status.as_str()) {
        None => found.push("the status is not documented".to_owned()),
        Some(None) => {
            if !answer.body.is_empty() {
                found.push("a body where none is documented".to_owned());
            }
        }
        Some(Some(schema)) => match json_of(answer) {
            Err(objection) => found.push(objection),
            Ok(body) => violations(schema, &body, found),
        },
    }
}

fn refusal(
    contract: &Contract,
    operation: Option<&Operation>,
    sent: &Sent,
    answer: &Answer,
    found: &mut Vec<String>,
) {
    if operation.is_some_and(|operation| operation.documented(answer.status).is_none()) {
        found.push("the status is not documented".to_owned());
    }
    for (status, header) in [
        (StatusCode::UNAUTHORIZED, WWW_AUTHENTICATE),
        (StatusCode::METHOD_NOT_ALLOWED, ALLOW),
        (StatusCode::TOO_MANY_REQUESTS, RETRY_AFTER),
        (StatusCode::SERVICE_UNAVAILABLE, RETRY_AFTER),
    ] {
        if answer.status == status && !answer.headers.contains_key(&header) {
            found.push(format!("no {header}"));
        }
    }
    if let Some(after) = answer.header(RETRY_AFTER.as_str())
        && !after.parse::<u32>().is_ok_and(|seconds| seconds > 0)
    {
        found.push("Retry-After is no positive number of seconds".to_owned());
    }
    // What has no body by the rules of HTTP.
    if sent.method == http::Method::HEAD {
        return;
    }
    let body = match json_of(answer) {
        Err(objection) => return found.push(objection),
        Ok(body) => body,
    };
    violations(&contract.error, &body, found);
    if body["request_id"].as_str() != answer.header("x-request-id") {
        found.push("request_id is not x-request-id".to_owned());
    }
    let status = answer.status.as_u16();
    let code = body["error_code"].as_str().unwrap_or_default();
    let belongs = STATUSES.iter().find(|(known, _)| *known == status);
    if !belongs.is_some_and(|(_, codes)| codes.contains(&code)) {
        found.push(format!("error_code {code} does not belong to the status"));
    }
    if code == "reauthentication_required"
        && !answer
            .header(WWW_AUTHENTICATE.as_str())
            .is_some_and(|value| value.contains("insufficient_user_authentication"))
    {
        found.push("no WWW-Authenticate with insufficient_user_authentication".to_owned());
    }
    oauth(sent, status, code, &body, found);
}

/// RFC 6749's members are where that RFC is spoken, and nowhere else.
fn oauth(sent: &Sent, status: u16, code: &str, body: &Value, found: &mut Vec<String>) {
    let error = body.get("error").and_then(Value::as_str);
    let described = body.get("error_description").is_some_and(Value::is_string);
    if !OAUTH.contains(&sent.uri.path()) {
        if error.is_some() || described {
            found.push("RFC 6749 members outside its endpoints".to_owned());
        }
        return;
    }
    let expected = match (status, code) {
        (400, "unsupported_grant_type") => "unsupported_grant_type",
        (400 | 405 | 408 | 413 | 415 | 422, _) => "invalid_request",
        (401, _) => "invalid_grant",
        (403, _) => "access_denied",
        (429 | 503, _) => "temporarily_unavailable",
        (500, _) => "server_error",
        _ => return,
    };
    if error != Some(expected) || !described {
        found.push(format!(
            "RFC 6749 error {error:?} instead of {expected}, described: {described}"
        ));
    }
}

fn json_of(answer: &Answer) -> Result<Value, String> {
    let media = answer.header(CONTENT_TYPE.as_str()).unwrap_or_default();
    if media.split(';').next().map(str::trim) != Some("application/json") {
        return Err(format!("its media type is {media:?}, not application/json"));
    }
    answer
        .json()
        .ok_or_else(|| "its body is not JSON".to_owned())
}

/// Values are left out: they may be secrets, and a report outlives a run.
fn violations(schema: &jsonschema::Validator, body: &Value, found: &mut Vec<String>) {
    for error in schema.iter_errors(body) {
        found.push(format!(
            "its body breaks the schema at {:?}: {}",
            error.instance_path().as_str(),
            error.masked()
        ));
    }
}
