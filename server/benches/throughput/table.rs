//! What was measured, as one table.

use comfy_table::{CellAlignment, Table, presets};

/// One thing that was measured, a few times.
pub struct Row {
    pub name: &'static str,
    /// Absent where the number of users does not matter.
    pub users: Option<u64>,
    pub rounds: Vec<Measure>,
}

#[derive(Clone, Copy)]
pub struct Measure {
    pub per_second: f64,
    /// Seconds of the server's processor time for one request.
    pub cpu: f64,
}

/// What the rows are compared to: the row, and what it is called in the heads of columns.
pub type Baselines<'r> = [(&'r str, &'r str); 3];

impl Row {
    fn cpu(&self) -> f64 {
        median(self.rounds.iter().map(|round| round.cpu))
    }

    fn per_second(&self) -> f64 {
        median(self.rounds.iter().map(|round| round.per_second))
    }

    /// How far the rounds lie apart, as a part of their median.
    fn spread(&self) -> f64 {
        let cpus = || self.rounds.iter().map(|round| round.cpu);
        let (least, most) = (cpus().fold(f64::MAX, f64::min), cpus().fold(0.0, f64::max));
        (most - least) / self.cpu()
    }
}

pub fn render(rows: &[Row], baselines: &Baselines<'_>) -> String {
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN);
    let mut heads = vec![
        "what".to_owned(),
        "users".to_owned(),
        "req/s".to_owned(),
        "CPU ms/req".to_owned(),
        "spread".to_owned(),
    ];
    for quantity in ["CPU", "req/s"] {
        heads.extend(
            baselines
                .iter()
                .map(|(_, head)| format!("{quantity} ÷ {head}")),
        );
    }
    table.set_header(heads);
    for row in rows {
        let mut cells = vec![
            row.name.to_owned(),
            row.users.map_or_else(String::new, thousands),
            figures(row.per_second()),
            figures(row.cpu() * 1000.0),
            format!("{:.0} %", row.spread() * 100.0),
        ];
        for quantity in [Row::cpu, Row::per_second] {
            cells.extend(baselines.iter().map(|(name, _)| {
                base(rows, name, row)
                    .map_or_else(String::new, |base| figures(quantity(row) / quantity(base)))
            }));
        }
        table.add_row(cells);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.to_string()
}

/// The baseline for as many users as the row has, where it depends on them.
fn base<'r>(rows: &'r [Row], name: &str, of: &Row) -> Option<&'r Row> {
    let mut named = rows.iter().filter(|row| row.name == name);
    named.find(|row| row.users.is_none() || row.users == of.users)
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Three figures, which is more than the rounds agree on.
fn figures(value: f64) -> String {
    let decimals = match value {
        100.0.. => 0,
        10.0.. => 1,
        1.0.. => 2,
        0.1.. => 3,
        _ => 4,
    };
    match value {
        1000.0.. => thousands(value as u64),
        _ => format!("{value:.decimals$}"),
    }
}

fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
