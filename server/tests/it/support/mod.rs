//! A server to test, its clock, its database, and the mails and messages it sends.

pub mod certificates;
pub mod collector;
pub mod db;
pub mod disk;
pub mod examples;
pub mod exposition;
pub mod factors;
pub mod http;
pub mod mail_server;
pub mod operations;
pub mod outbox;
pub mod postgres;
pub mod process;
pub mod provider;
pub mod terminal;
pub mod wire;

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bp_auth_client::types::{self, LoginResponse, TokenResponse};
use bp_auth_client::{Client, Error, ErrorCode, Secret, bearer_client, client, error_code};
use bp_auth_server::app::App;
use bp_auth_server::app::clock::{Clock, ManualClock, Timestamp};
use bp_auth_server::app::network::Networks;
use bp_auth_server::app::operator::Operator;
use bp_auth_server::app::plans::Plans;
use bp_auth_server::app::random::{Random, SystemRandom};
use bp_auth_server::app::upkeep::Job;
use bp_auth_server::config::{Config, HashProfile, SecretText};
use bp_auth_server::datastore::Datastore;
use bp_auth_server::http::server::{Parts, Running};
use bp_auth_server::keyring::Keyring;
use tempfile::TempDir;
use totp_rs::{Algorithm, Builder};
use uuid::Uuid;

use db::Db;
use http::Http;
use postgres::Kind;

/// The refresh token of an answer to a token in a body, which always has one.
pub trait RefreshSecret {
    fn refresh_secret(&self) -> &Secret;
}

impl RefreshSecret for TokenResponse {
    fn refresh_secret(&self) -> &Secret {
        self.refresh_token.as_ref().expect("no refresh token")
    }
}

/// Where every test's clock begins: 2026-01-01T00:00:00Z.
pub const START: Timestamp = Timestamp(1_767_225_600_000);
/// Strong enough for the policy.
pub const PASSWORD: &str = "correct horse battery staple";

pub type ClientResult<T> = Result<bp_auth_client::ResponseValue<T>, Error<types::Error>>;

pub struct TestServer {
    pub clock: ManualClock,
    pub dir: TempDir,
    pub db: Db,
    running: Running,
    /// Last, so that it is dropped when nobody uses it any more.
    _database: Option<postgres::Database>,
}

/// Somebody with a verified authenticator.
pub struct TotpUser {
    pub email: String,
    pub totp_secret: String,
    pub backup_codes: Vec<Secret>,
    /// The session that enrolled.
    pub tokens: TokenResponse,
}

