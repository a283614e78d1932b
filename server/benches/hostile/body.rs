//! The dearest requests that are known, of each operation that anybody may call.

use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bp_auth_server::app::random::{REFRESH_PREFIX, SystemRandom, mint};
use http::header::{AUTHORIZATION, COOKIE};
use serde_json::{Value, json};

use super::Outcome;
use super::wire::{Call, Client, fresh_network};

/// The most that a body may have.
const LIMIT: usize = 16 * 1024;
/// The most that cookies may have together, within a head of 64 KiB.
const COOKIES: usize = 60 * 1024;
/// Each stands for a letter, some for two: what an estimator of passwords must try out.
const LOOK_ALIKES: &str = "4@8({[<691!|0$5+7%2";
const STRONG: &str = "correct horse battery staple";

/// What one row measures.
pub struct Attack {
    pub operation: &'static str,
    pub what: &'static str,
    pub place: Place,
    call: Box<dyn Fn() -> Call + Send>,
}

/// Where a request comes from and goes to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Each request from another network, so that no limit of one refuses it.
    Anywhere,
    /// All from one network, which is over its limit soon.
    OneNetwork,
    /// To a server on which nobody may register.
    Closed,
}

/// Knows what is public about the server's keys, and signs nothing.
pub struct Forger {
    kid: String,
    issuer: String,
}

impl Attack {
    pub fn name(&self) -> String {
        format!("{}, {}", self.operation, self.what)
    }

    pub fn call(&self) -> Call {
        (self.call)()
    }

    pub fn network(&self) -> String {
        match self.place {
            Place::Anywhere | Place::Closed => fresh_network(),
            Place::OneNetwork => "203.0.113.9".to_owned(),
        }
    }
}

impl Forger {
    pub async fn with_keys_of(client: &mut Client) -> Outcome<Self> {
        let jwks = client.get("/.well-known/jwks.json").await?;
        let kid = jwks["keys"][0]["kid"].as_str().ok_or("no key")?.to_owned();
        Ok(Self {
            kid,
            issuer: "http://127.0.0.1".to_owned(),
        })
    }

    /// A token that is refused by its signature alone, which is over so many bytes.
    fn token(&self, typ: &str, length: usize) -> String {
        let header = json!({ "alg": "EdDSA", "typ": typ, "kid": self.kid });
        let claims = json!({ "iss": self.issuer, "x": "x".repeat(length * 3 / 4) });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signature = URL_SAFE_NO_PAD.encode([7; 64]);
        format!("{}.{}.{signature}", part(&header), part(&claims))
    }

    pub fn attacks(&self) -> Vec<Attack> {
        let mut all = register();
        all.extend(token());
        all.extend(refresh());
        let (short, long) = (300, LIMIT - 800);
        for (operation, path, typ, member) in [
            (
                "reactivate/confirm",
                "/api/auth/reactivate/confirm",
                "reactivation+jwt",
                "token",
            ),
            (
                "mfa/challenge",
                "/api/auth/mfa/challenge",
                "mfa-pending+jwt",
                "mfa_token",
            ),
            (
                "mfa/reset/confirm",
                "/api/auth/mfa/reset/confirm",
                "mfa-reset+jwt",
                "token",
            ),
        ] {
            for (what, length) in [
                ("a forged token", short),
                ("a forged token of 16 KiB", long),
            ] {
                let body = json!({ member: self.token(typ, length), "code": "123456" });
                all.push(fixed(operation, what, Call::json(path, body.to_string())));
            }
            all.extend(padded(
                operation,
                path,
                &[(member, "x"), ("code", "123456")],
            ));
        }
        all.extend(reactivate());
        all.extend(self.logout(long));
        all.extend(self.presented());
        all
    }

    fn logout(&self, long: usize) -> Vec<Attack> {
        const PATH: &str = "/api/auth/logout";
        let bearer = format!("Bearer {}", self.token("at+jwt", long));
        let call = move || {
            let body = json!({ "refresh_token": refresh_token(), "all_sessions": true });
            Call::json(PATH, body.to_string()).with(AUTHORIZATION, bearer.clone())
        };
        let mut all = vec![attack("logout", "a forged and an unknown token", call)];
        all.extend(padded("logout", PATH, &[("refresh_token", "x")]));
        all
    }

    /// Credentials of requests, which cost before anything is known about their sender.
    fn presented(&self) -> Vec<Attack> {
        let me = || Call::get("/api/auth/me");
        let token = self.token("at+jwt", 300);
        let cookie = format!("bp_token={token}; ");
        let cookies = cookie.repeat(COOKIES / cookie.len());
        let long = format!("Bearer {}", self.token("at+jwt", COOKIES));
        vec![
            fixed("me", "60 KiB of forged cookies", me().with(COOKIE, cookies)),
            fixed(
                "me",
                "a forged token of 60 KiB",
                me().with(AUTHORIZATION, long),
            ),
        ]
    }
}

