//! Clients behind proxies: whose address is on record, and what the operator is told of a proxy that names
//! nobody. Who is delayed is in the conformance suite.

use crate::support::exposition::Scrape;
use crate::support::http::send;
use crate::support::process::Bench;

const UNREADABLE: &str = "bp_auth_forwarded_unreadable_total";
const WARNING: &str = "a trusted proxy sends no address that can be read; all of its clients are counted \
                       as one: see server.forwarded_header";

fn behind(header: &str) -> Bench {
    let mut bench = Bench::new();
    bench.set("BP_AUTH_SERVER__TRUSTED_PROXIES", "127.0.0.0/8");
    bench.set("BP_AUTH_SERVER__FORWARDED_HEADER", header);
    bench.set("BP_AUTH_SERVER__ADMIN_BIND", "127.0.0.1:0");
    bench
}

#[tokio::test]
async fn the_audit_log_has_the_address_without_port_and_brackets() {
    for (header, name, values) in [
        (
            "x-forwarded-for",
            "x-forwarded-for",
            ["203.0.113.7:51234", "\"[2001:db8::7]:443\""],
        ),
        (
            "forwarded",
            "forwarded",
            [
                "for=\"203.0.113.7:51234\";proto=https",
                "For=\"[2001:db8::7]\"",
            ],
        ),
    ] {
        let bench = behind(header);
        let serving = bench.serve();
        for value in values {
            let login = serving.http().token("ada@example.com", "wrong");
            // The other header is a client's own invention.
            let login = match header {
                "forwarded" => login.header("x-forwarded-for", "192.0.2.1"),
                _ => login.header("forwarded", "for=192.0.2.1"),
            };
            assert_eq!(send(login.header(name, value)).await.status, 401);
        }
        let scrape = Scrape::of(&serving.admin()).await;
        assert_eq!(scrape.value(UNREADABLE), 0.0);
        assert!(serving.terminate().status.success());
        let sql = "SELECT ip FROM audit_events WHERE event = 'login.unknown_user' OR ip IS NOT NULL \
                   ORDER BY ip";
        let addresses = bench.db().await.texts(sql).await;
        assert_eq!(addresses, ["2001:db8::7", "203.0.113.7"], "{header}");
    }
}

#[tokio::test]
async fn a_proxy_that_names_nobody_is_told_once_and_counted_each_time() {
    let bench = behind("x-forwarded-for");
    let serving = bench.serve();
    for number in 0..20 {
        let health = serving.http().get("/healthz");
        let answer = send(health.header("x-forwarded-for", format!("hunter{number}"))).await;
        assert_eq!(answer.status, 200);
    }
    // A direct connection without the header is nothing strange: it is the proxy's own.
    assert_eq!(send(serving.http().get("/healthz")).await.status, 200);
    let scrape = Scrape::of(&serving.admin()).await;
    assert_eq!(scrape.value(UNREADABLE), 20.0);
    let ended = serving.terminate();
    let lines = crate::logs::lines(&ended.stderr);
    let warnings: Vec<_> = lines
        .iter()
        .filter(|line| line["level"] == "WARN")
        .collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert_eq!(warnings[0]["message"], WARNING);
    assert_eq!(warnings[0]["proxy"], "127.0.0.1");
    assert_eq!(warnings[0]["header"], "x-forwarded-for");
    assert!(!ended.stderr.contains("hunter"), "what a client wrote");
}
