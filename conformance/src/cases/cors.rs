//! What pages of allowed origins may read and ask, and what all others are not told.

use std::collections::BTreeSet;

use anyhow::{Context, ensure};
use http::Method;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, HeaderName, ORIGIN, VARY,
};
use reqwest::RequestBuilder;
use serde_json::json;

use crate::case;
use crate::case::{Case, Verdict};
use crate::kit::{PASSWORD, Raw};
use crate::trial::Trial;

const FOREIGN: [&str; 2] = ["https://evil.example", "null"];

pub const CASES: &[Case] = &[
    case!(
        a_preflight_names_the_methods_of_the_path,
        "A preflight of an allowed origin is told the methods of the path, the known request headers and that credentials may come."
    ),
    case!(
        configured_request_headers_are_allowed,
        "A preflight is told the headers of `cors.allowed_headers` beside the known ones."
    )
    .set(&[("cors.allowed_headers", "x-client-version,x-tenant")]),
    case!(
        in_development_pages_of_this_machine_are_served,
        "In development every origin on `localhost`, `127.0.0.1` and `[::1]` is allowed, whatever its port, and no other: a refusal names the origin and the setting that would allow it."
    )
    .spawned(),
    case!(
        a_preflight_of_a_foreign_origin_learns_nothing,
        "A preflight of a foreign origin gets no Access-Control header."
    ),
    case!(
        an_options_that_is_no_preflight_is_405,
        "An OPTIONS without Origin or without the method it asks for is 405."
    ),
    case!(
        an_allowed_origin_may_read_answers,
        "An allowed origin may read answers with credentials and the three exposed headers; they vary by Origin."
    ),
    case!(
        an_allowed_origin_may_read_refusals,
        "An allowed origin may read refusals too: 400, 401, 403, 404, 405, 415, 422."
    ),
    case!(
        an_allowed_origin_may_read_that_a_body_is_too_large,
        "An allowed origin may read a 413."
    )
    .itself(),
    case!(
        a_foreign_origin_may_read_nothing,
        "A foreign origin gets no Access-Control header on any answer, and `Vary: Origin` is there for caches."
    ),
    case!(
        configured_origins_are_told_by_name,
        "Each configured origin is told its own name, never `*` and never a list."
    )
    .set(&[(
        "cors.allowed_origins",
        "https://app.example.com,https://admin.example.com",
    )]),
];

async fn a_preflight_names_the_methods_of_the_path(t: Trial) -> Verdict {
    let own = t.target.origin();
    let all = &t.recorder.contract.operations;
    for operation in all {
        let path = operation.path.replace("{device_id}", "1");
        let path = path.replace("{method}", "totp");
        let answer = Raw::of(preflight(&t, &path, &own, operation.method.as_str())).await?;
        ensure!(
            (200..300).contains(&answer.status),
            "{path}: {}",
            answer.status
        );
        readable(&answer, &own)?;
        let methods = list(&answer, &ACCESS_CONTROL_ALLOW_METHODS);
        let on_path = all.iter().filter(|other| other.path == operation.path);
        for other in on_path {
            let method = other.method.as_str().to_lowercase();
            ensure!(methods.contains(&method), "{path}: {methods:?}");
        }
        for none in ["put", "patch", "*"] {
            ensure!(!methods.contains(none), "{path}: {methods:?}");
        }
        let headers = list(&answer, &ACCESS_CONTROL_ALLOW_HEADERS);
        let known = [
            "api-version",
            "authorization",
            "baggage",
            "content-type",
            "traceparent",
            "tracestate",
            "x-api-key",
            "x-trusted-device",
        ];
        ensure!(headers.iter().eq(known.iter()), "{path}: {headers:?}");
    }
    let answer = Raw::of(preflight(&t, "/api/auth/me", &own, "GET")).await?;
    let methods = list(&answer, &ACCESS_CONTROL_ALLOW_METHODS);
    ensure!(methods.iter().eq(["get"].iter()), "{methods:?}");
    Ok(())
}

