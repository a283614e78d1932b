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
