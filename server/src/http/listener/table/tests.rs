use futures::FutureExt;

use super::*;

fn table(connections: usize, per_network: usize) -> Arc<Table> {
    let limits = Limits {
        connections,
        per_network,
        head_timeout: Duration::from_secs(10),
        idle_timeout: Duration::from_secs(75),
        trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()],
    };
    Table::new(limits, Arc::new(Metrics::new("1.0.0".to_owned())))
}

fn admit(table: &Arc<Table>, ip: &str) -> Admission {
    let peer = SocketAddr::new(ip.parse().unwrap(), 1);
    table
        .admit(peer)
        .unwrap_or_else(|end| panic!("{ip}: {end:?}"))
}

fn refused(table: &Arc<Table>, ip: &str) -> &'static str {
    let peer = SocketAddr::new(ip.parse().unwrap(), 1);
    table.admit(peer).err().expect("a refusal").name()
}

/// Those that were closed; asking takes their notice.
fn closed(all: &[Admission]) -> Vec<bool> {
    let closed = all.iter().map(|one| one.closed().now_or_never().is_some());
    closed.collect()
}

#[test]
fn a_network_is_an_ipv4_address_or_an_ipv6_64() {
    let table = table(100, 1);
    for (first, second) in [
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.2", "::ffff:192.0.2.2"),
        ("2001:db8::1", "2001:db8::ffff:0:0:1"),
    ] {
        let all = [admit(&table, first), admit(&table, second)];
        assert_eq!(closed(&all), [true, false], "{second}");
    }
    for (first, second) in [
        ("192.0.2.1", "192.0.2.3"),
        ("2001:db8::1", "2001:db8:0:1::1"),
        ("10.0.0.1", "10.0.0.1"),
    ] {
        let all = [admit(&table, first), admit(&table, second)];
        assert_eq!(closed(&all), [false, false], "{second}");
    }
}

#[test]
fn the_most_crowded_network_makes_room_first_and_its_longest_wait_before_others() {
    let table = table(6, 100);
    // One who came first, and somebody with a /24 and a /48.
    let mut all = vec![admit(&table, "192.0.2.1")];
    for ip in [
        "198.51.100.1",
        "198.51.100.2",
        "2001:db8:1:1::1",
        "2001:db8:1:2::1",
        "2001:db8:1:3::1",
    ] {
        all.push(admit(&table, ip));
    }
    all.push(admit(&table, "203.0.113.1"));
    assert_eq!(
        closed(&all),
        [false, false, false, true, false, false, false]
    );
    all.push(admit(&table, "203.0.113.2"));
    // Three crowds of two by now; of these the longest wait.
    assert_eq!(closed(&all)[..3], [false, true, false]);
    drop(all);
    assert!(table.lock().crowds.is_empty() && table.lock().by_network.is_empty());
}

#[test]
fn whoever_has_a_whole_request_under_way_is_not_closed() {
    let table = table(2, 100);
    let all = [admit(&table, "192.0.2.1"), admit(&table, "10.0.0.1")];
    all[0].line().begun();
    assert!(all[0].line().complete());
    // A proxy's connection is the last that waits.
    let third = admit(&table, "192.0.2.2");
    assert_eq!(closed(&all), [false, true]);
    third.line().begun();
    assert!(third.line().complete());
    assert_eq!(refused(&table, "192.0.2.3"), "full");
    all[0].line().answered();
    assert_eq!(
        refused(&table, "192.0.2.3"),
        "full",
        "its answer is not sent"
    );
    assert!(all[0].line().sent());
    let fourth = admit(&table, "192.0.2.3");
    assert_eq!(closed(&all), [true, false]);
    assert_eq!(closed(&[fourth]), [false]);
}

#[test]
fn a_connection_that_was_closed_begins_nothing() {
    let table = table(1, 1);
    let first = admit(&table, "192.0.2.1");
    let _second = admit(&table, "192.0.2.1");
    first.line().begun();
    assert!(!first.line().complete());
    drop(first);
    assert_eq!(table.lock().entries.len(), 1);
}
