//! Databases with many users, written by SQL: a million registrations would hash for hours.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bp_auth_server::app::clock::{Clock, SystemClock};
use bp_auth_server::app::network::Networks;
use bp_auth_server::app::password::{Hasher, Plain};
use bp_auth_server::app::random::{REFRESH_PREFIX, SystemRandom, mint};
use bp_auth_server::config::Hash;
use bp_auth_server::datastore::Datastore;
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, Statement, TransactionTrait,
    Value,
};
use uuid::Uuid;

use super::Outcome;

/// Everybody's. Strong enough to register with.
pub const PASSWORD: &str = "correct horse battery staple";

/// So many users have a refresh token that is known here. Many, so that a family is used about as
/// rarely as a person's, and spread over the whole database.
const FAMILIES: u64 = 2000;
/// Users were made a millisecond apart, the newest of them about now.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Both statements below count in this table.
const NUMBERS: &str = "WITH RECURSIVE numbers(n) AS \
    (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < $1)";

/// A tenant each, of which the user is the owner, and one login that is still good: what a
/// registration and a login leave behind, apart from their audit rows and the welcome mail.
const ROWS: &[&str] = &[
    "INSERT INTO tenants (id, name, created_at) \
     SELECT {tenant}, 'user' || n || '@example.com', $2 FROM numbers",
    "INSERT INTO users (id, tenant_id, email, email_key, password_hash, created_at, updated_at) \
     SELECT {user}, {tenant}, 'user' || n || '@example.com', 'user' || n || '@example.com', \
     $3, $2, $2 FROM numbers",
    "INSERT INTO sessions \
     (id, user_id, created_at, expires_at, auth_time, amr, mfa_satisfied, ip, user_agent) \
     SELECT {session}, {user}, $2, $4, $2, 'pwd', FALSE, '192.0.2.1', 'a browser' FROM numbers",
    // Nobody has the token of a random hash.
    "INSERT INTO refresh_tokens (id, session_id, user_id, token_hash, issued_at, expires_at) \
     SELECT {refresh}, {session}, {user}, lower(hex(randomblob(32))), $2, $4 FROM numbers",
];

/// What an id belongs to, as the twelve bits after the version of its UUID.
#[derive(Clone, Copy)]
enum Kind {
    Tenant = 1,
    User = 2,
    Session = 3,
    Refresh = 4,
}

/// A database whose users are `user0@example.com` and so on.
pub struct Population {
    pub users: u64,
    pub data: PathBuf,
    /// Unused refresh tokens, each of another user.
    pub refresh_tokens: Vec<String>,
}

impl Population {
    /// Makes the data directory of a server with so many users.
    pub async fn seed(data: PathBuf, users: u64) -> Outcome<Self> {
        std::fs::create_dir(&data)?;
        let file = database(&data);
        let store = Datastore::connect(&format!("sqlite://{}", file.display())).await?;
        store.migrations_apply().await?;
        store.close().await?;

        let connection = unsafe_but_fast(&file).await?;
        let txn = connection.begin().await?;
        insert(&txn, users).await?;
        let refresh_tokens = known_tokens(&txn, users).await?;
        txn.commit().await?;
        connection.close().await?;
        Ok(Self {
            users,
            data,
            refresh_tokens,
        })
    }

    pub fn database(&self) -> PathBuf {
        database(&self.data)
    }

    /// What the server would not have left behind, were it real.
    pub async fn check(&self) -> Outcome {
        let url = format!("sqlite://{}", self.database().display());
        let store = Datastore::connect(&url).await?;
        let violations = store.invariants_check().await?;
        store.close().await?;
        match violations.is_empty() {
            true => Ok(()),
            false => Err(format!("the database is not sound: {violations:?}").into()),
        }
    }
}

