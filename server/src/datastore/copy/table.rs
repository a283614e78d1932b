//! One table, as both databases spell it. A row goes over as a JSON array of its columns, ids as
//! hexadecimal digits and truth as 0 and 1.

use std::collections::BTreeSet;

use sea_orm::sqlx::postgres::PgConnection;
use sea_orm::sqlx::sqlite::SqliteConnection;
use sea_orm::sqlx::{self, Row as _};
use serde_json::Value;

use super::{Result, refuse};

/// Every table and its key. Rows that refer to others come after those others.
pub const TABLES: &[(&str, &[&str])] = &[
    ("tenants", &["id"]),
    ("users", &["id"]),
    ("sessions", &["id"]),
    ("refresh_tokens", &["id"]),
    ("api_keys", &["id"]),
    ("mfa_methods", &["id"]),
    ("backup_codes", &["id"]),
    ("sms_codes", &["user_id", "purpose"]),
    ("mfa_challenges", &["jti"]),
    ("mfa_reset_tokens_used", &["token_id"]),
    ("reactivation_tokens_used", &["token_id"]),
    ("trusted_devices", &["id"]),
    ("password_failures", &["account", "network"]),
    ("known_networks", &["user_id", "network"]),
    ("rate_windows", &["bucket"]),
    ("rate_levels", &["bucket"]),
    ("entitlement_overrides", &["id"]),
    ("audit_events", &["id"]),
    ("outbox", &["id"]),
    ("leases", &["name"]),
    ("keys", &["id"]),
    ("documents", &["name"]),
];

pub struct Table {
    pub name: &'static str,
    columns: Vec<Column>,
    /// Where the key's columns are among them.
    key: Vec<usize>,
}

struct Column {
    name: String,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    Id,
    Text,
    Number,
    Truth,
}

impl Table {
    pub async fn read(
        source: &mut SqliteConnection,
        target: &mut PgConnection,
        name: &'static str,
        key: &[&str],
    ) -> Result<Self> {
        let sql = "SELECT column_name::text, data_type::text FROM information_schema.columns \
                   WHERE table_schema = current_schema() AND table_name = $1 \
                   ORDER BY ordinal_position";
        let rows = sqlx::query(sql).bind(name).fetch_all(target).await?;
        let mut columns = Vec::with_capacity(rows.len());
        for row in rows {
            let (column, kind): (String, String) = (row.try_get(0)?, row.try_get(1)?);
            let kind = match kind.as_str() {
                "uuid" => Kind::Id,
                "text" => Kind::Text,
                "bigint" | "integer" => Kind::Number,
                "boolean" => Kind::Truth,
                other => return Err(refuse(format!("{name}.{column} is of the type {other}"))),
            };
            columns.push(Column { name: column, kind });
        }
        refuse_other_columns(source, name, &columns).await?;
        let place = |wanted: &&str| columns.iter().position(|column| column.name == **wanted);
        let key = key.iter().map(place).collect::<Option<_>>();
        Ok(Self {
            name,
            key: key.ok_or_else(|| refuse(format!("{name} has not its key")))?,
            columns,
        })
    }

