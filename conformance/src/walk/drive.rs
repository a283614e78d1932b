//! Does what the model says to a server: numbers become tokens, codes and addresses, and the answer
//! is held against the prediction.

use std::collections::HashMap;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::action::Action;
use super::guard::{Asked, Guard, device_secret};
use super::model::{Model, STEP};
use super::words::{Ask, Call, Expected, Fact, Field, Move, Source, Thing};
use crate::kit::{Authenticator, Raw};
use crate::trial::Trial;

/// Sequences begin with a full hour: no limit of one reaches into the next, and steps of codes begin
/// where they do in the model.
const BEGINNING: i64 = 3_600;

/// A server with the people of one sequence.
pub struct World {
    trial: Trial,
    /// When the sequence began, in seconds since the epoch.
    began: i64,
    /// From each client network.
    http: [reqwest::Client; 2],
    emails: Vec<String>,
    things: HashMap<Thing, String>,
    guard: Guard,
}

impl World {
    pub fn new(trial: &Trial, http: &[reqwest::Client; 2]) -> Result<Self> {
        let seconds = trial.now_ms() / 1000;
        let next = (seconds / BEGINNING + 2) * BEGINNING;
        trial.advance_secs(u64::try_from(next - seconds)?)?;
        Ok(Self {
            trial: trial.clone(),
            began: next,
            http: http.clone(),
            emails: Vec::new(),
            things: HashMap::new(),
            guard: Guard::default(),
        })
    }

    /// Does the action to the model and to the server, and says what came of it.
    pub async fn step(&mut self, model: &mut Model, action: &Action) -> Result<String> {
        match model.apply(action) {
            Move::Wait(seconds) => {
                self.trial.advance_secs(u64::try_from(seconds)?)?;
                Ok(String::new())
            }
            Move::Operator(lever, who) => {
                let email = self.email(who);
                self.trial.operator(lever, &email).await?;
                match lever {
                    "reset-mfa" => self.guard.unprotect(who),
                    "activate" => {}
                    _ => self.guard.distrust(who),
                }
                Ok(lever.to_owned())
            }
            Move::Ask(ask) => self.ask(&ask).await,
        }
    }

    /// Nothing that was given for less than a second factor opens anything at the end either.
    pub async fn finish(&self) -> Result<()> {
        for token in self.guard.loose() {
            self.must_not_open(&token).await?;
        }
        Ok(())
    }

    async fn ask(&mut self, ask: &Ask) -> Result<String> {
        let Ask { call, expected } = ask;
        let answer = self.send(call).await?;
        // The property comes before the prediction: a failure of both is called by its name.
        let bearer = call.bearer.map(|thing| self.value(thing)).transpose()?;
        let device = call.device.map(|thing| self.value(thing)).transpose()?;
        let token = call.fields.iter().find_map(|(name, field)| match field {
            Field::Thing(thing) if name.ends_with("_token") => Some(*thing),
            _ => None,
        });
        let token = token.map(|thing| self.value(thing)).transpose()?;
        let tail = match &call.tail {
            Some(tail) => self.field(tail)?.as_str().map(str::to_owned),
            None => None,
        };
        let asked = Asked {
            path: call.path,
            who: owner(call).unwrap_or_default(),
            bearer: bearer.as_deref(),
            device: device.as_deref(),
            token: token.as_deref(),
            tail: tail.as_deref(),
        };
        for token in self.guard.see(&asked, &answer) {
            self.must_not_open(&token).await?;
        }
        self.judge(call, expected, &answer)?;
        for (thing, source) in &expected.learn {
            self.learn(*thing, source, &answer).await?;
        }
        Ok(format!("{} {}", expected.status, expected.code))
    }

    async fn send(&mut self, call: &Call) -> Result<Raw> {
        let mut url = self.trial.at(call.path);
        if let Some(tail) = &call.tail {
            url.push_str(self.field(tail)?.as_str().unwrap_or_default());
        }
        let mut request = self.http[call.network].request(call.method.clone(), url);
        if let Some(thing) = call.bearer {
            request = request.bearer_auth(self.value(thing)?);
        }
        if let Some(thing) = call.device {
            request = request.header("x-trusted-device", self.value(thing)?);
        }
        let mut fields = serde_json::Map::new();
        for (name, field) in &call.fields {
            fields.insert((*name).to_owned(), self.field(field)?);
        }
        if call.form {
            request = request
                .header("content-type", "application/x-www-form-urlencoded")
                .body(serde_urlencoded::to_string(&fields)?);
        } else if !fields.is_empty() {
            request = request.json(&fields);
        }
        Raw::of(request).await
    }

