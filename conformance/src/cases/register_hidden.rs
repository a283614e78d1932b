//! `register.hide_existing`: nobody but the owner learns that an address has an account.

use std::collections::BTreeSet;

use anyhow::ensure;
use bp_auth_client::ErrorCode;
use serde_json::{Value, json};

use super::register::post;
use crate::case;
use crate::case::{Case, Profile, Verdict};
use crate::kit::{Granted, PASSWORD, Raw};
use crate::trial::Trial;

const HIDDEN: &[Profile] = &[Profile::HideExisting];
const OTHER_PASSWORD: &str = "another fine password 7";

pub const CASES: &[Case] = &[
    case!(
        a_taken_address_is_answered_like_a_free_one,
        "With `register.hide_existing=true` a taken address gets the same 201 shape as a free one, with what was just typed and fresh ids."
    )
    .only(HIDDEN),
    case!(
        a_closed_account_is_hidden_too,
        "With `register.hide_existing=true` the address of a deactivated or suspended account is answered alike."
    )
    .operator()
    .only(HIDDEN),
    case!(
        a_hidden_attempt_changes_nothing,
        "With `register.hide_existing=true` an attempt on a taken address changes nothing in its account and makes no other."
    )
    .only(HIDDEN),
    case!(
        the_owner_is_told_at_most_hourly,
        "With `register.hide_existing=true` the owner of a taken address gets a mail about the attempt, at most one an hour."
    )
    .clock()
    .messages()
    .only(HIDDEN),
    case!(
        the_notice_goes_to_the_owner_only,
        "The mail about an attempt goes to the address as the owner typed it and carries nothing that the attempt brought."
    )
    .messages()
    .only(HIDDEN),
];

/// What can be told apart without knowing what is in it: names and kinds, not values.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.iter();
            members
                .map(|(name, member)| (name.clone(), shape(member)))
                .collect()
        }
        Value::Array(items) => items.iter().map(shape).collect(),
        Value::String(_) => json!("string"),
        other => other.clone(),
    }
}

pub fn same_shape(taken: &Raw, free: &Raw) -> Verdict {
    ensure!(
        (taken.status, free.status) == (201, 201),
        "answered {} and {}",
        taken.status,
        free.status
    );
    let (left, right) = (shape(&taken.json()), shape(&free.json()));
    ensure!(left == right, "{left} is told apart from {right}");
    let names = |answer: &Raw| -> BTreeSet<String> {
        answer.headers.keys().map(ToString::to_string).collect()
    };
    ensure!(names(taken) == names(free), "the headers tell");
    Ok(())
}

async fn a_taken_address_is_answered_like_a_free_one(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let owner = ada.client.me().send().await.granted()?;
    let with = |email: &str| json!({ "email": email, "password": PASSWORD, "full_name": "Eve" });
    let typed = ada.email.to_uppercase();
    let taken = post(&t, &with(&typed)).await?;
    let free = post(&t, &with(&t.fresh_email())).await?;
    same_shape(&taken, &free)?;
    let body = taken.json();
    ensure!(body["email"] == json!(typed), "not what was typed");
    ensure!(body["full_name"] == "Eve" && body["tenant"]["plan"] == "free");
    ensure!(body["tenant"]["name"] != json!(owner.tenant.name));
    ensure!(body["id"] != json!(owner.id), "the owner's id");
    ensure!(body["tenant"]["id"] != json!(owner.tenant.id));
    let again = post(&t, &with(&typed)).await?;
    ensure!(again.json()["id"] != body["id"], "one made-up id for all");
    Ok(())
}

async fn a_closed_account_is_hidden_too(t: Trial) -> Verdict {
    for action in ["deactivate", "suspend"] {
        let ada = t.register().await?;
        t.operator(action, &ada.email).await?;
        let with = |email: &str| json!({ "email": email, "password": OTHER_PASSWORD });
        let taken = post(&t, &with(&ada.email)).await?;
        same_shape(&taken, &post(&t, &with(&t.fresh_email())).await?)?;
        let refused = t.try_login(&ada.email, OTHER_PASSWORD).await;
        refused.refused(401, ErrorCode::InvalidCredentials)?;
    }
    Ok(())
}

async fn a_hidden_attempt_changes_nothing(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let before = ada.client.me().send().await.granted()?;
    let body = json!({ "email": ada.email, "password": OTHER_PASSWORD, "full_name": "Eve" });
    ensure!(post(&t, &body).await?.status == 201);
    let after = ada.client.me().send().await.granted()?;
    ensure!(
        serde_json::to_value(&before)? == serde_json::to_value(&after)?,
        "the profile has changed"
    );
    let refused = t.try_login(&ada.email, OTHER_PASSWORD).await;
    refused.refused(401, ErrorCode::InvalidCredentials)?;
    let again = t.session(&ada.email).await?;
    ensure!(again.tokens.user.id == before.id, "another account");
    Ok(())
}

async fn the_owner_is_told_at_most_hourly(t: Trial) -> Verdict {
    let ada = t.register().await?;
    let body = json!({ "email": ada.email, "password": OTHER_PASSWORD });
    let told = async |expected: usize| -> Verdict {
        let mails = t.settled_messages(&ada.email).await?.len();
        ensure!(mails == expected, "{mails} mails, not {expected}");
        Ok(())
    };
    told(1).await?;
    for _ in 0..3 {
        ensure!(post(&t, &body).await?.status == 201);
    }
    told(2).await?;
    t.advance_secs(3599)?;
    ensure!(post(&t, &body).await?.status == 201);
    told(2).await?;
    t.advance_secs(1)?;
    for _ in 0..2 {
        ensure!(post(&t, &body).await?.status == 201);
    }
    told(3).await
}

async fn the_notice_goes_to_the_owner_only(t: Trial) -> Verdict {
    let ada = t.register().await?;
    let typed = ada.email.to_uppercase();
    let body = json!({ "email": typed, "password": OTHER_PASSWORD, "full_name": "Eve Mallory" });
    ensure!(post(&t, &body).await?.status == 201);
    let mails = t.settled_messages(&ada.email).await?;
    ensure!(mails.len() == 2, "{} mails to the owner", mails.len());
    ensure!(t.messages(&typed, 0).await?.is_empty(), "a mail as typed");
    for brought in [OTHER_PASSWORD, "Mallory"] {
        ensure!(!mails[1].text.contains(brought), "{brought} is in the mail");
    }
    Ok(())
}
