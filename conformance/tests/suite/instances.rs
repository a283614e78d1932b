//! What a run with several instances demands before it says that it has tried them.

use std::process::Command;

use crate::support::{PROGRAM, said, suite};

#[test]
fn a_run_that_restarted_nothing_has_not_tried_it() {
    let output = suite(&[
        "--spawn",
        "--instances",
        "2",
        "--restart-every",
        "3600",
        "--profile",
        "strict",
        "--filter",
        "refresh::a_used_token_ends_its_family",
    ]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("no instance was restarted"));
}

#[test]
fn who_asks_for_postgresql_where_there_is_none_is_told_so_and_nothing_passes() {
    // One that does not answer, and a machine on which it is not installed.
    let nothing = std::env::temp_dir().join("bp-auth-no-such-directory");
    for (named, programs) in [
        ("postgres://nobody@127.0.0.1:9", "".as_ref()),
        ("", nothing.as_os_str()),
    ] {
        let output = Command::new(PROGRAM)
            .args(["--spawn", "--database", "postgres"])
            .env("BP_AUTH_TEST_POSTGRES", named)
            .env("BP_AUTH_TEST_POSTGRES_BIN", programs)
            .output()
            .unwrap();
        let said = said(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("PostgreSQL"), "{said}");
        assert_eq!(said.contains("NOT TESTED"), named.is_empty(), "{said}");
        assert!(!said.contains("passed"), "{said}");
    }
}

#[test]
fn a_run_asks_for_affected_groups_only_where_something_affects_them() {
    let output = suite(&["--spawn", "--affected"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("--affected needs"));
    let output = suite(&["--spawn", "--list", "--affected", "--instances", "2"]);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(
        said.contains("instances: sms_limits, because instances count together"),
        "{said}"
    );
    assert!(
        said.contains("instances::a_logout_at_one_is_seen_by_all"),
        "{said}"
    );
    assert!(!said.contains("syntax::"), "{said}");
}
