//! Each mail and message by its cause: the right person gets it, with what is needed to act on it,
//! and nobody else gets anything.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;

use crate::support::http::{Answer, send};
use crate::support::outbox::{Mail, Sms};
use crate::support::{PASSWORD, RefreshSecret, TestServer};

const EMAIL: &str = "ada@example.com";
const BYSTANDER: &str = "bob@example.com";
const PHONE: &str = "+4915112345678";
const SITE: &str = "https://auth.example.com";

/// Looks only at what has come since the last look.
struct Inbox<'s> {
    server: &'s TestServer,
    seen: BTreeSet<String>,
}

impl<'s> Inbox<'s> {
    /// After a bystander has registered, whose mailbox must stay as it is.
    async fn open(server: &'s TestServer) -> Self {
        server.register(BYSTANDER).await;
        let mut inbox = Self {
            server,
            seen: BTreeSet::new(),
        };
        inbox.fresh().await;
        inbox
    }

    async fn fresh(&mut self) -> (Vec<Mail>, Vec<Sms>) {
        let mut mails = self.server.mails().await;
        mails.retain(|mail| self.seen.insert(mail.source.clone()));
        let texts = self.server.texts().await;
        let known = self.seen.iter().filter(|key| key.starts_with("sms "));
        let known = known.count();
        for n in known..texts.len() {
            self.seen.insert(format!("sms {n}"));
        }
        (mails, texts.into_iter().skip(known).collect())
    }

    /// The one mail there is, and no message to a phone.
    async fn mail(&mut self, name: &str) -> Mail {
        let (mails, texts) = self.fresh().await;
        assert_eq!((mails.len(), texts.len()), (1, 0), "{name}: {mails:?}");
        let mail = mails[0].clone();
        assert_eq!(mail.to, EMAIL, "{name}");
        compare(name, &written(&mail));
        mail
    }

    /// The one mail, which says when and from where.
    async fn security_mail(&mut self, name: &str) {
        let mail = self.mail(name).await;
        assert!(mail.source.contains("IP address: 127.0.0.1"), "{name}");
        let time = self.server.clock_text();
        assert!(mail.source.contains(&format!("When: {time}")), "{name}");
    }

    async fn sms(&mut self, name: &str) {
        let (mails, texts) = self.fresh().await;
        assert_eq!((mails.len(), texts.len()), (0, 1), "{name}: {texts:?}");
        let code = |c: char| if c.is_ascii_digit() { '#' } else { c };
        let (first, rest) = texts[0].text.split_at(6);
        let first: String = first.chars().map(code).collect();
        compare(name, &format!("To: {}\n\n{first}{rest}", texts[0].to));
    }

    async fn nothing(&mut self) {
        let (mails, texts) = self.fresh().await;
        assert!(mails.is_empty() && texts.is_empty(), "{mails:?} {texts:?}");
    }
}

impl TestServer {
    fn clock_text(&self) -> String {
        use bp_auth_server::app::clock::Clock;
        let now = self.clock.now().to_utc();
        now.format("%-d %b %Y, %H:%M UTC").to_string()
    }

    async fn post_as(&self, path: &str, access: &str, body: serde_json::Value) -> Answer {
        let request = self.http().post_json(path, &body).bearer_auth(access);
        let answer = send(request).await;
        assert!(answer.status < 300, "{path}: {answer:?}");
        answer
    }
}

/// Headers and text part, without what is random.
fn written(mail: &Mail) -> String {
    let (head, body) = mail.source.split_once("\r\n\r\n").expect("a head");
    let boundary = head.split("boundary=\"").nth(1).expect("two parts");
    let boundary = boundary.split('"').next().expect("a boundary");
    let text = body.split(&format!("--{boundary}")).nth(1).expect("a text");
    let id = boundary.trim_start_matches("part-");
    let mut shown = format!("{head}\r\n\r\n{}", text.trim()).replace("\r\n", "\n");
    shown = shown.replace(id, "[id]");
    if let Some((_, rest)) = shown.split_once("#token=") {
        let token = rest.split_whitespace().next().expect("a token").to_owned();
        shown = shown.replace(&token, "[token]");
    }
    shown
}

fn compare(name: &str, text: &str) {
    insta::with_settings!({
        snapshot_path => "snapshots",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!(format!("sent_{name}"), text);
    });
}

async fn server() -> TestServer {
    TestServer::start_with(|config| config.server.public_url = Some(SITE.to_owned())).await
}

