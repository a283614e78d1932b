//! What holds for every path: unknown ones, methods, sizes, headers, and what is beside the 24.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::ensure;
use http::Method;
use serde_json::json;

use crate::case;
use crate::case::{Case, Verdict};
use crate::kit::Raw;
use crate::trial::Trial;

/// Ten seconds, and what a busy machine adds.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
const JSON: &str = "Content-Type: application/json\r\n";

pub const CASES: &[Case] = &[
    case!(
        an_unknown_path_is_404,
        "An unknown path is 404 `not_found`, whatever the method and whoever asks."
    ),
    case!(
        a_wrong_method_is_405,
        "A method that a path does not know is 405 `method_not_allowed`, and `Allow` names those it knows; HEAD and OPTIONS are such."
    ),
    case!(
        trace_is_405,
        "TRACE is a method that no path knows."
    )
    .itself(),
    case!(
        a_method_outside_http_is_405,
        "A method that HTTP does not know, or knows in capitals, is 405 with the same body."
    )
    .itself(),
    case!(
        one_resource_has_one_path,
        "Doubled and trailing slashes, other letter case and encoded slashes are other paths: 404."
    ),
    case!(
        a_path_that_cannot_be_decoded_is_400,
        "A path that is no UTF-8 or climbs is 400 `bad_request` with the same body and headers."
    ),
    case!(
        what_is_no_http_is_refused_and_harms_nothing,
        "What the HTTP parser itself refuses is 400 or 431, and the next connection is served."
    ),
    case!(
        a_connection_without_a_request_is_closed,
        "A connection on which no whole head arrives within 10 seconds is closed, also after a part of one."
    )
    .itself(),
    case!(
        http_2_is_not_spoken_in_the_clear,
        "HTTP/2's preface is no request: the connection is closed without a frame."
    )
    .itself(),
    case!(
        a_large_body_is_413_at_once,
        "A declared length over 16 KiB is 413 `payload_too_large` for every operation before any of it is sent, and the connection is closed."
    )
    .itself(),
    case!(
        an_endless_body_is_413,
        "A chunked body over 16 KiB is 413 `payload_too_large` and the connection is closed."
    ),
    case!(
        a_body_of_exactly_16_kib_is_read,
        "A body of 16 KiB is read, one byte more is not."
    ),
    case!(
        a_trickling_body_is_408,
        "A body that does not arrive in time is 408 `request_timeout`, and the connection is closed."
    )
    .set(&[("server.body_timeout", "1")])
    .itself(),
    case!(
        a_client_that_hangs_up_harms_nobody,
        "Clients that hang up in the middle of a body leave the server serving others."
    ),
    case!(
        request_ids_are_made_by_the_server,
        "`x-request-id` is the server's own and never the same twice; a client's is ignored."
    ),
    case!(
        one_connection_serves_many_requests,
        "A connection goes on after refusals: 404, 405, 401 and a success in turn."
    ),
    case!(
        transport_security_is_sent_when_configured,
        "With `security.hsts_max_age` every answer carries Strict-Transport-Security."
    )
    .set(&[("security.hsts_max_age", "1d")]),
    case!(
        the_key_set_may_be_cached,
        "`GET /.well-known/jwks.json` is public for 300 seconds and holds public Ed25519 keys only."
    ),
    case!(
        health_and_readiness_answer,
        "`/healthz` and `/readyz` answer 200 to a GET without credentials."
    ),
    case!(
        what_is_beside_the_contract_answers_head,
        "HEAD of the key set, of health, readiness and the document is answered as GET is, without a body; `Allow` names it."
    ),
];

async fn an_unknown_path_is_404(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    for path in [
        "/",
        "/api",
        "/api/auth",
        "/api/auth/nothing",
        "/metrics",
        "/api/auth/mfa/a/b",
    ] {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            let call = || {
                t.http()
                    .request(method.parse().unwrap_or_default(), t.at(path))
            };
            Raw::of(call()).await?.is(404, "not_found")?;
            let call = call().bearer_auth(ada.tokens.access_token.expose());
            Raw::of(call.body("{")).await?.is(404, "not_found")?;
        }
    }
    Ok(())
}

