//! Bodies that would succeed, with whatever must be there first: a user, a pending factor, a token.

use anyhow::{Context, Result, bail, ensure};
use bp_auth_client::{ErrorCode, Secret};
use serde_json::{Value as Json, json};

use super::body::{Content, Fields};
use crate::case::Verdict;
use crate::kit::{Authenticator, Granted, Guarded, PASSWORD, Raw, RefreshSecret, Session};
use crate::matrix::snapshot::{Caller, Media, Operation};
use crate::trial::Trial;

/// Of the 20 registrations that a client network has in a minute.
const USERS_PER_NETWORK: usize = 15;
/// Tries at a second factor that an account has in 15 minutes, less some.
const LOGINS_PER_USER: usize = 7;

/// A body that succeeds, once.
pub struct Subject {
    t: Trial,
    http: reqwest::Client,
    pub fields: Fields,
    bearer: Option<Secret>,
    proof: Proof,
}

/// What tells that it has been done, beside the answer.
enum Proof {
    /// The answer does.
    Answer,
    /// The session has ended.
    Logout(Box<Session>),
    /// One more mail has come to the address.
    Mail { email: String, before: usize },
    /// A code was sent.
    Sent,
    /// A new account, with nothing that was not asked for.
    Account,
}

/// Where subjects of one operation come from.
pub struct Subjects<'o> {
    t: Trial,
    operation: &'o Operation,
    /// Users registered from the present network.
    users: usize,
    /// A user with a second factor, and how many of the backup codes are used.
    guarded: Option<(Guarded, usize)>,
}

impl<'o> Subjects<'o> {
    pub fn new(t: Trial, operation: &'o Operation) -> Self {
        Self {
            t,
            operation,
            users: 0,
            guarded: None,
        }
    }

    /// The subject that all refusals are tried on.
    pub async fn first(&mut self) -> Result<Subject> {
        if self.operation.id != "reactivate_request" {
            return self.next().await;
        }
        // A mail goes to the owner of a deactivated account only.
        let email = self.deactivated().await?;
        let before = self.t.messages(&email, 1).await?.len();
        let fields = vec![("email".to_owned(), json!(email))];
        let proof = Proof::Mail { email, before };
        Ok(self.subject(fields, None, proof))
    }

    /// Another one.
    pub async fn next(&mut self) -> Result<Subject> {
        if self.users >= USERS_PER_NETWORK {
            self.t = self.t.elsewhere().unwrap_or_else(|| self.t.clone());
            self.users = 0;
        }
        self.users += 1;
        let t = self.t.clone();
        let (body, bearer, proof) = match self.operation.id.as_str() {
            "register" => {
                let body = json!({
                    "email": email(&t), "password": PASSWORD, "full_name": "Ada Lovelace",
                    "phone": t.fresh_phone(), "locale": "de-DE",
                });
                (body, None, Proof::Account)
            }
            "login" => {
                let email = self.registered().await?;
                let body = json!({
                    "username": email, "password": PASSWORD, "grant_type": "password",
                    "scope": "openid", "client_id": "web", "client_secret": "open sesame",
                });
                (body, None, Proof::Answer)
            }
            "refresh_token_endpoint" => {
                let token = t.newcomer().await?.tokens.refresh_secret().clone();
                let body = json!({ "refresh_token": token.expose() });
                (body, None, Proof::Answer)
            }
            "logout" => {
                let session = t.newcomer().await?;
                let token = session.tokens.refresh_secret().expose();
                let body = json!({ "refresh_token": token, "all_sessions": false });
                (body, None, Proof::Logout(Box::new(session)))
            }
            "reactivate_request" => (json!({ "email": email(&t) }), None, Proof::Answer),
            "reactivate_confirm" => {
                let email = self.deactivated().await?;
                let anonymous = t.anonymous();
                let call = anonymous.reactivate_request();
                let call = call.body_map(|body| body.email(email.as_str()));
                call.send().await.granted()?;
                let token = t.mailed_token(&email, "reactivate", 1).await?;
                (json!({ "token": token.expose() }), None, Proof::Answer)
            }
            "verify_phone_confirm" => {
                let phone = t.fresh_phone();
                let session = t.newcomer_with_phone(&phone).await?;
                session
                    .client
                    .verify_phone_request()
                    .send()
                    .await
                    .granted()?;
                let code = t.sms_code(&phone, 1).await?;
                let bearer = Some(session.tokens.access_token);
                (json!({ "code": code }), bearer, Proof::Answer)
            }
            "totp_verify" => {
                let session = t.newcomer().await?;
                let setup = session.client.totp_setup().send().await.granted()?;
                let code = Authenticator::new(setup.secret.expose()).next_code(&t)?;
                let bearer = Some(session.tokens.access_token);
                (json!({ "code": code }), bearer, Proof::Answer)
            }
            "sms_setup" => {
                let bearer = Some(t.newcomer().await?.tokens.access_token);
                let body = json!({ "phone_number": t.fresh_phone() });
                (body, bearer, Proof::Sent)
            }
            "sms_verify" => {
                let (session, phone) = (t.newcomer().await?, t.fresh_phone());
                let call = session.client.sms_setup();
                let call = call.body_map(|body| body.phone_number(phone.as_str()));
                call.send().await.granted()?;
                let code = t.sms_code(&phone, 1).await?;
                let bearer = Some(session.tokens.access_token);
                (json!({ "code": code }), bearer, Proof::Answer)
            }
            "mfa_challenge" => (self.challenge().await?, None, Proof::Answer),
            "mfa_reset_confirm" => {
                let guarded = t.with_totp().await?;
                let client = &guarded.session.client;
                client.mfa_reset_request().send().await.granted()?;
                let token = t.mailed_token(&guarded.email, "mfa-reset", 1).await?;
                (json!({ "token": token.expose() }), None, Proof::Answer)
            }
            other => bail!("no body that {other} would take"),
        };
        let Json::Object(fields) = body else {
            bail!("a body is an object");
        };
        Ok(self.subject(fields.into_iter().collect(), bearer, proof))
    }

