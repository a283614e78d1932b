//! What faults of the witness are made of.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use anyhow::Result;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use futures::future::BoxFuture;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, SET_COOKIE};
use http::{HeaderValue, Method, StatusCode};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::witness::{Answer, Misbehaviour, Onward, Sent};

pub type Made = Arc<dyn Misbehaviour>;

/// Asks the server, and changes what it answers.
pub fn answers(change: fn(&Sent, &mut Answer)) -> Made {
    struct Answers(fn(&Sent, &mut Answer));
    impl Misbehaviour for Answers {
        fn answer<'a>(
            &'a self,
            sent: Sent,
            onward: &'a dyn Onward,
        ) -> BoxFuture<'a, Result<Answer>> {
            Box::pin(async move {
                let mut answer = onward.pass(&sent).await?;
                (self.0)(&sent, &mut answer);
                Ok(answer)
            })
        }
    }
    Arc::new(Answers(change))
}

/// Changes what the server is asked.
pub fn requests(change: fn(&mut Sent)) -> Made {
    struct Requests(fn(&mut Sent));
    impl Misbehaviour for Requests {
        fn answer<'a>(
            &'a self,
            mut sent: Sent,
            onward: &'a dyn Onward,
        ) -> BoxFuture<'a, Result<Answer>> {
            Box::pin(async move {
                (self.0)(&mut sent);
                onward.pass(&sent).await
            })
        }
    }
    Arc::new(Requests(change))
}

/// Changes requests and answers by what earlier ones were.
pub fn remembering<M: Default + Send + 'static>(
    before: fn(&mut M, &mut Sent),
    after: fn(&mut M, &Sent, &mut Answer),
) -> Made {
    struct Remembering<M> {
        memory: Mutex<M>,
        before: fn(&mut M, &mut Sent),
        after: fn(&mut M, &Sent, &mut Answer),
    }
    impl<M: Send> Misbehaviour for Remembering<M> {
        fn answer<'a>(
            &'a self,
            mut sent: Sent,
            onward: &'a dyn Onward,
        ) -> BoxFuture<'a, Result<Answer>> {
            Box::pin(async move {
                (self.before)(&mut lock(&self.memory), &mut sent);
                let mut answer = onward.pass(&sent).await?;
                (self.after)(&mut lock(&self.memory), &sent, &mut answer);
                Ok(answer)
            })
        }
    }
    Arc::new(Remembering {
        memory: Mutex::new(M::default()),
        before,
        after,
    })
}

/// Asks once more, differently, where the first answer is not to its taste.
pub fn insisting(again: fn(&Sent, &Answer) -> Option<Sent>) -> Made {
    choosing(again, |_| true)
}

/// Asks once more, differently, and takes the second answer if that one is more to its taste.
pub fn choosing(again: fn(&Sent, &Answer) -> Option<Sent>, better: fn(&Answer) -> bool) -> Made {
    struct Choosing(fn(&Sent, &Answer) -> Option<Sent>, fn(&Answer) -> bool);
    impl Misbehaviour for Choosing {
        fn answer<'a>(
            &'a self,
            sent: Sent,
            onward: &'a dyn Onward,
        ) -> BoxFuture<'a, Result<Answer>> {
            Box::pin(async move {
                let answer = onward.pass(&sent).await?;
                let Some(other) = (self.0)(&sent, &answer) else {
                    return Ok(answer);
                };
                let second = onward.pass(&other).await?;
                Ok(if (self.1)(&second) { second } else { answer })
            })
        }
    }
    Arc::new(Choosing(again, better))
}

/// Gives the success that a request with the same key had before, without asking the server.
pub fn replaying(key: fn(&Sent) -> Option<String>) -> Made {
    struct Replaying {
        key: fn(&Sent) -> Option<String>,
        kept: Mutex<HashMap<String, Answer>>,
    }
    impl Misbehaviour for Replaying {
        fn answer<'a>(
            &'a self,
            sent: Sent,
            onward: &'a dyn Onward,
        ) -> BoxFuture<'a, Result<Answer>> {
            Box::pin(async move {
                let key = (self.key)(&sent);
                let kept = key
                    .as_ref()
                    .and_then(|key| lock(&self.kept).get(key).cloned());
                if let Some(kept) = kept {
                    return Ok(kept);
                }
                let answer = onward.pass(&sent).await?;
                if let Some(key) = key
                    && answer.status.is_success()
                {
                    lock(&self.kept).insert(key, answer.clone());
                }
                Ok(answer)
            })
        }
    }
    Arc::new(Replaying {
        key,
        kept: Mutex::default(),
    })
}

/// Gives requests that are under way at the same time one answer, as if all had come first.
pub fn coalescing(key: fn(&Sent) -> Option<String>) -> Made {
    type Flight = OnceCell<Answer>;
    struct Coalescing {
        key: fn(&Sent) -> Option<String>,
        flights: Mutex<HashMap<String, Weak<Flight>>>,
    }
    impl Misbehaviour for Coalescing {
        fn answer<'a>(
            &'a self,
            sent: Sent,
            onward: &'a dyn Onward,
        ) -> BoxFuture<'a, Result<Answer>> {
            Box::pin(async move {
                let Some(key) = (self.key)(&sent) else {
                    return onward.pass(&sent).await;
                };
                let flight = {
                    let mut flights = lock(&self.flights);
                    let under_way = flights.get(&key).and_then(Weak::upgrade);
                    under_way.unwrap_or_else(|| {
                        let flight = Arc::default();
                        flights.insert(key, Arc::downgrade(&flight));
                        flight
                    })
                };
                let answer = flight.get_or_try_init(|| onward.pass(&sent)).await?;
                Ok(answer.clone())
            })
        }
    }
    Arc::new(Coalescing {
        key,
        flights: Mutex::default(),
    })
}

