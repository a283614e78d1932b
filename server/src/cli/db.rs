//! `bp-auth db copy`: from the embedded database to PostgreSQL.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};

use super::args::CopyArgs;
use super::{Outcome, clock, nowhere, side_files};
use crate::app::operator::Operator;
use crate::app::random::SystemRandom;
use crate::config::{Config, PoolMode, SecretText};
use crate::datastore::{Compared, Copy, Datastore};
use crate::http::server::Parts;
use crate::keyring::Keyring;

pub async fn copy(mut config: Config, args: &CopyArgs, operator: &Operator) -> Outcome {
    if !args.from.starts_with("sqlite:") {
        return Err("--from is to be an SQLite database: sqlite://FILE".into());
    }
    let to = match &args.to {
        Some(to) => to.clone(),
        None => config.database_url().expose().to_owned(),
    };
    if !to.starts_with("postgres") {
        return Err("--to, or else database.url, is to be a PostgreSQL database".into());
    }
    if args.to.is_none() && config.database.pool_mode == PoolMode::Transaction {
        return Err("a copy needs one session from its beginning to its end, which \
                    database.pool_mode = \"transaction\" does not give: name the server itself in --to"
            .into());
    }
    config.database.url = SecretText::new(&to);
    let connections = config.database.max_connections;
    // Rows go over as they are sealed, so that no key is needed.
    let parts = Parts {
        store: Datastore::connect_with(&to, connections, config.database.pool_mode).await?,
        keyring: Arc::new(Keyring::default()),
        plans: side_files(&config)?,
        clock: clock()?,
        random: Arc::new(SystemRandom),
        config,
    };
    let app = parts.app(nowhere(&parts.config))?;

    let began = Instant::now();
    let mut copy = Copy::open(&args.from, &to, args.restart).await?;
    let bar = ProgressBar::no_length();
    bar.set_style(ProgressStyle::with_template(
        "{msg:24} {bar:30} {human_pos}/{human_len} rows, {per_sec}",
    )?);
    let draws = std::io::stderr().is_terminal();
    let done = copy
        .run(|table, rows, total| {
            bar.set_length(total);
            bar.set_position(rows);
            bar.set_message(table.to_owned());
            // Without a terminal a line for each table says enough, and one for each large batch.
            if !draws && (rows == total || rows % 20_000 == 0) {
                eprintln!("{table}: {rows} of {total} rows");
            }
        })
        .await;
    bar.finish_and_clear();
    done?;
    let copied = began.elapsed();
    let compared = copy.compare().await?;
    for table in &compared {
        println!("{}", line(table));
    }
    if let Some(differs) = compared.iter().find(|table| !table.is_equal()) {
        return Err(format!(
            "{} differs: the source or the target was changed meanwhile; begin again with --restart, \
             which empties the target",
            differs.table
        )
        .into());
    }
    super::operator::explain(app.operator_copy_end(&mut copy, operator).await)?;
    let (from, to) = (copy.from().to_owned(), copy.to().to_owned());
    copy.close().await?;
    let rows: u64 = compared.iter().map(|table| table.source.rows).sum();
    println!(
        "{rows} rows copied in {:.1} s ({:.0} rows/s), compared in {:.1} s: all equal",
        copied.as_secs_f64(),
        rows as f64 / copied.as_secs_f64().max(0.001),
        (began.elapsed() - copied).as_secs_f64()
    );
    println!("{from} is marked as moved: no server and no command uses it any longer");
    println!("database: {to}");
    app.store.clone().close().await?;
    Ok(ExitCode::SUCCESS)
}

fn line(table: &Compared) -> String {
    let short = |digest: &str| digest.chars().take(16).collect::<String>();
    format!(
        "{:<26} {:>9} rows {}  {:>9} rows {}  {}",
        table.table,
        table.source.rows,
        short(&table.source.digest),
        table.target.rows,
        short(&table.target.digest),
        if table.is_equal() { "equal" } else { "DIFFERS" }
    )
}
