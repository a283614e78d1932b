//! The cases. Each makes its own user, so that they can run against a server in use.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bp_auth_client::types::{LoginResponse, MfaPending, TokenResponse};
use bp_auth_client::{Client, ErrorCode, Secret, error_code, types};
use futures::FutureExt;
use totp_rs::{Algorithm, Builder};

use crate::{Case, Target, Verdict};

/// How long a mail may take to be written.
const MAIL_PATIENCE: Duration = Duration::from_secs(5);
const PASSWORD: &str = "correct horse battery staple";

macro_rules! cases {
    ($($name:ident),* $(,)?) => {
        /// Every case, in the order in which a reader of the contract meets them.
        pub const CASES: &[Case] = &[$(Case {
            name: stringify!($name),
            run: |target| $name(target).boxed(),
        }),*];
    };
}

cases! {
    the_document_is_served,
    a_registered_user_logs_in_and_is_known,
    a_wrong_password_and_an_unknown_user_get_the_same_answer,
    a_rotated_refresh_token_ends_its_family_when_used_again,
    a_logout_ends_the_session_at_once,
    a_user_with_a_second_factor_gets_no_token_without_it,
    a_totp_code_is_good_once,
    a_reset_token_comes_by_mail_and_is_good_once,
    a_body_needs_its_media_type,
    a_wrong_method_names_the_right_ones,
}

type Refused = bp_auth_client::Error<types::Error>;

fn said(error: Refused) -> String {
    match error_code(&error) {
        Some(code) => format!("refused with {code}"),
        None => error.to_string(),
    }
}

fn refused<T>(result: Result<T, Refused>, status: u16, code: ErrorCode) -> Verdict {
    let error = match result {
        Ok(_) => return Err(format!("accepted, not refused with {status} {code}")),
        Err(error) => error,
    };
    let seen = (
        error.status().map(|status| status.as_u16()),
        error_code(&error).cloned(),
    );
    ensure(seen == (Some(status), Some(code.clone())), || {
        format!("{seen:?} instead of {status} {code}")
    })
}

fn ensure(holds: bool, objection: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(objection()) }
}

#[expect(
    clippy::disallowed_methods,
    reason = "A server that is reached by its address only has the world's clock."
)]
fn now() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

fn fresh_email() -> String {
    let now = now();
    format!(
        "case-{:x}-{:x}@example.com",
        std::process::id(),
        now.as_nanos()
    )
}

async fn registered(client: &Client) -> Result<String, String> {
    let email = fresh_email();
    let body = client
        .register()
        .body_map(|body| body.email(email.as_str()).password(PASSWORD));
    body.send().await.map_err(said)?;
    Ok(email)
}

async fn login(client: &Client, email: &str) -> Result<LoginResponse, String> {
    let form = client
        .login()
        .body_map(|form| form.username(email).password(PASSWORD));
    Ok(form.send().await.map_err(said)?.into_inner())
}

async fn tokens(client: &Client, email: &str) -> Result<TokenResponse, String> {
    match login(client, email).await? {
        LoginResponse::TokenResponse(tokens) => Ok(tokens),
        LoginResponse::MfaPending(_) => Err("a second factor is asked for".to_owned()),
    }
}

async fn pending(client: &Client, email: &str) -> Result<MfaPending, String> {
    match login(client, email).await? {
        LoginResponse::TokenResponse(_) => Err("tokens without a second factor".to_owned()),
        LoginResponse::MfaPending(pending) => Ok(pending),
    }
}

/// The code an authenticator shows so many steps from now.
fn totp_code(base32: &str, steps: u64) -> Result<String, String> {
    let secret = totp_rs::Secret::try_from_base32(base32).map_err(|error| error.to_string())?;
    let totp = Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_secret(secret);
    let totp = totp.build().map_err(|error| error.to_string())?;
    Ok(totp.generate(now().as_secs() + steps * 30).to_string())
}

