//! `GET /api/auth/api-key` and `POST /api/auth/api-key/rotate`: the one key of a user.

use anyhow::{Context, Result, ensure};
use bp_auth_client::{Client, ErrorCode, Secret};

use crate::case;
use crate::case::{Case, Setting, Verdict};
use crate::kit::mfa::{confirm_reset, reset_token};
use crate::kit::{Granted, Raw, RefreshSecret};
use crate::trial::Trial;

pub const CASES: &[Case] = &[
    case!(
        the_first_look_creates_the_key,
        "The first look at the key creates it, unused, with the scopes `profile:read` and `entitlements:read`; further looks show the same one."
    ),
    case!(
        no_look_shows_the_secret,
        "No look at the key shows its secret, before or after a rotation."
    ),
    case!(
        a_look_tells_nobody,
        "A look at the key sends no mail, also where it creates the key."
    )
    .messages(),
    case!(
        a_rotation_creates_the_key_if_absent,
        "A rotation creates the key where there is none, and shows its secret: the prefix at the beginning, the hint at the end."
    ),
    case!(
        a_rotation_kills_the_old_secret,
        "A rotation keeps the key's id and begin, notes its time, and gives a new secret; the old one is 401 `api_key_invalid` at once."
    ),
    case!(
        a_rotation_is_told_to_the_owner,
        "Each rotation is told to the user by a mail, which does not contain the secret."
    )
    .messages(),
    case!(
        a_key_opens_two_operations,
        "An API key opens `/me` and `/me/entitlements`, and nothing else: there it is no credential, 401 `not_authenticated`."
    ),
    case!(
        a_key_is_no_bearer_token,
        "An API key in `Authorization` is no access token: 401 `token_invalid`."
    ),
    case!(
        what_is_no_key_is_refused,
        "What is no API key of this server is 401 `api_key_invalid`, and harms no key that is one."
    ),
    case!(
        a_key_is_its_users_own,
        "Every user has a key of one's own, which shows its user and nobody else."
    ),
    case!(
        a_use_is_noted,
        "`last_used_at` is null until the key is used and tells the use then."
    )
    .clock(),
    case!(
        a_key_outlives_the_sessions,
        "The key belongs to the user, not to a session: it stays good when all sessions have ended."
    )
    .depends_on(Setting::REUSE),
    case!(
        a_key_does_not_expire,
        "The key is good after a month in which nobody logged in."
    )
    .clock(),
    case!(
        a_look_needs_no_recent_login,
        "A look at the key needs no recent login; a rotation does, and one that is refused leaves the key as it was."
    )
    .depends_on(Setting::ROTATION)
    .clock(),
    case!(
        the_key_of_a_deactivated_user_is_403,
        "The API key of a deactivated user is 403 `account_deactivated`, and 401 `api_key_invalid` once the account is active again."
    )
    .operator(),
    case!(
        the_key_of_a_suspended_user_is_403,
        "The API key of a suspended user is 403 `account_suspended`, and 401 `api_key_invalid` once the account is active again."
    )
    .operator(),
    case!(
        a_key_ends_with_a_reset,
        "An MFA reset ends the API key; the next look creates another one."
    )
    .messages(),
    case!(
        the_secret_is_not_stored,
        "The server keeps a digest of the key: its database does not hold the secret."
    )
    .spawned(),
];

fn with_key(t: &Trial, key: &Secret) -> Result<Client> {
    Ok(t.with(&[("x-api-key".parse()?, key.expose().to_owned())]))
}

async fn rotated(client: &Client) -> Result<bp_auth_client::types::ApiKeySecret> {
    client.rotate_api_key().send().await.granted()
}

async fn the_first_look_creates_the_key(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let key = ada.client.get_api_key().send().await.granted()?;
    ensure!(key.prefix == "bpk_" && !key.hint.is_empty());
    ensure!(key.scopes == ["profile:read", "entitlements:read"]);
    ensure!(key.rotated_at.is_none() && key.last_used_at.is_none());
    let other = t.session(&ada.email).await?.client;
    for client in [&ada.client, &other, &t.cookie(&ada.tokens)] {
        let again = client.get_api_key().send().await.granted()?;
        ensure!(serde_json::to_value(again)? == serde_json::to_value(&key)?);
    }
    Ok(())
}

async fn no_look_shows_the_secret(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let look = async || {
        let request = t.http().get(t.at("/api/auth/api-key"));
        Raw::of(request.bearer_auth(ada.tokens.access_token.expose())).await
    };
    let first = look().await?;
    let secret = rotated(&ada.client).await?;
    for answer in [first, look().await?] {
        ensure!(answer.status == 200, "answered {}", answer.status);
        let shown = answer.json();
        ensure!(shown.get("api_key").is_none(), "the secret");
        ensure!(!answer.text.contains(secret.api_key.expose()));
        let longest = shown
            .as_object()
            .into_iter()
            .flat_map(|members| members.values());
        let longest = longest
            .filter_map(|value| value.as_str())
            .map(str::len)
            .max();
        // An id or a time; a key has 256 random bits.
        ensure!(longest.is_some_and(|length| length <= 36), "{longest:?}");
    }
    Ok(())
}

