//! `POST /api/auth/register`: accounts, tenants, and what is never applied.

use anyhow::{Result, ensure};
use bp_auth_client::types::{self, Role, User};
use bp_auth_client::{ErrorCode, Secret};
use serde_json::{Value, json};

use crate::case;
use crate::case::{Case, Profile, Setting, Verdict};
use crate::kit::{Granted, PASSWORD, Raw};
use crate::trial::Trial;

pub const CASES: &[Case] = &[
    case!(
        a_registration_makes_the_owner_of_a_free_tenant,
        "A registration answers 201 with the user, who owns a tenant on the plan `free`, has no second factor and has never logged in."
    )
    .depends_on(Setting::TAKEN),
    case!(
        every_account_has_a_tenant_of_its_own,
        "Each account is in an isolated tenant of which it takes the only seat."
    )
    .depends_on(Setting::TAKEN),
    case!(
        what_was_typed_is_shown_in_the_profile,
        "`full_name`, `phone` and `locale` are optional, kept, and shown by `/me`; the phone is not verified by it."
    )
    .depends_on(Setting::TAKEN),
    case!(
        null_is_the_same_as_absent,
        "An optional field may be null, which is the same as leaving it out."
    )
    .depends_on(Setting::TAKEN),
    case!(
        a_blank_field_is_absent,
        "An optional field with nothing to see in it is the same as leaving it out; the locale `en_US` is `en-US`."
    )
    .depends_on(Setting::TAKEN),
    case!(
        a_registration_gives_no_tokens,
        "A registration gives no tokens and sets no cookie: the user logs in next."
    )
    .depends_on(Setting::TAKEN),
    case!(
        a_welcome_mail_is_sent_and_no_sms,
        "A registration sends one welcome mail, without the password, and no SMS to the number of the profile."
    )
    .depends_on(Setting::TAKEN)
    .messages(),
    case!(
        unknown_fields_are_ignored_and_never_applied,
        "Unknown fields such as `role`, `plan` or `tenant_id` are ignored and never applied."
    )
    .depends_on(Setting::TAKEN),
    case!(
        a_taken_address_is_refused_and_changes_nothing,
        "An address that has an account is refused with 409 `email_taken`; its account stays as it was."
    )
    .only(&Profile::OPEN_REGISTRATION),
    case!(
        the_address_of_a_closed_account_stays_taken,
        "The address of a deactivated or suspended account is taken."
    )
    .operator()
    .only(&Profile::OPEN_REGISTRATION),
    case!(
        a_refused_registration_leaves_the_address_free,
        "A registration that is refused for one of its fields creates nothing: the address is still free."
    )
    .depends_on(Setting::TAKEN),
    case!(
        closed_registration_refuses_everybody,
        "With registration disabled every registration is 403 `registration_disabled`, whether the address is taken or not, after the 422 of a bad form."
    )
    .depends_on(Setting::TAKEN)
    .spawned()
    .set(&[("register.enabled", "false")]),
];

pub async fn post(t: &Trial, body: &Value) -> Result<Raw> {
    Raw::of(t.http().post(t.at("/api/auth/register")).json(body)).await
}

async fn registered(t: &Trial) -> Result<User> {
    let (email, client) = (t.fresh_email(), t.anonymous());
    let call = client
        .register()
        .body_map(|body| body.email(email.as_str()).password(PASSWORD));
    call.send().await.granted()
}

async fn a_registration_makes_the_owner_of_a_free_tenant(t: Trial) -> Verdict {
    let user = registered(&t).await?;
    ensure!(user.roles == [Role::Owner], "roles {:?}", user.roles);
    ensure!(user.tenant.plan == "free", "plan {}", user.tenant.plan);
    ensure!(user.is_active, "not active");
    ensure!(!user.mfa_enabled && user.mfa_methods.is_empty());
    ensure!(!user.phone_verified && user.phone.is_none());
    ensure!(user.last_login_at.is_none(), "a login before the first");
    ensure!(user.session.is_none(), "a session without a login");
    let me = t.session(&user.email).await?.client.me().send().await;
    let me = me.granted()?;
    ensure!(
        (me.id, me.tenant.id, me.created_at) == (user.id, user.tenant.id, user.created_at),
        "the account that logs in is another one"
    );
    Ok(())
}

