//! Lays the sources over each other. The defaults, written as TOML, are the shape: they say which
//! keys exist, and which type the text of a variable or a flag has.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use toml::{Table, Value};

use super::values::boolean;
use super::{Config, ConfigErrors, Origin, Problem, Sources};

const PREFIX: &str = "BP_AUTH_";
const FILE_SUFFIX: &str = "_FILE";

/// Keys whose value may be a credential: never shown, and readable from a file of their own.
pub(super) const SECRETS: [&str; 5] = [
    "database.url",
    "smtp.password",
    "twilio.auth_token",
    "sms_webhook.secret",
    "telemetry.otlp_headers",
];

/// Those of them that only a server uses, which sends mails, SMS and traces.
pub(super) const DELIVERY_SECRETS: &[&str] = &[
    "smtp.password",
    "twilio.auth_token",
    "sms_webhook.secret",
    "telemetry.otlp_headers",
];

/// Names that predate the prefix.
const ALIASES: [(&str, &str); 1] = [("REFRESH_ROTATION_ENABLED", "refresh.rotation_enabled")];

/// Variables with the prefix that are no settings: the path of the file, and a name space that
/// test suites may use for themselves.
const CONFIG_VARIABLE: &str = "BP_AUTH_CONFIG";
const TEST_PREFIX: &str = "BP_AUTH_TEST_";

/// `unneeded` are secrets whose files need not be readable.
pub(super) fn load(sources: &Sources, unneeded: &'static [&str]) -> Result<Config, ConfigErrors> {
    let mut layers = Layers::new(unneeded)?;
    if let Some(path) = &sources.file {
        layers.file(path);
    }
    for (name, text) in &sources.environment {
        layers.variable(name, text);
    }
    for (key, text) in &sources.overrides {
        layers.flag(key, text);
    }
    layers.finish()
}

pub(super) fn explain(config: &Config) -> String {
    let Ok(settings) = flat(config) else {
        return String::new();
    };
    let rows: Vec<(String, String, String)> = settings
        .into_iter()
        .map(|(key, value)| {
            let origin = config.origin(&key).to_string();
            (key, value.to_string(), origin)
        })
        .collect();
    let keys = rows
        .iter()
        .map(|(key, ..)| key.chars().count())
        .max()
        .unwrap_or(0);
    let values = rows
        .iter()
        .map(|(_, value, _)| value.chars().count())
        .max()
        .unwrap_or(0);
    rows.iter()
        .map(|(key, value, origin)| format!("{key:keys$}  {value:values$}  {origin}\n"))
        .collect()
}

/// A configuration as dotted keys and TOML values.
pub(super) fn flat(config: &Config) -> Result<BTreeMap<String, Value>, toml::ser::Error> {
    let mut settings = BTreeMap::new();
    flatten("", Table::try_from(config)?, &mut settings);
    Ok(settings)
}

/// The variable that sets a key.
pub(super) fn variable_name(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "__").to_ascii_uppercase())
}

struct Layers {
    shape: BTreeMap<String, Value>,
    given: BTreeMap<String, (Value, Origin)>,
    problems: Vec<Problem>,
    unneeded: &'static [&'static str],
}