fn register() -> Vec<Attack> {
    const PATH: &str = "/api/auth/register";
    let look_alikes: String = LOOK_ALIKES.chars().cycle().take(100).collect();
    let with = |password: &str, phone: Option<&str>| {
        let (password, phone) = (password.to_owned(), phone.map(str::to_owned));
        move || {
            let mut body = json!({ "email": stranger(), "password": password });
            if let Some(phone) = &phone {
                body["phone"] = json!(phone);
            }
            Call::json(PATH, body.to_string())
        }
    };
    let at = |place: Place, mut attack: Attack| {
        attack.place = place;
        attack
    };
    let bad = Some("not a number");
    let mut all = vec![
        attack("register", "a new account", with(STRONG, None)),
        attack("register", "look-alikes", with(&look_alikes, None)),
        attack(
            "register",
            "look-alikes, bad phone",
            with(&look_alikes, bad),
        ),
        at(
            Place::OneNetwork,
            attack(
                "register",
                "look-alikes, over the limit",
                with(&look_alikes, None),
            ),
        ),
        at(
            Place::Closed,
            attack("register", "look-alikes, closed", with(&look_alikes, None)),
        ),
        attack(
            "register",
            "128 code points",
            with(&"\u{1e9b}\u{323}".repeat(64), None),
        ),
    ];
    all.extend(padded(
        "register",
        PATH,
        &[("email", "x@example.com"), ("password", STRONG)],
    ));
    all
}

fn token() -> Vec<Attack> {
    const PATH: &str = "/api/auth/token";
    let form = |pairs: &[(&str, &str)]| {
        Call::form(PATH, serde_urlencoded::to_string(pairs).unwrap_or_default())
    };
    let unknown = move || form(&[("username", &stranger()), ("password", STRONG)]);
    let wrong = form(&[
        ("username", "owner@example.com"),
        ("password", "wrong password"),
    ]);
    // Escaped, each byte takes three.
    let long = "\u{fb2c}".repeat(LIMIT / 9 - 20);
    let one = wrong.clone();
    let mut one = attack("token", "wrong password, one network", move || one.clone());
    one.place = Place::OneNetwork;
    vec![
        attack("token", "unknown user", unknown),
        fixed("token", "wrong password", wrong),
        one,
        fixed(
            "token",
            "user of 16 KiB",
            form(&[("username", &long), ("password", STRONG)]),
        ),
        fixed(
            "token",
            "password of 16 KiB",
            form(&[("username", "owner@example.com"), ("password", &long)]),
        ),
        fixed(
            "token",
            "4,000 members",
            Call::form(PATH, "a1=&b=&".repeat(LIMIT / 7)),
        ),
    ]
}

fn refresh() -> Vec<Attack> {
    const PATH: &str = "/api/auth/refresh";
    let unknown = || {
        Call::json(
            PATH,
            json!({ "refresh_token": refresh_token() }).to_string(),
        )
    };
    let mut all = vec![attack("refresh", "an unknown token", unknown)];
    all.extend(padded("refresh", PATH, &[("refresh_token", "x")]));
    all
}

fn reactivate() -> Vec<Attack> {
    const PATH: &str = "/api/auth/reactivate/request";
    let unknown = || Call::json(PATH, json!({ "email": stranger() }).to_string());
    let known = json!({ "email": "owner@example.com" }).to_string();
    let mut all = vec![
        attack("reactivate/request", "an unknown address", unknown),
        fixed(
            "reactivate/request",
            "a known address",
            Call::json(PATH, known),
        ),
    ];
    all.extend(padded(
        "reactivate/request",
        PATH,
        &[("email", "x@example.com")],
    ));
    all
}

/// Bodies that are 16 KiB long by what no operation reads, or by what it should read.
fn padded(
    operation: &'static str,
    path: &'static str,
    members: &[(&'static str, &str)],
) -> Vec<Attack> {
    let known = members
        .iter()
        .map(|(name, value)| format!("\"{name}\":\"{value}\","));
    let known: String = known.collect();
    let room = LIMIT - known.len() - 20;
    let depth = room / 2;
    let deep = format!(
        "{{{known}\"x\":{}{}}}",
        "[".repeat(depth),
        "]".repeat(depth)
    );
    let mut many = format!("{{{known}\"x\":0");
    for number in 0.. {
        let member = format!(",\"{number:x}\":0");
        if many.len() + member.len() >= LIMIT {
            break;
        }
        many += &member;
    }
    many += "}";
    // A letter that two others make up, each escaped.
    let (first, _) = members.first().copied().unwrap_or(("x", ""));
    let long = format!("{{\"{first}\":\"{}\"}}", "\\u1e9b\\u0323".repeat(room / 12));
    vec![
        fixed(operation, "nested 16 KiB", Call::json(path, deep)),
        fixed(operation, "16 KiB of members", Call::json(path, many)),
        fixed(operation, "16 KiB in one member", Call::json(path, long)),
    ]
}

fn attack(
    operation: &'static str,
    what: &'static str,
    call: impl Fn() -> Call + Send + 'static,
) -> Attack {
    Attack {
        operation,
        what,
        place: Place::Anywhere,
        call: Box::new(call),
    }
}

/// The same request again and again.
fn fixed(operation: &'static str, what: &'static str, call: Call) -> Attack {
    attack(operation, what, move || call.clone())
}

/// An address that was not used before.
fn stranger() -> String {
    static STRANGERS: AtomicU64 = AtomicU64::new(0);
    format!("u{}@example.com", STRANGERS.fetch_add(1, Ordering::Relaxed))
}

/// One of the right form, for which the database is asked.
fn refresh_token() -> String {
    let minted = mint(&SystemRandom, REFRESH_PREFIX);
    minted
        .map(|minted| minted.plain.to_string())
        .unwrap_or_default()
}
