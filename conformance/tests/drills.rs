//! Every drill in short: `cargo test --test drills`. They take minutes, most of which are waits, so that
//! `cargo test` leaves them out. Where there is no PostgreSQL they say so, and fail where it is demanded.

#![cfg(feature = "spawn")]

use std::io::Write;

use bp_auth_conformance::target::postgres::Server;
use support::{said, suite};

#[expect(dead_code, reason = "no server is judged by its address here")]
#[path = "suite/support.rs"]
mod support;

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

/// Patroni, etcd and haproxy are asked for where the whole gate runs.
#[test]
fn nothing_acknowledged_is_lost_to_a_leader_that_dies() {
    if !has_postgres() {
        return;
    }
    if !std::env::var("BP_AUTH_TEST_PATRONI").is_ok_and(|it| !it.is_empty()) {
        let said = b"\nNOT TESTED: the failover, because BP_AUTH_TEST_PATRONI names no Patroni\n";
        std::io::stderr().write_all(said).unwrap();
        return;
    }
    let drill = ["--spawn", "--instances", "2", "--drill", "failover"];
    let said = passes(&[&drill[..], &["--clients", "8", "--rounds", "2"]].concat());
    assert!(figure(&said, "leaders killed") > 0, "{said}");
}
