//! What one request costs the server: processor time, rows and bytes.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};
use tokio::time::Instant;

use super::Outcome;
use super::body::{Attack, Place};
use super::disk::Disk;
use super::process::Process;
use super::wire::{Call, Client, right_login};

/// A request that costs seconds is asked for this often at least.
const LEAST: u32 = 3;
/// No limit of one network is higher.
const MOST_LIMITED: u32 = 40;

/// A server that is measured, and where it keeps its data.
pub struct Measured<'s> {
    process: &'s Process,
    address: &'s str,
    data: &'s Path,
}

struct Cost {
    /// Seconds of processor time.
    cpu: f64,
    rows: f64,
    bytes: f64,
    statuses: BTreeMap<u16, u32>,
}

impl<'s> Measured<'s> {
    pub fn new(process: &'s Process, address: &'s str, data: &'s Path) -> Self {
        Self {
            process,
            address,
            data,
        }
    }

    /// The cost of one request, when they come one after the other for so long.
    async fn cost(
        &self,
        time: Duration,
        limited: bool,
        mut next: impl FnMut() -> (Call, String),
    ) -> Outcome<Cost> {
        let disk = Disk::of(self.data).await?;
        let mut client = Client::new(self.address);
        let mut statuses = BTreeMap::new();
        // The first ones open connections and fill caches, and the bucket of a limit that is measured.
        let mut warm = 0;
        while warm < LEAST || (limited && warm < MOST_LIMITED) {
            let (call, from) = next();
            let (status, _) = client.send(&call, &from).await?;
            warm += 1;
            if limited && status == 429 {
                break;
            }
        }
        let (before, used) = (self.process.cpu_when_idle().await?, disk.used().await?);
        let (start, mut sent) = (Instant::now(), 0);
        while sent < LEAST || start.elapsed() < time {
            let (call, from) = next();
            let (status, _) = client.send(&call, &from).await?;
            *statuses.entry(status).or_default() += 1;
            sent += 1;
        }
        let (after, left) = (self.process.cpu_when_idle().await?, disk.used().await?);
        let each = |total: f64| total / f64::from(sent);
        Ok(Cost {
            cpu: each(after - before),
            rows: each((left.rows - used.rows) as f64),
            bytes: each((left.bytes - used.bytes) as f64),
            statuses,
        })
    }
}

/// Every attack beside one login.
pub async fn table(
    open: &Measured<'_>,
    closed: &Measured<'_>,
    attacks: &[Attack],
    time: Duration,
) -> Outcome<String> {
    let home = "198.51.100.7".to_owned();
    let login = open
        .cost(time, false, || (right_login(), home.clone()))
        .await?;
    let mut rows = vec![("token, a right login".to_owned(), None, login)];
    for attack in attacks {
        eprintln!("{}", attack.name());
        let server = match attack.place {
            Place::Closed => closed,
            Place::Anywhere | Place::OneNetwork => open,
        };
        let next = || (attack.call(), attack.network());
        let cost = server
            .cost(time, attack.place == Place::OneNetwork, next)
            .await?;
        rows.push((attack.name(), Some(next().0.body.len()), cost));
    }
    let login = rows.first().map_or(f64::NAN, |(.., login)| login.cpu);
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN);
    table.set_header([
        "request", "body", "answers", "CPU ms", "÷ login", "rows", "bytes",
    ]);
    for (name, body, cost) in &rows {
        table.add_row([
            name.clone(),
            body.map_or_else(String::new, |body| body.to_string()),
            listed(&cost.statuses),
            format!("{:.2}", cost.cpu * 1000.0),
            format!("{:.3}", cost.cpu / login),
            format!("{:.2}", cost.rows),
            format!("{:.0}", cost.bytes),
        ]);
    }
    for column in [1, 3, 4, 5, 6] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let dearest = rows.iter().skip(1).map(|(.., cost)| cost.cpu / login);
    let dearest = dearest.fold(0.0, f64::max);
    Ok(format!("{table}\n\nThe dearest costs {dearest:.2} logins."))
}

/// Statuses, with their share where there are several.
pub fn listed(statuses: &BTreeMap<u16, u32>) -> String {
    let total: u32 = statuses.values().sum();
    let share = |(status, count): (&u16, &u32)| match statuses.len() {
        1 => status.to_string(),
        _ => format!(
            "{status}: {:.0} %",
            f64::from(*count * 100) / f64::from(total)
        ),
    };
    let shares: Vec<String> = statuses.iter().map(share).collect();
    shares.join(", ")
}