async fn a_blank_field_is_absent(t: Trial) -> Verdict {
    for blank in ["", "  ", "\u{3000}\u{200b}"] {
        let answer = post(
            &t,
            &json!({ "email": t.fresh_email(), "password": PASSWORD, "full_name": blank,
                "phone": blank, "locale": blank }),
        )
        .await?;
        ensure!(
            answer.status == 201,
            "answered {} to {blank:?}",
            answer.text
        );
        let user = answer.json();
        for name in ["full_name", "phone", "locale"] {
            ensure!(user[name].is_null(), "{name} is {}", user[name]);
        }
        ensure!(
            user["tenant"]["name"] == user["email"],
            "{}",
            user["tenant"]
        );
    }
    let email = t.fresh_email();
    let body = json!({ "email": email, "password": PASSWORD, "locale": "en_US" });
    let answer = post(&t, &body).await?;
    ensure!(answer.json()["locale"] == "en-US", "{}", answer.text);
    let me = t
        .session(&email)
        .await?
        .client
        .me()
        .send()
        .await
        .granted()?;
    ensure!(me.locale.as_deref() == Some("en-US"), "{:?}", me.locale);
    Ok(())
}

async fn every_account_has_a_tenant_of_its_own(t: Trial) -> Verdict {
    let (ada, eve) = (registered(&t).await?, registered(&t).await?);
    ensure!(ada.id != eve.id && ada.tenant.id != eve.tenant.id);
    for user in [&ada, &eve] {
        let client = t.session(&user.email).await?.client;
        let envelope = client.me_entitlements().send().await.granted()?;
        ensure!(envelope.tenant_id == user.tenant.id);
        let seats = envelope.limits.get("seats").and_then(|seats| seats.used);
        ensure!(seats == Some(1), "{seats:?} seats are taken");
    }
    Ok(())
}

async fn what_was_typed_is_shown_in_the_profile(t: Trial) -> Verdict {
    let (email, phone) = (t.fresh_email(), t.fresh_phone());
    let body = json!({
        "email": email, "password": PASSWORD, "full_name": "Ada Lovelace", "phone": phone,
        "locale": "de-DE",
    });
    let answer = post(&t, &body).await?;
    ensure!(answer.status == 201, "answered {}", answer.status);
    let me = t.session(&email).await?.client.me().send().await;
    let me = me.granted()?;
    let registered: User = serde_json::from_value(answer.json())?;
    for user in [registered, me] {
        ensure!(user.email == email);
        ensure!(user.full_name.as_deref() == Some("Ada Lovelace"));
        ensure!(user.phone.as_deref() == Some(phone.as_str()));
        ensure!(user.locale.as_deref() == Some("de-DE"));
        ensure!(!user.phone_verified, "nobody has confirmed the number");
    }
    Ok(())
}

async fn null_is_the_same_as_absent(t: Trial) -> Verdict {
    let body = json!({
        "email": t.fresh_email(), "password": PASSWORD, "full_name": null, "phone": null,
        "locale": null,
    });
    let answer = post(&t, &body).await?;
    ensure!(answer.status == 201, "answered {}", answer.status);
    for field in ["full_name", "phone", "locale"] {
        ensure!(answer.json()[field].is_null(), "{field} is something");
    }
    Ok(())
}

async fn a_registration_gives_no_tokens(t: Trial) -> Verdict {
    let body = json!({ "email": t.fresh_email(), "password": PASSWORD });
    let answer = post(&t, &body).await?;
    ensure!(answer.status == 201, "answered {}", answer.status);
    ensure!(!answer.headers.contains_key("set-cookie"), "a cookie");
    for token in ["access_token", "refresh_token", "mfa_token", "bpr_", "eyJ"] {
        ensure!(!answer.text.contains(token), "{token} in the answer");
    }
    Ok(())
}

async fn a_welcome_mail_is_sent_and_no_sms(t: Trial) -> Verdict {
    let phone = t.fresh_phone();
    let ada = t.newcomer_with_phone(&phone).await?;
    let mails = t.settled_messages(&ada.email).await?;
    ensure!(mails.len() == 1, "{} mails", mails.len());
    ensure!(!mails[0].text.contains(PASSWORD), "the mail says it all");
    ensure!(t.messages(&phone, 0).await?.is_empty(), "an SMS");
    Ok(())
}