async fn a_wrong_method_is_405(t: Trial) -> Verdict {
    let all = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
    wrong_methods(&t, &all).await
}

async fn trace_is_405(t: Trial) -> Verdict {
    wrong_methods(&t, &["TRACE"]).await
}

/// Tries on every path those of these methods that it does not know.
async fn wrong_methods(t: &Trial, all: &[&str]) -> Verdict {
    for (path, known) in methods(t) {
        for &method in all {
            if known.contains(method) {
                continue;
            }
            let call = t
                .http()
                .request(Method::from_bytes(method.as_bytes())?, t.at(&path));
            let answer = Raw::of(call).await?;
            ensure!(answer.status == 405, "{method} {path}: {}", answer.status);
            if method != "HEAD" {
                answer.is(405, "method_not_allowed")?;
            }
            let allow = answer.header("allow").unwrap_or_default();
            let allowed: BTreeSet<&str> = allow.split(',').map(str::trim).collect();
            ensure!(
                known.iter().all(|method| allowed.contains(method.as_str())),
                "{path} allows {allow}, not {known:?}"
            );
            ensure!(!allowed.contains(method), "{path} allows {method}");
        }
    }
    Ok(())
}

async fn a_method_outside_http_is_405(t: Trial) -> Verdict {
    let mut wire = t.wire().await?;
    for (method, path) in [
        ("PROPFIND", "/api/auth/me"),
        ("get", "/api/auth/me"),
        ("post", "/api/auth/logout"),
    ] {
        let answer = wire.ask(method, path, "").await?;
        answer.is(405, "method_not_allowed")?;
    }
    let answer = wire.ask("PROPFIND", "/nothing", "").await?;
    answer.is(404, "not_found")?;
    Ok(())
}

async fn one_resource_has_one_path(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let token = ada.tokens.access_token.expose();
    let authorization = format!("Authorization: Bearer {token}\r\n");
    let mut wire = t.wire().await?;
    for path in [
        "//healthz",
        "/healthz/",
        "/api//auth/me",
        "/api/auth/me/",
        "/api/auth//me",
        "/api/auth/ME",
        "/api%2Fauth/me",
    ] {
        let answer = wire.ask("GET", path, &authorization).await?;
        answer.is(404, "not_found")?;
    }
    let answer = wire.ask("GET", "/api/auth/me?x=1", &authorization).await?;
    ensure!(
        answer.status == 200,
        "a query is refused: {}",
        answer.status
    );
    Ok(())
}

async fn a_path_that_cannot_be_decoded_is_400(t: Trial) -> Verdict {
    let mut wire = t.wire().await?;
    for path in [
        "/%ff",
        "/api/auth/%c3%28",
        "/api/auth/../me",
        "/./healthz",
        "/api/auth/mfa/%80",
    ] {
        let answer = wire.ask("GET", path, "").await?;
        answer.is(400, "bad_request")?;
    }
    Ok(())
}

async fn what_is_no_http_is_refused_and_harms_nothing(t: Trial) -> Verdict {
    let many = "x: y\r\n".repeat(2000);
    for (text, statuses) in [
        ("NONSENSE\r\n\r\n".to_owned(), [400, 400]),
        ("GET / HTTP/9.9\r\n\r\n".to_owned(), [400, 505]),
        (
            format!("GET / HTTP/1.1\r\nHost: x\r\n{many}\r\n"),
            [431, 400],
        ),
        (
            "GET / HTTP/1.1\r\nHost: x\r\na b: c\r\n\r\n".to_owned(),
            [400, 400],
        ),
    ] {
        let mut wire = t.wire().await?;
        wire.write(&text).await?;
        let answer = wire.unjudged(false).await?;
        ensure!(
            statuses.contains(&answer.status),
            "answered {}",
            answer.status
        );
        ensure!(wire.is_closed().await, "it listens on");
    }
    let answer = t.wire().await?.ask("GET", "/healthz", "").await?;
    ensure!(
        answer.status == 200,
        "answered {} afterwards",
        answer.status
    );
    Ok(())
}

