//! What an operator is told when a database cannot be used: which one, why, and what to do.

use std::net::TcpListener;

use crate::support::postgres::Kind;
use crate::support::process::Bench;

#[test]
fn a_server_that_is_away_is_named_with_the_cause() {
    let mut bench = Bench::on(Kind::Sqlite);
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let mut told = |hosts: &str| {
        bench.set(
            "BP_AUTH_DATABASE__URL",
            &format!("postgres://bp:hunter2@{hosts}/auth"),
        );
        let said = bench.fails(&["migrate", "--check"]);
        assert!(
            !said.contains("hunter2") && !said.contains("pool"),
            "{said}"
        );
        said
    };
    let said = told(&address.to_string());
    assert!(
        said.contains(&format!("{address} does not answer")),
        "{said}"
    );
    drop(silent);
    let refused = format!("connection refused by {address}");
    let said = told(&address.to_string());
    assert!(said.contains(&refused), "{said}");
    // Each of several.
    let said = told(&format!("{address},[::1]:{}", address.port()));
    assert!(said.contains(&format!("{refused}; ")), "{said}");
    let said = told("%2Fnowhere");
    assert!(said.contains("/nowhere"), "{said}");
}

#[tokio::test]
async fn a_database_of_a_newer_release_is_told_from_a_broken_one() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let bench = Bench::on(kind);
        if kind == Kind::Postgres && !bench.has_database() {
            return;
        }
        let later = "INSERT INTO seaql_migrations VALUES ('m20990101_000099_later', 0)";
        bench.db().await.execute(later).await;
        for command in [&["migrate", "--check"][..], &["migrate"], &["serve"]] {
            let said = bench.fails(command);
            assert!(said.contains("newer than this binary"), "{said}");
            assert!(said.contains("m20990101_000099_later"), "{said}");
        }
    }
}

#[test]
fn a_damaged_file_is_named_with_an_advice_and_left_alone() {
    let bench = Bench::on(Kind::Sqlite);
    let file = bench.path("data/bp-auth.db");
    let damaged = vec![b'?'; 8192];
    std::fs::write(&file, &damaged).unwrap();
    let said = bench.fails(&["migrate", "--check"]);
    assert!(said.contains("data/bp-auth.db is damaged"), "{said}");
    assert!(said.contains("backup"), "{said}");
    assert_eq!(std::fs::read(&file).unwrap(), damaged);
}