async fn a_look_tells_nobody(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    for _ in 0..2 {
        ada.client.get_api_key().send().await.granted()?;
    }
    let mails = t.settled_messages(&ada.email).await?.len();
    ensure!(mails == 1, "{mails} mails, not the welcome only");
    Ok(())
}

async fn a_rotation_creates_the_key_if_absent(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let key = rotated(&ada.client).await?;
    let secret = key.api_key.expose();
    ensure!(key.prefix == "bpk_" && secret.starts_with("bpk_"));
    ensure!(secret.ends_with(&key.hint), "not the end of it");
    // 256 bits are 43 characters of base 64.
    ensure!(secret.len() >= 4 + 43, "{} characters", secret.len());
    ensure!(key.scopes == ["profile:read", "entitlements:read"]);
    ensure!(key.last_used_at.is_none() && key.rotated_at.is_some());
    let shown = ada.client.get_api_key().send().await.granted()?;
    ensure!((shown.id, shown.hint) == (key.id, key.hint));
    Ok(())
}

async fn a_rotation_kills_the_old_secret(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let created = ada.client.get_api_key().send().await.granted()?;
    let old = rotated(&ada.client).await?;
    ensure!((old.id, old.created_at) == (created.id, created.created_at));
    let client = with_key(&t, &old.api_key)?;
    client.me().send().await.granted()?;
    let new = rotated(&ada.client).await?;
    ensure!((new.id, new.created_at) == (old.id, old.created_at));
    ensure!(new.rotated_at >= old.rotated_at && new.rotated_at.is_some());
    ensure!(new.api_key.expose() != old.api_key.expose());
    ensure!(new.last_used_at.is_none(), "the new secret is unused");
    let refused = client.me().send().await;
    refused.refused(401, ErrorCode::ApiKeyInvalid)?;
    let refused = client.me_entitlements().send().await;
    refused.refused(401, ErrorCode::ApiKeyInvalid)?;
    let client = with_key(&t, &new.api_key)?;
    client.me().send().await.granted()?;
    client.me_entitlements().send().await.granted()?;
    Ok(())
}

async fn a_rotation_is_told_to_the_owner(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let keys = [rotated(&ada.client).await?, rotated(&ada.client).await?];
    let mails = t.settled_messages(&ada.email).await?;
    ensure!(mails.len() == 3, "{} mails", mails.len());
    for key in keys {
        let secret = key.api_key.expose();
        let told = mails.iter().any(|mail| mail.text.contains(secret));
        ensure!(!told, "the secret is in a mail");
    }
    Ok(())
}

async fn a_key_opens_two_operations(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let key = rotated(&ada.client).await?;
    let client = with_key(&t, &key.api_key)?;
    client.me().send().await.granted()?;
    client.me_entitlements().send().await.granted()?;
    for (method, path) in [
        ("GET", "/api/auth/api-key"),
        ("POST", "/api/auth/api-key/rotate"),
        ("POST", "/api/auth/verify-phone/request"),
        ("GET", "/api/auth/mfa/methods"),
        ("POST", "/api/auth/mfa/totp/setup"),
        ("POST", "/api/auth/mfa/backup-codes/regenerate"),
        ("POST", "/api/auth/mfa/reset/request"),
        ("DELETE", "/api/auth/mfa/totp"),
        ("GET", "/api/auth/mfa/trusted-devices"),
        ("DELETE", "/api/auth/mfa/trusted-devices/1"),
    ] {
        let request = t.http().request(method.parse()?, t.at(path));
        let request = request.header("x-api-key", key.api_key.expose());
        let answer = Raw::of(request).await?;
        answer
            .is(401, "not_authenticated")
            .with_context(|| format!("{method} {path}"))?;
    }
    client.me().send().await.granted()?;
    Ok(())
}

async fn a_key_is_no_bearer_token(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let key = rotated(&ada.client).await?;
    let refused = t.bearer(&key.api_key).me().send().await;
    refused.refused(401, ErrorCode::TokenInvalid)?;
    Ok(())
}

async fn what_is_no_key_is_refused(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let key = rotated(&ada.client).await?.api_key;
    let genuine = key.expose();
    for bad in [
        "garbage",
        "bpk_",
        &format!("{}~", &genuine[..genuine.len() - 1]),
        &genuine.to_lowercase(),
        &genuine[4..],
        ada.tokens.refresh_secret().expose(),
        ada.tokens.access_token.expose(),
    ] {
        let client = with_key(&t, &Secret::from(bad))?;
        let refused = client.me().send().await;
        refused.refused(401, ErrorCode::ApiKeyInvalid)?;
        let refused = client.me_entitlements().send().await;
        let refused = refused.refused(401, ErrorCode::ApiKeyInvalid)?;
        let how = refused.header("www-authenticate");
        ensure!(how.is_some_and(|how| how.starts_with("Bearer")), "{how:?}");
    }
    with_key(&t, &key)?.me().send().await.granted()?;
    Ok(())
}

