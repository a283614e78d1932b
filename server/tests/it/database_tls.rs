//! A PostgreSQL server on another machine has to prove who it is before it is told anything.

use crate::support::certificates::Authority;
use crate::support::postgres::{Kind, Server, free_port, private};
use crate::support::process::Bench;

/// Lets the server show a certificate for `name`.
fn show(server: &Server, name: &str, authority: &Authority) {
    let shown = authority.shown(name);
    write(server, "server.key", &shown.key);
    write(server, "server.crt", &shown.certificate);
    reload(server, "ALTER SYSTEM SET ssl = on");
}

/// The server's own process writes it, as files that only its user may read.
fn write(server: &Server, file: &str, text: &str) {
    let directory = server.sql("SHOW data_directory").unwrap();
    let lines = text.lines().map(|line| format!("('{line}')"));
    let lines = lines.collect::<Vec<_>>().join(", ");
    let to = format!("umask 077; cat > {}/{file}", directory.trim());
    let copy = format!("COPY (VALUES {lines}) TO PROGRAM '{to}'");
    server.sql(&copy).unwrap();
}

fn reload(server: &Server, change: &str) {
    server.sql(change).unwrap();
    let loaded = || server.sql("SELECT pg_conf_load_time()").unwrap();
    let before = loaded();
    server.sql("SELECT pg_reload_conf()").unwrap();
    while loaded() == before {}
}

#[test]
fn a_server_that_cannot_prove_its_name_is_told_nothing() {
    let port = free_port();
    let Some(server) = private(port) else {
        return;
    };
    server
        .sql("CREATE ROLE bp LOGIN PASSWORD 'hunter2'")
        .unwrap();
    server.sql("CREATE DATABASE auth OWNER bp").unwrap();
    write(
        &server,
        "pg_hba.conf",
        "local all all trust\nhostssl auth bp 127.0.0.1/32 password",
    );
    let (ours, theirs) = (Authority::new(), Authority::new());
    let mut bench = Bench::on(Kind::Sqlite);
    let root = bench.write("root.pem", &ours.pem());
    let root = format!("&sslrootcert={}", root.display());
    // What `database.url` means without `sslmode` when the host is not this machine.
    let verified = "sslmode=verify-full";
    let mut migrate = |parameters: &str| {
        let url = format!("postgres://bp:hunter2@localhost:{port}/auth?{parameters}");
        bench.set("BP_AUTH_DATABASE__URL", &url);
        let output = bench.run(&["migrate"]);
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8(said).unwrap();
        assert!(!said.contains("hunter2"), "{said}");
        (output.status.success(), said)
    };
    let mut refused = |parameters: &str, why: &str| {
        let (done, said) = migrate(parameters);
        assert!(!done && said.contains(why), "{parameters}: {said}");
    };

    // In the clear, it is not asked for the password that would follow.
    refused(&format!("{verified}{root}"), "does not support TLS");
    refused(verified, "sslmode=verify-full");
    show(&server, "localhost", &theirs);
    refused(&format!("{verified}{root}"), "certificate");
    refused(verified, "certificate");
    show(&server, "db.example.com", &ours);
    refused(&format!("{verified}{root}"), "certificate");
    // The server lets nobody in who does not encrypt.
    refused("sslmode=disable", "pg_hba.conf");
    refused("sslmode=disable", "(sslmode=disable)");
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    let url = |server: &Server| server.url_of("auth");
    assert_eq!(server.psql(&url(&server), tables, &[]).unwrap(), "0\n");

    show(&server, "localhost", &ours);
    let (done, said) = migrate(&format!("{verified}{root}"));
    assert!(done, "{said}");
    assert_ne!(server.psql(&url(&server), tables, &[]).unwrap(), "0\n");
}