impl TestServer {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// A server whose configuration the test has changed.
    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let dir = TempDir::new().expect("a temporary directory");
        let (mut config, database) = test_config(&dir);
        change(&mut config);
        Self::start_configured(dir, config, database).await
    }

    /// A server on a migrated database of the test's own. A SQLite file that is not there is made.
    pub async fn start_configured(
        dir: TempDir,
        config: Config,
        database: Option<postgres::Database>,
    ) -> Self {
        Self::start_random(dir, config, database, Arc::new(SystemRandom)).await
    }

    /// The same, with randomness that the test has in its hands.
    pub async fn start_random(
        dir: TempDir,
        config: Config,
        database: Option<postgres::Database>,
        random: Arc<dyn Random>,
    ) -> Self {
        let seen = config.database_url().expose().to_owned();
        Self::start_seen(dir, config, database, random, seen).await
    }

    /// The same, with another address by which the test looks into the server's database.
    pub async fn start_beside(dir: TempDir, config: Config, seen: String) -> Self {
        Self::start_seen(dir, config, None, Arc::new(SystemRandom), seen).await
    }

    async fn start_seen(
        dir: TempDir,
        config: Config,
        database: Option<postgres::Database>,
        random: Arc<dyn Random>,
        seen: String,
    ) -> Self {
        let clock = ManualClock::starting_at(START);
        let keyring = Keyring::load_or_create(&config.data_dir, clock.now().ms()).expect("keys");
        let file = match config.database.url.expose() {
            "" => Some(config.data_dir.join("bp-auth.db")),
            url => url.strip_prefix("sqlite://").map(PathBuf::from),
        };
        if let Some(file) = file.filter(|file| !file.exists()) {
            postgres::sqlite_file(&file);
        }
        let store = Datastore::connect_with(
            config.database_url().expose(),
            config.database.max_connections,
            config.database.pool_mode,
        )
        .await
        .expect("a database");
        let plans = Plans::load(config.plans_path().as_deref()).expect("plans");
        let db = Db::open_url(seen).await;
        let parts = Parts {
            config,
            store,
            keyring: Arc::new(keyring),
            plans,
            clock: Arc::new(clock.clone()),
            random,
        };
        let running = parts.start().await.expect("a server");
        // What servers do by themselves at first is done: tests compare all rows before and after.
        let leases = "SELECT count(*) FROM leases WHERE name LIKE 'job:%'";
        for poll in 1.. {
            if db.number(leases).await >= Job::ALL.len() as i64 {
                break;
            }
            // With a pause: asked without one, PostgreSQL comes to nothing else.
            tokio::time::sleep(Duration::from_millis(5)).await;
            // One that failed is repeated by itself a minute later.
            if poll % 1000 == 0 {
                let repeated = running.app.upkeep(Uuid::new_v4()).await;
                eprintln!("the first upkeep was repeated: {repeated:?}");
            }
        }
        Self {
            clock,
            dir,
            db,
            running,
            _database: database,
        }
    }

    pub fn url(&self) -> String {
        self.running.url()
    }

    /// The admin listener, which the test must have asked for.
    pub fn admin(&self) -> Http {
        Http::new(self.running.admin_url().expect("an admin listener"))
    }

    /// What SIGHUP does with a configuration that the test has changed.
    pub fn reload(&self, change: impl FnOnce(&mut Config)) {
        let mut config = self.app().config.clone();
        change(&mut config);
        self.running.reload(&config).expect("a reload");
    }

    pub fn has_admin(&self) -> bool {
        self.running.admin_url().is_some()
    }

    /// The logic behind the server, for operators' commands and for looking inside.
    pub fn app(&self) -> &App {
        &self.running.app
    }

    pub fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    pub fn client(&self) -> Client {
        client(&self.url()).expect("a client")
    }

    pub fn bearer(&self, token: &Secret) -> Client {
        bearer_client(&self.url(), token).expect("a client")
    }

    pub async fn register(&self, email: &str) -> types::User {
        let client = self.client();
        let body = client
            .register()
            .body_map(|body| body.email(email).password(PASSWORD));
        body.send().await.expect("a registration").into_inner()
    }

    /// The password step, whatever comes of it.
    pub async fn password_login(&self, email: &str, password: &str) -> ClientResult<LoginResponse> {
        let client = self.client();
        client
            .login()
            .body_map(|form| form.username(email).password(password))
            .send()
            .await
    }

    /// A login that needs no second factor.
    pub async fn login(&self, email: &str) -> TokenResponse {
        match self
            .password_login(email, PASSWORD)
            .await
            .expect("a login")
            .into_inner()
        {
            LoginResponse::TokenResponse(tokens) => tokens,
            LoginResponse::MfaPending(_) => panic!("{email} needs a second factor"),
        }
    }

    /// The mfa-pending half of a login.
    pub async fn login_pending(&self, email: &str) -> types::MfaPending {
        match self
            .password_login(email, PASSWORD)
            .await
            .expect("a login")
            .into_inner()
        {
            LoginResponse::TokenResponse(_) => panic!("{email} needs no second factor"),
            LoginResponse::MfaPending(pending) => pending,
        }
    }

    /// Answers a challenge with a code; the method follows from its form.
    pub async fn challenge(&self, mfa_token: &Secret, code: &str) -> ClientResult<LoginResponse> {
        let client = self.client();
        let (token, code) = (mfa_token.clone(), Secret::from(code));
        client
            .mfa_challenge()
            .body_map(|body| body.mfa_token(token).code(code))
            .send()
            .await
    }

    pub async fn registered(&self, email: &str) -> TokenResponse {
        self.register(email).await;
        self.login(email).await
    }

    /// Registers, logs in and enrols an authenticator; the clock then stands at the next step, so
    /// that a fresh code can be made at once.
    pub async fn totp_user(&self, email: &str) -> TotpUser {
        let tokens = self.registered(email).await;
        let client = self.bearer(&tokens.access_token);
        let setup = client
            .totp_setup()
            .send()
            .await
            .expect("a set-up")
            .into_inner();
        let totp_secret = setup.secret.expose().to_owned();
        let code = self.totp_code(&totp_secret);
        let verify = client
            .totp_verify()
            .body_map(|body| body.code(code.as_str()));
        let enrolled = verify.send().await.expect("an enrolment").into_inner();
        self.next_totp_step();
        let backup_codes = enrolled
            .backup_codes
            .expect("the first method's backup codes")
            .to_vec();
        TotpUser {
            email: email.to_owned(),
            totp_secret,
            backup_codes,
            tokens,
        }
    }

    /// A full login with the second factor.
    pub async fn totp_login(&self, user: &TotpUser) -> TokenResponse {
        let pending = self.login_pending(&user.email).await;
        let code = self.totp_code(&user.totp_secret);
        let answer = self
            .challenge(&pending.mfa_token, &code)
            .await
            .expect("a second factor");
        self.next_totp_step();
        match answer.into_inner() {
            LoginResponse::TokenResponse(tokens) => tokens,
            LoginResponse::MfaPending(_) => panic!("still pending"),
        }
    }

    /// The code an authenticator shows now.
    pub fn totp_code(&self, base32: &str) -> String {
        let secret = totp_rs::Secret::try_from_base32(base32).expect("base32");
        let totp = Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_secret(secret);
        let totp = totp.build().expect("an authenticator");
        let now = u64::try_from(self.clock.now().seconds()).expect("a time");
        totp.generate(now).to_string()
    }

    /// Codes are good once: the next login needs the next step's.
    pub fn next_totp_step(&self) {
        self.advance(Duration::from_secs(30));
    }

    /// Fills the queues in front of the hash, that of logins and that of all else, until the value is
    /// dropped.
    pub async fn hash_queue_full(&self) -> impl Sized + '_ {
        let hasher = &self.app().hasher;
        let (mut running, mut waiting) = (Vec::new(), Vec::new());
        let mut waiting_aside = Vec::new();
        // Each from another network: one alone has its part of the places only.
        let from = |number: u32| {
            let [_, high, low, _] = (number << 8).to_be_bytes();
            Networks::of(IpAddr::from([10, high, low, 1]))
        };
        for number in 0..10_000 {
            let from = from(number);
            let mut turn = Box::pin(async move { hasher.permit_aside(&from).await });
            match futures::poll!(&mut turn) {
                std::task::Poll::Ready(Ok(permit)) => running.push(permit),
                std::task::Poll::Ready(Err(_)) => break,
                std::task::Poll::Pending => waiting_aside.push(turn),
            }
        }
        for number in 0..10_000 {
            let from = from(number);
            let mut turn = Box::pin(async move { hasher.permit(&from).await });
            match futures::poll!(&mut turn) {
                std::task::Poll::Ready(Ok(permit)) => running.push(permit),
                std::task::Poll::Ready(Err(_)) => break,
                std::task::Poll::Pending => waiting.push(turn),
            }
        }
        (running, waiting, waiting_aside)
    }

    /// Every row, once the outbox worker has nothing left to change.
    pub async fn everything(&self) -> Vec<String> {
        self.mails().await;
        self.db.everything().await
    }

    pub fn operator(&self) -> Operator {
        Operator {
            actor: "operator:test".to_owned(),
            reason: Some("a test".to_owned()),
        }
    }

    /// Stops the server and looks at what it leaves behind: every invariant holds.
    pub async fn stop_and_check(self) {
        let violations = self.app().operator_check().await.expect("a check");
        assert!(violations.is_empty(), "{violations:?}");
        self.running.stop().await.expect("a clean stop");
    }
}

/// A server as most tests want it, and the database of its own.
pub fn test_config(dir: &TempDir) -> (Config, Option<postgres::Database>) {
    let mut config = Config::default();
    config.data_dir = dir.path().join("data");
    config.server.bind = "127.0.0.1:0".parse().expect("an address");
    config.hash.profile = HashProfile::Cheap;
    let database = match postgres::kind() {
        Kind::Sqlite => None,
        kind => postgres::database(kind),
    };
    if let Some(database) = &database {
        config.database.url = SecretText::new(&database.url);
    }
    (config, database)
}

/// Lets tests choose their address: they are their own trusted proxy.
pub fn behind_a_proxy(config: &mut Config) {
    config.server.trusted_proxies = vec![IpAddr::from([127, 0, 0, 1]).into()];
}

/// The status and the code of a refusal.
pub fn refusal<T: std::fmt::Debug>(result: ClientResult<T>) -> (u16, ErrorCode) {
    let error = result.expect_err("a refusal");
    let code = error_code(&error).cloned();
    let status = error.status().map(|status| status.as_u16());
    match (status, code) {
        (Some(status), Some(code)) => (status, code),
        _ => panic!("no refusal of the server: {error:?}"),
    }
}
