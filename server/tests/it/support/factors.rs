//! Second factors as a client drives them: enrolment, challenges, devices.

use std::time::Duration;

use bp_auth_client::types::{
    self, CodeSent, LoginResponse, MfaEnrolled, MfaMethod, MfaMethods, TokenResponse, TotpSetup,
};
use bp_auth_client::{Client, Error, ResponseValue, Secret};
use totp_rs::{Algorithm, Builder};

use super::http::{Answer, cookie, send};
use super::{ClientResult, PASSWORD, TestServer};

pub const PHONE: &str = "+4915112345678";
pub const DEVICE_HEADER: &str = "x-trusted-device";

/// Somebody whose second factor is a phone.
pub struct SmsUser {
    pub email: String,
    pub tokens: TokenResponse,
    pub backup_codes: Vec<Secret>,
}

impl TestServer {
    /// The password step from a device that presents something.
    pub async fn login_with(&self, email: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = self.http().login(email);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        send(request).await
    }

    pub async fn register_with_phone(&self, email: &str, phone: &str) -> TokenResponse {
        let client = self.client();
        let phone: types::RegisterRequestPhone = phone.parse().expect("a number");
        let body = client
            .register()
            .body_map(|body| body.email(email).password(PASSWORD).phone(phone));
        body.send().await.expect("a registration");
        self.login(email).await
    }

    /// Registers, logs in and enrols the number. The interval between two messages has passed.
    pub async fn sms_user(&self, email: &str, number: &str) -> SmsUser {
        let tokens = self.registered(email).await;
        let client = self.bearer(&tokens.access_token);
        sms_setup(&client, number).await.expect("a set-up");
        let code = self.sms_code(number).await;
        let enrolled = sms_verify(&client, &code).await.expect("an enrolment");
        self.advance(Duration::from_secs(61));
        SmsUser {
            email: email.to_owned(),
            tokens,
            backup_codes: enrolled.backup_codes.clone().expect("backup codes"),
        }
    }

    /// Answers a challenge, or asks for a message when there is no code.
    pub async fn challenge_by(
        &self,
        mfa_token: &Secret,
        method: MfaMethod,
        code: Option<&str>,
    ) -> ClientResult<LoginResponse> {
        let client = self.client();
        let (token, code) = (mfa_token.clone(), code.map(Secret::from));
        client
            .mfa_challenge()
            .body_map(|body| body.mfa_token(token).code(code).method(method))
            .send()
            .await
    }

    /// A full login that trusts the device; gives the device's secret as a cookie carries it.
    pub async fn remember(
        &self,
        email: &str,
        code: &str,
        name: Option<&str>,
    ) -> (TokenResponse, String) {
        let pending = self.login_pending(email).await;
        let (client, code, token) = (self.client(), Secret::from(code), pending.mfa_token);
        let request = client.mfa_challenge().body_map(|body| {
            let body = body.mfa_token(token).code(code).remember_device(true);
            match name {
                Some(name) => body.device_name(
                    name.parse::<types::MfaChallengeRequestDeviceName>()
                        .expect("a name"),
                ),
                None => body,
            }
        });
        let answer = request.send().await.expect("a second factor");
        let device = cookie(answer.headers(), "bp_trusted_device").expect("a device");
        (tokens(answer), device)
    }

    /// The session as it is after `by`: with a fresh access token and an old login.
    pub async fn aged(&self, tokens: &TokenResponse, by: Duration) -> Client {
        self.advance(by);
        let client = self.client();
        let token = tokens.refresh_token.clone();
        let request = client
            .refresh_token_endpoint()
            .body_map(|body| body.refresh_token(token));
        let fresh = request.send().await.expect("a refresh");
        self.bearer(&fresh.access_token)
    }

    /// Too old for what needs a fresh login.
    pub async fn stale(&self, tokens: &TokenResponse) -> Client {
        self.aged(tokens, Duration::from_secs(15 * 60)).await
    }

