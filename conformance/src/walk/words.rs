//! In what the model and the driver speak of requests and answers: things have numbers here, and
//! become real where they are sent.

use http::Method;
use serde_json::Value;

/// Something a server gave away, or sent by mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Thing {
    /// What no server gave.
    Nonsense,
    Access(usize, usize),
    /// Of a session of a person.
    Refresh(usize, usize, usize),
    MfaToken(usize, usize),
    /// Of an authenticator.
    Secret(usize, usize),
    /// Person, set, slot.
    BackupCode(usize, usize, usize),
    /// Person, device, how often it was rotated.
    DeviceSecret(usize, usize, usize),
    DeviceId(usize, usize),
    ResetToken(usize, usize),
    ReactivationToken(usize, usize),
}

/// One thing that happens.
#[derive(Debug, Clone)]
pub enum Move {
    Ask(Box<Ask>),
    /// What the operator does, and to whom.
    Operator(&'static str, usize),
    Wait(i64),
}

/// A request, and the answer that the model predicts.
#[derive(Debug, Clone)]
pub struct Ask {
    pub call: Call,
    pub expected: Expected,
}

#[derive(Debug, Clone)]
pub struct Call {
    pub method: Method,
    pub path: &'static str,
    /// The last part of the path.
    pub tail: Option<Field>,
    pub bearer: Option<Thing>,
    pub device: Option<Thing>,
    /// From which of the client networks.
    pub network: usize,
    pub fields: Vec<(&'static str, Field)>,
    pub form: bool,
}

#[derive(Debug, Clone)]
pub enum Field {
    Text(&'static str),
    Flag(bool),
    Email(usize),
    Thing(Thing),
    /// The code of a secret at a step.
    Totp(Thing, i64),
    /// Six digits that are no code of this person's around now.
    WrongCode(usize),
}

#[derive(Debug, Clone)]
pub struct Expected {
    pub status: u16,
    /// Empty for a success.
    pub code: &'static str,
    /// What the answer gives away.
    pub learn: Vec<(Thing, Source)>,
    /// What the body says.
    pub facts: Vec<(&'static str, Fact)>,
}

/// Where in an answer a thing is.
#[derive(Debug, Clone)]
pub enum Source {
    /// A JSON pointer.
    Body(String),
    /// `Set-Cookie` of the trusted device.
    Cookie,
    /// The so-manyth mail to the person with a link to this page.
    Mail(&'static str, usize),
}

#[derive(Debug, Clone)]
pub enum Fact {
    Is(Value),
    /// A list of objects with these ids, in this order.
    Ids(Vec<Thing>),
}

impl Call {
    pub fn new(method: Method, path: &'static str) -> Self {
        Self {
            method,
            path,
            tail: None,
            bearer: None,
            device: None,
            network: 0,
            fields: Vec::new(),
            form: false,
        }
    }

    pub fn post(path: &'static str) -> Self {
        Self::new(Method::POST, path)
    }

    pub fn get(path: &'static str) -> Self {
        Self::new(Method::GET, path)
    }

    pub fn delete(path: &'static str, tail: Field) -> Self {
        Self {
            tail: Some(tail),
            ..Self::new(Method::DELETE, path)
        }
    }

    pub fn bearer(mut self, token: Thing) -> Self {
        self.bearer = Some(token);
        self
    }

    pub fn field(mut self, name: &'static str, field: Field) -> Self {
        self.fields.push((name, field));
        self
    }

    pub fn expecting(self, expected: Expected) -> Move {
        Move::Ask(Box::new(Ask {
            call: self,
            expected,
        }))
    }
}

impl Expected {
    pub fn success(status: u16) -> Self {
        Self {
            status,
            code: "",
            learn: Vec::new(),
            facts: Vec::new(),
        }
    }

    pub fn refused(status: u16, code: &'static str) -> Self {
        Self {
            code,
            ..Self::success(status)
        }
    }

    pub fn learning(mut self, thing: Thing, pointer: impl Into<String>) -> Self {
        self.learn.push((thing, Source::Body(pointer.into())));
        self
    }

    pub fn saying(mut self, pointer: &'static str, value: impl Into<Value>) -> Self {
        self.facts.push((pointer, Fact::Is(value.into())));
        self
    }
}