#[tokio::test]
async fn an_account_begins() {
    let server = server().await;
    let mut inbox = Inbox::open(&server).await;
    let body = json!({ "email": "Ada@Example.com", "password": PASSWORD, "full_name": "Ada" });
    let answer = send(server.http().post_json("/api/auth/register", &body)).await;
    assert_eq!(answer.status, 201);
    let (mails, _) = inbox.fresh().await;
    assert_eq!(mails.len(), 1);
    // To the address as it was typed.
    assert_eq!(mails[0].to, "Ada@Example.com");
    compare("welcome", &written(&mails[0]));
    // A refused registration tells nobody anything; neither does a login.
    let answer = send(server.http().register(EMAIL)).await;
    assert_eq!(answer.status, 409);
    server.login(EMAIL).await;
    inbox.nothing().await;
    server.stop_and_check().await;
}

#[tokio::test]
async fn somebody_tries_an_address_that_is_hidden() {
    let server = TestServer::start_with(|config| {
        config.server.public_url = Some(SITE.to_owned());
        config.register.hide_existing = true;
    })
    .await;
    server.register(EMAIL).await;
    let mut inbox = Inbox::open(&server).await;
    server.register(EMAIL).await;
    inbox.mail("register_attempt").await;
    // At most hourly.
    server.advance(Duration::from_secs(3599));
    server.register(EMAIL).await;
    inbox.nothing().await;
    server.advance(Duration::from_secs(1));
    server.register(EMAIL).await;
    let (mails, _) = inbox.fresh().await;
    assert_eq!(mails.len(), 1);
    server.stop_and_check().await;
}

