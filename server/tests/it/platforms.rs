//! What platforms put around a process: variables, files and names.

use std::os::unix::fs::{MetadataExt, PermissionsExt};

use crate::support::http::send;
use crate::support::process::Bench;

#[tokio::test]
async fn a_server_starts_beside_a_kubernetes_service_of_its_own_name() {
    let mut bench = Bench::new();
    for (name, value) in [
        ("BP_AUTH_SERVICE_HOST", "10.0.0.1"),
        ("BP_AUTH_SERVICE_PORT", "80"),
        ("BP_AUTH_SERVICE_PORT_HTTP", "80"),
        ("BP_AUTH_PORT", "tcp://10.0.0.1:80"),
        ("BP_AUTH_PORT_80_TCP", "tcp://10.0.0.1:80"),
        ("BP_AUTH_PORT_80_TCP_PROTO", "tcp"),
        ("BP_AUTH_PORT_80_TCP_PORT", "80"),
        ("BP_AUTH_PORT_80_TCP_ADDR", "10.0.0.1"),
    ] {
        bench.set(name, value);
    }
    let serving = bench.serve();
    assert_eq!(send(serving.http().get("/readyz")).await.status, 200);
    assert!(serving.terminate().status.success());
    // A slip of a real setting still stops it.
    bench.set("BP_AUTH_SERVER_STOP_DELAY", "5s");
    let refusal = bench.fails(&["check-config"]);
    assert!(
        refusal.contains("did you mean BP_AUTH_SERVER__STOP_DELAY?"),
        "{refusal}"
    );
}

#[tokio::test]
async fn a_key_file_of_root_that_its_group_can_read_is_taken_by_a_process_of_the_group() {
    let bench = Bench::new();
    assert!(bench.serve().terminate().status.success());
    let file = bench.path("data/keys.json");
    let mode = |mode| std::fs::set_permissions(&file, PermissionsExt::from_mode(mode)).unwrap();
    mode(0o440);
    // Whether it is root's depends on who runs this test.
    if std::fs::metadata(&file).unwrap().uid() == 0 {
        assert!(bench.serve().terminate().status.success());
    } else {
        let refusal = bench.fails(&["serve", "--bind", "127.0.0.1:0"]);
        assert!(refusal.contains("can be read by others"), "{refusal}");
    }
    mode(0o444);
    let refusal = bench.fails(&["serve", "--bind", "127.0.0.1:0"]);
    assert!(refusal.contains("can be read by others"), "{refusal}");
}