async fn unknown_fields_are_ignored_and_never_applied(t: Trial) -> Verdict {
    let owner = registered(&t).await?;
    let email = t.fresh_email();
    let forged = json!({
        "email": email, "password": PASSWORD,
        "role": "admin", "roles": ["admin"], "plan": "enterprise", "tenant_id": owner.tenant.id,
        "tenant": { "id": owner.tenant.id, "plan": "enterprise" }, "id": owner.id,
        "state": "suspended", "is_active": false, "phone_verified": true, "mfa_enabled": true,
        "password_hash": "x", "email_key": owner.email, "created_at": 0,
    });
    let answer = post(&t, &forged).await?;
    ensure!(answer.status == 201, "answered {}", answer.status);
    let me = t.session(&email).await?.client.me().send().await;
    let me = me.granted()?;
    let answered: User = serde_json::from_value(answer.json())?;
    for user in [answered, me] {
        ensure!(user.id != owner.id && user.tenant.id != owner.tenant.id);
        ensure!(user.tenant.plan == "free", "plan {}", user.tenant.plan);
        ensure!(user.roles == [Role::Owner], "roles {:?}", user.roles);
        ensure!(user.is_active && !user.phone_verified && !user.mfa_enabled);
        ensure!(user.created_at.timestamp() > 0);
    }
    Ok(())
}

async fn a_taken_address_is_refused_and_changes_nothing(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let before = ada.client.me().send().await.granted()?;
    let other = "another fine password 7";
    let body = json!({ "email": ada.email, "password": other, "full_name": "Eve" });
    post(&t, &body).await?.is(409, "email_taken")?;
    let after = ada.client.me().send().await.granted()?;
    ensure!(after.full_name == before.full_name && after.tenant.name == before.tenant.name);
    let refused = t.try_login(&ada.email, other).await;
    refused.refused(401, ErrorCode::InvalidCredentials)?;
    t.session(&ada.email).await?;
    Ok(())
}

async fn the_address_of_a_closed_account_stays_taken(t: Trial) -> Verdict {
    for action in ["deactivate", "suspend"] {
        let ada = t.register().await?;
        t.operator(action, &ada.email).await?;
        let body = json!({ "email": ada.email, "password": PASSWORD });
        post(&t, &body).await?.is(409, "email_taken")?;
    }
    Ok(())
}

async fn a_refused_registration_leaves_the_address_free(t: Trial) -> Verdict {
    let email = t.fresh_email();
    for bad in [
        json!({ "email": email, "password": "short" }),
        json!({ "email": email, "password": "password1" }),
        json!({ "email": email, "password": PASSWORD, "phone": "0151 1234" }),
        json!({ "email": email, "password": PASSWORD, "locale": "no locale" }),
    ] {
        let answer = post(&t, &bad).await?;
        ensure!(answer.status == 422, "answered {} to {bad}", answer.status);
        let login = t.try_login(&email, PASSWORD).await;
        login.refused(401, ErrorCode::InvalidCredentials)?;
    }
    let call = t.anonymous();
    let call = call
        .register()
        .body_map(|body| body.email(email.as_str()).password(PASSWORD));
    call.send().await.granted()?;
    t.session(&email).await?;
    Ok(())
}

async fn closed_registration_refuses_everybody(t: Trial) -> Verdict {
    let taken = t.fresh_email();
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), PASSWORD)?;
    let path = file.path().to_string_lossy();
    t.command(&["user", "create", &taken, "--password-file", &path])
        .await?;
    for email in [t.fresh_email(), taken.clone()] {
        let client = t.anonymous();
        let password = Secret::from(PASSWORD);
        let email = types::RegisterRequestEmail::try_from(email)?;
        let call = client
            .register()
            .body_map(|body| body.email(email).password(password));
        let refused = call.send().await;
        refused.refused(403, ErrorCode::RegistrationDisabled)?;
    }
    let bad = json!({ "email": "nobody", "password": PASSWORD });
    post(&t, &bad).await?.is(422, "validation_error")?;
    t.session(&taken).await?;
    Ok(())
}
