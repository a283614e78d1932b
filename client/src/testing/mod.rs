//! A bp-auth for the tests of other services (feature `testing`).
//!
//! [`TestAuth`] publishes keys and makes the tokens that a [`Verifier`] accepts, or refuses for a reason of
//! your choice. [`MockServerExt`] mocks each operation of the API on an [`httpmock`] server by its types.
//!
//! ```
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! use bp_auth_client::testing::TestAuth;
//! use bp_auth_client::verify::VerifyError;
//!
//! let auth = TestAuth::start().await;
//! let verifier = auth.verifier();
//! let good = auth.token().methods(&["pwd", "otp", "mfa"]).sign();
//! assert!(verifier.verify(&good).await.unwrap().claims.has_second_factor());
//! let late = auth.token().expired().sign();
//! assert_eq!(verifier.verify(&late).await.unwrap_err(), VerifyError::Expired);
//! # });
//! ```
//!
//! [`Verifier`]: crate::verify::Verifier

#[rustfmt::skip]
#[expect(
    missing_docs,
    clippy::all,
    reason = "generated: what there is to say is in the document, and the style is not ours"
)]
mod mock;
mod token;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use httpmock::{Mock, MockServer};
use jsonwebtoken::EncodingKey;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// ```
#[doc = include_str!("../doc/test_auth.txt")]
/// use bp_auth_client::{bearer_client, testing::MockServerExt, types};
///
/// let refusal = types::Error::builder().error_code("account_suspended").message("No.").request_id("1");
/// let refusal = refusal.try_into()?;
/// let mock = auth.server().rotate_api_key(|_, then| { then.client_error(403, &refusal); });
/// let client = bearer_client(url, &good_token.as_str().into())?;
/// assert_eq!(client.rotate_api_key().send().await.unwrap_err().status().unwrap(), 403);
/// assert_eq!(mock.calls(), 1);
/// # Ok(()) }
/// ```
pub use mock::MockServerExt;
pub use mock::operations;
use token::TestHeader;
pub use token::TestToken;

use crate::types;
use crate::verify::{Verifier, VerifierBuilder};

const KEYS: &str = "/.well-known/jwks.json";
const ME: &str = "/api/auth/me";
const ENTITLEMENTS: &str = "/api/auth/me/entitlements";

/// A bp-auth without a database: keys that are published on 127.0.0.1, and tokens by them.
///
/// Its time stands still until it is moved; [`Self::verifier`] goes by it.
///
/// ```
#[doc = include_str!("../doc/test_auth.txt")]
/// use bp_auth_client::testing::TestAuth;
///
/// let auth = TestAuth::start().await;
/// let verifier = auth.verifier();
/// let token = auth.token().sign();
/// assert!(verifier.verify(&token).await.is_ok());
/// auth.advance(std::time::Duration::from_secs(60 * 60));
/// assert!(verifier.verify(&token).await.is_err());
/// # Ok(()) }
/// ```
pub struct TestAuth {
    server: MockServer,
    state: Mutex<State>,
    clock: Arc<Mutex<DateTime<Utc>>>,
}

struct State {
    /// The last one signs.
    keys: Vec<TestKey>,
    /// What is answered where.
    answers: BTreeMap<&'static str, (u16, Value)>,
    /// The mock that does so.
    mocks: BTreeMap<&'static str, usize>,
    is_down: bool,
    /// By mocks that are gone.
    readings: usize,
}

struct TestKey {
    kid: String,
    public: String,
    signing: EncodingKey,
}

impl TestAuth {
    /// With one key, at noon of a day without any meaning.
    pub async fn start() -> Self {
        let server = MockServer::start_async().await;
        let noon = DateTime::from_timestamp(1_767_268_800, 0).unwrap_or_default();
        let auth = Self {
            server,
            state: Mutex::new(State {
                keys: vec![TestKey::generate()],
                answers: BTreeMap::new(),
                mocks: BTreeMap::new(),
                is_down: false,
                readings: 0,
            }),
            clock: Arc::new(Mutex::new(noon)),
        };
        auth.publish().await;
        auth
    }

    /// Its address, which is also the issuer of its tokens.
    pub fn url(&self) -> String {
        self.server.base_url()
    }

    /// The server, for mocks of any operation by [`MockServerExt`].
    pub fn server(&self) -> &MockServer {
        &self.server
    }

    /// A verifier that accepts its tokens, by its clock.
    pub fn verifier(&self) -> Verifier {
        let built = self.verifier_builder().build();
        built.expect("an address of 127.0.0.1 is a URL")
    }

