//! Says which commit is built, for `bp-auth --version`.
//!
//! Written by hand, because the crates for this ask git at every commit, and each answer compiles the server and
//! all its tests anew. A debug build asks when a source has changed, and is compiled then anyway; a release build
//! asks at every commit too.

use std::path::Path;
use std::process::Command;

fn main() {
    for input in ["build.rs", "src", "Cargo.toml"] {
        println!("cargo::rerun-if-changed={input}");
    }
    let commit = commit();
    let commit = commit.as_deref().unwrap_or("commit unknown");
    // Cargo sets it for the programs that it runs too, so its name must not be one of a setting.
    println!("cargo::rustc-env=BUILD_COMMIT={commit}");
}

/// The commit of the repository that this package is the `server` of; a source that was unpacked within
/// somebody else's repository has none.
fn commit() -> Option<String> {
    let top = git(&["rev-parse", "--show-toplevel"])?;
    let workspace = Path::new("..").canonicalize().ok()?;
    if Path::new(&top).canonicalize().ok()? != workspace {
        return None;
    }
    if std::env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        for state in ["HEAD", "logs/HEAD"] {
            let file = git(&["rev-parse", "--git-path", state])?;
            if Path::new(&file).exists() {
                println!("cargo::rerun-if-changed={file}");
            }
        }
    }
    let commit = git(&["rev-parse", "--short=12", "HEAD"])?;
    let changes = git(&["status", "--porcelain", "--untracked-files=no"])?;
    Some(match changes.is_empty() {
        true => commit,
        false => format!("{commit}, modified"),
    })
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