/// All users' numbers over and over, in an order that neither the ids nor the addresses have.
pub fn strides(users: u64, start: u64) -> impl Iterator<Item = u64> {
    // Prime, so it meets every number unless it divides their count.
    const STRIDE: u64 = 611_953;
    let first = start.wrapping_mul(STRIDE * 7919);
    (0u64..).map(move |step| first.wrapping_add(step.wrapping_mul(STRIDE)) % users)
}

pub fn user_id(number: u64) -> Uuid {
    id(Kind::User, number)
}

/// Ordered by number, as the server's own ids are by time.
fn id(kind: Kind, number: u64) -> Uuid {
    let high = (u128::from(number) << 80) | (0x7 << 76) | ((kind as u128) << 64);
    Uuid::from_u128(high | (0x8 << 60))
}

/// [`id`] as SQL.
fn id_sql(kind: Kind) -> String {
    format!(
        "unhex(printf('%012x7%03x8000000000000000', n, {}))",
        kind as u16
    )
}

async fn insert(txn: &impl ConnectionTrait, users: u64) -> Outcome {
    let random = Arc::new(SystemRandom);
    let failed = |error| format!("no hash: {error:?}");
    let hasher = Hasher::new(&Hash::default(), random).map_err(failed)?;
    let permit = hasher.permit(&Networks::operator()).await.map_err(failed)?;
    let password = Plain::presented(PASSWORD).map_err(failed)?;
    // One hash for everybody: to verify it takes the same work for each.
    let hash = hasher.hash(permit, password).await.map_err(failed)?;
    let now = SystemClock.now().ms();
    for rows in ROWS {
        let rows = rows
            .replace("{tenant}", &id_sql(Kind::Tenant))
            .replace("{user}", &id_sql(Kind::User))
            .replace("{session}", &id_sql(Kind::Session))
            .replace("{refresh}", &id_sql(Kind::Refresh));
        let values: [Value; 4] = [
            i64::try_from(users)?.into(),
            now.into(),
            hash.as_str().into(),
            (now + DAY_MS).into(),
        ];
        execute(txn, &format!("{NUMBERS} {rows}"), values).await?;
    }
    Ok(())
}

/// Gives some of the users a refresh token as the server would have made it.
async fn known_tokens(txn: &impl ConnectionTrait, users: u64) -> Outcome<Vec<String>> {
    let families = users.min(FAMILIES);
    let mut tokens = Vec::new();
    for family in 0..families {
        let minted = mint(&SystemRandom, REFRESH_PREFIX).map_err(|error| format!("{error:?}"))?;
        let id = id(Kind::Refresh, family * (users / families));
        let sql = "UPDATE refresh_tokens SET token_hash = $2 WHERE id = $1";
        execute(txn, sql, [id.into(), minted.hash.into()]).await?;
        tokens.push(minted.plain.to_string());
    }
    Ok(tokens)
}

async fn execute<const N: usize>(
    conn: &impl ConnectionTrait,
    sql: &str,
    values: [Value; N],
) -> Outcome {
    let backend = conn.get_database_backend();
    let done = conn
        .execute_raw(Statement::from_sql_and_values(backend, sql, values))
        .await?;
    match done.rows_affected() {
        0 => Err(format!("nothing was changed by {sql}").into()),
        _ => Ok(()),
    }
}

/// Without journal or synchronisation: a crash while seeding loses a database nobody wants.
async fn unsafe_but_fast(file: &Path) -> Outcome<DatabaseConnection> {
    let mut options = ConnectOptions::new(format!("sqlite://{}", file.display()));
    options.sqlx_logging(false).max_connections(1);
    let connection = Database::connect(options).await?;
    for pragma in [
        "journal_mode = OFF",
        "synchronous = OFF",
        "foreign_keys = OFF",
        // Kibibytes. The index of random hashes is filled all over.
        "cache_size = -1000000",
    ] {
        connection
            .execute_unprepared(&format!("PRAGMA {pragma}"))
            .await?;
    }
    Ok(connection)
}

fn database(data: &Path) -> PathBuf {
    data.join("bp-auth.db")
}
