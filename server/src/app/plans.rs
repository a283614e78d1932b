//! Plans: what a tenant has bought. Free is built in; the others come from a file that is checked
//! as a whole at start, because a typing error must not quietly change what customers may do.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

/// The plan of every new tenant, and of every tenant whose plan is not known.
pub const FREE: &str = "free";

/// JSON readers hold integers in doubles; more than this would arrive changed.
const LARGEST_LIMIT: i64 = (1 << 53) - 1;

/// All plans, by key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plans {
    free: Plan,
    others: BTreeMap<String, Plan>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub key: String,
    pub name: String,
    pub features: BTreeMap<String, bool>,
    pub limits: BTreeMap<String, PlanLimit>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlanLimit {
    /// `None` is unlimited.
    pub limit: Option<u64>,
    pub unit: Unit,
    pub period: Period,
}

/// What a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Count,
    Seat,
    Request,
    Byte,
}

/// When a limit starts anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// Never: it limits what exists, not what happens.
    None,
    Day,
    Month,
}

/// Everything that is wrong with a plans file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlansError {
    path: Option<PathBuf>,
    problems: Vec<String>,
}

impl Plans {
    /// The plans of a file, or only the built-in one.
    pub fn load(path: Option<&Path>) -> Result<Self, PlansError> {
        let Some(path) = path else {
            return Ok(Self::builtin());
        };
        std::fs::read_to_string(path)
            .map_err(|error| PlansError::one(format!("cannot be read: {error}")))
            .and_then(|text| Self::parse(&text))
            .map_err(|error| PlansError {
                path: Some(path.to_owned()),
                ..error
            })
    }

    pub fn builtin() -> Self {
        Self {
            free: Plan::free(),
            others: BTreeMap::new(),
        }
    }

    /// Reads the text of a plans file. A plan takes what it does not mention from Free; a plan
    /// named `free` replaces the built-in one as a whole.
    pub fn parse(text: &str) -> Result<Self, PlansError> {
        let table: Table = text.parse().map_err(|error: toml::de::Error| {
            PlansError::one(error.to_string().trim_end().to_owned())
        })?;
        let mut reader = Reader::default();
        let mut plans = reader.plans(table);
        if !reader.problems.is_empty() {
            return Err(PlansError {
                path: None,
                problems: reader.problems,
            });
        }
        let free = plans.remove(FREE).unwrap_or_else(Plan::free);
        for plan in plans.values_mut() {
            for (key, on) in &free.features {
                plan.features.entry(key.clone()).or_insert(*on);
            }
            for (key, limit) in &free.limits {
                plan.limits.entry(key.clone()).or_insert(*limit);
            }
        }
        Ok(Self {
            free,
            others: plans,
        })
    }

    /// The plan of a key; Free for a key nobody knows.
    pub fn get(&self, key: &str) -> &Plan {
        self.others.get(key).unwrap_or(&self.free)
    }

    /// Whether a plan of exactly this key exists; operators must not set one that does not.
    pub fn contains(&self, key: &str) -> bool {
        key == FREE || self.others.contains_key(key)
    }

    /// All plans, Free first.
    pub fn iter(&self) -> impl Iterator<Item = &Plan> {
        std::iter::once(&self.free).chain(self.others.values())
    }
}

impl Plan {
    fn free() -> Self {
        let features = [
            ("api_access", true),
            ("audit_export", false),
            ("custom_roles", false),
            ("mfa", true),
            ("sso", false),
        ];
        let limits = [
            ("api_keys", 1, Unit::Count, Period::None),
            ("api_requests", 1000, Unit::Request, Period::Day),
            ("seats", 1, Unit::Seat, Period::None),
            ("trusted_devices", 20, Unit::Count, Period::None),
        ];
        Self {
            key: FREE.to_owned(),
            name: "Free".to_owned(),
            features: features.map(|(key, on)| (key.to_owned(), on)).into(),
            limits: limits
                .map(|(key, limit, unit, period)| {
                    let limit = Some(limit);
                    (
                        key.to_owned(),
                        PlanLimit {
                            limit,
                            unit,
                            period,
                        },
                    )
                })
                .into(),
        }
    }
}

impl Unit {
    const ALL: [Self; 4] = [Self::Count, Self::Seat, Self::Request, Self::Byte];

    pub fn as_str(self) -> &'static str {
        match self {
            Unit::Count => "count",
            Unit::Seat => "seat",
            Unit::Request => "request",
            Unit::Byte => "byte",
        }
    }
}

impl Period {
    const ALL: [Self; 3] = [Self::None, Self::Day, Self::Month];

    pub fn as_str(self) -> &'static str {
        match self {
            Period::None => "none",
            Period::Day => "day",
            Period::Month => "month",
        }
    }
}

impl PlansError {
    fn one(problem: String) -> Self {
        Self {
            path: None,
            problems: vec![problem],
        }
    }
}

impl fmt::Display for PlansError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => write!(f, "the plans file {} cannot be used:", path.display())?,
            None => f.write_str("the plans cannot be used:")?,
        }
        for problem in &self.problems {
            write!(f, "\n  {}", problem.replace('\n', "\n  "))?;
        }
        Ok(())
    }
}