    /// The same before it is built, for what a test wants otherwise.
    ///
    /// ```
    #[doc = include_str!("../doc/test_auth.txt")]
    /// use std::time::Duration;
    ///
    /// let online = auth.verifier_builder().online(Duration::ZERO).build()?;
    /// auth.go_down().await;
    /// assert!(online.verify(good_token).await.unwrap_err().is_retryable());
    /// # Ok(()) }
    /// ```
    pub fn verifier_builder(&self) -> VerifierBuilder {
        let clock = self.clock.clone();
        Verifier::builder(&self.url())
            .clock(move || *clock.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The time by which it makes tokens.
    pub fn now(&self) -> DateTime<Utc> {
        *self.clock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves the time on. Tokens that were made before come nearer to their end.
    pub fn advance(&self, by: Duration) {
        let mut now = self.clock.lock().unwrap_or_else(PoisonError::into_inner);
        *now += by;
    }

    /// A token of some user, to be changed and signed.
    pub fn token(&self) -> TestToken<'_> {
        TestToken::new(self)
    }

    /// Signs with a new key from now on, and publishes it beside the old ones.
    ///
    /// ```
    #[doc = include_str!("../doc/test_auth.txt")]
    /// auth.rotate().await;
    /// let new = auth.token().sign();
    /// assert!(verifier.verify(good_token).await.is_ok() && verifier.verify(&new).await.is_ok());
    /// assert_eq!(auth.key_readings().await, 1);
    /// # Ok(()) }
    /// ```
    pub async fn rotate(&self) {
        self.state().keys.push(TestKey::generate());
        self.publish().await;
    }

    /// Publishes the newest key only, as after `bp-auth keys revoke` of the others.
    ///
    /// ```
    #[doc = include_str!("../doc/test_auth.txt")]
    /// auth.rotate().await;
    /// auth.revoke_old_keys().await;
    /// assert!(verifier.verify(good_token).await.is_err());
    /// # Ok(()) }
    /// ```
    pub async fn revoke_old_keys(&self) {
        {
            let mut state = self.state();
            let newest = state.keys.pop();
            state.keys = newest.into_iter().collect();
        }
        self.publish().await;
    }

    /// Answers 503 until [`Self::come_back`].
    ///
    /// ```
    #[doc = include_str!("../doc/test_auth.txt")]
    /// auth.go_down().await;
    /// assert!(verifier.verify(good_token).await.unwrap_err().is_retryable());
    /// auth.come_back().await;
    /// verifier.ready().await?;
    /// assert!(verifier.verify(good_token).await.is_ok());
    /// # Ok(()) }
    /// ```
    pub async fn go_down(&self) {
        self.state().is_down = true;
        self.show_all().await;
    }

    /// Answers again.
    pub async fn come_back(&self) {
        self.state().is_down = false;
        self.show_all().await;
    }

    /// How often somebody asked for its keys, answered or not.
    pub async fn key_readings(&self) -> usize {
        let (gone, now) = {
            let state = self.state();
            (state.readings, state.mocks.get(KEYS).copied())
        };
        match now {
            Some(id) => gone + Mock::new(id, &self.server).calls_async().await,
            None => gone,
        }
    }

    /// Answers `GET /me` with this user, to any token.
    ///
    /// ```
    #[doc = include_str!("../doc/test_auth.txt")]
    /// # let user = serde_json::from_value(serde_json::json!({
    /// #     "id": "0198c4f2-4b3a-7c55-8d10-5a4b1f3f9a01", "email": "ada@example.org", "phone_verified": false,
    /// #     "is_active": true, "mfa_enabled": false, "mfa_methods": [], "roles": ["owner"], "created_at": auth.now(),
    /// #     "tenant": { "id": "0198c4f2-4b3a-7c55-8d10-5a4b1f3f9a01", "name": "Ada", "plan": "free" },
    /// # }))?;
    /// let online = auth.verifier_builder().online(std::time::Duration::ZERO).build()?;
    /// auth.knows(&user).await;
    /// let user = online.verify(good_token).await?.user.unwrap();
    /// assert_eq!(user.email, "ada@example.org");
    /// # Ok(()) }
    /// ```
    pub async fn knows(&self, user: &types::User) {
        let answer = json!(user);
        self.answer(ME, 200, answer).await;
    }

    /// Answers `GET /me/entitlements` with these, to any token.
    ///
    /// ```
    #[doc = include_str!("../doc/test_auth.txt")]
    /// # auth.entitles(&serde_json::from_value(serde_json::json!({
    /// #     "user_id": "0198c4f2-4b3a-7c55-8d10-5a4b1f3f9a01", "tenant_id": "0198c4f2-4b3a-7c55-8d10-5a4b1f3f9a01",
    /// #     "plan": { "key": "free", "name": "Free", "status": "active", "source": "default" },
    /// #     "roles": [], "scopes": [], "limits": {}, "features": { "audit_export": true }, "restrictions": [],
    /// #     "version": "1", "credential": { "kind": "access_token", "mfa_satisfied": false },
    /// #     "computed_at": auth.now(), "expires_at": auth.now(),
    /// # }))?).await;
    /// // With entitlements of the type `types::Entitlements`, in which the feature is true.
    /// assert!(verifier.entitlements(good_token).await?.features["audit_export"]);
    /// # Ok(()) }
    /// ```
    pub async fn entitles(&self, entitlements: &types::Entitlements) {
        let answer = json!(entitlements);
        self.answer(ENTITLEMENTS, 200, answer).await;
    }

    /// Refuses every token where it is asked, as after the end of its session.
    ///
    /// ```
    #[doc = include_str!("../doc/test_auth.txt")]
    /// let online = auth.verifier_builder().online(std::time::Duration::ZERO).build()?;
    /// auth.revokes_sessions().await;
    /// assert_eq!(online.verify(good_token).await.unwrap_err().error_code().as_str(), "session_revoked");
    /// # Ok(()) }
    /// ```
    pub async fn revokes_sessions(&self) {
        let answer = json!({
            "error_code": "session_revoked", "message": "The session has ended.", "request_id": "test",
        });
        self.answer(ME, 401, answer.clone()).await;
        self.answer(ENTITLEMENTS, 401, answer).await;
    }

    async fn publish(&self) {
        let keys: Vec<Value> = self.state().keys.iter().map(TestKey::published).collect();
        self.answer(KEYS, 200, json!({ "keys": keys })).await;
    }

    async fn answer(&self, path: &'static str, status: u16, body: Value) {
        self.state().answers.insert(path, (status, body));
        self.show(path).await;
    }

    async fn show_all(&self) {
        for path in [KEYS, ME, ENTITLEMENTS] {
            self.show(path).await;
        }
    }

    /// Replaces the mock of a path. Mocks of the test's own stay.
    async fn show(&self, path: &'static str) {
        let (old, answer) = {
            let mut state = self.state();
            let answer = match state.is_down {
                true => Some((503, Value::Null)),
                false => state.answers.get(path).cloned(),
            };
            (state.mocks.remove(path), answer)
        };
        if let Some(id) = old {
            let old = Mock::new(id, &self.server);
            if path == KEYS {
                let calls = old.calls_async().await;
                self.state().readings += calls;
            }
            old.delete_async().await;
        }
        if let Some((status, body)) = answer {
            let shown = self.server.mock_async(|when, then| {
                when.method("GET").path(path);
                let then = then.status(status).json_body(body);
                if status == 503 {
                    then.header("retry-after", "2");
                }
            });
            let id = shown.await.id;
            self.state().mocks.insert(path, id);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Signs with a published key, or with one that nobody knows.
    fn sign(&self, header: &TestHeader, claims: &Value) -> String {
        let state = self.state();
        let unknown = header.is_unknown.then(TestKey::generate);
        let key = unknown.as_ref().or(state.keys.last());
        let key = key.expect("there is always a key");
        let mut head = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::EdDSA);
        head.typ = Some(header.typ.clone());
        head.kid = Some(key.kid.clone());
        for (name, value) in &header.extensions {
            head.extras.insert(name, value);
        }
        jsonwebtoken::encode(&head, claims, &key.signing).expect("an Ed25519 key signs")
    }
}

impl TestKey {
    fn generate() -> Self {
        let document = Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new());
        let document = document.expect("the system has random numbers");
        let pair = Ed25519KeyPair::from_pkcs8(document.as_ref()).expect("it was just made");
        let public = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        // As bp-auth names its keys: RFC 7638.
        let jwk = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{public}"}}"#);
        Self {
            kid: URL_SAFE_NO_PAD.encode(Sha256::digest(jwk.as_bytes())),
            public,
            signing: EncodingKey::from_ed_der(document.as_ref()),
        }
    }

    fn published(&self) -> Value {
        json!({
            "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA",
            "kid": self.kid, "x": self.public,
        })
    }
}