    fn subject(&self, fields: Fields, bearer: Option<Secret>, proof: Proof) -> Subject {
        Subject {
            http: self.t.http(),
            t: self.t.clone(),
            fields,
            bearer,
            proof,
        }
    }

    /// A pending login and a code for it. A user serves several.
    async fn challenge(&mut self) -> Result<Json> {
        let (guarded, used) = match self.guarded.take() {
            Some((guarded, used)) if used < LOGINS_PER_USER => (guarded, used),
            _ => (self.t.with_totp().await?, 0),
        };
        let pending = self.t.pending(&guarded.email).await?;
        let code = guarded.backup_codes.get(used).context("no codes left")?;
        let body = json!({
            "mfa_token": pending.mfa_token.expose(), "code": code.expose(),
            "method": "backup_codes", "remember_device": true, "device_name": "My old laptop",
        });
        self.guarded = Some((guarded, used + 1));
        Ok(body)
    }

    async fn registered(&self) -> Result<String> {
        let (client, email) = (self.t.anonymous(), email(&self.t));
        let call = client.register();
        let call = call.body_map(|body| body.email(email.as_str()).password(PASSWORD));
        call.send().await.granted()?;
        Ok(email)
    }

    async fn deactivated(&self) -> Result<String> {
        let email = self.registered().await?;
        self.t.operator("deactivate", &email).await?;
        Ok(email)
    }
}

impl Subject {
    pub async fn send(&self, operation: &Operation, content: &Content) -> Result<Raw> {
        let media = operation.body.as_ref().context("it has no body")?.media;
        let mut request = self
            .http
            .request(operation.method.clone(), self.t.at(&operation.path))
            .header(
                "content-type",
                match media {
                    Media::Json => "application/json",
                    Media::Form => "application/x-www-form-urlencoded",
                },
            )
            .body(content.bytes(media)?);
        if operation.caller == Caller::Token {
            let token = self.bearer.as_ref().context("it needs a token")?;
            request = request.bearer_auth(token.expose());
        }
        Raw::of(request).await
    }

    /// What a refused body must not have done, where a later success would not tell.
    pub async fn is_untouched(&self) -> Verdict {
        match &self.proof {
            Proof::Logout(session) => {
                let me = session.client.me().send().await;
                me.granted().context("the session was ended")?;
            }
            Proof::Mail { email, before } => {
                let mails = self.t.settled_messages(email).await?.len();
                ensure!(
                    mails == *before,
                    "{} mails for refused bodies",
                    mails - before
                );
            }
            Proof::Answer | Proof::Sent | Proof::Account => {}
        }
        Ok(())
    }

    /// That the good body has done what it is for.
    pub async fn has_succeeded(&self, answer: &Raw) -> Verdict {
        let json = answer.json();
        match &self.proof {
            Proof::Answer => {}
            Proof::Logout(session) => {
                let me = session.client.me().send().await;
                me.refused(401, ErrorCode::SessionRevoked)?;
            }
            Proof::Mail { email, before } => {
                self.t.messages(email, before + 1).await?;
            }
            Proof::Sent => ensure!(json["sent"] == true, "no code was sent"),
            Proof::Account => ensure!(
                json["roles"] == json!(["owner"])
                    && json["tenant"]["plan"] == "free"
                    && json["is_active"] == true
                    && json["phone_verified"] == false
                    && json["mfa_enabled"] == false,
                "not the account that was asked for: {json}"
            ),
        }
        Ok(())
    }
}

/// An address with letters that have look-alikes.
fn email(t: &Trial) -> String {
    format!("{}@example.com", t.fresh("kim"))
}