/// Somebody whose session has just enrolled an authenticator.
struct Enrolled {
    email: String,
    secret: String,
    session: Client,
}

async fn enrolled(target: &Target) -> Result<Enrolled, String> {
    let client = target.client()?;
    let email = registered(&client).await?;
    let tokens = tokens(&client, &email).await?;
    let session = target.bearer(&tokens.access_token)?;
    let setup = session
        .totp_setup()
        .send()
        .await
        .map_err(said)?
        .into_inner();
    let secret = setup.secret.expose().to_owned();
    let code = totp_code(&secret, 0)?;
    let verify = session
        .totp_verify()
        .body_map(|body| body.code(code.as_str()));
    let enrolled = verify.send().await.map_err(said)?.into_inner();
    let codes = enrolled.backup_codes.map_or(0, |codes| codes.len());
    ensure(codes == 10, || {
        format!("{codes} backup codes instead of 10")
    })?;
    Ok(Enrolled {
        email,
        secret,
        session,
    })
}

async fn the_document_is_served(target: &Target) -> Verdict {
    let served = reqwest::get(target.at("/openapi.json"))
        .await
        .map_err(|error| error.to_string())?;
    let served = served.text().await.map_err(|error| error.to_string())?;
    let committed = include_str!("../../openapi-snapshot.json");
    ensure(served == committed, || {
        "it is not the committed one".to_owned()
    })
}

async fn a_registered_user_logs_in_and_is_known(target: &Target) -> Verdict {
    let client = target.client()?;
    let email = registered(&client).await?;
    let tokens = tokens(&client, &email).await?;
    let me = target
        .bearer(&tokens.access_token)?
        .me()
        .send()
        .await
        .map_err(said)?;
    ensure(me.email == email, || format!("known as {}", me.email))
}

async fn a_wrong_password_and_an_unknown_user_get_the_same_answer(target: &Target) -> Verdict {
    let client = target.client()?;
    let email = registered(&client).await?;
    for username in [email, fresh_email()] {
        let form = client
            .login()
            .body_map(|form| form.username(username).password("not it"));
        refused(form.send().await, 401, ErrorCode::InvalidCredentials)?;
    }
    Ok(())
}

async fn a_rotated_refresh_token_ends_its_family_when_used_again(target: &Target) -> Verdict {
    let client = target.client()?;
    let first = tokens(&client, &registered(&client).await?)
        .await?
        .refresh_token;
    let refresh = |token: &Secret| {
        let token = token.clone();
        client
            .refresh_token_endpoint()
            .body_map(|body| body.refresh_token(token))
            .send()
    };
    let second = refresh(&first).await.map_err(said)?.into_inner();
    refused(refresh(&first).await, 401, ErrorCode::TokenReused)?;
    refused(
        refresh(&second.refresh_token).await,
        401,
        ErrorCode::TokenRevoked,
    )?;
    let me = target.bearer(&second.access_token)?.me().send().await;
    refused(me, 401, ErrorCode::SessionRevoked)
}

async fn a_logout_ends_the_session_at_once(target: &Target) -> Verdict {
    let client = target.client()?;
    let tokens = tokens(&client, &registered(&client).await?).await?;
    let bearer = target.bearer(&tokens.access_token)?;
    bearer.logout().send().await.map_err(said)?;
    refused(bearer.me().send().await, 401, ErrorCode::SessionRevoked)
}

async fn a_user_with_a_second_factor_gets_no_token_without_it(target: &Target) -> Verdict {
    let client = target.client()?;
    let Enrolled { email, secret, .. } = enrolled(target).await?;
    let pending = pending(&client, &email).await?;
    let me = target.bearer(&pending.mfa_token)?.me().send().await;
    refused(me, 401, ErrorCode::TokenInvalid)?;
    // The enrolment used up this step's code; the next step's is within the accepted skew.
    let code = totp_code(&secret, 1)?;
    match answer(&client, &pending, &code).await.map_err(said)? {
        LoginResponse::TokenResponse(tokens) => {
            let me = target
                .bearer(&tokens.access_token)?
                .me()
                .send()
                .await
                .map_err(said)?;
            ensure(me.mfa_enabled, || {
                "the profile shows no second factor".to_owned()
            })
        }
        LoginResponse::MfaPending(_) => Err("still pending after a right code".to_owned()),
    }
}

