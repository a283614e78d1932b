//! Every kind of credential against every operation, in every place. Each kind is tried first wherever
//! it must open nothing; then nothing may have happened; then wherever it is good for something.

use anyhow::{Context, ensure};
use bp_auth_client::ErrorCode;

use crate::case;
use crate::case::{Case, Profile, Verdict};
use crate::kit::Granted;
use crate::kit::RefreshSecret;
use crate::matrix::credential::{Access, Kind, Owner, Wall, forgeries};
use crate::trial::Trial;

const STRICT: &[Profile] = &[Profile::Strict];

pub const CASES: &[Case] = &[
    case!(
        without_a_credential_nothing_is_opened,
        "Every operation that asks for a credential answers 401 `not_authenticated` to a request without one."
    )
    .only(STRICT),
    case!(
        garbage_opens_nothing,
        "What is no token opens no operation, wherever it is put."
    )
    .only(STRICT),
    case!(
        a_forged_token_opens_nothing,
        "An access token that was changed, or whose signature is another's or absent, opens no operation, wherever it is put."
    )
    .only(STRICT),
    case!(
        an_mfa_pending_token_opens_the_challenge_and_nothing_else,
        "An mfa-pending token opens the challenge, in its body, and no other operation or place."
    )
    .only(STRICT),
    case!(
        an_access_token_opens_as_bearer_and_in_the_cookie_only,
        "An access token opens every operation as `Authorization: Bearer` and in the cookie `bp_token`, and in no other place."
    )
    .only(STRICT),
    case!(
        another_users_token_touches_nothing_of_mine,
        "With an access token of another user every operation works on that user alone."
    )
    .only(STRICT),
    case!(
        an_expired_token_opens_nothing_but_the_way_out,
        "An access token past its 15 minutes is 401 `token_expired` at every operation but the logout, which still finds its session."
    )
    .clock()
    .only(STRICT),
    case!(
        a_token_of_an_ended_session_opens_nothing,
        "An access token whose session has ended is 401 `session_revoked` at every operation."
    )
    .only(STRICT),
    case!(
        nothing_of_a_suspended_user_opens_anything,
        "A suspended user's access token is 401 `session_revoked` at every operation, the API key 403 `account_suspended`."
    )
    .operator()
    .only(STRICT),
    case!(
        nothing_of_a_deactivated_user_opens_anything,
        "A deactivated user's access token is 401 `session_revoked` at every operation, the API key 403 `account_deactivated`."
    )
    .operator()
    .only(STRICT),
    case!(
        an_api_key_opens_two_operations_in_its_header,
        "An API key opens the profile and the entitlements, in `X-API-Key`, and no other operation or place."
    )
    .only(STRICT),
    case!(
        a_replaced_api_key_opens_nothing,
        "An API key that was rotated away is 401 `api_key_invalid` where API keys are taken, and opens nothing elsewhere."
    )
    .only(STRICT),
    case!(
        a_refresh_token_opens_the_refresh_and_the_logout_only,
        "A refresh token is good in the body of the refresh and of the logout, and for no other operation or place."
    )
    .only(STRICT),
    case!(
        a_used_refresh_token_opens_nothing,
        "A used refresh token is 401 `token_reused` at the refresh, names its session to the logout, and is good for nothing else."
    )
    .only(STRICT),
    case!(
        a_reset_token_opens_its_confirmation_only,
        "A reset token is good for the confirmation of the reset, in its body, and for no other operation or place."
    )
    .messages()
    .only(STRICT),
    case!(
        a_reactivation_token_opens_its_confirmation_only,
        "A reactivation token is good for the confirmation of the reactivation, in its body, and for no other operation or place."
    )
    .messages()
    .operator()
    .only(STRICT),
    case!(
        a_trusted_device_opens_no_operation,
        "The secret of a trusted device opens no operation, wherever it is put: it only spares the second factor of a login."
    )
    .only(STRICT),
];

async fn without_a_credential_nothing_is_opened(t: Trial) -> Verdict {
    Wall::new(&t, 1)?.refuses(Kind::Nothing, &[""]).await
}

async fn garbage_opens_nothing(t: Trial) -> Verdict {
    let unknown = "A".repeat(49);
    let garbage = [
        "garbage",
        "a.b.c",
        "..",
        "null",
        &format!("bpr_{unknown}"),
        &format!("bpk_{unknown}"),
        &"x".repeat(6000),
    ];
    Wall::new(&t, 1)?.refuses(Kind::Garbage, &garbage).await
}

