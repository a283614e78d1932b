//! Plans that an operator publishes count at every server at once.

use serde_json::json;

use crate::support::TestServer;
use crate::support::http::{Http, send};
use crate::support::postgres::Kind;
use crate::support::process::Bench;

const ADA: &str = "ada@example.com";

fn pro(seats: u32) -> String {
    format!("[plans.pro]\nname = \"Pro\"\nlimits.seats = {{ limit = {seats}, unit = \"seat\" }}\n")
}

async fn seats(http: &Http, token: &str) -> i64 {
    let request = http.get("/api/auth/me/entitlements").bearer_auth(token);
    let answer = send(request).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["limits"]["seats"]["limit"].as_i64().unwrap()
}

#[tokio::test]
async fn published_plans_count_at_three_servers_with_their_next_request() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let bench = Bench::on(kind);
        if kind == Kind::Postgres && !bench.has_database() {
            return;
        }
        bench.write("plans.toml", &pro(10));
        let servers = [bench.serve(), bench.serve(), bench.serve()];
        let https = servers.each_ref().map(|server| server.http());
        send(https[0].register(ADA)).await;
        let mut tokens = Vec::new();
        for http in &https {
            tokens.push(send(http.login(ADA)).await.text("access_token"));
        }
        let all = async |expected: i64| {
            for (http, token) in https.iter().zip(&tokens) {
                assert_eq!(seats(http, token).await, expected);
            }
        };
        bench.done(&["plan", "set", ADA, "pro"]);
        all(10).await;

        // A file is read at the start, and counts for that one server.
        bench.write("plans.toml", &(pro(20) + "[plans.gold]\nname = \"Gold\"\n"));
        all(10).await;
        assert!(bench.done(&["plan", "show"]).starts_with("from plans.toml"));
        let publish = ["plan", "publish", "--reason", "ticket 7"];
        assert_eq!(bench.changes(&publish), "changed\n");
        all(20).await;
        assert_eq!(bench.changes(&publish), "unchanged\n");
        let db = bench.db().await;
        assert_eq!(db.audited("plans.published").await, 1);

        // From then on no file counts, neither for a server nor for a command.
        bench.write("plans.toml", &pro(30));
        let late = bench.serve();
        assert_eq!(seats(&late.http(), &login(&late.http()).await).await, 20);
        let log = late.terminate().stderr;
        assert!(
            log.contains("differs from the plans that were published"),
            "{log}"
        );
        assert_eq!(bench.changes(&["plan", "set", ADA, "gold"]), "changed\n");
        assert_eq!(bench.changes(&["plan", "set", ADA, "pro"]), "changed\n");
        let shown = bench.done(&["plan", "show"]);
        assert!(
            shown.starts_with("published ") && shown.contains("seats: 20 (seat"),
            "{shown}"
        );

        // What cannot be used is refused as a whole.
        let bad = bench.write(
            "bad.toml",
            "[plans.pro]\nname = 7\n[plans.x]\nfeature = {}\n",
        );
        let said = bench.fails(&["plan", "publish", bad.to_str().unwrap()]);
        assert!(
            said.contains("plan `pro`") && said.contains("plan `x`"),
            "{said}"
        );
        all(20).await;

        assert_eq!(bench.changes(&["plan", "unpublish"]), "changed\n");
        all(10).await;
        assert_eq!(bench.changes(&["plan", "unpublish"]), "unchanged\n");
        assert_eq!(db.audited("plans.unpublished").await, 1);
        assert_eq!(db.audited("plans.published").await, 1);
        for server in servers {
            assert!(server.terminate().status.success());
        }
    }
}

async fn login(http: &Http) -> String {
    send(http.login(ADA)).await.text("access_token")
}

#[tokio::test]
async fn plans_that_this_version_cannot_read_leave_those_it_had() {
    let server = TestServer::start().await;
    let tokens = server.registered(ADA).await;
    let (app, operator) = (server.app(), server.operator());
    let text = pro(10);
    assert!(app.operator_plans_publish(&text, &operator).await.unwrap());
    server.db.execute("UPDATE tenants SET plan = 'pro'").await;
    let (http, token) = (server.http(), tokens.access_token.expose());
    assert_eq!(seats(&http, token).await, 10);
    let newer = "UPDATE documents SET body = '[plans.pro]\nnew = 1', digest = 'new'";
    server.db.execute(newer).await;
    for _ in 0..2 {
        assert_eq!(seats(&http, token).await, 10);
    }
    // The next that it can read counts again.
    let text = pro(20);
    assert!(app.operator_plans_publish(&text, &operator).await.unwrap());
    assert_eq!(seats(&http, token).await, 20);
    let detail = server
        .db
        .texts("SELECT detail FROM audit_events WHERE event = 'plans.published'")
        .await;
    let detail: serde_json::Value = serde_json::from_str(&detail[0]).unwrap();
    assert_eq!(detail["plans"], json!(["free", "pro"]));
    assert_eq!(detail["reason"], "a test");
    server.stop_and_check().await;
}