async fn answer(
    client: &Client,
    pending: &MfaPending,
    code: &str,
) -> Result<LoginResponse, Refused> {
    let (token, code) = (pending.mfa_token.clone(), Secret::from(code));
    let challenge = client
        .mfa_challenge()
        .body_map(|body| body.mfa_token(token).code(code));
    Ok(challenge.send().await?.into_inner())
}

async fn a_totp_code_is_good_once(target: &Target) -> Verdict {
    let client = target.client()?;
    let Enrolled { email, secret, .. } = enrolled(target).await?;
    let (first, second) = (
        pending(&client, &email).await?,
        pending(&client, &email).await?,
    );
    let code = totp_code(&secret, 1)?;
    answer(&client, &first, &code).await.map_err(said)?;
    refused(
        answer(&client, &second, &code).await,
        401,
        ErrorCode::CodeInvalid,
    )
}

async fn a_reset_token_comes_by_mail_and_is_good_once(target: &Target) -> Verdict {
    let client = target.client()?;
    let Enrolled { email, session, .. } = enrolled(target).await?;
    session.mfa_reset_request().send().await.map_err(said)?;
    let token = mailed_token(target, &email, "/mfa-reset#token=").await?;
    let confirm = || {
        let token = token.clone();
        client
            .mfa_reset_confirm()
            .body_map(|body| body.token(token))
            .send()
    };
    confirm().await.map_err(said)?;
    refused(confirm().await, 410, ErrorCode::TokenUsed)?;
    refused(session.me().send().await, 401, ErrorCode::SessionRevoked)?;
    tokens(&client, &email).await.map(drop)
}

/// Waits for a mail to the address with such a link, and takes the token out of it.
async fn mailed_token(target: &Target, email: &str, link: &str) -> Result<Secret, String> {
    let outbox = target.outbox.as_ref().ok_or("this case needs --outbox")?;
    let deadline = now() + MAIL_PATIENCE;
    while now() < deadline {
        let entries = std::fs::read_dir(outbox).map_err(|error| error.to_string())?;
        for entry in entries.flatten() {
            let mail = std::fs::read_to_string(entry.path()).unwrap_or_default();
            if let (true, Some((_, rest))) = (mail.contains(email), mail.split_once(link)) {
                let in_token = |c: &char| c.is_ascii_alphanumeric() || "-_.".contains(*c);
                return Ok(Secret::from(
                    rest.chars().take_while(in_token).collect::<String>(),
                ));
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err(format!("no mail with {link} within {MAIL_PATIENCE:?}"))
}

async fn a_body_needs_its_media_type(target: &Target) -> Verdict {
    let http = reqwest::Client::new();
    let request = http.post(target.at("/api/auth/register")).body("{}");
    let answer = request.send().await.map_err(|error| error.to_string())?;
    ensure(answer.status() == 415, || {
        format!("{} instead of 415", answer.status())
    })
}

async fn a_wrong_method_names_the_right_ones(target: &Target) -> Verdict {
    let http = reqwest::Client::new();
    let request = http.put(target.at("/api/auth/mfa/methods"));
    let answer = request.send().await.map_err(|error| error.to_string())?;
    let allowed = answer
        .headers()
        .get("allow")
        .and_then(|value| value.to_str().ok());
    ensure(
        answer.status() == 405 && allowed == Some("DELETE, GET"),
        || {
            format!(
                "{} with {allowed:?} instead of 405 with DELETE, GET",
                answer.status()
            )
        },
    )
}