async fn a_forged_token_opens_nothing(t: Trial) -> Verdict {
    let owner = Owner::new(&t).await?;
    let other = t.newcomer().await?.tokens.access_token;
    let forgeries = forgeries(owner.access(), other.expose())?;
    let forgeries: Vec<&str> = forgeries.iter().map(String::as_str).collect();
    let wall = Wall::new(&t, owner.device)?;
    wall.refuses(Kind::Forged, &forgeries).await?;
    owner.is_unharmed(&t).await
}

async fn an_mfa_pending_token_opens_the_challenge_and_nothing_else(t: Trial) -> Verdict {
    let owner = Owner::new(&t).await?;
    let pending = t.pending(&owner.guarded.email).await?.mfa_token;
    let wall = Wall::new(&t, owner.device)?;
    wall.refuses(Kind::MfaPending, &[pending.expose()]).await?;
    wall.opens(Kind::MfaPending, pending.expose()).await?;
    owner.is_unharmed(&t).await
}

async fn an_access_token_opens_as_bearer_and_in_the_cookie_only(t: Trial) -> Verdict {
    let owner = Owner::new(&t).await?;
    let wall = Wall::new(&t, owner.device)?;
    wall.refuses(Kind::Access, &[owner.access()]).await?;
    owner.is_unharmed(&t).await?;
    wall.opens(Kind::Access, owner.access()).await?;
    has_ended(&t, &owner).await
}

async fn another_users_token_touches_nothing_of_mine(t: Trial) -> Verdict {
    let owner = Owner::new(&t).await?;
    let other = t.newcomer().await?.tokens.access_token;
    let wall = Wall::new(&t, owner.device)?;
    wall.refuses(Kind::AccessOfSomebodyElse, &[other.expose()])
        .await?;
    wall.opens(Kind::AccessOfSomebodyElse, other.expose())
        .await?;
    owner.is_unharmed(&t).await
}

async fn an_expired_token_opens_nothing_but_the_way_out(t: Trial) -> Verdict {
    let owner = Owner::new(&t).await?;
    let wall = Wall::new(&t, owner.device)?;
    // Its time, and the leeway between clocks.
    t.advance_secs(15 * 60 + 5)?;
    wall.refuses(Kind::ExpiredAccess, &[owner.access()]).await?;
    owner.is_unchanged(&t, Access::Kept).await?;
    wall.opens(Kind::ExpiredAccess, owner.access()).await?;
    t.refresh(owner.guarded.session.tokens.refresh_secret())
        .await
        .refused(401, ErrorCode::TokenRevoked)?;
    Ok(())
}

async fn a_token_of_an_ended_session_opens_nothing(t: Trial) -> Verdict {
    let owner = Owner::new(&t).await?;
    let session = t.backup_session(&owner.guarded, 2).await?;
    session.client.logout().send().await.granted()?;
    let wall = Wall::new(&t, owner.device)?;
    let token = session.tokens.access_token.expose();
    wall.refuses(Kind::RevokedAccess, &[token]).await?;
    owner.is_unharmed(&t).await
}

async fn nothing_of_a_suspended_user_opens_anything(t: Trial) -> Verdict {
    let owner = Owner::new(&t).await?;
    let wall = Wall::new(&t, owner.device)?;
    t.operator("suspend", &owner.guarded.email).await?;
    wall.refuses(Kind::AccessOfSuspended, &[owner.access()])
        .await?;
    wall.refuses(Kind::ApiKeyOfSuspended, &[owner.api_key.expose()])
        .await?;
    t.operator("activate", &owner.guarded.email).await?;
    owner.is_unchanged(&t, Access::MayBeGone).await
}

async fn nothing_of_a_deactivated_user_opens_anything(t: Trial) -> Verdict {
    let owner = Owner::new(&t).await?;
    let wall = Wall::new(&t, owner.device)?;
    t.operator("deactivate", &owner.guarded.email).await?;
    wall.refuses(Kind::AccessOfDeactivated, &[owner.access()])
        .await?;
    wall.refuses(Kind::ApiKeyOfDeactivated, &[owner.api_key.expose()])
        .await?;
    t.operator("activate", &owner.guarded.email).await?;
    owner.is_unchanged(&t, Access::MayBeGone).await
}

