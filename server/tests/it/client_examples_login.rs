//! The example `login_cli` at a real terminal, against a real server.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use crate::support::factors::{PHONE, another, devices, methods};
use crate::support::terminal::{Terminal, qr_code};
use crate::support::{PASSWORD, TestServer};

const ADA: &str = "ada@example.com";
const WRONG: &str = "not the password at all";
const LIVE: &str = "SELECT count(*) FROM sessions WHERE revoked_at IS NULL";

impl TestServer {
    fn session_file(&self) -> PathBuf {
        self.dir.path().join("session.json")
    }

    fn login_cli(&self, action: &str) -> Terminal {
        let (url, store) = (self.url(), self.session_file());
        let store = store.to_str().expect("a path");
        Terminal::start("login_cli", &[&url, action, "--store", store])
    }

    /// The program up to the right password.
    async fn password_typed(&self, action: &str) -> Terminal {
        let mut terminal = self.login_cli(action);
        terminal.answer("E-mail: ", ADA).await;
        terminal.answer_hidden("Password: ", PASSWORD).await;
        terminal
    }

    async fn logged_out(&self) {
        let (status, screen) = self.login_cli("logout").ended().await;
        assert!(
            status.success() && screen.contains("Logged out."),
            "{screen}"
        );
        assert!(!self.stores_tokens());
    }

    fn stores_tokens(&self) -> bool {
        let stored = std::fs::read_to_string(self.session_file()).unwrap_or_default();
        stored.contains("refresh_token")
    }
}

/// Ends well, and shows none of these.
async fn assert_ends(terminal: Terminal, hidden: &[&str]) -> String {
    let (status, screen) = terminal.ended().await;
    assert!(status.success(), "{status}:\n{screen}");
    for secret in hidden {
        assert!(!screen.contains(secret), "{secret:?} is on the screen");
    }
    screen
}

#[tokio::test]
async fn a_password_is_never_shown_a_wrong_one_stores_nothing_and_a_second_start_asks_for_none() {
    let server = TestServer::start().await;
    server.register(ADA).await;
    let mut terminal = server.login_cli("login");
    terminal.answer("E-mail: ", ADA).await;
    terminal.answer_hidden("Password: ", WRONG).await;
    terminal.read_to("password is wrong").await;
    assert!(!server.session_file().exists());
    assert_eq!(server.db.count("sessions").await, 0);
    terminal.answer_hidden("Password: ", PASSWORD).await;
    let screen = assert_ends(terminal, &[WRONG, PASSWORD]).await;
    assert!(screen.contains("You are ada@example.com"), "{screen}");
    let stored = std::fs::metadata(server.session_file()).expect("a session");
    assert_eq!(stored.permissions().mode() & 0o777, 0o600);

    let screen = assert_ends(server.login_cli("login"), &["E-mail", "Password"]).await;
    assert!(screen.contains("You are ada@example.com"), "{screen}");
    assert_eq!(server.db.count("sessions").await, 1);

    server.logged_out().await;
    assert_eq!(server.db.number(LIVE).await, 0);
    let screen = assert_ends(server.login_cli("logout"), &[]).await;
    assert!(screen.contains("Nobody is logged in."), "{screen}");
    server.stop_and_check().await;
}

