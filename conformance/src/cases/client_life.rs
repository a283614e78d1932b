//! A client's life with one session, through the session layer that applications use: what the server
//! answers must let a client go on by itself, and stop where only a person can go on.

use std::sync::Arc;

use anyhow::ensure;
use bp_auth_client::session::FileStore;
use bp_auth_client::{ErrorCode, SessionError};
use chrono::DateTime;
use tokio::sync::Barrier;

use crate::case;
use crate::case::{Case, Profile, Setting, Verdict};
use crate::kit::Granted;
use crate::kit::RefreshSecret;
use crate::kit::life::{ended, failed, logged_in};
use crate::kit::mfa::{DAY, MINUTE, own_session};
use crate::trial::Trial;

/// Longer than an access token lives.
const EXPIRY: u64 = 16 * MINUTE;
const TASKS: usize = 20;

pub const CASES: &[Case] = &[
    case!(
        a_client_stays_logged_in,
        "A client that refreshes as its tokens expire stays in the same session with the same `auth_time`, by one refresh for each expiry and without a refusal."
    )
    .depends_on(Setting::ROTATION)
    .clock(),
    case!(
        a_client_with_a_slow_clock_is_told,
        "A client that takes an expired access token for good is told so by 401 `token_expired`, refreshes once and gets what it asked for."
    )
    .depends_on(Setting::ROTATION)
    .clock(),
    case!(
        many_tasks_meet_an_expiry,
        "However many tasks of a client find its access token expired, one refresh serves them all."
    )
    .depends_on(Setting::ROTATION)
    .clock(),
    case!(
        a_client_rests_for_two_weeks,
        "A client that comes back within the idle time of its refresh token goes on; one that comes later must log in again."
    )
    .depends_on(Setting::ROTATION)
    .clock(),
    case!(
        the_family_has_an_end,
        "However often a client refreshes, its session ends when it was said to end, and the client must log in again."
    )
    .depends_on(Setting::ROTATION)
    .clock(),
    case!(
        a_restart_takes_the_session_up,
        "A client that starts again with the tokens it has stored is in the same session, and so is another process that shares the store."
    )
    .depends_on(Setting::ROTATION)
    .clock(),
    case!(
        a_logout_ends_every_copy,
        "After a client's logout all its copies are logged out without a refresh, its tokens are dead, and other clients of the user go on."
    )
    .depends_on(Setting::REUSE),
    case!(
        a_logout_everywhere_reaches_the_others,
        "`all_sessions` ends the sessions of the user's other clients: they are told 401 `session_revoked` and do not refresh."
    ),
    case!(
        a_stolen_refresh_token_ends_the_session,
        "When a thief has used a client's refresh token, the client's next refresh is 401 `token_reused`, and thief and client are logged out."
    )
    .clock()
    .only(&Profile::UNFORGIVING),
    case!(
        within_the_leeway_a_lost_answer_is_no_theft,
        "With a leeway a client whose answer was lost refreshes once more, is given the tokens that were lost, and goes on."
    )
    .clock()
    .only(&[Profile::Leeway]),
    case!(
        a_login_that_is_too_old_is_not_refreshed,
        "A sensitive operation asks for a new login, which a refresh is not: the client does not refresh, its session goes on, and a new login is enough."
    )
    .depends_on(Setting::ROTATION)
    .clock(),
    case!(
        an_api_key_lives_until_it_is_replaced,
        "A worker with an API key goes on over days without a login, until the key is replaced; then it is told 401 `api_key_invalid`."
    )
    .clock(),
];

async fn a_client_stays_logged_in(t: Trial) -> Verdict {
    const EXPIRIES: usize = 10;
    let ada = t.life().await?;
    let before = own_session(&ada.session).await?;
    for expiry in 1..=EXPIRIES {
        t.advance_secs(EXPIRY)?;
        ada.session.me().send().await.granted()?;
        ada.session.mfa_methods().send().await.granted()?;
        t.refreshed(expiry)?;
    }
    let after = own_session(&ada.session).await?;
    ensure!(after.id == before.id && after.auth_time == before.auth_time);
    ensure!(after.expires_at == before.expires_at);
    let refused = t.recorder.peek(t.case()).exchanges;
    let refused = refused.iter().filter(|it| it.error_code.is_some()).count();
    ensure!(refused == 0, "{refused} refusals");
    Ok(())
}

