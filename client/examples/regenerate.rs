//! Rewrites the generated code from `openapi-snapshot.json`; run it as `cargo client-code`.

use std::{fs, path::Path, process::ExitCode};

#[path = "../generator/mod.rs"]
mod generator;

fn main() -> ExitCode {
    match rewrite() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn rewrite() -> Result<(), String> {
    let document = fs::read_to_string(generator::document_path())
        .map_err(|e| format!("openapi-snapshot.json: {e}"))?;
    put(
        &generator::generated_path(),
        &generator::generate(&document)?,
    )?;
    put(
        &generator::mocks_path(),
        &generator::generate_mocks(&document)?,
    )
}

fn put(path: &Path, code: &str) -> Result<(), String> {
    let name = path.display();
    if fs::read_to_string(path).is_ok_and(|committed| committed == code) {
        println!("{name} is up to date");
        return Ok(());
    }
    fs::write(path, code).map_err(|e| format!("{name}: {e}"))?;
    println!("{name} is rewritten");
    Ok(())
}
