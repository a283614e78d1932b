//! The suite and its drills on PostgreSQL, in short. Where there is none they say so, and fail where
//! it is demanded.

#![cfg(feature = "spawn")]

use std::io::Write;
use std::process::{Command, Output};

use bp_auth_conformance::target::postgres::Server;

const PROGRAM: &str = env!("CARGO_BIN_EXE_bp-auth-conformance");

/// Whether there is a server to try; said loudly if not.
fn has_postgres() -> bool {
    if Server::find().unwrap().is_some() {
        return true;
    }
    let required = std::env::var("BP_AUTH_TEST_REQUIRE_POSTGRES").is_ok_and(|it| it == "1");
    assert!(!required, "PostgreSQL is required and was not found");
    let test = std::thread::current().name().unwrap_or("?").to_owned();
    // Not by a macro, whose output a passing test keeps to itself.
    let said = format!("\nNOT TESTED: {test} needs PostgreSQL, and none was found\n");
    std::io::stderr().write_all(said.as_bytes()).unwrap();
    false
}

fn suite(arguments: &[&str]) -> Output {
    Command::new(PROGRAM).args(arguments).output().unwrap()
}

fn said(output: &Output) -> String {
    let texts = [&output.stdout, &output.stderr];
    texts.map(|text| String::from_utf8_lossy(text)).concat()
}

fn passes(arguments: &[&str]) -> String {
    let output = suite(arguments);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    said
}

/// The way this suite counts what it is told.
fn figure(said: &str, name: &str) -> u64 {
    let line = said.lines().find(|line| line.trim().starts_with(name));
    let line = line.unwrap_or_else(|| panic!("no {name} in {said}"));
    line.split_whitespace().last().unwrap().parse().unwrap()
}

#[test]
fn three_processes_on_one_database_pass_while_one_after_the_other_is_killed() {
    if !has_postgres() {
        return;
    }
    let said = passes(&[
        "--spawn",
        "--database",
        "postgres-serializable",
        "--instances",
        "3",
        "--restart-every",
        "1",
        "--profile",
        "strict",
        "--filter",
        "refresh::",
        "--filter",
        "sessions::",
    ]);
    assert!(said.contains("times an instance was killed"), "{said}");
    assert!(said.contains("0 failed, 0 skipped"), "{said}");
}

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
fn refreshing_clients_lose_nothing_to_instances_that_die() {
    if !has_postgres() {
        return;
    }
    let said = passes(&[
        "--spawn",
        "--database",
        "postgres",
        "--instances",
        "3",
        "--drill",
        "refresh",
        "--clients",
        "16",
        "--amount",
        "500",
    ]);
    assert!(figure(&said, "refreshes answered 200") >= 500, "{said}");
    assert!(figure(&said, "instances killed") > 0, "{said}");
}

#[test]
fn sessions_outlive_the_instances_that_began_them() {
    if !has_postgres() {
        return;
    }
    let said = passes(&[
        "--spawn",
        "--database",
        "postgres",
        "--instances",
        "3",
        "--drill",
        "logins",
        "--clients",
        "16",
        "--amount",
        "400",
    ]);
    assert!(figure(&said, "logins by second factor") > 0, "{said}");
}

// Each waits a minute for the messages of the process that died with them.
#[test]
fn what_was_acknowledged_is_true_after_a_crash() {
    crash("sqlite");
}

#[test]
fn what_was_acknowledged_is_true_after_a_crash_on_postgresql() {
    if has_postgres() {
        crash("postgres");
    }
}

fn crash(database: &str) {
    let drill = ["--spawn", "--drill", "crash", "--database", database];
    passes(&[&drill[..], &["--clients", "6", "--rounds", "2"]].concat());
}

#[test]
fn a_database_that_goes_away_is_told_of_and_comes_back() {
    if !has_postgres() {
        return;
    }
    if std::env::var("BP_AUTH_TEST_POSTGRES").is_ok_and(|it| !it.is_empty()) {
        let said =
            b"\nNOT TESTED: the outage, because the server that is named is not ours to stop\n";
        std::io::stderr().write_all(said).unwrap();
        return;
    }
    passes(&[
        "--spawn",
        "--database",
        "postgres",
        "--instances",
        "2",
        "--drill",
        "outage",
        "--clients",
        "8",
        "--seconds",
        "5",
    ]);
}

#[test]
fn people_move_to_postgresql_and_log_in_there() {
    if has_postgres() {
        passes(&["--spawn", "--drill", "copy", "--amount", "500"]);
    }
}

#[test]
fn nobody_notices_that_keys_are_rotated() {
    if !has_postgres() {
        return;
    }
    let said = passes(&[
        "--spawn",
        "--database",
        "postgres",
        "--instances",
        "3",
        "--drill",
        "keys",
        "--clients",
        "6",
        "--rounds",
        "1",
    ]);
    assert!(figure(&said, "requests answered as due") > 50, "{said}");
}

#[test]
fn a_wrong_password_delays_where_it_was_tried_and_nowhere_else() {
    passes(&["--spawn", "--drill", "delay"]);
}

#[test]
fn a_flood_of_logins_is_answered_within_the_promised_memory() {
    let flood = ["--clients", "120", "--rounds", "1"];
    let arguments = [&["--spawn", "--drill", "pressure"], &flood[..]].concat();
    passes(&arguments);
}
