use clap::CommandFactory;

use super::*;
use crate::config::Config;

fn parsed(line: &str) -> Cli {
    Cli::try_parse_from(line.split(' ')).unwrap()
}

#[test]
fn the_definitions_are_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn every_documented_command_parses() {
    for line in [
        "bp-auth",
        "bp-auth --bind 127.0.0.1:0",
        "bp-auth serve --config x.toml --bind 127.0.0.1:0 --data-dir d",
        "bp-auth --data-dir d --mode production serve",
        "bp-auth migrate --check",
        "bp-auth openapi --check openapi-snapshot.json",
        "bp-auth openapi --write openapi-snapshot.json",
        "bp-auth docs --check",
        "bp-auth docs --write docs",
        "bp-auth check-config --set a.b=c --set d=e",
        "bp-auth check",
        "bp-auth user create a@b.example --full-name Ann --password-file p",
        "bp-auth user show a@b.example",
        "bp-auth user list --limit 5",
        "bp-auth user deactivate a@b.example --reason asked",
        "bp-auth user import users.csv --format csv --dry-run",
        "bp-auth user suspend a@b.example",
        "bp-auth user activate a@b.example",
        "bp-auth user reset-mfa a@b.example",
        "bp-auth user set-plan a@b.example pro",
        "bp-auth tenant deactivate a@b.example",
        "bp-auth tenant activate a@b.example",
        "bp-auth plan set a@b.example pro",
        "bp-auth sessions revoke a@b.example",
        "bp-auth plan show",
        "bp-auth plan publish",
        "bp-auth plan publish plans.toml --reason new",
        "bp-auth plan unpublish --reason old",
        "bp-auth keys list",
        "bp-auth keys rotate --signing",
        "bp-auth keys rotate --now",
        "bp-auth keys revoke kPrK --reason stolen",
        "bp-auth audit tail -n 5",
    ] {
        let parsed = Cli::try_parse_from(line.split(' '));
        assert!(parsed.is_ok(), "{line}: {parsed:?}");
    }
    for line in [
        "bp-auth user deactivate",
        "bp-auth keys revoke",
        "bp-auth --set novalue",
        "bp-auth --set =x",
        "bp-auth openapi --check a --write b",
    ] {
        assert!(Cli::try_parse_from(line.split(' ')).is_err(), "{line}");
    }
}

#[test]
fn flags_become_the_strongest_source() {
    let cli =
        parsed("bp-auth serve --bind [::1]:0 --set server.bind=[::1]:1 --set log.format=text");
    let environment = vec![("BP_AUTH_SERVER__BIND".to_owned(), "[::1]:2".to_owned())];
    let config = Config::load(&Sources::from_args(&cli.global, environment)).unwrap();
    assert_eq!(config.server.bind.to_string(), "[::1]:0");
    assert_eq!(config.log.format, crate::config::LogFormat::Text);
}

#[test]
fn production_demands_a_reason_for_what_changes_something() {
    let command = |line: &str| parsed(line).command.unwrap();
    let without = command("bp-auth user deactivate a@b.example");
    assert_eq!(without.reason(Mode::Production), Err(ReasonMissing));
    assert_eq!(without.reason(Mode::Development), Ok(None));
    let with = command("bp-auth user deactivate a@b.example --reason asked");
    assert_eq!(with.reason(Mode::Production), Ok(Some("asked")));
    let blank = command("bp-auth keys rotate --reason=");
    assert_eq!(blank.reason(Mode::Production), Err(ReasonMissing));
    let harmless = command("bp-auth user show a@b.example");
    assert_eq!(harmless.reason(Mode::Production), Ok(None));
    let import = command("bp-auth user import users.csv");
    assert_eq!(import.reason(Mode::Production), Err(ReasonMissing));
    let rehearsal = command("bp-auth user import users.csv --dry-run");
    assert_eq!(rehearsal.reason(Mode::Production), Ok(None));
}

#[test]
fn rotating_without_a_flag_rotates_both_kinds() {
    let rotated = |line: &str| match parsed(line).command {
        Some(Command::Keys(KeysCommand::Rotate(args))) => {
            (args.rotates_signing(), args.rotates_sealing())
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(rotated("bp-auth keys rotate"), (true, true));
    assert_eq!(rotated("bp-auth keys rotate --signing"), (true, false));
    assert_eq!(rotated("bp-auth keys rotate --sealing"), (false, true));
}

#[test]
fn a_key_id_may_begin_with_a_hyphen() {
    let line = [
        "bp-auth", "keys", "revoke", "-GIV-mJA", "--reason", "stolen",
    ];
    let Some(Command::Keys(KeysCommand::Revoke(args))) = Cli::parse_from(line).command else {
        panic!("another command");
    };
    assert_eq!(args.kid, "-GIV-mJA");
    assert_eq!(args.why.reason.as_deref(), Some("stolen"));
}
