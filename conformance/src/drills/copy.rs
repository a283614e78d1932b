//! An SQLite database with many people, copied to PostgreSQL: how fast, whether everything arrived, and
//! whether they can log in there.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::field::{Field, UNLIMITED, client};
use super::{Broken, Size};
use crate::case::Profile;
use crate::kit::{PASSWORD, Raw};
use crate::target::spawn::Spawner;
use crate::target::stored::{Stored, postgres};

/// How many of the people log in afterwards.
const SAMPLE: usize = 50;

pub async fn run(size: Size, spawner: &Spawner) -> Result<Broken> {
    let field = Field::start(spawner, Profile::Strict, UNLIMITED, 1).await?;
    let email = field.register().await?;
    let login = super::field::settled(field.login(&email).await)?;
    ensure!(login.status == 200, "{}", login.text);
    let stored = field.stored()?;
    ensure!(!stored.is_postgres(), "this drill begins with SQLite");
    fill(stored, size.amount)?;
    // The time for connecting and for the schema is nobody's concern.
    let name = format!("bp_auth_copied_{}", std::process::id());
    let target = postgres()?.create(&name, None, false);
    let target = target.map_err(anyhow::Error::msg)?;
    let file = field.processes()?.data().join("bp-auth.db");
    let from = format!("sqlite://{}", file.display());
    let began = Instant::now();
    let said = field
        .processes()?
        .bp_auth(&["db", "copy", "--from", &from, "--to", &target.url])
        .await?;
    let took = began.elapsed();
    println!("\n{said}");
    println!("{} people, {:.1} s in all", size.amount, took.as_secs_f64());
    let mut broken = Broken::new();
    if !said.contains("all equal") || said.contains("DIFFERS") {
        broken.push("not everything arrived".to_owned());
    }
    let moved = field.processes()?.on(target);
    let address = moved.start_instance().await?;
    let http = client(None)?;
    let mut slowest = Duration::ZERO;
    for sample in 0..SAMPLE {
        let number = 1 + sample * size.amount.saturating_sub(1) / SAMPLE;
        let email = format!("copied{number}@example.com");
        let form = [("username", email.as_str()), ("password", PASSWORD)];
        let asked = Instant::now();
        let call = http.post(format!("http://{address}/api/auth/token"));
        let answer = Raw::of(call.form(&form)).await?;
        slowest = slowest.max(asked.elapsed());
        if answer.status != 200 {
            broken.push(format!("{email} cannot log in: {}", answer.text));
        }
    }
    println!(
        "{SAMPLE} of them logged in, the slowest in {} ms",
        slowest.as_millis()
    );
    println!("{}", moved.bp_auth(&["check"]).await?.trim());
    moved.stop().await?;
    field.end().await?;
    Ok(broken)
}

/// People like the one there is, each with a tenant, a session and a refresh token.
fn fill(stored: &Stored, people: usize) -> Result<()> {
    let id = |kind: char| format!("unhex(printf('{kind}%031x', n))");
    let (tenant, user, session, token) = (id('a'), id('b'), id('c'), id('d'));
    let email = "'copied' || n || '@example.com'";
    let tables: [(&str, &[(&str, &str)]); 4] = [
        ("tenants", &[("id", &tenant)]),
        (
            "users",
            &[
                ("id", &user),
                ("tenant_id", &tenant),
                ("email", email),
                ("email_key", email),
            ],
        ),
        ("sessions", &[("id", &session), ("user_id", &user)]),
        (
            "refresh_tokens",
            &[
                ("id", &token),
                ("session_id", &session),
                ("user_id", &user),
                ("token_hash", "printf('%064x', n)"),
            ],
        ),
    ];
    for (table, own) in tables {
        let query = format!("SELECT name FROM pragma_table_info('{table}')");
        let columns = stored.texts(&query, &[])?;
        let values: Vec<&str> = columns
            .iter()
            .map(|column| {
                let own = own.iter().find(|(name, _)| name == column);
                own.map_or(column.as_str(), |(_, value)| value)
            })
            .collect();
        let rows = stored.execute(
            &format!(
                "INSERT INTO {table} ({}) \
                 WITH RECURSIVE number (n) AS \
                   (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < {people}), \
                 one AS (SELECT * FROM {table} LIMIT 1) \
                 SELECT {} FROM number, one",
                columns.join(", "),
                values.join(", ")
            ),
            &[],
        );
        let rows = rows.with_context(|| format!("{table} cannot be filled"))?;
        ensure!(rows == people, "{rows} rows of {table}");
    }
    Ok(())
}