impl std::error::Error for PlansError {}

/// Walks the file by hand, because serde would stop at the first problem and not name the plan.
#[derive(Default)]
struct Reader {
    problems: Vec<String>,
}

impl Reader {
    fn plans(&mut self, mut table: Table) -> BTreeMap<String, Plan> {
        let plans = table.remove("plans");
        self.nothing_else("the file", &table);
        let Some(plans) = self.table("plans", plans) else {
            return BTreeMap::new();
        };
        let plans = plans.into_iter().filter_map(|(key, plan)| {
            let place = format!("plan `{key}`");
            self.well_formed(&place, &key);
            let plan = self.table(&place, Some(plan))?;
            Some((key.clone(), self.plan(place, key, plan)))
        });
        plans.collect()
    }

    fn plan(&mut self, place: String, key: String, mut table: Table) -> Plan {
        let name = match table.remove("name") {
            Some(Value::String(name)) if !name.trim().is_empty() => name,
            Some(_) => self.problem(&place, "`name` must be text"),
            None => self.problem(&place, "`name` is missing"),
        };
        let features = table.remove("features");
        let limits = table.remove("limits");
        self.nothing_else(&place, &table);
        Plan {
            features: self.features(&place, features),
            limits: self.limits(&place, limits),
            key,
            name,
        }
    }

    fn features(&mut self, plan: &str, features: Option<Value>) -> BTreeMap<String, bool> {
        let features = self
            .table(&format!("{plan}, features"), features)
            .unwrap_or_default();
        let features = features.into_iter().filter_map(|(key, value)| {
            let place = format!("{plan}, feature `{key}`");
            self.well_formed(&place, &key);
            if let Value::Boolean(on) = value {
                return Some((key, on));
            }
            self.problem(&place, "expected true or false");
            None
        });
        features.collect()
    }

    fn limits(&mut self, plan: &str, limits: Option<Value>) -> BTreeMap<String, PlanLimit> {
        let limits = self
            .table(&format!("{plan}, limits"), limits)
            .unwrap_or_default();
        let limits = limits.into_iter().filter_map(|(key, value)| {
            let place = format!("{plan}, limit `{key}`");
            self.well_formed(&place, &key);
            let table = self.table(&place, Some(value))?;
            Some((key, self.limit(&place, table)?))
        });
        limits.collect()
    }

    fn limit(&mut self, place: &str, mut table: Table) -> Option<PlanLimit> {
        let limit = match table.remove("limit") {
            Some(Value::Integer(limit)) if limit <= LARGEST_LIMIT => {
                u64::try_from(limit).ok().map(Some)
            }
            Some(Value::String(text)) if text == "unlimited" => Some(None),
            _ => None,
        };
        if limit.is_none() {
            self.problem(
                place,
                "`limit` must be a whole number from 0 to 2^53-1, or \"unlimited\"",
            );
        }
        let unit = self.word(
            place,
            "unit",
            table.remove("unit"),
            &Unit::ALL,
            Unit::as_str,
        );
        let period = match table.remove("period") {
            None => Some(Period::None),
            given => self.word(place, "period", given, &Period::ALL, Period::as_str),
        };
        self.nothing_else(place, &table);
        Some(PlanLimit {
            limit: limit?,
            unit: unit?,
            period: period?,
        })
    }

    fn word<T: Copy>(
        &mut self,
        place: &str,
        name: &str,
        given: Option<Value>,
        known: &[T],
        as_str: fn(T) -> &'static str,
    ) -> Option<T> {
        let text = given.as_ref().and_then(Value::as_str).unwrap_or_default();
        let found = known.iter().copied().find(|known| as_str(*known) == text);
        if found.is_none() {
            let known: Vec<&str> = known.iter().map(|known| as_str(*known)).collect();
            self.problem(
                place,
                &format!("`{name}` must be one of {}", known.join(", ")),
            );
        }
        found
    }

    fn table(&mut self, place: &str, value: Option<Value>) -> Option<Table> {
        match value {
            Some(Value::Table(table)) => Some(table),
            Some(_) => {
                self.problem(place, "expected a table");
                None
            }
            None => None,
        }
    }

    fn nothing_else(&mut self, place: &str, rest: &Table) {
        for key in rest.keys() {
            self.problem(place, &format!("`{key}` is not known here"));
        }
    }

    /// Keys become JSON names, log fields and arguments of commands.
    fn well_formed(&mut self, place: &str, key: &str) {
        let inner =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-.".contains(&byte);
        let fine = key.len() <= 64
            && key.starts_with(|first: char| first.is_ascii_lowercase())
            && key.bytes().all(inner);
        if !fine {
            self.problem(
                place,
                "a key is up to 64 of a-z, 0-9, `_`, `-` and `.`, a letter first",
            );
        }
    }

    fn problem(&mut self, place: &str, message: &str) -> String {
        self.problems.push(format!("{place}: {message}"));
        String::new()
    }
}

#[cfg(test)]
mod tests;