    fn judge(&self, call: &Call, expected: &Expected, answer: &Raw) -> Result<()> {
        let body = answer.json();
        let code = body["error_code"].as_str().unwrap_or_default();
        ensure!(
            (answer.status, code) == (expected.status, expected.code),
            "{} {} answered {} {code}, the model says {} {}",
            call.method,
            call.path,
            answer.status,
            expected.status,
            expected.code
        );
        for (pointer, fact) in &expected.facts {
            let said = body.pointer(pointer).cloned().unwrap_or_default();
            let (said, expected) = match fact {
                Fact::Is(value) => (said, value.clone()),
                Fact::Ids(things) => {
                    let ids = things.iter().map(|thing| self.value(*thing));
                    let ids = ids.collect::<Result<Vec<_>>>()?;
                    let list = said.as_array().into_iter().flatten();
                    let said: Vec<String> = list.map(|one| one["id"].to_string()).collect();
                    (json!(said), json!(ids))
                }
            };
            ensure!(
                said == expected,
                "{} {} said {said} at `{pointer}`, the model says {expected}",
                call.method,
                call.path
            );
        }
        Ok(())
    }

    async fn learn(&mut self, thing: Thing, source: &Source, answer: &Raw) -> Result<()> {
        let value = match source {
            Source::Body(pointer) => {
                let body = answer.json();
                let value = body.pointer(pointer);
                match value.with_context(|| format!("no {pointer}"))? {
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                }
            }
            Source::Cookie => device_secret(answer).context("no cookie of a trusted device")?,
            Source::Mail(page, count) => {
                let email = self.email(owner_of(thing).unwrap_or_default());
                let token = self.trial.mailed_token(&email, page, *count).await?;
                token.expose().to_owned()
            }
        };
        // What does not change must stay what it was.
        if let (Thing::DeviceId(..), Some(before)) = (thing, self.things.get(&thing)) {
            ensure!(*before == value, "the device {before} has become {value}");
        }
        self.things.insert(thing, value);
        Ok(())
    }

    async fn must_not_open(&self, token: &str) -> Result<()> {
        let me = self.http[0].get(self.trial.at("/api/auth/me"));
        let answer = Raw::of(me.bearer_auth(token)).await?;
        ensure!(
            answer.status == 401,
            "THE PROPERTY FAILS: GET /me answered {} to a token that was given to somebody with a \
             second factor who has shown neither that nor a trusted device",
            answer.status
        );
        Ok(())
    }

    fn field(&mut self, field: &Field) -> Result<Value> {
        Ok(match field {
            Field::Text(text) => json!(text),
            Field::Flag(flag) => json!(flag),
            Field::Email(who) => json!(self.email(*who)),
            Field::Thing(thing) => json!(self.value(*thing)?),
            Field::Totp(secret, step) => json!(self.code(*secret, *step)?),
            Field::WrongCode(who) => json!(self.wrong_code(*who)?),
        })
    }

    fn email(&mut self, who: usize) -> String {
        while self.emails.len() <= who {
            self.emails.push(self.trial.fresh_email());
        }
        self.emails[who].clone()
    }

    fn value(&self, thing: Thing) -> Result<String> {
        if thing == Thing::Nonsense {
            return Ok("nonsense".to_owned());
        }
        let value = self.things.get(&thing).cloned();
        value.with_context(|| format!("the model speaks of {thing:?}, which nobody gave"))
    }

    /// Steps of the model differ from those of the world by a whole number.
    fn code(&self, secret: Thing, step: i64) -> Result<String> {
        let here = (self.trial.now_ms() / 1000 - self.began) / STEP;
        Authenticator::new(&self.value(secret)?).code_at(&self.trial, step - here)
    }

    fn wrong_code(&self, who: usize) -> Result<String> {
        let mut right = Vec::new();
        for thing in self.things.keys() {
            if matches!(thing, Thing::Secret(owner, _) if *owner == who) {
                let authenticator = Authenticator::new(&self.value(*thing)?);
                for steps in -3..=3 {
                    right.push(authenticator.code_at(&self.trial, steps)?);
                }
            }
        }
        let mut candidates = (0..1_000_000).map(|number| format!("{number:06}"));
        let wrong = candidates.find(|code| !right.contains(code));
        wrong.context("every code is right")
    }
}

/// Whose request it is.
fn owner(call: &Call) -> Option<usize> {
    let mut from_fields = call.fields.iter().filter_map(|(_, field)| match field {
        Field::Email(who) => Some(*who),
        Field::Thing(thing) => owner_of(*thing),
        _ => None,
    });
    call.bearer
        .and_then(owner_of)
        .or_else(|| from_fields.next())
}

fn owner_of(thing: Thing) -> Option<usize> {
    match thing {
        Thing::Nonsense => None,
        Thing::Access(who, _)
        | Thing::Refresh(who, _, _)
        | Thing::MfaToken(who, _)
        | Thing::Secret(who, _)
        | Thing::BackupCode(who, _, _)
        | Thing::DeviceSecret(who, _, _)
        | Thing::DeviceId(who, _)
        | Thing::ResetToken(who, _)
        | Thing::ReactivationToken(who, _) => Some(who),
    }
}
