//! Every field of every body against values that it must not take, or must take as they are.
//!
//! All values of an operation are tried on one `subject::Subject`, a body that would succeed. When all
//! refusals are in, it must still succeed: nothing was done, used up or counted meanwhile.

mod body;
mod rules;
mod subject;
mod value;

use anyhow::{Context, Result, ensure};
use futures::{StreamExt, TryStreamExt};

use super::snapshot::{Body, Field, Operation, operations};
use super::verdict;
use crate::case::Verdict;
use crate::kit::Raw;
use crate::trial::Trial;
use body::Content;
use rules::{Expected, Role, expected};
use subject::{Subject, Subjects};
use value::Value;

/// Refusals do not get into each other's way.
const AT_ONCE: usize = 8;

/// A value in the place of a field, or the whole body in the place of a good one.
#[derive(Clone)]
enum Attempt<'o> {
    Field(&'o Field, Value, Expected),
    Whole(&'static str, Expected),
}

/// Tries everything on the operation of that id.
pub async fn judge(t: Trial, id: &str) -> Verdict {
    let operations = operations()?;
    let operation = operations.iter().find(|operation| operation.id == id);
    let operation = operation.with_context(|| format!("the snapshot has no {id}"))?;
    let attempts = attempts(operation)?;
    let (lasting, spending): (Vec<_>, Vec<_>) = attempts
        .into_iter()
        .partition(|attempt| !attempt.expected().spends());

    let mut subjects = Subjects::new(t, operation);
    let subject = subjects.first().await?;
    let tried: Vec<_> = lasting
        .iter()
        .map(|attempt| try_on(&subject, operation, attempt))
        .collect();
    let tried = futures::stream::iter(tried).buffer_unordered(AT_ONCE);
    let mut said: Vec<Option<String>> = tried.try_collect().await?;
    // Deviations say more than what followed from them.
    if said.iter().any(Option::is_some) {
        return verdict(said);
    }
    subject.is_untouched().await?;
    let answer = subject
        .send(operation, &Content::good(&subject.fields))
        .await?;
    ensure!(
        (200..300).contains(&answer.status),
        "after all refusals the good body got {} {}",
        answer.status,
        answer.text
    );
    subject.has_succeeded(&answer).await?;

    for attempt in &spending {
        let subject = subjects.next().await?;
        said.push(try_on(&subject, operation, attempt).await?);
    }
    verdict(said)
}

fn attempts(operation: &Operation) -> Result<Vec<Attempt<'_>>> {
    let body = body_of(operation)?;
    let mut attempts = Vec::new();
    for field in &body.fields {
        let role = Role::of(&operation.id, field)?;
        for value in Value::all(role, field, body.media) {
            let expected = expected(operation, field, role, &value);
            attempts.push(Attempt::Field(field, value, expected));
        }
    }
    attempts.extend(Content::whole(body).map(|(name, expected)| Attempt::Whole(name, expected)));
    Ok(attempts)
}

fn body_of(operation: &Operation) -> Result<&Body> {
    operation.body.as_ref().context("it has no body")
}

async fn try_on(
    subject: &Subject,
    operation: &Operation,
    attempt: &Attempt<'_>,
) -> Result<Option<String>> {
    let (content, name) = match attempt {
        Attempt::Field(field, value, _) => {
            let content = Content::with(&subject.fields, &field.name, value)?;
            (content, format!("{} {value:?}", field.name))
        }
        Attempt::Whole(name, _) => {
            let media = body_of(operation)?.media;
            let content = Content::named(name, &subject.fields, media)?;
            (content, format!("body {name}"))
        }
    };
    let answer = subject.send(operation, &content).await?;
    let place = match attempt {
        Attempt::Field(field, ..) => format!("body.{}", field.name),
        Attempt::Whole(..) => "body".to_owned(),
    };
    let expected = attempt.expected();
    Ok(objection(&answer, expected, &place).map(|objection| {
        let json = answer.json();
        let code = json["error_code"].as_str().unwrap_or_default();
        let head = format!("{} {name}: answered {} {code}", operation.id, answer.status);
        format!("{head}, {objection}")
    }))
}

impl Attempt<'_> {
    fn expected(&self) -> Expected {
        match self {
            Self::Field(.., expected) | Self::Whole(_, expected) => *expected,
        }
    }
}

fn objection(answer: &Raw, expected: Expected, place: &str) -> Option<String> {
    let json = answer.json();
    let seen = (
        answer.status,
        json["error_code"].as_str().unwrap_or_default(),
    );
    match expected {
        Expected::Invalid | Expected::Unreadable => {
            if seen != (422, "validation_error") {
                return Some("not 422 validation_error".to_owned());
            }
            let blamed = blamed(&json);
            let is_meant = |at: &String| {
                at == place
                    || at.starts_with(&format!("{place}."))
                    || (expected == Expected::Unreadable && at == "body")
            };
            let right = !blamed.is_empty() && blamed.iter().all(is_meant);
            (!right).then(|| format!("and blames {blamed:?}, not {place}"))
        }
        Expected::Refused(status, code) | Expected::Counted(status, code) => {
            (seen != (status, code)).then(|| format!("not {status} {code}"))
        }
        Expected::WithoutEffect | Expected::Accepted => {
            let success = (200..300).contains(&answer.status);
            (!success).then(|| "not with success".to_owned())
        }
    }
}

/// The fields that a 422 names.
fn blamed(json: &serde_json::Value) -> Vec<String> {
    let errors = json["errors"].as_array().into_iter().flatten();
    errors
        .map(|error| {
            let parts = error["loc"].as_array().into_iter().flatten();
            let parts: Vec<&str> = parts.filter_map(serde_json::Value::as_str).collect();
            parts.join(".")
        })
        .collect()
}

#[cfg(test)]
mod tests;
