//! `register.confirm_address`: an account is nobody's before its address is proved.

use anyhow::ensure;
use bp_auth_client::types::ReactivateRequestEmail;
use bp_auth_client::{ErrorCode, Secret};
use serde_json::{Value, json};

use super::register::post;
use super::register_hidden::same_shape;
use crate::case;
use crate::case::{Case, Profile, Setting, Verdict};
use crate::kit::{Granted, PASSWORD, Raw};
use crate::trial::Trial;

/// The settings decide, and not the profile.
const ONCE: &[Profile] = &[Profile::Strict];
const CONFIRMED: &[(&str, &str)] = &[("register.confirm_address", "true")];
const HIDDEN: &[(&str, &str)] = &[
    ("register.confirm_address", "true"),
    ("register.hide_existing", "true"),
];
const OTHER_PASSWORD: &str = "another fine password 7";

pub const CASES: &[Case] = &[
    case!(
        a_registration_is_no_account_before_its_address_is_proved,
        "With `register.confirm_address=true` the right password of a new registration is 401 `invalid_credentials`, as for an unknown address, until the mailed link is used."
    )
    .messages()
    .set(CONFIRMED)
    .only(ONCE),
    case!(
        a_proved_address_is_taken,
        "With `register.confirm_address=true` an address is 409 `email_taken` from its proof on, and not before."
    )
    .depends_on(Setting::TAKEN)
    .messages()
    .set(CONFIRMED)
    .only(ONCE),
    case!(
        the_chosen_password_does_not_tell_who_has_an_account,
        "With `register.confirm_address` and `register.hide_existing` a registration and the login that follows it are answered alike for a taken and for a free address."
    )
    .messages()
    .set(HIDDEN)
    .only(ONCE),
    case!(
        nobody_takes_an_address_in_advance,
        "Of several registrations of one address the one whose link is used has the account, with its password; the links of the others are 400 `token_invalid` from then on."
    )
    .messages()
    .set(HIDDEN)
    .only(ONCE),
    case!(
        the_link_is_mailed_again_on_request,
        "`reactivate/request` mails the link of a registration that nobody has proved again."
    )
    .messages()
    .set(HIDDEN)
    .only(ONCE),
];

async fn register(t: &Trial, email: &str, password: &str) -> anyhow::Result<Raw> {
    post(t, &json!({ "email": email, "password": password })).await
}

async fn confirm(t: &Trial, link: &Secret) -> anyhow::Result<Raw> {
    let body = json!({ "token": link.expose() });
    Raw::of(
        t.http()
            .post(t.at("/api/auth/reactivate/confirm"))
            .json(&body),
    )
    .await
}

async fn login(t: &Trial, email: &str, password: &str) -> anyhow::Result<Raw> {
    let form = [("username", email), ("password", password)];
    Raw::of(t.http().post(t.at("/api/auth/token")).form(&form)).await
}

/// An answer without the members that differ in every answer.
fn comparable(answer: &Raw) -> (u16, Value) {
    let mut body = answer.json();
    body["request_id"] = Value::Null;
    (answer.status, body)
}

async fn a_registration_is_no_account_before_its_address_is_proved(t: Trial) -> Verdict {
    let email = t.fresh_email();
    let registered = register(&t, &email, PASSWORD).await?;
    ensure!(registered.status == 201, "answered {}", registered.status);
    ensure!(
        registered.json()["is_active"] == json!(false),
        "it is active"
    );
    let waiting = login(&t, &email, PASSWORD).await?;
    let unknown = login(&t, &t.fresh_email(), PASSWORD).await?;
    ensure!(waiting.status == 401, "answered {}", waiting.status);
    ensure!(
        comparable(&waiting) == comparable(&unknown),
        "{} is told apart from {}",
        waiting.text,
        unknown.text
    );
    let link = t.mailed_token(&email, "reactivate", 1).await?;
    let confirmed = confirm(&t, &link).await?;
    ensure!(confirmed.status == 200, "answered {}", confirmed.status);
    let session = t.session(&email).await?;
    ensure!(session.tokens.user.email == email, "somebody else");
    confirm(&t, &link).await?.is(410, "token_used")?;
    Ok(())
}

async fn a_proved_address_is_taken(t: Trial) -> Verdict {
    let email = t.fresh_email();
    for _ in 0..2 {
        let registered = register(&t, &email, PASSWORD).await?;
        ensure!(registered.status == 201, "answered {}", registered.status);
    }
    let link = t.mailed_token(&email, "reactivate", 2).await?;
    ensure!(confirm(&t, &link).await?.status == 200, "not confirmed");
    register(&t, &email, PASSWORD)
        .await?
        .is(409, "email_taken")?;
    Ok(())
}

async fn the_chosen_password_does_not_tell_who_has_an_account(t: Trial) -> Verdict {
    let (known, free) = (t.fresh_email(), t.fresh_email());
    register(&t, &known, PASSWORD).await?;
    let link = t.mailed_token(&known, "reactivate", 1).await?;
    ensure!(confirm(&t, &link).await?.status == 200, "not confirmed");
    let taken = register(&t, &known, OTHER_PASSWORD).await?;
    same_shape(&taken, &register(&t, &free, OTHER_PASSWORD).await?)?;
    let answers = [
        comparable(&login(&t, &known, OTHER_PASSWORD).await?),
        comparable(&login(&t, &free, OTHER_PASSWORD).await?),
    ];
    ensure!(answers[0].0 == 401, "answered {}", answers[0].0);
    ensure!(answers[0] == answers[1], "told apart: {answers:?}");
    t.session(&known).await?;
    Ok(())
}

async fn nobody_takes_an_address_in_advance(t: Trial) -> Verdict {
    let email = t.fresh_email();
    register(&t, &email, OTHER_PASSWORD).await?;
    let stranger = t.mailed_token(&email, "reactivate", 1).await?;
    register(&t, &email, PASSWORD).await?;
    let owner = t.mailed_token(&email, "reactivate", 2).await?;
    ensure!(confirm(&t, &owner).await?.status == 200, "not confirmed");
    t.session(&email).await?;
    confirm(&t, &stranger).await?.is(400, "token_invalid")?;
    let refused = t.try_login(&email, OTHER_PASSWORD).await;
    refused.refused(401, ErrorCode::InvalidCredentials)?;
    t.session(&email).await?;
    Ok(())
}

async fn the_link_is_mailed_again_on_request(t: Trial) -> Verdict {
    let email = t.fresh_email();
    register(&t, &email, PASSWORD).await?;
    ensure!(t.mailed_links(&email, "reactivate").await? == 1, "no link");
    let address = ReactivateRequestEmail::try_from(email.as_str())?;
    let request = t.anonymous();
    let request = request
        .reactivate_request()
        .body_map(|body| body.email(address));
    request.send().await.granted()?;
    let again = t.mailed_token(&email, "reactivate", 2).await?;
    ensure!(confirm(&t, &again).await?.status == 200, "not confirmed");
    t.session(&email).await?;
    Ok(())
}