async fn a_connection_without_a_request_is_closed(t: Trial) -> Verdict {
    let (mut silent, mut begun) = (t.wire().await?, t.wire().await?);
    begun.write("GET /healthz HTTP/1.1\r\nHost: ").await?;
    let (silent, begun) = tokio::join!(
        silent.closes_within(HEAD_TIMEOUT),
        begun.closes_within(HEAD_TIMEOUT)
    );
    ensure!(silent, "it waits for somebody who says nothing");
    ensure!(begun, "it waits for the rest of a head");
    Ok(())
}

async fn http_2_is_not_spoken_in_the_clear(t: Trial) -> Verdict {
    let mut wire = t.wire().await?;
    // With an empty SETTINGS frame.
    let settings = "\0\0\0\u{4}\0\0\0\0\0";
    wire.write(&format!("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n{settings}"))
        .await?;
    ensure!(wire.is_closed().await, "it answers, or waits for more");
    Ok(())
}

async fn a_large_body_is_413_at_once(t: Trial) -> Verdict {
    for (path, known) in methods(&t) {
        for method in known {
            let mut wire = t.wire().await?;
            // Nothing of the body is ever sent: the declared length is enough.
            let answer = wire
                .ask(&method, &path, "Content-Length: 16385\r\n")
                .await?;
            answer.is(413, "payload_too_large")?;
            ensure!(wire.is_closed().await, "{method} {path} listens on");
        }
    }
    Ok(())
}

async fn an_endless_body_is_413(t: Trial) -> Verdict {
    let mut wire = t.wire().await?;
    let headers = format!("{JSON}Transfer-Encoding: chunked\r\n");
    wire.begin("POST", "/api/auth/register", &headers).await?;
    let chunk = format!("1000\r\n{}\r\n", "a".repeat(0x1000));
    // A client that never stops is cut off, however much it still wants to say.
    for _ in 0..5 {
        if wire.write(&chunk).await.is_err() {
            break;
        }
    }
    wire.answer().await?.is(413, "payload_too_large")?;
    ensure!(wire.is_closed().await, "it listens on");
    Ok(())
}

