//! The examples of the API reference: what a server really said, in a short story that uses every
//! operation, with secrets blanked and random identifiers numbered.

mod normal;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};
use bp_auth_client::types::{self, LoginResponse, MfaMethod};
use bp_auth_client::{ErrorCode, Secret};
use http::HeaderName;
use serde_json::{Value, json};

use crate::kit::{Authenticator, Granted, PASSWORD, RefreshSecret, Session, WRONG_PASSWORD};
use crate::trial::Trial;
use crate::witness::{Exchange, blank};

/// As the reference shows them.
pub const COMMITTED: &str = include_str!("../../docs/api/examples.json");

const EMAIL: &str = "ada@example.com";
const PHONE: &str = "+4915112345678";
const FACTOR_PHONE: &str = "+4915187654321";
const TRUSTED: HeaderName = HeaderName::from_static("x-trusted-device");

/// Lives the story on a server whose time stands still, and gives its examples as JSON text.
pub async fn collect(t: &Trial) -> Result<String> {
    let ada = account(t).await?;
    factors(t, &ada).await?;
    leaving(t).await?;
    let transcript = t.recorder.peek(t.case());
    let mut examples: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    let mut shown = BTreeSet::new();
    let mut names = normal::Names::default();
    for exchange in &transcript.exchanges {
        let Some(operation) = exchange.operation else {
            continue;
        };
        // One of each kind of answer is enough.
        let pending = exchange
            .answer
            .json()
            .map(|body| body["mfa_required"].clone());
        let kind = format!(
            "{operation} {} {:?} {pending:?}",
            exchange.answer.status, exchange.error_code
        );
        if shown.insert(kind) {
            let example = names.normalise(example(exchange));
            examples.entry(operation).or_default().push(example);
        }
    }
    for told in examples.values_mut() {
        // Successes first; the story sometimes has to fail before it can go on.
        told.sort_by_key(|example| {
            let line = example["response"]["line"].as_str().unwrap_or_default();
            !line.starts_with('2')
        });
    }
    for operation in &t.recorder.contract.operations {
        ensure!(
            examples.contains_key(operation.id),
            "the story lacks {}",
            operation.id
        );
    }
    Ok(format!("{}\n", serde_json::to_string_pretty(&examples)?))
}

async fn account(t: &Trial) -> Result<Session> {
    let phone = types::RegisterRequestPhone::try_from(PHONE)?;
    let register = || {
        let phone = phone.clone();
        let client = t.anonymous();
        async move {
            let call = client.register();
            call.body_map(|body| body.email(EMAIL).password(PASSWORD).phone(Some(phone)))
                .send()
                .await
        }
    };
    register().await.granted()?;
    register().await.refused(409, ErrorCode::EmailTaken)?;
    t.try_login(EMAIL, WRONG_PASSWORD)
        .await
        .refused(401, ErrorCode::InvalidCredentials)?;
    let ada = t.session(EMAIL).await?;
    let client = &ada.client;
    client.me().send().await.granted()?;
    t.anonymous()
        .me()
        .send()
        .await
        .refused(401, ErrorCode::NotAuthenticated)?;
    client.me_entitlements().send().await.granted()?;
    client.get_api_key().send().await.granted()?;
    client.rotate_api_key().send().await.granted()?;
    client.verify_phone_request().send().await.granted()?;
    let code = t.sms_code(PHONE, 1).await?;
    client
        .verify_phone_confirm()
        .body_map(|body| body.code(code.as_str()))
        .send()
        .await
        .granted()?;
    let other = t.session(EMAIL).await?.tokens.refresh_secret().clone();
    t.refresh(&other).await.granted()?;
    t.refresh(&other)
        .await
        .refused(401, ErrorCode::TokenReused)?;
    Ok(ada)
}