async fn a_client_with_a_slow_clock_is_told(t: Trial) -> Verdict {
    let begin = DateTime::from_timestamp_millis(t.now_ms()).unwrap_or_default();
    let ada = t.life_by(t.auth().clock(move || begin)).await?;
    t.advance_secs(EXPIRY)?;
    let me = ada.session.me().send().await.granted()?;
    ensure!(me.email == ada.email);
    let exchanges = t.recorder.peek(t.case()).exchanges;
    let codes = exchanges.iter().filter_map(|it| it.error_code.as_deref());
    let codes: Vec<_> = codes.collect();
    ensure!(codes == ["token_expired"], "{codes:?}");
    t.refreshed(1)?;
    Ok(())
}

async fn many_tasks_meet_an_expiry(t: Trial) -> Verdict {
    let ada = t.life().await?;
    for expiry in 1..=3 {
        t.advance_secs(EXPIRY)?;
        // The witness remembers the last few dozen requests only, so most tasks ask for the token.
        let barrier = Arc::new(Barrier::new(TASKS));
        let tasks: Vec<_> = (0..TASKS)
            .map(|task| {
                let (session, barrier) = (ada.session.clone(), Arc::clone(&barrier));
                tokio::spawn(async move {
                    barrier.wait().await;
                    if task % 4 == 0 {
                        session.me().send().await.granted()?;
                    }
                    anyhow::Ok(session.access_token().await?)
                })
            })
            .collect();
        let mut tokens = Vec::new();
        for task in tasks {
            tokens.push(task.await??);
        }
        let first = tokens[0].expose();
        ensure!(
            tokens.iter().all(|token| token.expose() == first),
            "they differ"
        );
        t.refreshed(expiry)?;
    }
    Ok(())
}

async fn a_client_rests_for_two_weeks(t: Trial) -> Verdict {
    let (ada, bob) = (t.life().await?, t.life().await?);
    t.advance_secs(14 * DAY - MINUTE)?;
    ada.session.me().send().await.granted()?;
    t.advance_secs(2 * MINUTE)?;
    let error = ended(bob.session.me().send().await)?;
    ensure!(error.code() == Some(&ErrorCode::TokenExpired), "{error:?}");
    ada.session.me().send().await.granted()?;
    bob.begin_anew().await?;
    Ok(())
}

async fn the_family_has_an_end(t: Trial) -> Verdict {
    let ada = t.life().await?;
    let session = own_session(&ada.session).await?;
    let lifetime = (session.expires_at - session.created_at).num_seconds();
    for _ in 0..3 {
        t.advance_secs(9 * DAY)?;
        ada.session.me().send().await.granted()?;
    }
    let rest = u64::try_from(lifetime)? - 27 * DAY;
    t.advance_secs(rest - MINUTE)?;
    ada.session.me().send().await.granted()?;
    t.advance_secs(2 * MINUTE)?;
    ended(ada.session.me().send().await)?;
    let anew = ada.begin_anew().await?;
    ensure!(
        own_session(&anew).await?.id != session.id,
        "the same session"
    );
    Ok(())
}

async fn a_restart_takes_the_session_up(t: Trial) -> Verdict {
    let directory = tempfile::tempdir()?;
    let store = FileStore::new(directory.path().join("session.json"));
    let email = t.register().await?.email;
    let first = t.auth().store(store.clone()).build()?;
    ensure!(
        first.resume().await?.is_none(),
        "a session before the login"
    );
    let session = logged_in(&first, &email).await?;
    let id = own_session(&session).await?.id;

    let second = t.auth().store(store.clone()).build()?;
    let resumed = second.resume().await?;
    let resumed = resumed.ok_or_else(|| anyhow::anyhow!("nothing was stored"))?;
    // By turns: whoever comes second to an expiry finds the other's tokens.
    for expiry in 1..=4 {
        t.advance_secs(EXPIRY)?;
        let (one, other) = tokio::join!(own_session(&session), own_session(&resumed));
        ensure!(one?.id == id && other?.id == id, "another session");
        t.refreshed(expiry)?;
    }
    resumed.logout().await?;
    ended(session.me().send().await)?;
    let third = t.auth().store(store).build()?;
    ensure!(
        third.resume().await?.is_none(),
        "a session after the logout"
    );
    Ok(())
}

