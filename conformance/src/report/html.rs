//! One page that a person can read: what failed and what was said meanwhile, then what was covered,
//! then every case and its sentence. It needs nothing but itself, and holds no secret.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use http::HeaderMap;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::Summary;
use crate::coverage::EXCEPTIONS;
use crate::runner::{Ended, Outcome};
use crate::witness::{Exchange, blank};

const STYLE: &str = include_str!("report.css");

pub fn write(summary: &Summary, file: &Path) -> Result<()> {
    Ok(std::fs::write(file, page(summary).into_string())?)
}

fn page(summary: &Summary) -> Markup {
    let good = summary.is_good();
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "bp-auth conformance: " (if good { "passed" } else { "failed" }) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header class=(if good { "good" } else { "bad" }) {
                    h1 { "bp-auth conformance" }
                    p { (verdict(summary)) }
                }
                main {
                    (profiles(summary))
                    (failures(summary))
                    (gaps(summary))
                    (coverage(summary))
                    (cases(summary))
                }
            }
        }
    }
}

fn verdict(summary: &Summary) -> String {
    let (passed, failed, skipped) = summary.counts();
    format!(
        "{passed} passed, {failed} failed, {skipped} skipped; {} answers checked against the document in {:.1} s",
        summary.coverage.exchanges,
        summary.took.as_secs_f64()
    )
}

fn profiles(summary: &Summary) -> Markup {
    html! {
        h2 { "Profiles" }
        table {
            thead { tr { th { "Profile" } th { "Passed" } th { "Failed" } th { "Skipped" } } }
            tbody {
                @for profile in &summary.profiles {
                    @let of = |wanted: fn(&Ended) -> bool| summary.outcomes.iter()
                        .filter(|outcome| outcome.profile == *profile && wanted(&outcome.verdict))
                        .count();
                    tr {
                        td { (profile) }
                        td { (of(|ended| matches!(ended, Ended::Passed))) }
                        td { (of(|ended| matches!(ended, Ended::Failed(_)))) }
                        td { (of(|ended| matches!(ended, Ended::Skipped(_)))) }
                    }
                }
            }
        }
        @for note in &summary.notes {
            p.note { (note) }
        }
    }
}

fn failures(summary: &Summary) -> Markup {
    let failed: Vec<(&Outcome, &String)> = summary
        .outcomes
        .iter()
        .filter_map(|outcome| match &outcome.verdict {
            Ended::Failed(objection) => Some((outcome, objection)),
            Ended::Passed | Ended::Skipped(_) => None,
        })
        .collect();
    html! {
        h2 { "Failures" }
        @if failed.is_empty() { p { "None." } }
        @for (outcome, objection) in failed {
            section.failure {
                h3 { (outcome.id) " " small { "[" (outcome.profile) "]" } }
                p.sentence { (outcome.sentence) }
                pre.objection { (objection) }
                @if !outcome.transcript.exchanges.is_empty() {
                    details {
                        summary {
                            "Transcript: the last " (outcome.transcript.exchanges.len())
                            " of " (outcome.transcript.total) " exchanges"
                        }
                        @for exchange in &outcome.transcript.exchanges { (said(exchange)) }
                    }
                }
            }
        }
    }
}

/// An exchange as text, without its secrets.
fn said(exchange: &Exchange) -> Markup {
    let (sent, answer) = (&exchange.sent, &exchange.answer);
    // A query may carry what somebody put there by mistake.
    let path = sent.uri.path();
    html! {
        div.exchange {
            pre { (sent.method) " " (path) "\n" (lines(&sent.headers)) "\n" (blank::body(&sent.headers, &sent.body)) }
            pre { (answer.status) "\n" (lines(&answer.headers)) "\n" (blank::body(&answer.headers, &answer.body)) }
            @for objection in &exchange.objections { p.objection { (objection) } }
        }
    }
}

fn lines(headers: &HeaderMap) -> String {
    let mut text = String::new();
    for (name, value) in headers {
        let value = blank::header(name.as_str(), value.to_str().unwrap_or_default());
        text.push_str(&format!("{name}: {value}\n"));
    }
    text
}

fn gaps(summary: &Summary) -> Markup {
    html! {
        @if !summary.gaps.is_empty() {
            h2 { "Gaps of coverage" }
            ul.objection { @for gap in &summary.gaps { li { (gap) } } }
        }
    }
}

fn coverage(summary: &Summary) -> Markup {
    let mut statuses: Vec<u16> = summary
        .table
        .iter()
        .flat_map(|row| row.statuses.keys().copied())
        .collect();
    statuses.sort_unstable();
    statuses.dedup();
    html! {
        h2 { "Coverage" }
        p { "How often each operation gave each status, and with which error codes." }
        div.wide { table.matrix {
            thead { tr { th { "Operation" } @for status in &statuses { th { (status) } } } }
            tbody {
                @for row in &summary.table {
                    tr {
                        th { (row.path) }
                        @for status in &statuses {
                            @match row.statuses.get(status) {
                                Some(cell) => td.hit {
                                    (cell.count)
                                    @for code in &cell.codes { br; code { (code) } }
                                },
                                None => td {},
                            }
                        }
                    }
                }
            }
        } }
        p {
            (summary.coverage.codes.len()) " error codes were met. Excepted: "
            @for (code, why) in EXCEPTIONS { code { (code) } " (" (why) ") " }
        }
    }
}

fn cases(summary: &Summary) -> Markup {
    let mut groups: BTreeMap<&str, Vec<&Outcome>> = BTreeMap::new();
    for outcome in &summary.outcomes {
        groups.entry(outcome.group).or_default().push(outcome);
    }
    html! {
        h2 { "Cases" }
        @for (group, mut outcomes) in groups {
            @let () = outcomes.sort_by(|a, b| (&a.id, a.profile).cmp(&(&b.id, b.profile)));
            details {
                summary { (group) " (" (outcomes.len()) ")" }
                table {
                    @for outcome in outcomes {
                        @let (class, word) = match &outcome.verdict {
                            Ended::Passed => ("passed", String::new()),
                            Ended::Failed(_) => ("failed", "failed".to_owned()),
                            Ended::Skipped(why) => ("skipped", format!("skipped: {why}")),
                        };
                        tr class=(class) {
                            td { (outcome.sentence) br; code { (outcome.id) } " " (word) }
                            td { (outcome.profile) }
                            td.ms { (outcome.took.as_millis()) " ms" }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
