//! The access token as another service sees it, and as a forger would like to write it.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bp_auth_client::Secret;
use bp_auth_server::app::token::{AccessGrant, KeyPair, TokenService};
use bp_auth_server::keyring::{Keyring, SigningKey};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::http::send;
use crate::support::{RefreshSecret, START, TestServer};

/// One part of a token, read without any check.
fn part(token: &str, index: usize) -> Value {
    let text = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
}

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn stolen_header(stolen: &SigningKey, typ: Option<&str>) -> Header {
    let mut header = Header::new(Algorithm::EdDSA);
    header.typ = typ.map(str::to_owned);
    header.kid = Some(stolen.kid.clone());
    header
}

impl TestServer {
    /// The server's own signing key, stolen.
    fn signing_key(&self) -> SigningKey {
        let mut keyring = Keyring::load(&self.dir.path().join("data")).unwrap();
        keyring.signing.remove(0)
    }

    async fn jwk(&self) -> Value {
        let jwks = send(self.http().get("/.well-known/jwks.json")).await;
        assert!(
            jwks.header("cache-control")
                .unwrap()
                .contains("max-age=300")
        );
        let jwks = jwks.json();
        assert_eq!(jwks["keys"].as_array().unwrap().len(), 1);
        jwks["keys"][0].clone()
    }

    async fn refuses(&self, what: &str, token: String) {
        let answer = self.raw_me(&Secret::from(token)).await;
        assert_eq!(
            answer.refusal(),
            (401, "token_invalid".to_owned()),
            "{what}"
        );
    }
}