/// A broken server goes on after a panic as well.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether it is that operation, by the end of its path.
pub fn is(sent: &Sent, method: &Method, path: &str) -> bool {
    sent.method == *method && sent.uri.path().strip_prefix("/api/auth") == Some(path)
}

pub fn is_post(sent: &Sent, path: &str) -> bool {
    is(sent, &Method::POST, path)
}

pub fn is_get(sent: &Sent, path: &str) -> bool {
    is(sent, &Method::GET, path)
}

/// A member of the request's JSON body, or a field of its form.
pub fn field(sent: &Sent, name: &str) -> Option<String> {
    let json: Option<Value> = serde_json::from_slice(&sent.body).ok();
    if let Some(json) = json {
        return Some(json.get(name)?.as_str()?.to_owned());
    }
    let form: Vec<(String, String)> = serde_urlencoded::from_bytes(&sent.body).ok()?;
    form.into_iter()
        .find_map(|(key, text)| (key == name).then_some(text))
}

/// Changes one text of the request's body where it is there. A body that needs no change is passed on
/// as it is, byte for byte.
pub fn edit_field(sent: &mut Sent, name: &str, edit: fn(&str) -> String) {
    let Some(text) = field(sent, name) else {
        return;
    };
    let edited = edit(&text);
    if edited == text {
        return;
    }
    if let Ok(mut json) = serde_json::from_slice::<Value>(&sent.body) {
        json[name] = Value::from(edited);
        set_request(sent, json.to_string());
    } else if let Ok(mut form) = serde_urlencoded::from_bytes::<Vec<(String, String)>>(&sent.body) {
        for (_, text) in form.iter_mut().filter(|(key, _)| key == name) {
            text.clone_from(&edited);
        }
        if let Ok(form) = serde_urlencoded::to_string(form) {
            set_request(sent, form);
        }
    }
}

pub fn set_request(sent: &mut Sent, body: impl Into<Bytes>) {
    sent.body = body.into();
    sent.headers.remove(CONTENT_LENGTH);
}

pub fn set_body(answer: &mut Answer, body: impl Into<Bytes>) {
    answer.body = body.into();
    answer.headers.remove(CONTENT_LENGTH);
}

/// Changes the JSON of an answer, if it is JSON.
pub fn edit(answer: &mut Answer, change: impl FnOnce(&mut Value)) {
    if let Some(mut json) = answer.json() {
        change(&mut json);
        set_body(answer, json.to_string());
    }
}

/// Changes or drops each Set-Cookie.
pub fn cookies(answer: &mut Answer, change: fn(&str) -> Option<String>) {
    let all: Vec<HeaderValue> = answer.headers.get_all(SET_COOKIE).iter().cloned().collect();
    answer.headers.remove(SET_COOKIE);
    for cookie in all {
        let changed = change(cookie.to_str().unwrap_or_default());
        if let Some(value) = changed.and_then(|text| HeaderValue::from_str(&text).ok()) {
            answer.headers.append(SET_COOKIE, value);
        }
    }
}

/// Puts a success in the answer's place; its headers stay.
pub fn grant(answer: &mut Answer, status: StatusCode, body: &Value) {
    answer.status = status;
    answer
        .headers
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    set_body(
        answer,
        if body.is_null() {
            String::new()
        } else {
            body.to_string()
        },
    );
    if body.is_null() {
        answer.headers.remove(CONTENT_TYPE);
    }
}

/// Puts a refusal in the answer's place; its headers stay.
pub fn refuse(answer: &mut Answer, status: StatusCode, code: &str) {
    let id = answer.header("x-request-id").unwrap_or_default().to_owned();
    let body = json!({ "request_id": id, "error_code": code, "message": "No." });
    grant(answer, status, &body);
}

pub fn has_code(answer: &Answer, code: &str) -> bool {
    answer.error_code().is_some_and(|seen| seen == code)
}

/// A text in the answer's body.
pub fn told(answer: &Answer, name: &str) -> Option<String> {
    Some(answer.json()?.get(name)?.as_str()?.to_owned())
}

pub fn bearer(sent: &Sent) -> Option<&str> {
    let value = sent.headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

pub fn set_bearer(sent: &mut Sent, token: &str) {
    if let Ok(value) = HeaderValue::from_str(&format!("Bearer {token}")) {
        sent.headers.insert(AUTHORIZATION, value);
    }
}

/// A claim of a JWT, whoever signed it.
pub fn claim(token: &str, name: &str) -> Option<String> {
    let payload = BASE64_URL_SAFE_NO_PAD
        .decode(token.split('.').nth(1)?)
        .ok()?;
    let claims: Value = serde_json::from_slice(&payload).ok()?;
    Some(claims.get(name)?.as_str()?.to_owned())
}
