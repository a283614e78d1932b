//! `bp-auth openapi` and `bp-auth docs`: the contract and what is rendered from it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::Outcome;
use super::args::{DocsArgs, OpenapiArgs};
use crate::api::diff::{self, Kind};
use crate::api::{document, reference};

const REFERENCE: &str = "docs/api";

/// Written by the conformance suite, which also tells when it is out of date.
const EXAMPLES: &str = include_str!("../../../docs/api/examples.json");

pub fn openapi(args: &OpenapiArgs) -> Outcome {
    let emitted = document::emit()?;
    if let Some(file) = &args.write {
        std::fs::write(file, emitted).map_err(|error| said(file, &error))?;
        return Ok(ExitCode::SUCCESS);
    }
    let Some(file) = &args.check else {
        print!("{emitted}");
        return Ok(ExitCode::SUCCESS);
    };
    let committed = std::fs::read_to_string(file).map_err(|error| said(file, &error))?;
    if committed == emitted {
        return Ok(ExitCode::SUCCESS);
    }
    let changes = diff::compare_text(&committed, &emitted)
        .map_err(|error| format!("{}: {error}", file.display()))?;
    for change in &changes {
        println!("{change}");
    }
    let breaking = changes
        .iter()
        .filter(|change| change.kind == Kind::Breaking)
        .count();
    eprintln!(
        "bp-auth: {} differs from what this build emits: {} changes, {breaking} of them breaking. \
         If they are meant, run `cargo contract` and review the diff.",
        file.display(),
        changes.len()
    );
    Ok(ExitCode::FAILURE)
}

pub fn docs(args: &DocsArgs) -> Outcome {
    let document = serde_json::from_str(document::SNAPSHOT)?;
    let examples = serde_json::from_str(EXAMPLES)?;
    let directory = args
        .write
        .clone()
        .unwrap_or_else(|| PathBuf::from(REFERENCE));
    let mut stale = false;
    for (name, text) in reference::render(&document, &examples) {
        let file = directory.join(name);
        if args.check {
            let current = std::fs::read_to_string(&file).map_err(|error| said(&file, &error))?;
            if current != text {
                println!("{} is out of date; run `cargo reference`", file.display());
                stale = true;
            }
        } else if args.write.is_some() {
            std::fs::create_dir_all(&directory).map_err(|error| said(&directory, &error))?;
            std::fs::write(&file, text).map_err(|error| said(&file, &error))?;
        } else {
            println!("{text}");
        }
    }
    Ok(if stale {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn said(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}
