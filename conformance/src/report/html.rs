//! One page that a person can read.

use std::path::Path;

use anyhow::Result;
use maud::{DOCTYPE, html};

use super::Summary;

pub fn write(summary: &Summary, file: &Path) -> Result<()> {
    let (passed, failed, skipped) = summary.counts();
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head { meta charset="utf-8"; title { "Conformance" } }
            body {
                h1 { "Conformance" }
                p { (passed) " passed, " (failed) " failed, " (skipped) " skipped" }
            }
        }
    };
    Ok(std::fs::write(file, page.into_string())?)
}