async fn configured_request_headers_are_allowed(t: Trial) -> Verdict {
    let own = t.target.origin();
    let answer = Raw::of(preflight(&t, "/api/auth/me", &own, "GET")).await?;
    let headers = list(&answer, &ACCESS_CONTROL_ALLOW_HEADERS);
    for name in ["x-client-version", "x-tenant", "authorization", "x-api-key"] {
        ensure!(headers.contains(name), "{headers:?}");
    }
    Ok(())
}

async fn in_development_pages_of_this_machine_are_served(t: Trial) -> Verdict {
    let form = [("username", "nobody@example.com"), ("password", PASSWORD)];
    let login = |origin: &str| {
        let call = t.http().post(t.at("/api/auth/token")).form(&form);
        call.header(ORIGIN, origin)
    };
    for origin in [
        "http://localhost:3000",
        "https://localhost",
        "http://127.0.0.1:5173",
        "http://[::1]:4200",
    ] {
        readable(
            &Raw::of(preflight(&t, "/api/auth/token", origin, "POST")).await?,
            origin,
        )?;
        let answer = Raw::of(login(origin)).await?;
        answer.is(401, "invalid_credentials")?;
        readable(&answer, origin)?;
    }
    for origin in [
        "http://localhost.evil.example:3000",
        "http://127.0.0.1.evil.example",
        "http://192.168.0.7:3000",
    ] {
        let preflight = preflight(&t, "/api/auth/token", origin, "POST");
        for call in [preflight, login(origin)] {
            let answer = Raw::of(call).await?;
            answer.is(403, "csrf_rejected")?;
            hidden(&answer)?;
            let message = answer.json()["message"].to_string();
            ensure!(
                message.contains(origin) && message.contains("cors.allowed_origins"),
                "{message}"
            );
        }
    }
    Ok(())
}

async fn a_preflight_of_a_foreign_origin_learns_nothing(t: Trial) -> Verdict {
    for origin in FOREIGN {
        for (path, method) in [("/api/auth/token", "POST"), ("/api/auth/me", "GET")] {
            hidden(&Raw::of(preflight(&t, path, origin, method)).await?)?;
        }
    }
    let own = t.target.origin();
    let unknown = preflight(&t, "/api/auth/nothing", &own, "POST");
    Raw::of(unknown).await?.is(404, "not_found")?;
    Ok(())
}

async fn an_options_that_is_no_preflight_is_405(t: Trial) -> Verdict {
    let options = || t.http().request(Method::OPTIONS, t.at("/api/auth/me"));
    for call in [
        options(),
        options().header(ORIGIN, t.target.origin()),
        options().header(ACCESS_CONTROL_REQUEST_METHOD, "GET"),
    ] {
        Raw::of(call).await?.is(405, "method_not_allowed")?;
    }
    Ok(())
}

async fn an_allowed_origin_may_read_answers(t: Trial) -> Verdict {
    let (ada, own) = (t.newcomer().await?, t.target.origin());
    let token = ada.tokens.access_token.expose();
    for path in ["me", "me/entitlements", "api-key", "mfa/methods"] {
        let call = t.http().get(t.at(&format!("/api/auth/{path}")));
        let call = call.bearer_auth(token).header(ORIGIN, &own);
        let answer = Raw::of(call).await?;
        ensure!(answer.status == 200, "{path}: {}", answer.status);
        readable(&answer, &own)?;
        exposed(&answer)?;
    }
    Ok(())
}

async fn an_allowed_origin_may_read_refusals(t: Trial) -> Verdict {
    let own = t.target.origin();
    let at = |path: &str| t.at(&format!("/api/auth/{path}"));
    let post = |path: &str| t.http().post(at(path));
    let no_link = json!({ "token": "x" });
    for (call, status) in [
        (t.http().get(at("%ff")), 400),
        (post("reactivate/confirm").json(&no_link), 400),
        (t.http().get(at("me")), 401),
        (t.http().get(at("nothing")), 404),
        (t.http().request(Method::PUT, at("me")), 405),
        (post("register").body("{}"), 415),
        (post("register").json(&1), 422),
    ] {
        let answer = Raw::of(call.header(ORIGIN, &own)).await?;
        ensure!(answer.status == status, "{} not {status}", answer.status);
        let whole = || readable(&answer, &own).and_then(|()| exposed(&answer));
        whole().with_context(|| format!("a {status}"))?;
    }
    Ok(())
}

