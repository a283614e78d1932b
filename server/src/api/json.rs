//! Strict reading of JSON and form bodies.
//!
//! A body is read in two steps. The first builds a tree and refuses what no field may contain:
//! duplicate keys (two readers could disagree about which counts) and control characters. The
//! second gives the tree its type and says which field failed. Refusals never repeat a value,
//! because it may be a password.

use std::collections::HashSet;
use std::fmt;

use percent_encoding::percent_decode_str;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::error::FieldError;

/// Deep nesting has no use in this contract and could exhaust the stack.
const MAX_DEPTH: usize = 16;
/// A person corrects no more at once, and a small body must not make a large answer.
const MAX_FAULTS: usize = 32;
/// How much of a key that is too long to be a field's name is repeated.
const MAX_NAME: usize = 100;

pub fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Vec<FieldError>> {
    let mut faults = Vec::new();
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let root = Strict {
        path: vec!["body".to_owned()],
        faults: &mut faults,
    };
    let tree = root
        .deserialize(&mut deserializer)
        .and_then(|tree| deserializer.end().map(|()| tree))
        .map_err(|error| {
            let place = format!("line {}, column {}", error.line(), error.column());
            vec![fault(
                &["body".to_owned()],
                "json_invalid",
                format!("not valid JSON at {place}"),
            )]
        })?;
    typed(tree, faults)
}

/// A parameter without a value is an omitted one (RFC 6749, section 3.2): forms send what nobody filled in.
pub fn from_form<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Vec<FieldError>> {
    let body = "body".to_owned();
    let text = std::str::from_utf8(bytes).map_err(|_| {
        vec![fault(
            std::slice::from_ref(&body),
            "form_invalid",
            "not UTF-8".to_owned(),
        )]
    })?;
    let mut faults = Vec::new();
    let mut tree = Map::new();
    // The decoder would put a replacement character where the bytes are no text.
    for pair in text.split('&') {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let path = [
            body.clone(),
            percent_decode_str(key).decode_utf8_lossy().into_owned(),
        ];
        if [key, value]
            .iter()
            .any(|half| percent_decode_str(half).decode_utf8().is_err())
        {
            note(
                &mut faults,
                fault(&path, "form_invalid", "not UTF-8".to_owned()),
            );
        }
    }
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(text).map_err(|_| {
        vec![fault(
            std::slice::from_ref(&body),
            "form_invalid",
            "not a form".to_owned(),
        )]
    })?;
    let mut seen = HashSet::new();
    for (key, value) in pairs {
        let path = [body.clone(), key.clone()];
        check_text(&key, &path, &mut faults);
        check_text(&value, &path, &mut faults);
        if !seen.insert(key.clone()) {
            note(&mut faults, duplicate(&path));
        }
        if !value.is_empty() {
            tree.insert(key, Value::String(value));
        }
    }
    typed(Value::Object(tree), faults)
}

fn typed<T: DeserializeOwned>(tree: Value, faults: Vec<FieldError>) -> Result<T, Vec<FieldError>> {
    if !faults.is_empty() {
        return Err(faults);
    }
    // A struct could also be read from an array, by position: that is not what the document says.
    if !tree.is_object() {
        let loc = ["body".to_owned()];
        return Err(vec![fault(
            &loc,
            "type_error",
            "expected an object".to_owned(),
        )]);
    }
    serde_path_to_error::deserialize(tree).map_err(|error| {
        let mut loc = vec!["body".to_owned()];
        loc.extend(error.path().iter().filter_map(|segment| match segment {
            serde_path_to_error::Segment::Map { key } => Some(key.clone()),
            serde_path_to_error::Segment::Seq { index } => Some(index.to_string()),
            _ => None,
        }));
        vec![explain(loc, &error.inner().to_string())]
    })
}

/// Turns a message of serde into ours, without the value that it quotes.
fn explain(mut loc: Vec<String>, message: &str) -> FieldError {
    if let Some(rest) = message.strip_prefix("missing field `") {
        loc.extend(rest.split('`').next().map(str::to_owned));
        return fault(&loc, "missing", "the field is required".to_owned());
    }
    match message.rsplit_once("expected ") {
        Some((_, expected)) => fault(&loc, "type_error", format!("expected {expected}")),
        None => fault(&loc, "value_error", "not a value of this field".to_owned()),
    }
}

fn fault(loc: &[String], kind: &str, msg: String) -> FieldError {
    FieldError {
        loc: loc
            .iter()
            .map(|part| part.chars().take(MAX_NAME).collect())
            .collect(),
        msg,
        kind: kind.to_owned(),
    }
}

fn note(faults: &mut Vec<FieldError>, fault: FieldError) {
    if faults.len() < MAX_FAULTS {
        faults.push(fault);
    }
}

fn duplicate(loc: &[String]) -> FieldError {
    fault(loc, "duplicate_key", "the key appears twice".to_owned())
}

/// Unicode category Cc, and the two separators that some readers take for line ends.
pub fn is_control(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}' | '\u{2029}')
}