async fn a_body_of_exactly_16_kib_is_read(t: Trial) -> Verdict {
    let email = t.fresh_email();
    for (size, status) in [(16 * 1024, 204), (16 * 1024 + 1, 413)] {
        let open = format!(r#"{{"email":"{email}","x":""#);
        let body = format!("{open}{}\"}}", "a".repeat(size - open.len() - 2));
        ensure!(body.len() == size, "{} bytes", body.len());
        let call = t.http().post(t.at("/api/auth/reactivate/request"));
        let call = call.header("content-type", "application/json");
        let answer = Raw::of(call.body(body)).await?;
        ensure!(answer.status == status, "{size}: {}", answer.status);
    }
    Ok(())
}

async fn a_trickling_body_is_408(t: Trial) -> Verdict {
    let mut wire = t.wire().await?;
    let headers = format!("{JSON}Content-Length: 100\r\n");
    wire.begin("POST", "/api/auth/refresh", &headers).await?;
    wire.write("{").await?;
    wire.answer().await?.is(408, "request_timeout")?;
    ensure!(wire.is_closed().await, "it listens on");
    let answer = Raw::of(t.http().get(t.at("/healthz"))).await?;
    ensure!(
        answer.status == 200,
        "answered {} afterwards",
        answer.status
    );
    Ok(())
}

async fn a_client_that_hangs_up_harms_nobody(t: Trial) -> Verdict {
    let email = t.fresh_email();
    for _ in 0..20 {
        let mut wire = t.wire().await?;
        let headers = format!("{JSON}Content-Length: 100\r\n");
        wire.begin("POST", "/api/auth/register", &headers).await?;
        wire.write(&format!(r#"{{"email":"{email}","password":"#))
            .await?;
    }
    t.newcomer().await?;
    Ok(())
}

async fn request_ids_are_made_by_the_server(t: Trial) -> Verdict {
    let mut seen = BTreeSet::new();
    for path in [
        "/api/auth/me",
        "/api/auth/nothing",
        "/api/auth/token",
        "/healthz",
    ] {
        for mine in ["mine", "mine"] {
            let call = t.http().get(t.at(path)).header("x-request-id", mine);
            let answer = Raw::of(call).await?;
            let ids: Vec<_> = answer.headers.get_all("x-request-id").iter().collect();
            ensure!(ids.len() == 1, "{} ids", ids.len());
            ensure!(ids[0] != mine, "the client's id");
            ensure!(seen.insert(ids[0].clone()), "an id twice");
        }
    }
    Ok(())
}

async fn one_connection_serves_many_requests(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let bearer = format!(
        "Authorization: Bearer {}\r\n",
        ada.tokens.access_token.expose()
    );
    let mut wire = t.wire().await?;
    for _ in 0..2 {
        for (method, path, headers, status) in [
            ("GET", "/api/auth/nothing", "", 404),
            ("PUT", "/api/auth/me", "", 405),
            ("HEAD", "/api/auth/me", "", 405),
            ("GET", "/api/auth/me", "", 401),
            ("GET", "/api/auth/me", bearer.as_str(), 200),
        ] {
            let answer = wire.ask(method, path, headers).await?;
            ensure!(
                answer.status == status,
                "{method} {path}: {}",
                answer.status
            );
        }
    }
    Ok(())
}

async fn transport_security_is_sent_when_configured(t: Trial) -> Verdict {
    for path in [
        "/healthz",
        "/nothing",
        "/api/auth/me",
        "/.well-known/jwks.json",
    ] {
        let answer = Raw::of(t.http().get(t.at(path))).await?;
        let policy = answer.header("strict-transport-security");
        let policy = policy.unwrap_or_default();
        ensure!(policy.starts_with("max-age=86400"), "{path}: {policy:?}");
    }
    Ok(())
}

async fn the_key_set_may_be_cached(t: Trial) -> Verdict {
    let answer = Raw::of(t.http().get(t.at("/.well-known/jwks.json"))).await?;
    ensure!(answer.status == 200, "answered {}", answer.status);
    let caching = answer.header("cache-control").unwrap_or_default();
    ensure!(caching.contains("max-age=300"), "{caching:?}");
    let set = answer.json();
    let keys = set["keys"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    ensure!(!keys.is_empty(), "no keys");
    for key in keys {
        ensure!(
            key["kty"] == "OKP" && key["crv"] == "Ed25519",
            "another key"
        );
        ensure!(key["kid"].is_string() && key["x"].is_string(), "no key");
        ensure!(key.get("d").is_none(), "a private key");
    }
    Ok(())
}

async fn health_and_readiness_answer(t: Trial) -> Verdict {
    for path in ["/healthz", "/readyz"] {
        let answer = Raw::of(t.http().get(t.at(path))).await?;
        ensure!(answer.status == 200, "{path} answered {}", answer.status);
        let call = t.http().post(t.at(path)).json(&json!({}));
        Raw::of(call).await?.is(405, "method_not_allowed")?;
    }
    Ok(())
}

async fn what_is_beside_the_contract_answers_head(t: Trial) -> Verdict {
    for path in [
        "/.well-known/jwks.json",
        "/healthz",
        "/readyz",
        "/openapi.json",
    ] {
        let got = Raw::of(t.http().get(t.at(path))).await?;
        let head = Raw::of(t.http().head(t.at(path))).await?;
        ensure!(head.status == got.status, "{path}: {}", head.status);
        ensure!(head.text.is_empty(), "{path} has a body");
        for name in ["content-type", "content-length", "cache-control"] {
            ensure!(head.header(name) == got.header(name), "{path}: {name}");
        }
        let answer = Raw::of(t.http().delete(t.at(path))).await?;
        answer.is(405, "method_not_allowed")?;
        let allowed = answer.header("allow");
        ensure!(allowed == Some("GET, HEAD"), "{path} allows {allowed:?}");
    }
    Ok(())
}

/// The methods of each path, its variables filled in.
fn methods(t: &Trial) -> BTreeMap<String, BTreeSet<String>> {
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for operation in &t.recorder.contract.operations {
        let path = operation.path.replace("{device_id}", "1");
        let path = path.replace("{method}", "totp");
        let known = all.entry(path).or_default();
        known.insert(operation.method.to_string());
    }
    all
}
