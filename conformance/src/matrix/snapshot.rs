//! What the snapshot says of requests: who may call, and with which fields.

use anyhow::{Context, Result, bail};
use http::Method;
use serde_json::{Map, Value};

use crate::SNAPSHOT;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    pub id: String,
    pub method: Method,
    /// With its parameters in braces.
    pub path: String,
    pub caller: Caller,
    pub body: Option<Body>,
}

/// Which credentials of a request an operation asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// None: everybody may call.
    Anybody,
    /// An access token, if there is one.
    Maybe,
    Token,
    TokenOrApiKey,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    pub media: Media,
    pub required: bool,
    pub fields: Vec<Field>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Media {
    Json,
    Form,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    pub name: String,
    pub kind: Kind,
    pub required: bool,
    pub nullable: bool,
    pub max_length: Option<usize>,
}

/// What the schema says of a field's type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    Text,
    Boolean,
    OneOf(Vec<String>),
}

/// All operations of the snapshot.
pub fn operations() -> Result<Vec<Operation>> {
    let document: Value = serde_json::from_str(SNAPSHOT)?;
    let mut operations = Vec::new();
    for (path, item) in object(&document["paths"])? {
        for (method, operation) in object(item)? {
            let method = Method::from_bytes(method.to_uppercase().as_bytes())?;
            let id = operation["operationId"].as_str().context("no id")?;
            let read = || -> Result<Operation> {
                Ok(Operation {
                    id: id.to_owned(),
                    method,
                    path: path.clone(),
                    caller: caller(operation)?,
                    body: body(&document, operation)?,
                })
            };
            operations.push(read().with_context(|| format!("the snapshot's {id}"))?);
        }
    }
    Ok(operations)
}

impl Operation {
    pub fn field(&self, name: &str) -> Option<&Field> {
        let fields = self.body.iter().flat_map(|body| &body.fields);
        fields.into_iter().find(|field| field.name == name)
    }
}

fn caller(operation: &Value) -> Result<Caller> {
    let Some(alternatives) = operation.get("security").and_then(Value::as_array) else {
        return Ok(Caller::Anybody);
    };
    let mut names = Vec::new();
    for alternative in alternatives {
        names.push(
            object(alternative)?
                .keys()
                .next()
                .map_or("", String::as_str),
        );
    }
    names.sort_unstable();
    Ok(match names[..] {
        // The cookie counts where the body has no token; `refresh_cookie` tries it.
        [] | ["", "refreshCookie"] => Caller::Anybody,
        ["", "bearer", "cookie"] => Caller::Maybe,
        ["bearer", "cookie"] => Caller::Token,
        ["apiKey", "bearer", "cookie"] => Caller::TokenOrApiKey,
        _ => bail!("no rule for the credentials {names:?}"),
    })
}

fn body(document: &Value, operation: &Value) -> Result<Option<Body>> {
    let Some(body) = operation.get("requestBody") else {
        return Ok(None);
    };
    let (media, content) = object(&body["content"])?
        .iter()
        .next()
        .context("no media")?;
    let schema = resolve(document, &content["schema"])?;
    let required: Vec<&str> = schema["required"]
        .as_array()
        .map(|names| names.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let mut fields = Vec::new();
    for (name, property) in object(&schema["properties"])? {
        fields.push(Field {
            name: name.clone(),
            kind: kind(document, property).with_context(|| format!("its field {name}"))?,
            required: required.contains(&name.as_str()),
            nullable: property["nullable"] == true,
            max_length: property["maxLength"]
                .as_u64()
                .map(usize::try_from)
                .transpose()?,
        });
    }
    Ok(Some(Body {
        media: match media.as_str() {
            "application/json" => Media::Json,
            "application/x-www-form-urlencoded" => Media::Form,
            _ => bail!("no rule for bodies of {media}"),
        },
        required: body["required"] == true,
        fields,
    }))
}

fn kind(document: &Value, property: &Value) -> Result<Kind> {
    let inner = match property["allOf"].as_array().map(Vec::as_slice) {
        Some([only]) => resolve(document, only)?,
        _ => resolve(document, property)?,
    };
    if let Some(values) = inner["enum"].as_array() {
        let values = values.iter().filter_map(Value::as_str);
        return Ok(Kind::OneOf(values.map(str::to_owned).collect()));
    }
    match inner["type"].as_str() {
        Some("string") => Ok(Kind::Text),
        Some("boolean") => Ok(Kind::Boolean),
        other => bail!("no bad values for the type {other:?}"),
    }
}

fn resolve<'d>(document: &'d Value, schema: &'d Value) -> Result<&'d Value> {
    match schema["$ref"].as_str() {
        None => Ok(schema),
        Some(reference) => document
            .pointer(reference.trim_start_matches('#'))
            .with_context(|| format!("{reference} leads nowhere")),
    }
}

fn object(value: &Value) -> Result<&Map<String, Value>> {
    value.as_object().context("an object is missing")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_read_with_its_callers_and_fields() {
        let all = operations().unwrap();
        let so_many = |caller| all.iter().filter(|one| one.caller == caller).count();
        assert_eq!(all.len(), 24);
        assert_eq!(so_many(Caller::Anybody), 7);
        assert_eq!(so_many(Caller::Maybe), 1);
        assert_eq!(so_many(Caller::Token), 14);
        assert_eq!(so_many(Caller::TokenOrApiKey), 2);
        let bodies: Vec<&Body> = all.iter().filter_map(|one| one.body.as_ref()).collect();
        assert_eq!(bodies.len(), 12);
        assert_eq!(
            bodies.iter().map(|body| body.fields.len()).sum::<usize>(),
            26
        );
    }

    #[test]
    fn a_field_is_read_as_the_schema_has_it() {
        let all = operations().unwrap();
        let challenge = all.iter().find(|one| one.id == "mfa_challenge").unwrap();
        let method = challenge.field("method").unwrap();
        let methods = ["totp", "sms", "backup_codes"].map(str::to_owned);
        assert_eq!(method.kind, Kind::OneOf(methods.to_vec()));
        assert!(!method.nullable && !method.required);
        let name = challenge.field("device_name").unwrap();
        assert!(name.nullable && !name.required);
        assert_eq!((&name.kind, name.max_length), (&Kind::Text, Some(100)));
        assert!(challenge.field("mfa_token").unwrap().required);
    }
}
