//! Rewrites `src/generated.rs` from `openapi-snapshot.json`; run it as `cargo client-code`.

use std::{fs, process::ExitCode};

#[path = "../generator/mod.rs"]
mod generator;

fn main() -> ExitCode {
    match rewrite() {
        Ok(message) => {
            println!("{message}");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn rewrite() -> Result<&'static str, String> {
    let document = fs::read_to_string(generator::document_path())
        .map_err(|e| format!("openapi-snapshot.json: {e}"))?;
    let code = generator::generate(&document)?;
    let path = generator::generated_path();
    if fs::read_to_string(&path).is_ok_and(|committed| committed == code) {
        return Ok("client/src/generated.rs is up to date");
    }
    fs::write(&path, code).map_err(|e| format!("client/src/generated.rs: {e}"))?;
    Ok("client/src/generated.rs is rewritten")
}
