//! A person whose effects are remembered as they were acknowledged, and looked for afterwards.

use std::sync::Arc;

use anyhow::Result;
use serde_json::{Value, json};

use crate::drills::field::{Came, Field, back_off, settled};
use crate::drills::logins::factor;
use crate::kit::{PASSWORD, Raw};

/// What is known of something that a lost answer may have changed.
#[derive(Debug, Clone, Default)]
enum Known<T> {
    #[default]
    Absent,
    Is(T),
    /// Either what it was or what it was to become.
    Unsure,
}

#[derive(Default)]
pub struct Person {
    pub email: String,
    access: Known<String>,
    refresh: Known<String>,
    api_key: Known<String>,
    /// The backup codes that are left; there are some when there is a second factor.
    codes: Known<Vec<String>>,
    /// What must be refused for ever.
    ended_access: Vec<String>,
    ended_refresh: Option<String>,
    ended_keys: Vec<String>,
    ended_code: Option<String>,
}

/// How much was acknowledged, lost and looked at.
#[derive(Default)]
pub struct Seen {
    pub acknowledged: usize,
    pub unknown: usize,
    pub verified: usize,
    pub missing: Vec<String>,
}

impl Seen {
    pub fn add(&mut self, other: &Self) {
        self.acknowledged += other.acknowledged;
        self.unknown += other.unknown;
        self.verified += other.verified;
        self.missing.extend(other.missing.iter().cloned());
    }

    fn holds(&mut self, holds: bool, what: impl FnOnce() -> String) {
        self.verified += 1;
        if !holds {
            self.missing.push(what());
        }
    }
}

/// Makes people and does everything with them, until nobody answers any more.
pub async fn work(field: Arc<Field>, number: usize) -> Result<(Vec<Person>, Seen)> {
    let (mut people, mut seen) = (Vec::new(), Seen::default());
    while let Some(mut person) = Person::register(&field, &mut seen).await {
        let mut goes_on = true;
        for turn in number.. {
            goes_on = match turn % 7 {
                0 | 3 => person.refreshes(&field, &mut seen).await,
                1 => person.rotates_key(&field, &mut seen).await,
                2 => person.enrols(&field, &mut seen).await?,
                4 => person.regenerates(&field, &mut seen).await,
                5 => person.logs_in(&field, &mut seen).await,
                _ => person.logs_out(&field, &mut seen).await,
            };
            if !goes_on || turn > number + 12 {
                break;
            }
        }
        people.push(person);
        if !goes_on {
            break;
        }
    }
    Ok((people, seen))
}

impl Person {
    async fn register(field: &Field, seen: &mut Seen) -> Option<Self> {
        let email = field.fresh_email();
        let body = json!({ "email": email, "password": PASSWORD });
        let answer = acknowledged(field.post("/api/auth/register", &body, None).await, seen)?;
        (answer.status == 201).then_some(())?;
        let mut person = Self {
            email,
            ..Self::default()
        };
        person.logs_in(field, seen).await;
        Some(person)
    }

    async fn logs_in(&mut self, field: &Field, seen: &mut Seen) -> bool {
        if matches!(self.codes, Known::Is(_) | Known::Unsure) {
            return true;
        }
        let Some(answer) = acknowledged(field.login(&self.email).await, seen) else {
            return false;
        };
        self.begins(&answer.json());
        true
    }

    fn begins(&mut self, tokens: &Value) {
        self.access = known(&tokens["access_token"]);
        self.refresh = known(&tokens["refresh_token"]);
        self.ended_refresh = None;
    }

    async fn refreshes(&mut self, field: &Field, seen: &mut Seen) -> bool {
        let Known::Is(old) = self.refresh.clone() else {
            return true;
        };
        let body = json!({ "refresh_token": old });
        let came = field.post("/api/auth/refresh", &body, None).await;
        let Some(answer) = acknowledged(came, seen) else {
            self.refresh = Known::Unsure;
            return false;
        };
        if answer.status == 200 {
            self.begins(&answer.json());
            self.ended_refresh = Some(old);
        }
        true
    }

    async fn rotates_key(&mut self, field: &Field, seen: &mut Seen) -> bool {
        let Known::Is(token) = self.access.clone() else {
            return true;
        };
        let path = "/api/auth/api-key/rotate";
        let came = field.post(path, &Value::Null, Some(&token)).await;
        let old = std::mem::replace(&mut self.api_key, Known::Unsure);
        let Some(answer) = acknowledged(came, seen) else {
            return false;
        };
        if answer.status != 200 {
            self.api_key = old;
            return true;
        }
        if let Known::Is(old) = old {
            self.ended_keys.push(old);
        }
        self.api_key = known(&answer.json()["api_key"]);
        true
    }

    async fn enrols(&mut self, field: &Field, seen: &mut Seen) -> Result<bool> {
        let (Known::Is(token), Known::Absent) = (self.access.clone(), &self.codes) else {
            return Ok(true);
        };
        let path = "/api/auth/mfa/totp/setup";
        let came = field.post(path, &Value::Null, Some(&token)).await;
        let Some(answer) = acknowledged(came, seen) else {
            return Ok(false);
        };
        let Some(secret) = answer.json()["secret"].as_str().map(str::to_owned) else {
            return Ok(true);
        };
        let body = json!({ "code": factor::code(&secret)? });
        let came = field
            .post("/api/auth/mfa/totp/verify", &body, Some(&token))
            .await;
        let Some(answer) = acknowledged(came, seen) else {
            self.codes = Known::Unsure;
            return Ok(false);
        };
        if answer.status == 200 {
            self.codes = Known::Is(factor::codes(&answer.json()["backup_codes"])?);
        }
        Ok(true)
    }

