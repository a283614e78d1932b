//! What an import is told.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Reason;

#[derive(Debug, Clone, Args)]
pub struct ImportArgs {
    /// The accounts
    pub file: PathBuf,
    /// How the file is written [default: by its ending, .csv, .jsonl or .ndjson]
    #[arg(long)]
    pub format: Option<ImportFormat>,
    /// Check everything, write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Take `active=false` for an account that its owner closed and may reopen; otherwise it is a ban
    #[arg(long)]
    pub inactive_may_reopen: bool,
    #[command(flatten)]
    pub why: Reason,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ImportFormat {
    /// A line of names, then a line for each account
    Csv,
    /// A JSON object on each line
    Jsonl,
}

impl ImportArgs {
    /// What was said, or else what the name of the file says.
    pub fn format(&self) -> Option<ImportFormat> {
        if self.format.is_some() {
            return self.format;
        }
        let ending = self.file.extension()?.to_str()?;
        match ending.to_ascii_lowercase().as_str() {
            "csv" => Some(ImportFormat::Csv),
            "jsonl" | "ndjson" => Some(ImportFormat::Jsonl),
            _ => None,
        }
    }
}