#[tokio::test]
async fn three_wrong_passwords_end_with_a_failure_and_nobody_logged_in() {
    let server = TestServer::start().await;
    server.register(ADA).await;
    let mut terminal = server.login_cli("login");
    terminal.answer("E-mail: ", ADA).await;
    for _ in 0..3 {
        terminal.answer_hidden("Password: ", WRONG).await;
    }
    let (status, screen) = terminal.ended().await;
    assert_eq!(status.code(), Some(1), "{screen}");
    assert!(screen.contains("Please start again."), "{screen}");
    assert!(!screen.contains(WRONG) && !server.session_file().exists());
    assert_eq!(server.db.count("sessions").await, 0);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_phone_reads_the_code_off_the_screen_and_every_login_then_asks_for_a_second_factor() {
    let server = TestServer::start().await;
    server.register(ADA).await;
    let mut terminal = server.password_typed("enrol").await;
    let shown = terminal.read_to("Code that the app shows").await;
    let uri = url::Url::parse(&qr_code(&shown)).expect("a URI");
    assert_eq!((uri.scheme(), uri.host_str()), ("otpauth", Some("totp")));
    assert!(
        uri.path().ends_with(ADA) || uri.path().contains("ada%40"),
        "{uri}"
    );
    let mut parameters = uri.query_pairs();
    let (_, key) = parameters
        .find(|(name, _)| name == "secret")
        .expect("a key");
    let (right, wrong) = (server.totp_code(&key), server.totp_wrong(&key));
    terminal.answer_hidden(": ", &wrong).await;
    terminal.read_to("That code is wrong.").await;
    assert_eq!(server.db.audited("mfa.totp.verified").await, 0);
    assert_eq!(server.db.count("backup_codes").await, 0);
    terminal.answer_hidden("app shows: ", &right).await;
    let screen = assert_ends(terminal, &[PASSWORD, &right, &wrong, &key]).await;
    let (_, list) = screen.split_once("not shown again:").expect("backup codes");
    let codes: Vec<&str> = list.split_whitespace().collect();
    assert_eq!(codes.len() as i64, server.db.count("backup_codes").await);
    let me = "SELECT count(*) FROM mfa_methods WHERE verified_at IS NOT NULL";
    assert_eq!(server.db.number(me).await, 1);

    // A wrong code is refused and asked for again; nobody is logged in before the right one.
    server.logged_out().await;
    server.next_totp_step();
    let (right, wrong) = (server.totp_code(&key), server.totp_wrong(&key));
    let mut terminal = server.password_typed("login").await;
    terminal.answer("a name (or nothing): ", "").await;
    terminal.answer("Which one? [1] ", "").await;
    terminal.answer_hidden("authenticator app: ", &wrong).await;
    terminal.read_to("wrong or used up").await;
    assert!(!server.stores_tokens());
    assert_eq!(server.db.number(LIVE).await, 0);
    terminal.answer("Which one? [1] ", "1").await;
    terminal.answer_hidden("authenticator app: ", &right).await;
    assert_ends(terminal, &[PASSWORD, &right, &wrong]).await;
    assert!(server.stores_tokens());
    assert_eq!(server.db.count("trusted_devices").await, 0);

    // A backup code is good once.
    server.logged_out().await;
    let mut terminal = server.password_typed("login").await;
    terminal.answer("a name (or nothing): ", "").await;
    terminal.answer("Which one? [1] ", "2").await;
    terminal.answer_hidden("Backup code: ", codes[0]).await;
    assert_ends(terminal, &[codes[0]]).await;
    server.logged_out().await;
    let mut terminal = server.password_typed("login").await;
    terminal.answer("a name (or nothing): ", "").await;
    terminal.answer("Which one? [1] ", "2").await;
    terminal.answer_hidden("Backup code: ", codes[0]).await;
    terminal.read_to("wrong or used up").await;
    assert!(!server.stores_tokens());
    terminal.answer("Which one? [1] ", "2").await;
    terminal.answer_hidden("Backup code: ", codes[1]).await;
    assert_ends(terminal, &codes).await;
    let used = "SELECT count(*) FROM backup_codes WHERE used_at IS NOT NULL";
    assert_eq!(server.db.number(used).await, 2);
    server.stop_and_check().await;
}

#[tokio::test]
async fn an_old_login_is_asked_for_the_password_again_before_it_may_enrol() {
    let server = TestServer::start().await;
    server.register(ADA).await;
    assert_ends(server.password_typed("login").await, &[PASSWORD]).await;
    server.advance(Duration::from_secs(16 * 60));
    let mut terminal = server.login_cli("enrol");
    terminal.read_to("Please confirm that it is you.").await;
    assert_eq!(server.db.count("mfa_methods").await, 0);
    terminal.answer_hidden("Password: ", PASSWORD).await;
    let shown = terminal.read_to("Code that the app shows: ").await;
    assert!(qr_code(&shown).starts_with("otpauth://totp/"));
    let screen = terminal.screen();
    assert!(
        !screen.contains("E-mail") && !screen.contains(PASSWORD),
        "{screen}"
    );
    // The expired token was refreshed; that alone is no fresh login.
    assert_eq!(server.db.audited("refresh.granted").await, 1);
    drop(terminal);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_code_by_sms_logs_in_and_a_trusted_device_is_not_asked_again() {
    let server = TestServer::start().await;
    let user = server.sms_user(ADA, PHONE).await;
    let mut terminal = server.password_typed("login").await;
    terminal.answer("a name (or nothing): ", "laptop").await;
    // The login has sent one already.
    let first = server.sms_code(PHONE).await;
    let texts = server.texts_to(PHONE).await;
    terminal.answer("Which one? [1] ", "").await;
    terminal
        .answer_hidden("Code of the message: ", another(&first))
        .await;
    terminal.read_to("wrong or used up").await;
    assert_eq!(server.texts_to(PHONE).await, texts);
    // Who chooses it again gets another, but not at once.
    terminal.answer("Which one? [1] ", "1").await;
    terminal
        .read_to("Another code can be sent in 60 seconds")
        .await;
    terminal
        .answer_hidden("Code of the message: ", another(&first))
        .await;
    terminal.read_to("wrong or used up").await;
    assert_eq!(server.texts_to(PHONE).await, texts);
    server.advance(Duration::from_secs(61));
    terminal.answer("Which one? [1] ", "").await;
    terminal.read_to("A code is on its way to ").await;
    let second = server.sms_code(PHONE).await;
    assert_eq!(server.texts_to(PHONE).await, texts + 1);
    terminal
        .answer_hidden("Code of the message: ", &second)
        .await;
    let screen = assert_ends(terminal, &[PASSWORD, PHONE]).await;
    assert!(!screen.contains(&second) || first == second, "{screen}");
    let client = server.bearer(&user.tokens.access_token);
    assert_eq!(devices(&client).await[0].name.as_deref(), Some("laptop"));
    assert_eq!(methods(&client).await.methods.len(), 1);

    server.logged_out().await;
    let screen = assert_ends(server.password_typed("login").await, &[PASSWORD]).await;
    assert!(!screen.contains("second factor"), "{screen}");
    assert!(screen.contains("You are ada@example.com"), "{screen}");
    assert_eq!(server.texts_to(PHONE).await, texts + 1);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_locked_second_factor_says_how_long_to_wait_and_ends_with_a_failure() {
    let server = TestServer::start().await;
    let user = server.totp_user(ADA).await;
    let wrong = server.totp_wrong(&user.totp_secret);
    for _ in 0..2 {
        let pending = server.login_pending(ADA).await;
        for _ in 0..5 {
            let refused = server.challenge(&pending.mfa_token, &wrong).await;
            refused.expect_err("a wrong code");
        }
    }
    let mut terminal = server.password_typed("login").await;
    terminal.answer("a name (or nothing): ", "").await;
    terminal.answer("Which one? [1] ", "").await;
    let right = server.totp_code(&user.totp_secret);
    terminal.answer_hidden("authenticator app: ", &right).await;
    let (status, screen) = terminal.ended().await;
    assert_eq!(status.code(), Some(1), "{screen}");
    assert!(
        screen.contains("Please try again in 900 seconds: mfa_locked"),
        "{screen}"
    );
    assert!(!server.stores_tokens());
    server.stop_and_check().await;
}