    async fn regenerates(&mut self, field: &Field, seen: &mut Seen) -> bool {
        let (Known::Is(token), Known::Is(old)) = (self.access.clone(), self.codes.clone()) else {
            return true;
        };
        let path = "/api/auth/mfa/backup-codes/regenerate";
        let came = field.post(path, &Value::Null, Some(&token)).await;
        let Some(answer) = acknowledged(came, seen) else {
            self.codes = Known::Unsure;
            return false;
        };
        if let (200, Ok(codes)) = (answer.status, factor::codes(&answer.json()["codes"])) {
            self.ended_code = old.last().cloned();
            self.codes = Known::Is(codes);
        }
        true
    }

    async fn logs_out(&mut self, field: &Field, seen: &mut Seen) -> bool {
        let Known::Is(token) = self.access.clone() else {
            return true;
        };
        let path = "/api/auth/logout";
        let came = field.post(path, &Value::Null, Some(&token)).await;
        let refresh = std::mem::take(&mut self.refresh);
        self.access = Known::Absent;
        let Some(answer) = acknowledged(came, seen) else {
            self.ended_refresh = None;
            return false;
        };
        if answer.status == 204 {
            self.ended_access.push(token);
            if let Known::Is(refresh) = refresh {
                self.ended_refresh = Some(refresh);
            }
        }
        true
    }

    /// Looks for everything that was acknowledged. It uses up what it tries, and remembers that.
    pub async fn verified(mut self, field: Arc<Field>) -> Result<(Self, Seen)> {
        let mut seen = Seen::default();
        let email = self.email.clone();
        for token in &self.ended_access {
            let status = status(|| field.get("/api/auth/me", token)).await?;
            seen.holds(status == 401, || {
                format!("{email}: a logged-out session is {status}")
            });
        }
        if let Known::Is(token) = &self.access {
            let status = status(|| field.get("/api/auth/me", token)).await?;
            seen.holds(status == 200, || format!("{email}: a session is {status}"));
        }
        if let Known::Is(key) = &self.api_key {
            let status = status(|| by_key(&field, key)).await?;
            seen.holds(status == 200, || {
                format!("{email}: the API key is {status}")
            });
        }
        for key in &self.ended_keys {
            let status = status(|| by_key(&field, key)).await?;
            seen.holds(status == 401, || {
                format!("{email}: an old API key is {status}")
            });
        }
        if let Known::Is(token) = self.refresh.clone() {
            let body = json!({ "refresh_token": token });
            let answer = answer(|| field.post("/api/auth/refresh", &body, None)).await?;
            let status = answer.status;
            seen.holds(status == 200, || {
                format!("{email}: the refresh token is {status}")
            });
            self.begins(&answer.json());
            self.ended_refresh = Some(token);
        }
        if let Some(token) = self.ended_refresh.take() {
            let body = json!({ "refresh_token": token });
            let status = status(|| field.post("/api/auth/refresh", &body, None)).await?;
            seen.holds(status == 401, || {
                format!("{email}: a used refresh token is {status}")
            });
        }
        // Whatever family there was, it has ended by that, or nobody knows its token.
        (self.access, self.refresh) = (Known::Absent, Known::Absent);
        self.login_verified(&field, &mut seen).await?;
        Ok((self, seen))
    }

    async fn login_verified(&mut self, field: &Arc<Field>, seen: &mut Seen) -> Result<()> {
        let email = self.email.clone();
        let login = answer(|| field.login(&email)).await?;
        let status = login.status;
        seen.holds(status == 200, || format!("{email}: the login is {status}"));
        let login = login.json();
        let pending = login["mfa_required"] == true;
        match &mut self.codes {
            Known::Unsure => {}
            Known::Absent => {
                seen.holds(!pending, || {
                    format!("{email}: a second factor nobody enrolled")
                });
            }
            Known::Is(codes) => {
                seen.holds(pending, || format!("{email}: the second factor is gone"));
                for (code, expected) in [(self.ended_code.take(), 401), (codes.pop(), 200)] {
                    let Some(code) = code else { continue };
                    let body = json!({
                        "mfa_token": login["mfa_token"], "method": "backup_codes", "code": code,
                    });
                    let path = "/api/auth/mfa/challenge";
                    let status = self::status(|| field.post(path, &body, None)).await?;
                    seen.holds(status == expected, || {
                        format!("{email}: a backup code is {status}, not {expected}")
                    });
                }
            }
        }
        Ok(())
    }
}

fn known(text: &Value) -> Known<String> {
    text.as_str()
        .map_or(Known::Absent, |text| Known::Is(text.to_owned()))
}

/// The answer, counted; or that there was none, which ends the round.
fn acknowledged(came: Came, seen: &mut Seen) -> Option<Raw> {
    match came {
        Came::Answer(answer) => {
            seen.acknowledged += usize::from(answer.status < 300);
            Some(answer)
        }
        Came::Refused => None,
        Came::Cut(_) => {
            seen.unknown += 1;
            None
        }
    }
}

async fn by_key(field: &Field, key: &str) -> Came {
    field
        .ask(|http, url| http.get(url("/api/auth/me")).header("X-API-Key", key))
        .await
}

async fn status<F: Future<Output = Came>>(ask: impl Fn() -> F) -> Result<u16> {
    Ok(answer(ask).await?.status)
}

/// Verifying comes all at once: who is told to wait comes back.
async fn answer<F: Future<Output = Came>>(ask: impl Fn() -> F) -> Result<Raw> {
    for tries in 0..100 {
        let answer = settled(ask().await)?;
        if !matches!(answer.status, 503) {
            return Ok(answer);
        }
        back_off(tries).await;
    }
    anyhow::bail!("never answered")
}