#[tokio::test]
async fn links_lead_to_the_pages_wherever_they_are() {
    let pages = "https://app.example.com/account";
    let server = TestServer::start_with(|config| {
        config.server.public_url = Some(SITE.to_owned());
        config.server.ui_url = Some(format!("{pages}/"));
    })
    .await;
    server.register(EMAIL).await;
    let (app, operator) = (server.app(), server.operator());
    let closed = app.operator_user_deactivate(EMAIL, &operator).await;
    closed.unwrap();
    let mut inbox = Inbox::open(&server).await;
    let body = json!({ "email": EMAIL });
    let request = server
        .http()
        .post_json("/api/auth/reactivate/request", &body);
    assert_eq!(send(request).await.status, 204);
    let (mails, _) = inbox.fresh().await;
    assert_eq!(mails.len(), 1);
    let text = &mails[0].source;
    assert!(
        text.contains(&format!("{pages}/reactivate#token=")),
        "{text}"
    );
    assert!(!text.contains(SITE), "{text}");
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_refresh_token_is_used_twice() {
    let server = server().await;
    let tokens = server.registered(EMAIL).await;
    let mut inbox = Inbox::open(&server).await;
    let http = server.http();
    server.advance(Duration::from_secs(3600));
    let token = tokens.refresh_secret().expose();
    assert_eq!(send(http.refresh(token)).await.status, 200);
    inbox.nothing().await;
    assert_eq!(send(http.refresh(token)).await.status, 401);
    inbox.security_mail("refresh_reuse").await;
    // Once for one theft.
    assert_eq!(send(http.refresh(token)).await.status, 401);
    inbox.nothing().await;
    server.stop_and_check().await;
}

#[tokio::test]
async fn an_api_key_is_replaced() {
    let server = server().await;
    let tokens = server.registered(EMAIL).await;
    let mut inbox = Inbox::open(&server).await;
    let access = tokens.access_token.expose();
    let request = server.http().get("/api/auth/api-key").bearer_auth(access);
    assert_eq!(send(request).await.status, 200);
    inbox.nothing().await;
    let rotated = server
        .post_as("/api/auth/api-key/rotate", access, json!({}))
        .await;
    let (key, mail) = (rotated.text("api_key"), inbox.fresh().await.0.remove(0));
    assert!(!mail.source.contains(&key));
    inbox.seen.remove(&mail.source);
    inbox.security_mail("api_key_rotated").await;
    server.stop_and_check().await;
}

#[tokio::test]
async fn second_factors_come_and_go() {
    let server = server().await;
    let tokens = server.registered(EMAIL).await;
    let mut inbox = Inbox::open(&server).await;
    let access = tokens.access_token.expose();
    let setup = server
        .post_as("/api/auth/mfa/totp/setup", access, json!({}))
        .await;
    inbox.nothing().await;
    let body = json!({ "code": server.totp_code(&setup.text("secret")) });
    server
        .post_as("/api/auth/mfa/totp/verify", access, body)
        .await;
    inbox.security_mail("totp_enabled").await;

    let body = json!({ "phone_number": PHONE });
    server
        .post_as("/api/auth/mfa/sms/setup", access, body)
        .await;
    let code = server.sms_code(PHONE).await;
    inbox.sms("sms_setup").await;
    let body = json!({ "code": code });
    server
        .post_as("/api/auth/mfa/sms/verify", access, body)
        .await;
    inbox.security_mail("sms_enabled").await;

    let regenerate = "/api/auth/mfa/backup-codes/regenerate";
    server.post_as(regenerate, access, json!({})).await;
    inbox.security_mail("backup_codes_regenerated").await;
    for method in ["backup_codes", "totp"] {
        let request = server.http().delete(&format!("/api/auth/mfa/{method}"));
        assert_eq!(send(request.bearer_auth(access)).await.status, 204);
        inbox.security_mail(&format!("{method}_disabled")).await;
    }

    // A login by SMS says so to the phone, and to nobody else.
    server.login_pending(EMAIL).await;
    inbox.sms("sms_login").await;
    server.stop_and_check().await;
}

#[tokio::test]
async fn second_factors_are_reset() {
    let server = server().await;
    let user = server.totp_user(EMAIL).await;
    let tokens = server.totp_login(&user).await;
    let mut inbox = Inbox::open(&server).await;
    let access = tokens.access_token.expose();
    let request = "/api/auth/mfa/reset/request";
    server.post_as(request, access, json!({})).await;
    let mail = inbox.mail("mfa_reset_link").await;
    assert!(mail.source.contains(&format!("{SITE}/mfa-reset#token=")));
    let token = server.link_token(EMAIL, "mfa-reset").await;
    let body = json!({ "token": token });
    let confirm = || {
        server
            .http()
            .post_json("/api/auth/mfa/reset/confirm", &body)
    };
    assert_eq!(send(confirm()).await.status, 200);
    inbox.security_mail("mfa_reset").await;
    assert_eq!(send(confirm()).await.status, 410);
    inbox.nothing().await;
    server.stop_and_check().await;
}

#[tokio::test]
async fn an_account_comes_back() {
    let server = server().await;
    server.register(EMAIL).await;
    let mut inbox = Inbox::open(&server).await;
    let http = server.http();
    // Nobody, and somebody active: no mail.
    for email in [EMAIL, BYSTANDER, "nobody@example.com"] {
        let body = json!({ "email": email });
        let request = http.post_json("/api/auth/reactivate/request", &body);
        assert_eq!(send(request).await.status, 204);
    }
    inbox.nothing().await;
    let (app, operator) = (server.app(), server.operator());
    app.operator_user_deactivate(EMAIL, &operator)
        .await
        .unwrap();
    let body = json!({ "email": " ADA@example.com" });
    let request = http.post_json("/api/auth/reactivate/request", &body);
    assert_eq!(send(request).await.status, 204);
    let mail = inbox.mail("reactivation_link").await;
    assert!(mail.source.contains(&format!("{SITE}/reactivate#token=")));
    let token = server.link_token(EMAIL, "reactivate").await;
    let body = json!({ "token": token });
    let confirm = || http.post_json("/api/auth/reactivate/confirm", &body);
    assert_eq!(send(confirm()).await.status, 200);
    inbox.security_mail("reactivated").await;
    assert_eq!(send(confirm()).await.status, 410);
    inbox.nothing().await;
    server.login(EMAIL).await;
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_phone_is_verified() {
    let server = server().await;
    let mut inbox = Inbox::open(&server).await;
    let body = json!({ "email": EMAIL, "password": PASSWORD, "phone": PHONE });
    let answer = send(server.http().post_json("/api/auth/register", &body)).await;
    assert_eq!(answer.status, 201);
    inbox.fresh().await;
    let tokens = server.login(EMAIL).await;
    let access = tokens.access_token.expose();
    let request = "/api/auth/verify-phone/request";
    server.post_as(request, access, json!({})).await;
    let body = json!({ "code": server.sms_code(PHONE).await });
    inbox.sms("sms_verify_phone").await;
    let confirm = "/api/auth/verify-phone/confirm";
    server.post_as(confirm, access, body).await;
    inbox.nothing().await;
    server.stop_and_check().await;
}