async fn factors(t: &Trial, ada: &Session) -> Result<()> {
    let client = &ada.client;
    let setup = client.totp_setup().send().await.granted()?;
    let authenticator = Authenticator::new(setup.secret.expose());
    let code = authenticator.next_code(t)?;
    client
        .totp_verify()
        .body_map(|body| body.code(code.as_str()))
        .send()
        .await
        .granted()?;
    client
        .sms_setup()
        .body_map(|body| body.phone_number(FACTOR_PHONE))
        .send()
        .await
        .granted()?;
    let code = t.sms_code(FACTOR_PHONE, 1).await?;
    client
        .sms_verify()
        .body_map(|body| body.code(code.as_str()))
        .send()
        .await
        .granted()?;
    client.mfa_methods().send().await.granted()?;
    client.regenerate_backup_codes().send().await.granted()?;

    let pending = t.pending(EMAIL).await?;
    t.challenge(&pending, Some(MfaMethod::Totp), &code)
        .await
        .refused(401, ErrorCode::CodeInvalid)?;
    let code = authenticator.next_code(t)?;
    let remembered = t
        .anonymous()
        .mfa_challenge()
        .body_map(|body| {
            body.mfa_token(pending.mfa_token)
                .code(Secret::from(code))
                .remember_device(Some(true))
        })
        .send()
        .await;
    let (answer, headers) = remembered.granted_with_headers()?;
    let LoginResponse::TokenResponse(tokens) = answer else {
        bail!("still pending after a right code");
    };
    let trusted = crate::kit::set_cookie(&headers, "bp_trusted_device");
    let trusted = trusted.and_then(|cookie| cookie.split([';', '=']).nth(1));
    let trusted = trusted.context("no cookie of the device")?.to_owned();
    let client = t.with(&[
        (
            http::header::AUTHORIZATION,
            format!("Bearer {}", tokens.access_token.expose()),
        ),
        (TRUSTED, trusted),
    ]);
    let devices = client.list_trusted_devices().send().await.granted()?;
    let device = devices.first().context("no trusted device")?.id;
    let revoke = || client.revoke_trusted_device().device_id(device).send();
    revoke().await.granted()?;
    revoke().await.refused(404, ErrorCode::NotFound)?;
    client
        .delete_method()
        .method(MfaMethod::Sms)
        .send()
        .await
        .granted()?;
    client.mfa_reset_request().send().await.granted()?;
    let token = t.mailed_token(EMAIL, "mfa-reset", 1).await?;
    let confirm = || {
        let token = token.clone();
        let client = t.anonymous();
        async move {
            let call = client.mfa_reset_confirm();
            call.body_map(|body| body.token(token)).send().await
        }
    };
    confirm().await.granted()?;
    confirm().await.refused(410, ErrorCode::TokenUsed)?;
    Ok(())
}

async fn leaving(t: &Trial) -> Result<()> {
    let ada = t.session(EMAIL).await?;
    ada.client.logout().send().await.granted()?;
    t.operator("deactivate", EMAIL).await?;
    t.try_login(EMAIL, PASSWORD)
        .await
        .refused(403, ErrorCode::AccountDeactivated)?;
    t.anonymous()
        .reactivate_request()
        .body_map(|body| body.email(EMAIL))
        .send()
        .await
        .granted()?;
    let token = t.mailed_token(EMAIL, "reactivate", 1).await?;
    t.anonymous()
        .reactivate_confirm()
        .body_map(|body| body.token(token))
        .send()
        .await
        .granted()?;
    Ok(())
}

/// One exchange as the reference shows it.
fn example(exchange: &Exchange) -> Value {
    let shown = |headers: &http::HeaderMap, names: &[&str]| {
        let lines = names.iter().flat_map(|name| {
            let values = headers.get_all(*name).iter();
            values.map(move |value| {
                let text = blank::header(name, value.to_str().unwrap_or_default());
                Value::from(format!("{name}: {text}"))
            })
        });
        lines.collect::<Vec<Value>>()
    };
    let (sent, answer) = (&exchange.sent, &exchange.answer);
    json!({
        "request": {
            "line": format!("{} {}", sent.method, sent.uri),
            "headers": shown(&sent.headers, &["authorization", "x-trusted-device", "content-type"]),
            "body": blank::body(&sent.headers, &sent.body),
        },
        "response": {
            "line": answer.status.to_string(),
            "headers": shown(&answer.headers, &["content-type", "set-cookie", "www-authenticate", "retry-after"]),
            "body": blank::body(&answer.headers, &answer.body),
        },
    })
}