fn check_text(text: &str, path: &[String], faults: &mut Vec<FieldError>) {
    if text.chars().any(is_control) {
        // The key itself may be the culprit: a location must stay printable.
        let path: Vec<String> = path
            .iter()
            .map(|part| part.replace(is_control, "?"))
            .collect();
        let msg = "control characters are refused".to_owned();
        note(faults, fault(&path, "control_character", msg));
    }
}

/// Builds the tree and notes what no field may contain.
struct Strict<'f> {
    path: Vec<String>,
    faults: &'f mut Vec<FieldError>,
}

impl Strict<'_> {
    fn child(&mut self, segment: String) -> Strict<'_> {
        let mut path = self.path.clone();
        path.push(segment);
        Strict {
            path,
            faults: self.faults,
        }
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        if self.path.len() > MAX_DEPTH {
            return Err(serde::de::Error::custom("nested too deeply"));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        check_text(value, &self.path, self.faults);
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(self.child(items.len().to_string()))? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            let child = self.child(key.clone());
            let path = child.path.clone();
            check_text(&key, &path, child.faults);
            let value = map.next_value_seed(child)?;
            if object.insert(key, value).is_some() {
                note(self.faults, duplicate(&path));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    struct Body {
        email: String,
        #[serde(default)]
        tags: Vec<String>,
    }

    fn refused(text: &str) -> (String, String) {
        let faults = from_json::<Body>(text.as_bytes()).unwrap_err();
        (faults[0].loc.join("."), faults[0].kind.clone())
    }

    #[test]
    fn each_refusal_names_its_field_and_its_kind() {
        for (text, loc, kind) in [
            (r#"{"email":5}"#, "body.email", "type_error"),
            (r#"{"email":null}"#, "body.email", "type_error"),
            (r#"{}"#, "body.email", "missing"),
            (r#"[]"#, "body", "type_error"),
            (
                r#"{"email":"a","email":"b"}"#,
                "body.email",
                "duplicate_key",
            ),
            (r#"{"email":"a","x":1,"x":2}"#, "body.x", "duplicate_key"),
            (r#"{"email":"a\u0000"}"#, "body.email", "control_character"),
            (r#"{"email":"a\u2028"}"#, "body.email", "control_character"),
            (
                r#"{"email":"a","tags":["ok",7]}"#,
                "body.tags.1",
                "type_error",
            ),
            (r#"{"email":"a""#, "body", "json_invalid"),
            (r#"{"email":"a"} x"#, "body", "json_invalid"),
        ] {
            assert_eq!(refused(text), (loc.to_owned(), kind.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_refusal_never_repeats_the_value() {
        let faults = from_json::<Body>(br#"{"email":31337}"#).unwrap_err();
        assert!(!format!("{faults:?}").contains("31337"));
    }

    #[test]
    fn a_body_with_more_than_it_needs_is_read() {
        let body = from_json::<Body>(br#"{"email":"a","tags":["b"],"role":{"x":[1,null]}}"#);
        let body = body.unwrap();
        assert_eq!((body.email.as_str(), body.tags.len()), ("a", 1));
    }

    #[test]
    fn deep_nesting_is_refused_and_not_followed() {
        let deep = format!("{{\"email\":{}1{}}}", "[".repeat(5000), "]".repeat(5000));
        assert_eq!(refused(&deep).1, "json_invalid");
    }

    #[test]
    fn a_body_full_of_faults_does_not_make_an_answer_of_its_square() {
        let faults = format!("[{}]", vec![r#""\u0001""#; 900].join(","));
        let text = format!(r#"{{"{}":{faults}}}"#, "k".repeat(8000));
        let faults = from_json::<Body>(text.as_bytes()).unwrap_err();
        assert_eq!(faults.len(), MAX_FAULTS);
        assert!(
            faults
                .iter()
                .flat_map(|f| &f.loc)
                .all(|part| part.len() <= MAX_NAME)
        );
    }

    #[test]
    fn a_form_whose_bytes_are_no_text_is_refused_at_the_field() {
        let faults = from_form::<Body>(b"email=a%ff").unwrap_err();
        assert_eq!(
            (faults[0].loc.join("."), faults[0].msg.as_str()),
            ("body.email".into(), "not UTF-8")
        );
        assert_eq!(from_form::<Body>(b"email=%C3%A4").unwrap().email, "\u{e4}");
    }

    #[test]
    fn a_form_with_a_key_twice_is_refused() {
        let faults = from_form::<Body>(b"email=a&email=b").unwrap_err();
        assert_eq!(
            (faults[0].loc.join("."), faults[0].kind.as_str()),
            ("body.email".into(), "duplicate_key")
        );
        assert_eq!(from_form::<Body>(b"email=a%40b").unwrap().email, "a@b");
    }

    #[test]
    fn a_parameter_without_a_value_is_omitted() {
        #[derive(Debug, serde::Deserialize)]
        struct Form {
            name: String,
            grant: Option<String>,
        }
        let form = from_form::<Form>(b"grant=&name=a&&other").unwrap();
        assert_eq!((form.name.as_str(), form.grant), ("a", None));
        let kind = |text: &[u8]| from_form::<Form>(text).unwrap_err()[0].kind.clone();
        assert_eq!(kind(b"name=&grant=a"), "missing");
        assert_eq!(kind(b"name=a&grant=&grant=a"), "duplicate_key");
    }
}
