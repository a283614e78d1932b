//! The suite's own test: every server that is broken on purpose is noticed by the cases that ought to.
#![cfg(feature = "spawn")]

use std::process::Command;

#[test]
fn every_fault_is_caught_by_its_cases() {
    let suite = env!("CARGO_BIN_EXE_bp-auth-conformance");
    let output = Command::new(suite)
        .args(["--spawn", "--faults"])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{told}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(told.contains("faults caught by all of their"), "{told}");
}