impl Layers {
    fn new(unneeded: &'static [&'static str]) -> Result<Self, ConfigErrors> {
        let shape = flat(&Config::default()).map_err(|error| {
            ConfigErrors(vec![Problem {
                name: "defaults".to_owned(),
                value: None,
                origin: Origin::Default,
                message: error.to_string(),
            }])
        })?;
        Ok(Self {
            shape,
            given: BTreeMap::new(),
            problems: Vec::new(),
            unneeded,
        })
    }

    fn file(&mut self, path: &Path) {
        let origin = Origin::File(path.to_owned());
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => {
                return self.refuse("--config", origin, format!("cannot be read: {error}"));
            }
        };
        let table = match text.parse::<Table>() {
            Ok(table) => table,
            Err(error) => {
                // The error's own text quotes the line, and a line may hold a password.
                let line = error.span().and_then(|span| text.get(..span.start));
                let line = line.map_or(1, |before| before.matches('\n').count() + 1);
                let message = format!("not TOML, line {line}: {}", error.message());
                return self.refuse("--config", origin, message);
            }
        };
        let mut settings = BTreeMap::new();
        flatten("", table, &mut settings);
        for (key, value) in settings {
            if self.shape.contains_key(&key) {
                self.give(&key, value, origin.clone());
            } else {
                let message = self.unknown_key(&key);
                self.refuse(&key, origin.clone(), message);
            }
        }
    }

    fn variable(&mut self, name: &str, text: &str) {
        let origin = Origin::Variable(name.to_owned());
        let alias = ALIASES.iter().find(|(alias, _)| *alias == name);
        if let Some((_, key)) = alias {
            return self.variable_text(key, text, origin);
        }
        if !name.starts_with(PREFIX) || name == CONFIG_VARIABLE || name.starts_with(TEST_PREFIX) {
            return;
        }
        // Keys before suffixes: `plans_file` is a key of its own.
        if let Some(key) = self.key_of_variable(name) {
            return self.variable_text(&key, text, origin);
        }
        let named_file = name
            .strip_suffix(FILE_SUFFIX)
            .and_then(|name| self.key_of_variable(name));
        match named_file {
            Some(key) if SECRETS.contains(&key.as_str()) => match fs::read_to_string(text) {
                Ok(text) => self.variable_text(&key, text.trim_end_matches(['\r', '\n']), origin),
                Err(_) if self.unneeded.contains(&key.as_str()) => {}
                Err(error) => {
                    self.refuse(
                        &key,
                        origin,
                        format!("the file {text} cannot be read: {error}"),
                    );
                }
            },
            Some(key) => {
                self.refuse(
                    name,
                    origin,
                    format!("{key} is no secret, set it in {}", variable_name(&key)),
                );
            }
            None if is_service_variable(name, text) => {}
            None => {
                let names = self.shape.keys().map(|key| variable_name(key));
                let message = match closest(name, names) {
                    Some(known) => format!("no such setting; did you mean {known}?"),
                    None => "no such setting".to_owned(),
                };
                self.refuse(name, origin, message);
            }
        }
    }

    fn variable_text(&mut self, key: &str, text: &str, origin: Origin) {
        // Reading the environment replaces what is not UTF-8, and half a value is not the value.
        if text.contains(char::REPLACEMENT_CHARACTER) {
            return self.refuse(key, origin, "the value is not UTF-8".to_owned());
        }
        let Some(value) = self.typed(key, text, &origin) else {
            return;
        };
        if let Some((earlier, Origin::Variable(name))) = self.given.get(key)
            && *earlier != value
        {
            let message = format!("contradicts the variable {name}");
            return self.refuse(key, origin, message);
        }
        self.give(key, value, origin);
    }

    fn flag(&mut self, key: &str, text: &str) {
        if !self.shape.contains_key(key) {
            let message = self.unknown_key(key);
            return self.refuse(key, Origin::Flag, message);
        }
        if let Some(value) = self.typed(key, text, &Origin::Flag) {
            self.give(key, value, Origin::Flag);
        }
    }

    /// Text as the type its key has by default.
    fn typed(&mut self, key: &str, text: &str, origin: &Origin) -> Option<Value> {
        let typed = match self.shape.get(key) {
            Some(Value::Boolean(_)) => boolean(text)
                .map(Value::Boolean)
                .ok_or("expected true or false"),
            Some(Value::Integer(_)) => {
                let number = text.trim().parse().map(Value::Integer);
                number.map_err(|_| "expected a whole number")
            }
            Some(Value::Float(_)) => {
                let number = text.trim().parse().map(Value::Float);
                number.map_err(|_| "expected a number")
            }
            Some(Value::Array(_)) => {
                let entries = text.split(',').map(str::trim);
                let entries = entries.filter(|entry| !entry.is_empty());
                Ok(Value::Array(entries.map(Value::from).collect()))
            }
            _ => Ok(Value::String(text.to_owned())),
        };
        typed
            .map_err(|message| {
                self.problems.push(Problem {
                    name: key.to_owned(),
                    value: Some(Value::String(text.to_owned()).to_string()),
                    origin: origin.clone(),
                    message: message.to_owned(),
                });
            })
            .ok()
    }

    /// Accepts a value if the configuration can be built with it.
    fn give(&mut self, key: &str, value: Value, origin: Origin) {
        if let Err(error) = nest([(key, value.clone())]).try_into::<Config>() {
            let secret = SECRETS.contains(&key);
            self.problems.push(Problem {
                name: key.to_owned(),
                value: (!secret).then(|| value.to_string()),
                origin,
                message: if secret {
                    "expected text".to_owned()
                } else {
                    error.message().to_owned()
                },
            });
            return;
        }
        self.given.insert(key.to_owned(), (value, origin));
    }

    fn refuse(&mut self, name: &str, origin: Origin, message: String) {
        self.problems.push(Problem {
            name: name.to_owned(),
            value: None,
            origin,
            message,
        });
    }

    fn unknown_key(&self, key: &str) -> String {
        let section = format!("{key}.");
        if self.shape.keys().any(|known| known.starts_with(&section)) {
            return "this is a section, not a setting".to_owned();
        }
        match closest(key, self.shape.keys().cloned()) {
            Some(known) => format!("no such setting; did you mean {known}?"),
            None => "no such setting".to_owned(),
        }
    }

    fn key_of_variable(&self, name: &str) -> Option<String> {
        self.shape
            .keys()
            .find(|key| variable_name(key) == name)
            .cloned()
    }

    fn finish(mut self) -> Result<Config, ConfigErrors> {
        if !self.problems.is_empty() {
            return Err(ConfigErrors(self.problems));
        }
        let values = self
            .given
            .iter()
            .map(|(key, (value, _))| (key.as_str(), value.clone()));
        match nest(values).try_into::<Config>() {
            Ok(mut config) => {
                config.origins = self
                    .given
                    .into_iter()
                    .map(|(key, (_, origin))| (key, origin))
                    .collect();
                Ok(config)
            }
            Err(error) => {
                self.refuse("configuration", Origin::Default, error.message().to_owned());
                Err(ConfigErrors(self.problems))
            }
        }
    }
}

