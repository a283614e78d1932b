//! What a server does while something beside it is broken, and that it recovers by itself.

use std::time::{Duration, Instant};

use anyhow::ensure;
#[cfg(feature = "spawn")]
use anyhow::{Context, Result};
#[cfg(feature = "spawn")]
use bp_auth_client::ErrorCode;
use futures::future::join_all;
#[cfg(feature = "spawn")]
use serde_json::json;

use crate::case;
#[cfg(feature = "spawn")]
use crate::case::Setting;
use crate::case::{Case, Verdict};
use crate::kit::{Granted, PASSWORD, Raw, RefreshSecret};
use crate::trial::Trial;

// Each of them harms its whole server, so each demands one of its own: a setting that changes nothing
// here does that without stopping the clock.
const OWN: &[(&str, &str)] = &[("limits.reactivate_per_hour", "3")];

pub const CASES: &[Case] = &[
    #[cfg(feature = "spawn")]
    case!(
        a_locked_database_is_503_and_nothing_is_half_done,
        "While the database cannot be written, what writes is 503 `overloaded` with Retry-After within 3 s; afterwards the same requests succeed without a restart."
    )
    .depends_on(Setting::ROTATION)
    .spawned()
    .set(OWN),
    #[cfg(feature = "spawn")]
    case!(
        health_does_not_ask_the_database,
        "`/healthz` answers at once while the database is locked."
    )
    .spawned()
    .set(OWN),
    #[cfg(feature = "spawn")]
    case!(
        a_database_that_lacks_a_migration_is_not_ready,
        "`/readyz` is 503 with Retry-After while the database is not the server's, `/healthz` stays 200, and both answer 200 once it is."
    )
    .spawned()
    .set(OWN),
    #[cfg(feature = "spawn")]
    case!(
        a_spoilt_secret_is_500_for_its_owner_only,
        "A TOTP secret that cannot be opened is 500 `internal_error` without a word about the cause; the user's backup codes and all other users go on."
    )
    .spawned()
    .set(OWN),
    #[cfg(feature = "spawn")]
    case!(
        a_login_that_breaks_is_500_and_oauths_server_error,
        "A password row that cannot be read is 500 `internal_error` and RFC 6749's `server_error` at `/token`, and sets no cookie."
    )
    .spawned()
    .set(OWN),
    #[cfg(feature = "spawn")]
    case!(
        a_table_that_is_gone_for_a_while_harms_nothing_for_good,
        "While a table is missing every answer that needs it is an error with the one body; when it is back, old sessions go on without a restart."
    )
    .depends_on(Setting::ROTATION)
    .spawned()
    .set(OWN),
    case!(
        a_flood_of_logins_is_answered_or_told_to_wait,
        "Of a flood of logins each is answered, or told to wait with 503 and Retry-After, while `GET /me` is answered meanwhile."
    )
    .set(OWN),
];

#[cfg(feature = "spawn")]
async fn a_locked_database_is_503_and_nothing_is_half_done(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let email = t.fresh_email();
    let registration = json!({ "email": email, "password": PASSWORD });
    let refresh = json!({ "refresh_token": ada.tokens.refresh_secret().expose() });
    let post = |path: &str| t.http().post(t.at(&format!("/api/auth/{path}")));
    let writes = || {
        [
            post("register").json(&registration),
            post("token").form(&[("username", ada.email.as_str()), ("password", PASSWORD)]),
            post("refresh").json(&refresh),
            post("api-key/rotate").bearer_auth(ada.tokens.access_token.expose()),
        ]
    };
    let lock = t.processes()?.stored().lock()?;
    let started = Instant::now();
    for answer in join_all(writes().map(Raw::of)).await {
        answer?.is(503, "overloaded")?;
    }
    let took = started.elapsed();
    // Three seconds each on a machine with nothing else to do; they waited at the same time.
    ensure!(took < Duration::from_secs(10), "answered after {took:?}");
    drop(lock);
    for (call, status) in writes().into_iter().zip([201, 200, 200, 200]) {
        let answer = Raw::of(call).await?;
        ensure!(answer.status == status, "{} not {status}", answer.status);
    }
    Ok(())
}

#[cfg(feature = "spawn")]
async fn health_does_not_ask_the_database(t: Trial) -> Verdict {
    let _lock = t.processes()?.stored().lock()?;
    let started = Instant::now();
    let answer = Raw::of(t.http().get(t.at("/healthz"))).await?;
    ensure!(answer.status == 200, "answered {}", answer.status);
    let took = started.elapsed();
    ensure!(took < Duration::from_secs(2), "answered after {took:?}");
    Ok(())
}

#[cfg(feature = "spawn")]
async fn a_database_that_lacks_a_migration_is_not_ready(t: Trial) -> Verdict {
    let get = async |path: &str| Raw::of(t.http().get(t.at(path))).await;
    ensure!(get("/readyz").await?.status == 200, "not ready at first");
    let table = "seaql_migrations";
    let stored = t.processes()?.stored();
    stored.batch(&format!("CREATE TABLE kept AS SELECT * FROM {table}"))?;
    stored.batch(&format!("DELETE FROM {table}"))?;
    get("/readyz").await?.is(503, "overloaded")?;
    ensure!(get("/healthz").await?.status == 200, "the process is ill");
    stored.batch(&format!("INSERT INTO {table} SELECT * FROM kept"))?;
    stored.batch("DROP TABLE kept")?;
    ensure!(get("/readyz").await?.status == 200, "not ready again");
    Ok(())
}

