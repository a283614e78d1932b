//! `bp-auth user import`: accounts out of a file, batch by batch.

mod source;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};

use super::Outcome;
use super::args::ImportArgs;
use super::operator::{Said, explain};
use crate::app::App;
use crate::app::import::{Candidate, Import, email_taken};
use crate::app::operator::Operator;
use source::{Complaint, Source};

/// Accounts in one transaction: enough that a commit costs little, few enough that a server which
/// writes to the same database hardly waits.
const BATCH: usize = 500;
/// Without a terminal, a word after so many lines.
const WORD: u64 = 20_000;

/// What has become of the lines so far.
#[derive(Default)]
struct Tally {
    lines: u64,
    imported: u64,
    refused: u64,
    /// Of those refused, whose address was taken.
    taken: u64,
}

pub async fn import(app: &App, args: &ImportArgs, operator: &Operator) -> Outcome {
    let format = args
        .format()
        .ok_or("say how the file is written: --format csv, or --format jsonl")?;
    let mut source = Source::open(&args.file, format)
        .map_err(|error| format!("{}: {error}", args.file.display()))?;
    let began = Instant::now();
    let bar = ProgressBar::new(source.size());
    bar.set_style(ProgressStyle::with_template(
        "{msg:24} {bar:30} {bytes}/{total_bytes}, {elapsed}",
    )?);
    let mut import = explain(
        app.operator_import(operator, args.dry_run, args.inactive_may_reopen)
            .await,
    )?;
    let mut tally = Tally::default();
    let done = run(&mut import, &mut source, &bar, &mut tally).await;
    bar.finish_and_clear();
    let seconds = began.elapsed().as_secs_f64();
    let verb = match args.dry_run {
        true => "could be imported",
        false => "imported",
    };
    // Said after a failure too: what was imported stays.
    println!(
        "{} {verb}, {} refused ({} of them email_taken) in {seconds:.1} s ({:.0} lines/s)",
        tally.imported,
        tally.refused,
        tally.taken,
        tally.lines as f64 / seconds.max(0.001)
    );
    done?;
    Ok(match tally.refused {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

async fn run(
    import: &mut Import<'_>,
    source: &mut Source,
    bar: &ProgressBar,
    tally: &mut Tally,
) -> Said {
    let mut batch = Vec::with_capacity(BATCH);
    let ended = loop {
        let record = match source.next() {
            Ok(Some(record)) => record,
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        };
        tally.lines += 1;
        let mut complaints = record.complaints;
        match import.check(record.line, record.form) {
            Ok(candidate) if complaints.is_empty() => batch.push(candidate),
            Ok(_) => {}
            Err(faults) => {
                for fault in faults {
                    // A field that could not be read is not missing besides.
                    if !complaints.iter().any(|other| other.field == fault.field) {
                        complaints.push(fault.into());
                    }
                }
            }
        }
        if !complaints.is_empty() {
            tally.refused += 1;
            say(bar, record.line, &complaints)?;
        }
        if batch.len() == BATCH {
            write(import, &batch, bar, tally).await?;
            batch.clear();
        }
        bar.set_position(record.end);
        if tally.lines.is_multiple_of(WORD) && !std::io::stderr().is_terminal() {
            eprintln!("{} lines", tally.lines);
        }
    };
    // What was read before a file broke off is as good as any.
    write(import, &batch, bar, tally).await?;
    Ok(ended?)
}

async fn write(
    import: &mut Import<'_>,
    batch: &[Candidate],
    bar: &ProgressBar,
    tally: &mut Tally,
) -> Said {
    if batch.is_empty() {
        return Ok(());
    }
    let taken = explain(import.batch(batch).await)
        .map_err(|error| format!("{error}; run the same command again, it goes on"))?;
    for line in &taken {
        say(bar, *line, &[email_taken().into()])?;
    }
    let refused = u64::try_from(taken.len())?;
    tally.taken += refused;
    tally.refused += refused;
    tally.imported += u64::try_from(batch.len())? - refused;
    bar.set_message(format!("{} imported", tally.imported));
    Ok(())
}

fn say(bar: &ProgressBar, line: u64, complaints: &[Complaint]) -> std::io::Result<()> {
    bar.suspend(|| {
        let mut out = std::io::stdout().lock();
        for Complaint { field, kind, msg } in complaints {
            writeln!(out, "line {line}: {field}: {kind}: {msg}")?;
        }
        Ok(())
    })
}