/// Kubernetes gives every container variables about each service of its namespace, and those of a service
/// called `bp-auth` begin as ours do: `BP_AUTH_SERVICE_HOST`, `BP_AUTH_PORT=tcp://…`,
/// `BP_AUTH_PORT_80_TCP_ADDR`. None of them is a setting, because a setting in a section has `__`.
fn is_service_variable(name: &str, text: &str) -> bool {
    if name.contains("__") {
        return false;
    }
    if name.ends_with("_PORT") && !name.ends_with("_SERVICE_PORT") && text.contains("://") {
        return true;
    }
    if let Some((_, port)) = name.rsplit_once("_PORT_") {
        let mut parts = port.split('_');
        let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if parts.next().is_some_and(is_number)
            && matches!(parts.next(), Some("TCP" | "UDP" | "SCTP"))
            && matches!(parts.next(), None | Some("PROTO" | "PORT" | "ADDR"))
            && parts.next().is_none()
        {
            return true;
        }
    }
    name.ends_with("_SERVICE_HOST")
        || name.ends_with("_SERVICE_PORT")
        || name.contains("_SERVICE_PORT_")
}

fn flatten(prefix: &str, table: Table, into: &mut BTreeMap<String, Value>) {
    for (name, value) in table {
        let key = if prefix.is_empty() {
            name
        } else {
            format!("{prefix}.{name}")
        };
        match value {
            Value::Table(inner) => flatten(&key, inner, into),
            value => {
                into.insert(key, value);
            }
        }
    }
}

/// The inverse of [`flatten`]; keys have at most one dot.
fn nest<'a>(settings: impl IntoIterator<Item = (&'a str, Value)>) -> Table {
    let mut table = Table::new();
    for (key, value) in settings {
        match key.split_once('.') {
            None => {
                table.insert(key.to_owned(), value);
            }
            Some((section, name)) => {
                let section = table
                    .entry(section)
                    .or_insert_with(|| Value::Table(Table::new()));
                if let Value::Table(section) = section {
                    section.insert(name.to_owned(), value);
                }
            }
        }
    }
    table
}

/// The known name somebody probably meant: a slip, or a setting that lives in another section.
fn closest(name: &str, known: impl Iterator<Item = String> + Clone) -> Option<String> {
    let last = |name: &str| name.rsplit('.').next().map(str::to_owned);
    known
        .clone()
        .map(|known| (edits(name, &known), known))
        .min()
        .filter(|(edits, known)| edits * 3 <= known.len())
        .map(|(_, known)| known)
        .or_else(|| known.clone().find(|known| last(known) == last(name)))
}

/// How many single-letter changes lie between two names (Levenshtein).
fn edits(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (b, &above) in to.chars().zip(row.iter().skip(1)) {
            let changed = diagonal + usize::from(a != b);
            left = changed.min(left + 1).min(above + 1);
            diagonal = above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}