async fn an_allowed_origin_may_read_that_a_body_is_too_large(t: Trial) -> Verdict {
    let own = t.target.origin();
    let call = t.http().post(t.at("/api/auth/register"));
    let call = call.body("a".repeat(17_000));
    let answer = Raw::of(call.header(ORIGIN, &own)).await?;
    ensure!(answer.status == 413, "{} not 413", answer.status);
    readable(&answer, &own)?;
    exposed(&answer)
}

async fn a_foreign_origin_may_read_nothing(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let token = ada.tokens.access_token.expose();
    for origin in FOREIGN {
        let at = |path: &str| t.at(&format!("/api/auth/{path}"));
        for call in [
            t.http().get(at("me")).bearer_auth(token),
            t.http().get(at("me")),
            t.http().get(at("nothing")),
            t.http().post(at("register")).json(&1),
            t.http().post(at("token")).form(&[("username", "a")]),
        ] {
            hidden(&Raw::of(call.header(ORIGIN, origin)).await?)?;
        }
    }
    // Also without one: a cache must not give this answer to others.
    let answer = Raw::of(t.http().get(t.at("/api/auth/me"))).await?;
    ensure!(list(&answer, &VARY).contains("origin"), "no Vary");
    Ok(())
}

async fn configured_origins_are_told_by_name(t: Trial) -> Verdict {
    let own = t.target.origin();
    for origin in [
        "https://app.example.com",
        "https://admin.example.com",
        own.as_str(),
    ] {
        let call = t.http().get(t.at("/api/auth/me")).header(ORIGIN, origin);
        readable(&Raw::of(call).await?, origin)?;
        let answer = Raw::of(preflight(&t, "/api/auth/me", origin, "GET")).await?;
        readable(&answer, origin)?;
    }
    for origin in ["https://example.com", "http://app.example.com"] {
        let call = t.http().get(t.at("/api/auth/me")).header(ORIGIN, origin);
        hidden(&Raw::of(call).await?)?;
    }
    Ok(())
}

fn preflight(t: &Trial, path: &str, origin: &str, method: &str) -> RequestBuilder {
    let call = t.http().request(Method::OPTIONS, t.at(path));
    call.header(ORIGIN, origin)
        .header(ACCESS_CONTROL_REQUEST_METHOD, method)
        .header(ACCESS_CONTROL_REQUEST_HEADERS, "content-type, api-version")
}

/// The members of a header that is a list.
fn list(answer: &Raw, name: &HeaderName) -> BTreeSet<String> {
    let values = answer.headers.get_all(name).iter();
    let values = values.filter_map(|value| value.to_str().ok());
    let members = values.flat_map(|value| value.split(','));
    members.map(|member| member.trim().to_lowercase()).collect()
}

fn readable(answer: &Raw, origin: &str) -> Verdict {
    let told = answer.header(ACCESS_CONTROL_ALLOW_ORIGIN.as_str());
    ensure!(told == Some(origin), "{told:?} may read it, not {origin}");
    let credentials = answer.header(ACCESS_CONTROL_ALLOW_CREDENTIALS.as_str());
    ensure!(credentials == Some("true"), "without credentials");
    ensure!(list(answer, &VARY).contains("origin"), "no Vary: Origin");
    Ok(())
}

fn exposed(answer: &Raw) -> Verdict {
    let names = list(answer, &ACCESS_CONTROL_EXPOSE_HEADERS);
    let three = ["retry-after", "www-authenticate", "x-request-id"];
    ensure!(names.iter().eq(three.iter()), "exposed: {names:?}");
    Ok(())
}

fn hidden(answer: &Raw) -> Verdict {
    let mut names = answer.headers.keys().map(HeaderName::as_str);
    let told = names.find(|name| name.starts_with("access-control-"));
    ensure!(told.is_none(), "it is told {told:?}");
    ensure!(list(answer, &VARY).contains("origin"), "no Vary: Origin");
    Ok(())
}