async fn a_key_is_its_users_own(t: Trial) -> Verdict {
    let (ada, eve) = (t.newcomer().await?, t.newcomer().await?);
    let (adas, eves) = (rotated(&ada.client).await?, rotated(&eve.client).await?);
    ensure!(adas.id != eves.id, "one key for two users");
    for (key, owner) in [(&adas, &ada), (&eves, &eve)] {
        let me = with_key(&t, &key.api_key)?.me().send().await.granted()?;
        ensure!(me.email == owner.email, "the key of somebody else");
    }
    rotated(&eve.client).await?;
    with_key(&t, &adas.api_key)?.me().send().await.granted()?;
    Ok(())
}

async fn a_use_is_noted(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let key = rotated(&ada.client).await?;
    let used = async || -> Result<Option<i64>> {
        let key = ada.client.get_api_key().send().await.granted()?;
        Ok(key.last_used_at.map(|at| at.timestamp_millis()))
    };
    ensure!(used().await?.is_none(), "used before the first use");
    let client = with_key(&t, &key.api_key)?;
    for _ in 0..2 {
        t.advance_secs(300)?;
        client.me().send().await.granted()?;
        ensure!(used().await? == Some(t.now_ms()), "the use is not noted");
    }
    t.advance_secs(300)?;
    let before = used().await?;
    let wrong = with_key(&t, &Secret::from("bpk_wrong"))?.me().send().await;
    wrong.refused(401, ErrorCode::ApiKeyInvalid)?;
    ensure!(used().await? == before, "a refusal is noted as a use");
    Ok(())
}

async fn a_key_outlives_the_sessions(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let key = rotated(&ada.client).await?;
    let last = t.session(&ada.email).await?;
    for session in [&ada, &last] {
        session.client.logout().send().await.granted()?;
        t.has_ended(&session.tokens).await?;
    }
    let me = with_key(&t, &key.api_key)?.me().send().await.granted()?;
    ensure!(me.email == ada.email);
    Ok(())
}

async fn a_key_does_not_expire(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let key = rotated(&ada.client).await?;
    t.advance_secs(31 * 86_400)?;
    let me = with_key(&t, &key.api_key)?.me().send().await.granted()?;
    ensure!(me.email == ada.email);
    Ok(())
}

async fn a_look_needs_no_recent_login(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let key = rotated(&ada.client).await?;
    t.advance_secs(16 * 60)?;
    let later = t.refresh(ada.tokens.refresh_secret()).await.granted()?;
    let client = t.bearer(&later.access_token);
    let refused = client.rotate_api_key().send().await;
    refused.refused(403, ErrorCode::ReauthenticationRequired)?;
    let shown = client.get_api_key().send().await.granted()?;
    ensure!((shown.id, shown.hint) == (key.id, key.hint));
    ensure!(shown.rotated_at == key.rotated_at, "it was rotated");
    with_key(&t, &key.api_key)?.me().send().await.granted()?;
    Ok(())
}

async fn closed(t: &Trial, action: &str, code: ErrorCode) -> Verdict {
    let ada = t.newcomer().await?;
    let key = rotated(&ada.client).await?;
    let client = with_key(t, &key.api_key)?;
    client.me().send().await.granted()?;
    t.operator(action, &ada.email).await?;
    let refused = client.me().send().await;
    refused.refused(403, code.clone())?;
    let refused = client.me_entitlements().send().await;
    refused.refused(403, code)?;
    t.operator("activate", &ada.email).await?;
    let refused = client.me().send().await;
    refused.refused(401, ErrorCode::ApiKeyInvalid)?;
    let again = t.session(&ada.email).await?.client;
    let other = again.get_api_key().send().await.granted()?;
    ensure!(other.id != key.id, "the key came back");
    Ok(())
}

async fn the_key_of_a_deactivated_user_is_403(t: Trial) -> Verdict {
    closed(&t, "deactivate", ErrorCode::AccountDeactivated).await
}

async fn the_key_of_a_suspended_user_is_403(t: Trial) -> Verdict {
    closed(&t, "suspend", ErrorCode::AccountSuspended).await
}

async fn a_key_ends_with_a_reset(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let key = rotated(&ada.session.client).await?;
    let token = reset_token(&t, &ada.session, 1).await?;
    confirm_reset(&t, &token).await.granted()?;
    let refused = with_key(&t, &key.api_key)?.me().send().await;
    refused.refused(401, ErrorCode::ApiKeyInvalid)?;
    let anew = t.session(&ada.email).await?.client;
    let other = anew.get_api_key().send().await.granted()?;
    ensure!(
        other.id != key.id && other.rotated_at.is_none(),
        "the old key"
    );
    Ok(())
}

async fn the_secret_is_not_stored(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let key = rotated(&ada.client).await?;
    let stored = t.stored_bytes()?;
    let holds = |text: &str| {
        let text = text.as_bytes();
        stored.windows(text.len()).any(|window| window == text)
    };
    ensure!(holds(&ada.email), "not where the server keeps its rows");
    ensure!(!holds(&key.api_key.expose()[4..40]), "the secret in plain");
    Ok(())
}