    /// The code of a step before or after the current one.
    pub fn totp_code_at(&self, base32: &str, steps: i64) -> String {
        use bp_auth_server::app::clock::Clock;
        let secret = totp_rs::Secret::try_from_base32(base32).expect("base32");
        let totp = Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_secret(secret);
        let totp = totp.build().expect("an authenticator");
        let at = self.clock.now().seconds() + 30 * steps;
        totp.generate(u64::try_from(at).expect("a time"))
            .to_string()
    }

    /// Six digits that are not the authenticator's, in no step around now.
    pub fn totp_wrong(&self, base32: &str) -> String {
        let near: Vec<String> = (-3..=3)
            .map(|step| self.totp_code_at(base32, step))
            .collect();
        (0..)
            .map(|n| format!("{n:06}"))
            .find(|code| !near.contains(code))
            .expect("a wrong code")
    }

    /// Whether a value is anywhere in the database, as somebody with a dump would look for it.
    pub async fn in_database(&self, value: &str) -> bool {
        self.db
            .everything()
            .await
            .iter()
            .any(|row| row.contains(value))
    }

    /// How many messages have gone to the number.
    pub async fn texts_to(&self, number: &str) -> usize {
        let texts = self.texts().await;
        texts.iter().filter(|sms| sms.to == number).count()
    }

    /// How many mails with these words in their subject have reached the address.
    pub async fn mailed(&self, address: &str, words: &str) -> usize {
        let mails = self.mails_to(address).await;
        let about = |subject: &str| subject.to_lowercase().contains(&words.to_lowercase());
        mails.iter().filter(|mail| about(&mail.subject)).count()
    }
}

/// Six digits that are not the code.
pub fn another(code: &str) -> &'static str {
    if code == "000000" { "000001" } else { "000000" }
}

pub fn tokens(answer: ResponseValue<LoginResponse>) -> TokenResponse {
    match answer.into_inner() {
        LoginResponse::TokenResponse(tokens) => tokens,
        LoginResponse::MfaPending(_) => panic!("still pending"),
    }
}

pub fn pending(answer: ResponseValue<LoginResponse>) -> types::MfaPending {
    match answer.into_inner() {
        LoginResponse::TokenResponse(_) => panic!("tokens"),
        LoginResponse::MfaPending(pending) => pending,
    }
}

/// The `Retry-After` of a refusal, which it must have.
pub fn retry_after<T: std::fmt::Debug>(result: &ClientResult<T>) -> u64 {
    let Err(Error::ErrorResponse(answer)) = result else {
        panic!("no refusal: {result:?}")
    };
    let value = answer.headers().get("retry-after").expect("a Retry-After");
    value.to_str().expect("text").parse().expect("seconds")
}

pub async fn totp_setup(client: &Client) -> ClientResult<TotpSetup> {
    client.totp_setup().send().await
}

pub async fn totp_verify(client: &Client, code: &str) -> ClientResult<MfaEnrolled> {
    let request = client.totp_verify().body_map(|body| body.code(code));
    request.send().await
}

pub async fn sms_setup(client: &Client, number: &str) -> ClientResult<CodeSent> {
    let request = client
        .sms_setup()
        .body_map(|body| body.phone_number(number.to_owned()));
    request.send().await
}

pub async fn sms_verify(client: &Client, code: &str) -> ClientResult<MfaEnrolled> {
    let request = client.sms_verify().body_map(|body| body.code(code));
    request.send().await
}

pub async fn methods(client: &Client) -> MfaMethods {
    let list = client.mfa_methods().send().await;
    list.expect("a list").into_inner()
}

pub async fn delete_method(client: &Client, method: MfaMethod) -> ClientResult<()> {
    client.delete_method().method(method).send().await
}

pub async fn devices(client: &Client) -> Vec<types::TrustedDevice> {
    let list = client.list_trusted_devices().send().await;
    list.expect("a list").into_inner()
}