async fn an_api_key_opens_two_operations_in_its_header(t: Trial) -> Verdict {
    let owner = Owner::new(&t).await?;
    let wall = Wall::new(&t, owner.device)?;
    wall.refuses(Kind::ApiKey, &[owner.api_key.expose()])
        .await?;
    wall.opens(Kind::ApiKey, owner.api_key.expose()).await?;
    owner.is_unharmed(&t).await
}

async fn a_replaced_api_key_opens_nothing(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let rotate = async || ada.client.rotate_api_key().send().await.granted();
    let (old, new) = (rotate().await?, rotate().await?);
    let wall = Wall::new(&t, 1)?;
    wall.refuses(Kind::OldApiKey, &[old.api_key.expose()])
        .await?;
    let key = ada.client.get_api_key().send().await.granted()?;
    ensure!(key.hint == new.hint, "the new key was replaced");
    Ok(())
}

async fn a_refresh_token_opens_the_refresh_and_the_logout_only(t: Trial) -> Verdict {
    let owner = Owner::new(&t).await?;
    let wall = Wall::new(&t, owner.device)?;
    let token = owner.guarded.session.tokens.refresh_secret();
    wall.refuses(Kind::Refresh, &[token.expose()]).await?;
    owner.is_unharmed(&t).await?;
    wall.opens(Kind::Refresh, token.expose()).await?;
    has_ended(&t, &owner).await
}

async fn a_used_refresh_token_opens_nothing(t: Trial) -> Verdict {
    let owner = Owner::new(&t).await?;
    let [reused, named] = [2, 3].map(|code| t.backup_session(&owner.guarded, code));
    let (reused, named) = (reused.await?, named.await?);
    for session in [&reused, &named] {
        t.refresh(session.tokens.refresh_secret()).await.granted()?;
    }
    let wall = Wall::new(&t, owner.device)?;
    let token = reused.tokens.refresh_secret().expose();
    wall.refuses(Kind::UsedRefresh, &[token]).await?;
    named.client.me().send().await.granted()?;
    wall.opens(Kind::UsedRefresh, named.tokens.refresh_secret().expose())
        .await?;
    named
        .client
        .me()
        .send()
        .await
        .refused(401, ErrorCode::SessionRevoked)?;
    owner.is_unharmed(&t).await
}

async fn a_reset_token_opens_its_confirmation_only(t: Trial) -> Verdict {
    let owner = Owner::new(&t).await?;
    let client = &owner.guarded.session.client;
    client.mfa_reset_request().send().await.granted()?;
    let token = t.mailed_token(&owner.guarded.email, "mfa-reset", 1).await?;
    let wall = Wall::new(&t, owner.device)?;
    wall.refuses(Kind::Reset, &[token.expose()]).await?;
    owner.is_unharmed(&t).await?;
    wall.opens(Kind::Reset, token.expose()).await?;
    let session = t.session(&owner.guarded.email).await;
    session.context("the second factor was not reset")?;
    Ok(())
}

async fn a_reactivation_token_opens_its_confirmation_only(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    t.operator("deactivate", &ada.email).await?;
    t.anonymous()
        .reactivate_request()
        .body_map(|body| body.email(ada.email.as_str()))
        .send()
        .await
        .granted()?;
    let token = t.mailed_token(&ada.email, "reactivate", 1).await?;
    let wall = Wall::new(&t, 1)?;
    wall.refuses(Kind::Reactivation, &[token.expose()]).await?;
    t.try_login(&ada.email, crate::kit::PASSWORD)
        .await
        .refused(403, ErrorCode::AccountDeactivated)?;
    wall.opens(Kind::Reactivation, token.expose()).await?;
    t.session(&ada.email).await?;
    Ok(())
}

async fn a_trusted_device_opens_no_operation(t: Trial) -> Verdict {
    let owner = Owner::new(&t).await?;
    let wall = Wall::new(&t, owner.device)?;
    wall.refuses(Kind::TrustedDevice, &[&owner.device_secret])
        .await?;
    owner.is_unharmed(&t).await
}

/// Its last use was a logout.
async fn has_ended(t: &Trial, owner: &Owner) -> Verdict {
    t.refresh(owner.guarded.session.tokens.refresh_secret())
        .await
        .err()
        .context("the refresh token of an ended session works")?;
    let me = owner.guarded.session.client.me().send().await;
    me.refused(401, ErrorCode::SessionRevoked)?;
    Ok(())
}
