//! Which of several credentials counts.

use anyhow::ensure;

use crate::case;
use crate::case::{Case, Profile, Verdict};
use crate::kit::{Granted, Raw};
use crate::matrix::credential::{Owner, Wall};
use crate::matrix::verdict;
use crate::trial::Trial;

pub const CASES: &[Case] = &[
    case!(
        a_bad_authorization_is_not_rescued_by_anything_beside_it,
        "A present but bad `Authorization` is 401 at every operation that asks for a credential, whatever good cookie or API key is beside it."
    )
    .only(&[Profile::Strict]),
    case!(
        authorization_wins_over_the_cookie_and_the_cookie_over_the_api_key,
        "Of several good credentials `Authorization` counts, else the cookie, else the API key."
    ),
    case!(
        of_two_cookies_the_first_that_verifies_counts,
        "Of two cookies `bp_token` the first that verifies counts, in one header or in two; one of an ended session does not."
    ),
    case!(
        a_bad_cookie_is_not_rescued_by_an_api_key,
        "A cookie `bp_token` that does not verify is 401, whatever API key is beside it."
    ),
    case!(
        the_scheme_is_written_in_any_case,
        "The scheme `bearer` is case-insensitive."
    ),
];

async fn a_bad_authorization_is_not_rescued_by_anything_beside_it(t: Trial) -> Verdict {
    let owner = Owner::new(&t).await?;
    let wall = Wall::new(&t, owner.device)?;
    let mut said = Vec::new();
    for operation in wall.guarded() {
        for (bad, code) in [
            ("Bearer garbage".to_owned(), "token_invalid"),
            (
                format!("Bearer {}", owner.api_key.expose()),
                "token_invalid",
            ),
            ("Basic YWRhOnNlY3JldA==".to_owned(), "not_authenticated"),
            (format!("Token {}", owner.access()), "not_authenticated"),
        ] {
            let headers = [
                ("cookie", cookies(&[owner.access()])),
                ("x-api-key", owner.api_key.expose().to_owned()),
                ("authorization", bad.clone()),
            ];
            let answer = wall.with_headers(operation, &headers).await?;
            let objection = answer.is(401, code).err();
            said.push(objection.map(|error| format!("{} beside {bad:.14}: {error}", operation.id)));
        }
    }
    verdict(said)?;
    owner.is_unharmed(&t).await
}

async fn authorization_wins_over_the_cookie_and_the_cookie_over_the_api_key(t: Trial) -> Verdict {
    let (ada, bob, eve) = (
        t.newcomer().await?,
        t.newcomer().await?,
        t.newcomer().await?,
    );
    let key = eve.client.rotate_api_key().send().await.granted()?;
    let bearer = (
        "authorization",
        format!("Bearer {}", ada.tokens.access_token.expose()),
    );
    let cookie = ("cookie", cookies(&[bob.tokens.access_token.expose()]));
    let key = ("x-api-key", key.api_key.expose().to_owned());
    for (headers, owner) in [
        (vec![&bearer, &cookie, &key], &ada),
        (vec![&bearer, &key], &ada),
        (vec![&cookie, &key], &bob),
        (vec![&key], &eve),
    ] {
        is_me(&t, &headers, &owner.email).await?;
    }
    Ok(())
}

async fn of_two_cookies_the_first_that_verifies_counts(t: Trial) -> Verdict {
    let (ada, bob) = (t.newcomer().await?, t.newcomer().await?);
    let [one, two] = [&ada, &bob].map(|session| session.tokens.access_token.expose());
    for (tokens, owner) in [
        ([one, two], &ada),
        ([two, one], &bob),
        (["garbage", one], &ada),
        ([one, "garbage"], &ada),
    ] {
        is_me(&t, &[&("cookie", cookies(&tokens))], &owner.email).await?;
        let apart = tokens.map(|token| ("cookie", cookies(&[token])));
        is_me(&t, &[&apart[0], &apart[1]], &owner.email).await?;
    }
    ada.client.logout().send().await.granted()?;
    for tokens in [[one, two], [two, one]] {
        is_me(&t, &[&("cookie", cookies(&tokens))], &bob.email).await?;
    }
    Ok(())
}

async fn a_bad_cookie_is_not_rescued_by_an_api_key(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let key = ada.client.rotate_api_key().send().await.granted()?;
    for page in ["me", "me/entitlements"] {
        let request = t.http().get(t.at(&format!("/api/auth/{page}")));
        let request = request.header("cookie", "bp_token=garbage");
        let request = request.header("x-api-key", key.api_key.expose());
        Raw::of(request).await?.is(401, "token_invalid")?;
    }
    Ok(())
}

async fn the_scheme_is_written_in_any_case(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    for scheme in ["bearer", "BEARER", "bEaReR"] {
        let token = ada.tokens.access_token.expose();
        let header = ("authorization", format!("{scheme} {token}"));
        is_me(&t, &[&header], &ada.email).await?;
    }
    Ok(())
}

fn cookies(tokens: &[&str]) -> String {
    let pairs: Vec<String> = tokens
        .iter()
        .map(|token| format!("bp_token={token}"))
        .collect();
    pairs.join("; ")
}

async fn is_me(t: &Trial, headers: &[&(&str, String)], email: &str) -> Verdict {
    let mut request = t.http().get(t.at("/api/auth/me"));
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    let answer = Raw::of(request).await?;
    ensure!(answer.status == 200, "answered {}", answer.text);
    let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
    ensure!(
        answer.json()["email"] == email,
        "of {names:?} another counted than the first"
    );
    Ok(())
}