#[cfg(feature = "spawn")]
async fn a_spoilt_secret_is_500_for_its_owner_only(t: Trial) -> Verdict {
    let (ada, bob) = (t.with_totp().await?, t.with_totp().await?);
    let id = ada.session.client.me().send().await.granted()?.id;
    // Bob's under Ada's name: it is bound to its user.
    let theirs = bob.session.client.me().send().await.granted()?.id;
    swap_secrets(&t, &id.to_string(), &theirs.to_string())?;
    let pending = t.pending(&ada.email).await?;
    let authenticator = bob.authenticator.as_ref().context("no authenticator")?;
    let code = authenticator.next_code(&t)?;
    let broken = t.challenge(&pending, None, &code).await;
    let broken = broken.refused(500, ErrorCode::InternalError)?;
    let told = broken.body.message.to_lowercase();
    for word in ["seal", "secret", "totp", "sql", "decrypt", "key"] {
        ensure!(!told.contains(word), "it tells: {told}");
    }
    let request = broken.body.request_id.to_string();
    let logs = t.processes()?.logs()?;
    ensure!(logs.contains(&request), "nothing is logged about it");
    t.backup_session(&ada, 0).await?;
    t.newcomer().await?.client.me().send().await.granted()?;
    Ok(())
}

#[cfg(feature = "spawn")]
async fn a_login_that_breaks_is_500_and_oauths_server_error(t: Trial) -> Verdict {
    let (ada, bob) = (t.newcomer().await?, t.register().await?.email);
    let stored = t.processes()?.stored();
    let query = "SELECT password_hash FROM users WHERE email = ?1";
    let sound = stored.text(query, &[&ada.email])?;
    let spoil = "UPDATE users SET password_hash = ?2 WHERE email = ?1";
    stored.execute(spoil, &[&ada.email, "spoilt"])?;
    let broken = t.try_login(&ada.email, PASSWORD).await;
    let broken = broken.refused(500, ErrorCode::InternalError)?;
    ensure!(broken.header("set-cookie").is_none(), "a cookie");
    ensure!(!broken.body.message.contains("hash"), "it tells the cause");
    t.session(&bob).await?;
    ada.client.me().send().await.granted()?;
    stored.execute(spoil, &[&ada.email, &sound])?;
    t.session(&ada.email).await?;
    Ok(())
}

#[cfg(feature = "spawn")]
async fn a_table_that_is_gone_for_a_while_harms_nothing_for_good(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let stored = t.processes()?.stored();
    stored.rename("sessions", "away")?;
    for call in [
        t.http().get(t.at("/api/auth/me")),
        t.http().post(t.at("/api/auth/api-key/rotate")),
    ] {
        let call = call.bearer_auth(ada.tokens.access_token.expose());
        let answer = Raw::of(call).await?;
        ensure!(answer.status >= 500, "answered {}", answer.status);
        ensure!(!answer.text.contains("sessions"), "it tells the cause");
    }
    let answer = Raw::of(t.http().get(t.at("/healthz"))).await?;
    ensure!(answer.status == 200, "the process is ill");
    stored.rename("away", "sessions")?;
    ada.client.me().send().await.granted()?;
    t.refresh(ada.tokens.refresh_secret()).await.granted()?;
    Ok(())
}

async fn a_flood_of_logins_is_answered_or_told_to_wait(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let form = [("username", ada.email.as_str()), ("password", PASSWORD)];
    let logins = (0..150).map(|_| {
        let call = t.http().post(t.at("/api/auth/token"));
        Raw::of(call.form(&form))
    });
    let flood = join_all(logins);
    let reader = async {
        let started = Instant::now();
        for _ in 0..5 {
            ada.client.me().send().await.granted()?;
        }
        anyhow::Ok(started.elapsed())
    };
    let (answers, took) = tokio::join!(flood, reader);
    let took = took?;
    ensure!(took < Duration::from_secs(10), "five reads took {took:?}");
    let mut granted = 0;
    for answer in answers {
        let answer = answer?;
        match answer.status {
            200 => granted += 1,
            _ => drop(answer.is(503, "overloaded")?),
        }
    }
    ensure!(granted > 0, "nobody was let in");
    t.session(&ada.email).await?;
    Ok(())
}

/// Gives the first user's sealed secret the content of the other's.
#[cfg(feature = "spawn")]
fn swap_secrets(t: &Trial, user: &str, other: &str) -> Result<()> {
    let stored = t.processes()?.stored();
    let id = stored.hex("user_id");
    let sql = format!(
        "UPDATE mfa_methods SET secret_sealed = (
            SELECT secret_sealed FROM mfa_methods WHERE {id} = ?2)
        WHERE {id} = ?1"
    );
    let changed = stored.execute(&sql, &[&user.replace('-', ""), &other.replace('-', "")])?;
    ensure!(changed == 1, "{changed} secrets were spoilt");
    Ok(())
}