#[tokio::test]
async fn another_service_verifies_the_token_offline_by_the_published_key() {
    let server = TestServer::start().await;
    let user = server.register("ada@example.com").await;
    let tokens = server.login("ada@example.com").await;
    let token = tokens.access_token.expose();
    let header = part(token, 0);
    let jwk = server.jwk().await;
    assert_eq!(header["typ"], "at+jwt");
    assert_eq!(header["alg"], "EdDSA");
    assert_eq!(header["kid"], jwk["kid"]);
    assert_eq!(
        (&jwk["kty"], &jwk["crv"]),
        (&json!("OKP"), &json!("Ed25519"))
    );
    assert_eq!((&jwk["use"], &jwk["alg"]), (&json!("sig"), &json!("EdDSA")));
    assert!(jwk.get("d").is_none(), "a private key is published");

    let key = DecodingKey::from_ed_components(jwk["x"].as_str().unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.validate_exp = false;
    validation.set_audience(&["bp-auth"]);
    validation.set_issuer(&[server.url()]);
    let claims = jsonwebtoken::decode::<Value>(token, &key, &validation)
        .unwrap()
        .claims;

    let me = server.raw_me(&tokens.access_token).await.json();
    let now = START.seconds();
    assert_eq!(claims["sub"], json!(user.id));
    assert_eq!(claims["tid"], json!(user.tenant.id));
    assert_eq!(claims["sid"], me["session"]["id"]);
    for (claim, expected) in [
        ("iat", now),
        ("nbf", now),
        ("auth_time", now),
        ("exp", now + 900),
    ] {
        assert_eq!(claims[claim], json!(expected), "{claim}");
    }
    assert_eq!(claims["amr"], json!(["pwd"]));
    assert_eq!(claims["scope"], "");
    claims["jti"].as_str().unwrap().parse::<Uuid>().unwrap();
    let mut names: Vec<&String> = claims.as_object().unwrap().keys().collect();
    names.sort();
    let expected = [
        "amr",
        "aud",
        "auth_time",
        "exp",
        "iat",
        "iss",
        "jti",
        "nbf",
        "scope",
        "sid",
        "sub",
        "tid",
    ];
    assert_eq!(
        names, expected,
        "nothing else about the user leaves in a token"
    );
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_refresh_changes_the_token_but_not_when_the_user_authenticated() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let first = server.totp_login(&user).await;
    let login = part(first.access_token.expose(), 1);
    assert_eq!(login["amr"], json!(["pwd", "otp", "mfa"]));
    server.advance(Duration::from_secs(100));
    let second = server.refreshed(first.refresh_secret()).await;
    let refreshed = part(second.access_token.expose(), 1);
    for same in ["auth_time", "sid", "sub", "tid", "amr", "iss", "aud"] {
        assert_eq!(refreshed[same], login[same], "{same}");
    }
    assert_ne!(refreshed["jti"], login["jti"]);
    assert_eq!(
        refreshed["iat"],
        json!(login["iat"].as_i64().unwrap() + 130)
    );
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_token_lives_fifteen_minutes_and_five_seconds_of_leeway() {
    let server = TestServer::start().await;
    let tokens = server.registered("ada@example.com").await;
    server.advance(Duration::from_secs(904));
    assert_eq!(server.raw_me(&tokens.access_token).await.status, 200);
    server.advance(Duration::from_secs(1));
    let answer = server.raw_me(&tokens.access_token).await;
    assert_eq!(answer.refusal(), (401, "token_expired".to_owned()));
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_changed_token_is_no_token() {
    let server = TestServer::start().await;
    let tokens = server.registered("ada@example.com").await;
    let bob = server.registered("bob@example.com").await;
    let token = tokens.access_token.expose();
    let parts: Vec<&str> = token.split('.').collect();
    let [header, claims, signature] = parts[..] else {
        panic!("three parts")
    };
    let mut longer = part(token, 1);
    longer["exp"] = json!(START.seconds() + 900_000);
    server
        .refuses(
            "claims",
            format!("{header}.{}.{signature}", encoded(&longer)),
        )
        .await;
    let bobs: Vec<&str> = bob.access_token.expose().split('.').collect();
    server
        .refuses("swapped", format!("{header}.{claims}.{}", bobs[2]))
        .await;
    let first = if signature.starts_with('A') { "B" } else { "A" };
    server
        .refuses(
            "signature",
            format!("{header}.{claims}.{first}{}", &signature[1..]),
        )
        .await;
    server
        .refuses("no signature", format!("{header}.{claims}."))
        .await;
    server
        .refuses("two parts", format!("{header}.{claims}"))
        .await;
    server
        .refuses("four parts", format!("{token}.{signature}"))
        .await;
    server.refuses("padding", format!("{token}=")).await;
    server.stop_and_check().await;
}

#[tokio::test]
async fn no_other_algorithm_is_believed() {
    let server = TestServer::start().await;
    let tokens = server.registered("ada@example.com").await;
    let token = tokens.access_token.expose();
    let claims = part(token, 1);
    let kid = part(token, 0)["kid"].clone();
    for alg in ["none", "None", "NONE"] {
        let header = json!({ "alg": alg, "typ": "at+jwt", "kid": kid });
        server
            .refuses(alg, format!("{}.{}.", encoded(&header), encoded(&claims)))
            .await;
    }
    // The public key as the secret of a symmetric algorithm, in the forms it is published in.
    let x = server.jwk().await["x"].as_str().unwrap().to_owned();
    for secret in [x.as_bytes().to_vec(), URL_SAFE_NO_PAD.decode(&x).unwrap()] {
        let mut header = Header::new(Algorithm::HS256);
        header.typ = Some("at+jwt".to_owned());
        header.kid = kid.as_str().map(str::to_owned);
        let key = EncodingKey::from_secret(&secret);
        server
            .refuses(
                "HS256",
                jsonwebtoken::encode(&header, &claims, &key).unwrap(),
            )
            .await;
    }
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_foreign_key_signs_nothing_here() {
    let server = TestServer::start().await;
    let tokens = server.registered("ada@example.com").await;
    let token = tokens.access_token.expose();
    let (claims, own_kid) = (part(token, 1), part(token, 0)["kid"].clone());
    let foreign = Keyring::generate(0).unwrap();
    let key = EncodingKey::from_ed_der(&foreign.signing[0].pkcs8);
    let kids = [
        own_kid.as_str().map(str::to_owned),
        Some(foreign.signing[0].kid.clone()),
        None,
    ];
    for kid in kids {
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some("at+jwt".to_owned());
        header.kid = kid;
        server
            .refuses(
                "foreign",
                jsonwebtoken::encode(&header, &claims, &key).unwrap(),
            )
            .await;
    }
    server.stop_and_check().await;
}

#[tokio::test]
async fn even_a_genuine_signature_needs_the_right_kind_issuer_audience_and_time() {
    let server = TestServer::start().await;
    let tokens = server.registered("ada@example.com").await;
    let token = tokens.access_token.expose();
    let (original, stolen) = (part(token, 1), server.signing_key());
    let key = EncodingKey::from_ed_der(&stolen.pkcs8);
    let sign = |typ: Option<&str>, change: &dyn Fn(&mut Value)| {
        let mut claims = original.clone();
        change(&mut claims);
        let header = stolen_header(&stolen, typ);
        jsonwebtoken::encode(&header, &claims, &key).unwrap()
    };
    // The forger's tool works: unchanged, the token is good.
    let copy = sign(Some("at+jwt"), &|_| {});
    assert_eq!(server.raw_me(&Secret::from(copy)).await.status, 200);

    for typ in [
        None,
        Some("JWT"),
        Some("mfa-pending+jwt"),
        Some("mfa-reset+jwt"),
    ] {
        server.refuses("typ", sign(typ, &|_| {})).await;
    }
    // RFC 7515, 4.1.11, and RFC 7797: no extension is understood, whatever its value is.
    for (name, value) in [
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("b64", json!(false)),
        ("b64", json!(true)),
    ] {
        let mut header = stolen_header(&stolen, Some("at+jwt"));
        header.extras.insert(name, value);
        let token = jsonwebtoken::encode(&header, &original, &key).unwrap();
        server.refuses(name, token).await;
    }
    let now = START.seconds();
    let wrong: [(&str, Value); 12] = [
        ("exp", json!(i64::MIN)),
        ("nbf", json!(i64::MAX)),
        ("iat", json!(i64::MAX)),
        ("exp", json!(u64::MAX)),
        ("iss", json!("https://evil.example")),
        ("aud", json!("bp-auth/mfa-pending")),
        ("aud", json!("another-service")),
        ("nbf", json!(now + 6)),
        ("iat", json!(now + 6)),
        ("sub", json!("ada@example.com")),
        ("sid", Value::Null),
        ("exp", json!("tomorrow")),
    ];
    for (claim, value) in wrong {
        let token = sign(Some("at+jwt"), &|claims| claims[claim] = value.clone());
        server.refuses(claim, token).await;
    }
    for claim in ["iss", "aud", "exp", "nbf", "sub", "sid"] {
        let token = sign(Some("at+jwt"), &|claims| {
            claims.as_object_mut().unwrap().remove(claim);
        });
        server.refuses(claim, token).await;
    }
    // As far away as numbers go is not over.
    let endless = sign(Some("at+jwt"), &|claims| claims["exp"] = json!(i64::MAX));
    assert_eq!(server.raw_me(&Secret::from(endless)).await.status, 200);
    // A clock that is five seconds ahead is still on time.
    let ahead = sign(Some("at+jwt"), &|claims| claims["nbf"] = json!(now + 5));
    assert_eq!(server.raw_me(&Secret::from(ahead)).await.status, 200);
    // Somebody else's session does not become one's own.
    let bob = server.registered("bob@example.com").await;
    let bobs = part(bob.access_token.expose(), 1);
    let mixed = sign(Some("at+jwt"), &|claims| {
        claims["sid"] = bobs["sid"].clone()
    });
    let answer = server.raw_me(&Secret::from(mixed)).await;
    assert_eq!(answer.refusal(), (401, "session_revoked".to_owned()));
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_genuine_token_without_a_session_row_is_worth_nothing() {
    let server = TestServer::start().await;
    let user = server.register("ada@example.com").await;
    let stolen = server.signing_key();
    let pair = KeyPair {
        kid: &stolen.kid,
        pkcs8: &stolen.pkcs8,
        public: stolen.public_key(),
        active_from: START,
        retires_at: None,
    };
    let service = TokenService::new(&server.url(), "bp-auth", &[pair]);
    let grant = AccessGrant {
        user: user.id,
        tenant: user.tenant.id,
        session: Uuid::now_v7(),
        amr: vec!["pwd".to_owned(), "mfa".to_owned()],
        auth_time: START,
        scope: "",
    };
    let token = service
        .access(grant, START, Duration::from_secs(900))
        .unwrap();
    let answer = server.raw_me(&Secret::from(token.as_str())).await;
    assert_eq!(answer.refusal(), (401, "session_revoked".to_owned()));
    server.stop_and_check().await;
}