    /// The rows after a key, as JSON.
    pub async fn batch(
        &self,
        source: &mut SqliteConnection,
        after: Option<&[String]>,
        rows: i64,
    ) -> Result<Vec<String>> {
        let keys = self.keys(|column| column.name.clone());
        let condition = match after {
            None => String::new(),
            Some(_) => format!("WHERE ({keys}) > ({})", self.places()),
        };
        let sql = format!(
            "{} {condition} ORDER BY {keys} LIMIT {rows}",
            self.select_from_sqlite()
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for part in after.unwrap_or_default() {
            query = query.bind(part);
        }
        let rows = query.fetch_all(source).await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    pub async fn insert(&self, target: &mut PgConnection, rows: &[String]) -> Result<()> {
        let names: Vec<&str> = self.columns.iter().map(|column| &*column.name).collect();
        let values = self.columns.iter().enumerate().map(|(n, column)| {
            let cast = match column.kind {
                Kind::Id => "::uuid",
                Kind::Text => "",
                Kind::Number => "::bigint",
                Kind::Truth => "::int::boolean",
            };
            format!("(r ->> {n}){cast}")
        });
        let sql = format!(
            "INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE \
             SELECT {} FROM jsonb_array_elements($1::text::jsonb) AS r",
            self.name,
            names.join(", "),
            values.collect::<Vec<_>>().join(", ")
        );
        sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(format!("[{}]", rows.join(",")))
            .execute(target)
            .await?;
        Ok(())
    }

    /// The key of a row, as texts.
    pub fn key_of(&self, row: &str) -> Result<Vec<String>> {
        let row: Vec<Value> =
            serde_json::from_str(row).map_err(|error| refuse(error.to_string()))?;
        let text = |place: &usize| match row.get(*place) {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        let key = self.key.iter().map(text).collect::<Option<_>>();
        key.ok_or_else(|| refuse(format!("{} has a row without its key", self.name)))
    }

    /// PostgreSQL keeps no text with a NUL in it. Nothing that the API accepts has one.
    pub fn refuse_nul(&self, rows: &[String]) -> Result<()> {
        for row in rows.iter().filter(|row| row.contains("\\u0000")) {
            let values: Vec<Value> =
                serde_json::from_str(row).map_err(|error| refuse(error.to_string()))?;
            let has_nul = |value: &Value| value.as_str().is_some_and(|text| text.contains('\0'));
            if values.iter().any(has_nul) {
                return Err(refuse(format!(
                    "{} holds a text with a NUL character, in the row {:?}",
                    self.name,
                    self.key_of(row)?
                )));
            }
        }
        Ok(())
    }

    /// All rows in the order of their keys.
    pub fn all_of_sqlite(&self) -> String {
        let keys = self.keys(|column| column.name.clone());
        format!("{} ORDER BY {keys}", self.select_from_sqlite())
    }

    /// The same, in the same order: that of bytes.
    pub fn all_of_postgres(&self) -> String {
        let values = self.columns.iter().map(|column| {
            let name = &column.name;
            match column.kind {
                Kind::Id => format!("replace({name}::text, '-', '')"),
                Kind::Text | Kind::Number => name.clone(),
                Kind::Truth => format!("{name}::int"),
            }
        });
        let keys = self.keys(|column| match column.kind {
            Kind::Text => format!("{} COLLATE \"C\"", column.name),
            Kind::Id | Kind::Number | Kind::Truth => column.name.clone(),
        });
        format!(
            "SELECT json_build_array({})::text FROM {} ORDER BY {keys}",
            values.collect::<Vec<_>>().join(", "),
            self.name
        )
    }

    fn select_from_sqlite(&self) -> String {
        let values = self.columns.iter().map(|column| {
            let name = &column.name;
            match column.kind {
                // The digits of nothing would be an empty text.
                Kind::Id => {
                    format!("CASE WHEN {name} IS NULL THEN NULL ELSE lower(hex({name})) END")
                }
                Kind::Text | Kind::Number | Kind::Truth => name.clone(),
            }
        });
        format!(
            "SELECT json_array({}) FROM {}",
            values.collect::<Vec<_>>().join(", "),
            self.name
        )
    }

    fn keys(&self, spell: impl Fn(&Column) -> String) -> String {
        self.numbered_keys(|_, column| spell(column))
    }

    /// Where the parts of a key are put in, which come as texts.
    fn places(&self) -> String {
        self.numbered_keys(|number, column| match column.kind {
            Kind::Id => format!("unhex(?{number})"),
            Kind::Text => format!("?{number}"),
            Kind::Number | Kind::Truth => format!("CAST(?{number} AS INTEGER)"),
        })
    }

    fn numbered_keys(&self, spell: impl Fn(usize, &Column) -> String) -> String {
        let key = self.key.iter().filter_map(|place| self.columns.get(*place));
        let spelt = key.enumerate().map(|(n, column)| spell(n + 1, column));
        spelt.collect::<Vec<_>>().join(", ")
    }
}

/// A column on one side only would be left behind, or filled with nothing.
async fn refuse_other_columns(
    source: &mut SqliteConnection,
    table: &str,
    columns: &[Column],
) -> Result<()> {
    let rows = sqlx::query("SELECT name FROM pragma_table_info(?1)").bind(table);
    let mut here = BTreeSet::new();
    for row in rows.fetch_all(source).await? {
        here.insert(row.try_get::<String, _>(0)?);
    }
    let there: BTreeSet<String> = columns.iter().map(|column| column.name.clone()).collect();
    match here.symmetric_difference(&there).next() {
        None => Ok(()),
        Some(column) => Err(refuse(format!(
            "the column {table}.{column} is in one of the databases only"
        ))),
    }
}
