//! All operations, and the attempts at them.

use anyhow::{Context, Result, bail, ensure};
use futures::{StreamExt, TryStreamExt};
use reqwest::RequestBuilder;
use serde_json::{Map, Value, json};

use super::{Expected, Kind, Place, expected, without};
use crate::case::Verdict;
use crate::kit::Raw;
use crate::matrix::snapshot::{Caller, Media, Operation, operations};
use crate::matrix::verdict;
use crate::trial::Trial;

/// Refusals do not get into each other's way.
const AT_ONCE: usize = 8;

/// Every operation, with requests that would do something if they were let through.
pub struct Wall {
    t: Trial,
    http: reqwest::Client,
    operations: Vec<Operation>,
    device: i64,
    phone: String,
}

/// One attempt.
struct Attempt<'a> {
    operation: &'a Operation,
    kind: Kind,
    place: Place,
    token: &'a str,
    expected: Expected,
}

impl Wall {
    /// `device` is the trusted device of whoever must not be harmed.
    pub fn new(t: &Trial, device: i64) -> Result<Self> {
        Ok(Self {
            http: t.http(),
            operations: operations()?,
            device,
            phone: t.fresh_phone(),
            t: t.clone(),
        })
    }

    /// The operations that ask for a credential of the request.
    pub fn guarded(&self) -> impl Iterator<Item = &Operation> {
        let guarded = [Caller::Token, Caller::TokenOrApiKey];
        let all = self.operations.iter();
        all.filter(move |operation| guarded.contains(&operation.caller))
    }

    /// Tries the tokens wherever they must open nothing.
    pub async fn refuses(&self, kind: Kind, tokens: &[&str]) -> Verdict {
        let attempts = self.attempts(kind, tokens, |expected| !expected.opens());
        let attempts: Vec<_> = attempts
            .into_iter()
            .map(|attempt| self.attempt(attempt))
            .collect();
        let said = futures::stream::iter(attempts)
            .buffer_unordered(AT_ONCE)
            .try_collect::<Vec<_>>();
        verdict(said.await?)
    }

    /// Tries the token wherever it must open something.
    pub async fn opens(&self, kind: Kind, token: &str) -> Verdict {
        let tokens = [token];
        let mut attempts = self.attempts(kind, &tokens, Expected::opens);
        // After it nothing else would be opened.
        attempts.sort_by_key(|attempt| attempt.operation.caller == Caller::Maybe);
        let mut said = Vec::new();
        for attempt in attempts {
            said.push(self.attempt(attempt).await?);
        }
        verdict(said)
    }

    fn attempts<'a>(
        &'a self,
        kind: Kind,
        tokens: &'a [&str],
        which: impl Fn(Expected) -> bool,
    ) -> Vec<Attempt<'a>> {
        let mut attempts = Vec::new();
        for operation in &self.operations {
            for place in Place::of(kind, operation) {
                let expected = expected(kind, place, operation);
                if which(expected) {
                    attempts.extend(tokens.iter().map(|token| Attempt {
                        operation,
                        kind,
                        place,
                        token,
                        expected,
                    }));
                }
            }
        }
        attempts
    }

    /// What there is to object to.
    async fn attempt(&self, attempt: Attempt<'_>) -> Result<Option<String>> {
        let Attempt {
            operation,
            kind,
            place,
            token,
            expected,
        } = attempt;
        let (request, bare) = self.request(operation, place, token)?;
        let answer = Raw::of(request).await?;
        let json = answer.json();
        let code = json["error_code"].as_str().unwrap_or_default();
        let seen = (answer.status, code);
        let objection = match expected {
            Expected::Refused(status, wanted) if seen != (status, wanted) => {
                Some(format!("not {status} {wanted}"))
            }
            Expected::AcceptedAs(status, wanted) if seen != (status, wanted) => {
                Some(format!("not {status} {wanted}"))
            }
            Expected::Ignored if Some(seen) != bare => Some(format!("not {bare:?} as without it")),
            Expected::Accepted if matches!(answer.status, 401 | 403 | 500..) => {
                Some("though it is good for that".to_owned())
            }
            Expected::Refused(401, wanted)
                if matches!(place, Place::Bearer | Place::Cookie)
                    && wanted != "not_authenticated"
                    && !says_invalid_token(&answer) =>
            {
                Some("without RFC 6750's error=\"invalid_token\"".to_owned())
            }
            Expected::Refused(..) | Expected::Ignored if sets_a_token(&answer) => {
                Some("and a cookie with a token".to_owned())
            }
            _ => None,
        };
        Ok(objection.map(|objection| {
            format!(
                "{} {}, {kind:?} at {place:?} ({:.12}...): answered {} {code}, {objection}",
                operation.method, operation.path, token, answer.status
            )
        }))
    }

    /// The request, and what a stranger would be told.
    pub fn request(
        &self,
        operation: &Operation,
        place: Place,
        token: &str,
    ) -> Result<(RequestBuilder, Option<(u16, &'static str)>)> {
        let path = operation.path.replace("{method}", "totp");
        let path = path.replace("{device_id}", &self.device.to_string());
        ensure!(!path.contains('{'), "no rule for the parameters of {path}");
        let mut request = self
            .http
            .request(operation.method.clone(), self.t.at(&path));
        let (mut fields, bare) = match operation.caller {
            Caller::Anybody | Caller::Maybe => {
                let (body, status, code) = without(&self.t, operation)?;
                (body, Some((status, code)))
            }
            Caller::Token | Caller::TokenOrApiKey => (self.sample(operation)?, None),
        };
        request = match place {
            Place::Nowhere => request,
            Place::Bearer => request.header("authorization", format!("Bearer {token}")),
            Place::OtherScheme => request.header("authorization", format!("Token {token}")),
            Place::NoScheme => request.header("authorization", token),
            Place::Cookie => request.header("cookie", format!("bp_token={token}")),
            Place::ApiKeyHeader => request.header("x-api-key", token),
            Place::DeviceHeader => request.header("x-trusted-device", token),
            Place::Query => request.query(&[("access_token", token)]),
            Place::Field(name) => {
                fields[name] = token.into();
                request
            }
        };
        request = match operation.body.as_ref().map(|body| body.media) {
            None => request,
            Some(Media::Json) => request.json(&fields),
            Some(Media::Form) => request.form(&fields),
        };
        Ok((request, bare))
    }

    /// A body that a good credential could do something with.
    fn sample(&self, operation: &Operation) -> Result<Value> {
        let mut fields = Map::new();
        for field in operation.body.iter().flat_map(|body| &body.fields) {
            let value = match field.name.as_str() {
                "code" => json!("000000"),
                "phone_number" => json!(self.phone),
                other => bail!("no sample for {other} of {}", operation.id),
            };
            fields.insert(field.name.clone(), value);
        }
        Ok(fields.into())
    }
}

impl Wall {
    /// An attempt at one operation with several headers at once.
    pub async fn with_headers(
        &self,
        operation: &Operation,
        headers: &[(&str, String)],
    ) -> Result<Raw> {
        let (mut request, _) = self.request(operation, Place::Nowhere, "")?;
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        Raw::of(request).await.context("no answer")
    }
}

fn says_invalid_token(answer: &Raw) -> bool {
    answer
        .header("www-authenticate")
        .is_some_and(|value| value.contains("error=\"invalid_token\""))
}

fn sets_a_token(answer: &Raw) -> bool {
    answer
        .set_cookie("bp_token")
        .is_some_and(|cookie| !cookie.contains("Max-Age=0"))
}