async fn a_logout_ends_every_copy(t: Trial) -> Verdict {
    let ada = t.life().await?;
    let elsewhere = logged_in(&t.auth().build()?, &ada.email).await?;
    let (tokens, copy) = (ada.stored().await?, ada.session.clone());
    ada.session.logout().await?;
    ended(copy.me().send().await)?;
    t.refreshed(0)?;
    ensure!(
        ada.auth.resume().await?.is_none(),
        "the store has a session"
    );
    t.bearer(&tokens.access_token)
        .me()
        .send()
        .await
        .refused(401, ErrorCode::SessionRevoked)?;
    t.refresh(&tokens.refresh_token)
        .await
        .refused(401, ErrorCode::TokenRevoked)?;
    elsewhere.me().send().await.granted()?;
    Ok(())
}

async fn a_logout_everywhere_reaches_the_others(t: Trial) -> Verdict {
    let (ada, bob) = (t.life().await?, t.life().await?);
    let here = logged_in(&t.auth().build()?, &ada.email).await?;
    let later = logged_in(&t.auth().build()?, &ada.email).await?;
    here.logout_everywhere().await?;
    for other in [&ada.session, &later] {
        let error = ended(other.me().send().await)?;
        let revoked = matches!(error, SessionError::SessionRevoked(_));
        ensure!(
            revoked && error.code() == Some(&ErrorCode::SessionRevoked),
            "{error:?}"
        );
    }
    t.refreshed(0)?;
    bob.session.me().send().await.granted()?;
    Ok(())
}

async fn a_stolen_refresh_token_ends_the_session(t: Trial) -> Verdict {
    let ada = t.life().await?;
    let elsewhere = logged_in(&t.auth().build()?, &ada.email).await?;
    let stolen = ada.stored().await?.refresh_token;
    t.advance_secs(EXPIRY)?;
    let thief = t.refresh(&stolen).await.granted()?;
    t.lives(&thief).await?;
    let error = ended(ada.session.me().send().await)?;
    ensure!(matches!(error, SessionError::TokenReused(_)), "{error:?}");
    t.bearer(&thief.access_token)
        .me()
        .send()
        .await
        .refused(401, ErrorCode::SessionRevoked)?;
    elsewhere.me().send().await.granted()?;
    ada.begin_anew().await?;
    Ok(())
}

async fn within_the_leeway_a_lost_answer_is_no_theft(t: Trial) -> Verdict {
    let ada = t.life().await?;
    let id = own_session(&ada.session).await?.id;
    t.advance_secs(EXPIRY)?;
    // What the server answers here, the client never sees.
    let lost = t
        .refresh(&ada.stored().await?.refresh_token)
        .await
        .granted()?;
    t.advance_secs(10)?;
    ensure!(own_session(&ada.session).await?.id == id, "another session");
    let stored = ada.stored().await?;
    ensure!(stored.refresh_token.expose() == lost.refresh_secret().expose());
    t.advance_secs(EXPIRY)?;
    ensure!(own_session(&ada.session).await?.id == id, "another session");
    Ok(())
}

async fn a_login_that_is_too_old_is_not_refreshed(t: Trial) -> Verdict {
    let ada = t.life().await?;
    t.advance_secs(20 * MINUTE)?;
    // The access token has expired, so one refresh is due.
    let hint = ada.session.get_api_key().send().await.granted()?.hint;
    let error = failed(ada.session.rotate_api_key().send().await)?;
    ensure!(error.needs_step_up() && !error.needs_login(), "{error:?}");
    t.refreshed(1)?;
    let same = ada.session.get_api_key().send().await.granted()?.hint;
    ensure!(same == hint, "the key was replaced");
    let fresh = ada.begin_anew().await?;
    fresh.rotate_api_key().send().await.granted()?;
    t.refreshed(1)?;
    Ok(())
}

async fn an_api_key_lives_until_it_is_replaced(t: Trial) -> Verdict {
    let ada = t.life().await?;
    let first = ada.session.rotate_api_key().send().await.granted()?;
    let worker = ada.auth.api_key_client(&first.api_key)?;
    for _ in 0..3 {
        worker.me_entitlements().send().await.granted()?;
        t.advance_secs(20 * DAY)?;
    }
    let owner = ada.begin_anew().await?;
    let second = owner.rotate_api_key().send().await.granted()?;
    let error = failed(worker.me_entitlements().send().await)?;
    ensure!(error.code() == Some(&ErrorCode::ApiKeyInvalid), "{error:?}");
    ensure!(!error.needs_login() && !error.is_retryable(), "{error:?}");
    let worker = ada.auth.api_key_client(&second.api_key)?;
    worker.me_entitlements().send().await.granted()?;
    t.refreshed(0)?;
    Ok(())
}
