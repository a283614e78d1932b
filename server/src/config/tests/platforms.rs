//! What platforms and proxies around the server ask of its configuration.

use super::*;

#[test]
fn variables_of_kubernetes_about_a_service_called_bp_auth_are_none_of_ours() {
    let mut given = Given::nothing();
    for (name, value) in [
        ("BP_AUTH_SERVICE_HOST", "10.0.0.1"),
        ("BP_AUTH_SERVICE_PORT", "80"),
        ("BP_AUTH_SERVICE_PORT_HTTP", "80"),
        ("BP_AUTH_PORT", "tcp://10.0.0.1:80"),
        ("BP_AUTH_PORT_80_TCP", "tcp://10.0.0.1:80"),
        ("BP_AUTH_PORT_80_TCP_PROTO", "tcp"),
        ("BP_AUTH_PORT_80_TCP_PORT", "80"),
        ("BP_AUTH_PORT_80_TCP_ADDR", "10.0.0.1"),
        // Of a service called `bp-auth-admin`.
        ("BP_AUTH_ADMIN_SERVICE_HOST", "10.0.0.2"),
        ("BP_AUTH_ADMIN_PORT", "tcp://10.0.0.2:9090"),
        ("BP_AUTH_ADMIN_PORT_9090_UDP_ADDR", "10.0.0.2"),
    ] {
        given = given.variable(name, value);
    }
    let config = given.loaded();
    assert_eq!(config.explain(), Config::default().explain());
}

#[test]
fn what_only_looks_like_a_service_variable_is_still_refused() {
    for (name, value) in [
        ("BP_AUTH_PORT", "8080"),
        ("BP_AUTH_SMTP_PORT", "587"),
        ("BP_AUTH_SMTP_HOST", "mail.example.com"),
        ("BP_AUTH_PORT_HTTP", "80"),
        ("BP_AUTH_SERVER__PORT", "tcp://10.0.0.1:80"),
        ("BP_AUTH_SMTP__SERVICE_HOST", "10.0.0.1"),
    ] {
        let refusal = Given::nothing().variable(name, value).refusal();
        assert!(refusal.contains("no such setting"), "{name}: {refusal}");
        assert!(refusal.contains(name), "{refusal}");
    }
}

#[test]
fn an_address_to_listen_on_may_have_a_name() {
    let given = Given::nothing()
        .flag("server.bind", "localhost:8080")
        .flag("server.admin_bind", "localhost:9090");
    let server = given.loaded().server;
    // Where a name has both kinds of addresses, the one that is typed instead of it.
    assert_eq!(server.bind.to_string(), "127.0.0.1:8080");
    assert_eq!(server.admin_bind.unwrap().to_string(), "127.0.0.1:9090");
    for (address, reason) in [
        ("localhost", "expected an address and a port, such as"),
        (":8080", "expected an address and a port, such as"),
        ("8080", "expected an address and a port, such as"),
        ("127.0.0.1:http", "expected an address and a port, such as"),
        (
            "nowhere.invalid:8080",
            "the name `nowhere.invalid` has no address",
        ),
    ] {
        for key in ["server.bind", "server.admin_bind"] {
            let refusal = Given::nothing().flag(key, address).refusal();
            assert!(refusal.contains(reason), "{refusal}");
            assert!(refusal.contains(key), "{refusal}");
        }
    }
}

#[test]
fn a_stop_is_over_within_its_time_whatever_its_delay() {
    let given = |delay: &str| Given::nothing().flag("server.stop_delay", delay);
    assert_eq!(given("15s").loaded().server.stop_delay, Seconds::new(15));
    let refusal = given("16s").refusal();
    assert!(refusal.contains("server.stop_delay"), "{refusal}");
    let shorter = given("6s").flag("server.drain_timeout", "10s").refusal();
    assert!(
        shorter.contains("at most half of server.drain_timeout"),
        "{shorter}"
    );
}

#[test]
fn the_header_of_the_proxies_is_one_of_two() {
    let given = |name: &str| Given::nothing().flag("server.forwarded_header", name);
    let forwarded = given("forwarded").loaded().server.forwarded_header;
    assert_eq!(forwarded, ForwardedHeader::Forwarded);
    let refusal = given("x-real-ip").refusal();
    assert!(refusal.contains("server.forwarded_header"), "{refusal}");
    assert!(refusal.contains("x-forwarded-for"), "{refusal}");
}

#[test]
fn a_public_url_may_have_a_path_of_plain_words() {
    let given = |url: &str| Given::nothing().flag("server.public_url", url);
    let bound = "127.0.0.1:9000".parse().unwrap();
    for url in [
        "https://app.example.com/auth",
        "https://app.example.com/auth/",
        "https://app.example.com/a/b_c~d-1.2",
    ] {
        let config = given(url).loaded();
        let url = url.trim_end_matches('/');
        assert_eq!(config.public_url(bound), url);
        assert_eq!(config.issuer(bound), url);
        assert!(
            config
                .allowed_origins(bound)
                .contains(&"https://app.example.com".to_owned())
        );
    }
    for path in [
        "/a;b", "/a b", "/a%2fb", "//auth", "/a//b", "/a/../b", "/./a", "/ä", "/a,b",
    ] {
        let refusal = given(&format!("https://app.example.com{path}")).refusal();
        assert!(refusal.contains("the path may have letters"), "{refusal}");
    }
}
