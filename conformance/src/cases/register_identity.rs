//! What is an e-mail address, a password or a phone number, at registration and at login.

use anyhow::{Result, ensure};
use bp_auth_client::ErrorCode;
use serde_json::{Value, json};

use super::register::post;
use crate::case;
use crate::case::{Case, Profile, Setting, Verdict};
use crate::kit::{Granted, PASSWORD, Raw};
use crate::trial::Trial;

pub const CASES: &[Case] = &[
    case!(
        the_typed_form_is_kept_for_display,
        "An address is shown as it was typed, without the spaces around it, whatever it is looked up by."
    )
    .depends_on(Setting::TAKEN),
    case!(
        one_address_has_many_spellings,
        "Addresses are compared trimmed, in NFC, in lower case, their domains as A-labels: every spelling is taken."
    )
    .only(&Profile::OPEN_REGISTRATION),
    case!(
        domains_are_mapped_without_transition,
        "Domains are mapped by UTS 46 non-transitional processing: `ß` is not `ss`, so these are two accounts."
    )
    .depends_on(Setting::TAKEN),
    case!(
        only_the_space_is_trimmed,
        "Only U+0020 is trimmed from an address; any other white space around it is a 422 at `email`."
    )
    .depends_on(Setting::TAKEN),
    case!(
        what_cannot_be_seen_is_no_part_of_an_address,
        "Default-ignorable characters are dropped from an address: it is shown without them, and either form finds the account."
    )
    .depends_on(Setting::TAKEN),
    case!(
        the_local_part_is_ascii_as_typed,
        "The local part is ASCII in the typed form: a letter that lower case would make ASCII is a 422 at `email`."
    )
    .depends_on(Setting::TAKEN),
    case!(
        what_is_no_address_is_refused,
        "What is no e-mail address is a 422 at `email`."
    )
    .depends_on(Setting::TAKEN),
    case!(
        an_address_has_at_most_254_characters,
        "An address has at most 254 characters: 255 are a 422 at `email`."
    )
    .depends_on(Setting::TAKEN),
    case!(
        a_password_has_8_to_128_characters,
        "A password has 8 to 128 code points; shorter and longer ones are a 422 at `password`."
    )
    .depends_on(Setting::TAKEN),
    case!(
        characters_are_counted_after_composition,
        "A password's length is counted in code points after NFC."
    )
    .depends_on(Setting::TAKEN),
    case!(
        bytes_are_counted_before_composition,
        "A password has at most 1024 bytes before NFC, however few code points that is."
    )
    .depends_on(Setting::TAKEN),
    case!(
        there_are_no_composition_rules,
        "A password needs no mixture of letters, digits and signs, and may contain any."
    )
    .depends_on(Setting::TAKEN),
    case!(
        an_easy_password_is_weak,
        "A password that is easy to guess is 422 `weak_password` at `password`, and the answer does not repeat it."
    )
    .depends_on(Setting::TAKEN),
    case!(
        a_known_word_beside_digits_and_signs_is_weak,
        "A word, a name, a season, a walk over the keyboard or a word of the user's own is 422 `weak_password` beside a year, digits or signs, whatever look-alikes hide it."
    )
    .depends_on(Setting::TAKEN),
    case!(
        ones_own_data_is_a_weak_password,
        "A password made of the user's address, its local part or the name is 422 `weak_password`, though it is good for somebody else."
    )
    .depends_on(Setting::TAKEN),
    case!(
        the_first_100_characters_are_judged,
        "Strength is judged by the first 100 characters."
    )
    .depends_on(Setting::TAKEN),
    case!(
        a_phone_is_kept_in_e164,
        "A phone number is read as people write it, with blanks, dashes, brackets and the trunk zero, and is kept and answered in E.164 only."
    )
    .depends_on(Setting::TAKEN),
    case!(
        a_phone_that_cannot_exist_is_refused,
        "What is no international number, or one that nobody can have, is a 422 at `phone`."
    )
    .depends_on(Setting::TAKEN),
    case!(
        a_phone_that_costs_extra_is_not_allowed,
        "A premium, shared-cost, toll-free, company, pager or voicemail number is 422 `phone_not_allowed` at `phone`."
    )
    .depends_on(Setting::TAKEN),
];

async fn try_password(t: &Trial, password: &str) -> Result<Raw> {
    post(
        t,
        &json!({ "email": t.fresh_email(), "password": password }),
    )
    .await
}

/// 422 at exactly this field.
#[track_caller]
fn blames(answer: &Raw, code: &str, field: &str, what: &str) -> Verdict {
    answer
        .is(422, code)
        .map_err(|error| error.context(format!("for {what:?}")))?;
    let body = answer.json();
    let errors = body["errors"].as_array().cloned().unwrap_or_default();
    ensure!(
        errors.len() == 1 && errors[0]["loc"] == json!(["body", field]),
        "{what:?} is blamed on {:?}",
        errors.iter().map(|one| &one["loc"]).collect::<Vec<_>>()
    );
    Ok(())
}

#[track_caller]
fn created(answer: &Raw, what: &str) -> Verdict {
    let at = std::panic::Location::caller();
    ensure!(
        answer.status == 201,
        "answered {} to {what:?} ({at})",
        answer.status
    );
    Ok(())
}

async fn the_typed_form_is_kept_for_display(t: Trial) -> Verdict {
    let name = t.fresh("Ada");
    let typed = format!("{name}@Example.COM");
    let body = json!({ "email": format!("  {typed} "), "password": PASSWORD });
    let answer = post(&t, &body).await?;
    created(&answer, &typed)?;
    ensure!(answer.json()["email"] == json!(typed));
    let ada = t.session(&typed.to_lowercase()).await?;
    ensure!(ada.tokens.user.email == typed);
    let me = ada.client.me().send().await.granted()?;
    ensure!(me.email == typed, "shown as {}", me.email);
    Ok(())
}

async fn one_address_has_many_spellings(t: Trial) -> Verdict {
    let name = t.fresh("ada");
    let body = |email: &str| json!({ "email": email, "password": PASSWORD });
    created(
        &post(&t, &body(&format!("{name}@bücher.example"))).await?,
        &name,
    )?;
    for spelling in [
        format!("{}@bücher.example", name.to_uppercase()),
        format!("{name}@BÜCHER.example"),
        format!("  {name}@bücher.example "),
        format!("{name}@xn--bcher-kva.example"),
        format!("{name}@bu\u{308}cher.Example"),
    ] {
        post(&t, &body(&spelling)).await?.is(409, "email_taken")?;
        t.session(&spelling).await?;
    }
    Ok(())
}

async fn domains_are_mapped_without_transition(t: Trial) -> Verdict {
    let name = t.fresh("ada");
    let mut ids = Vec::new();
    for (domain, password) in [
        ("straße.example", PASSWORD),
        ("strasse.example", "another fine password 7"),
    ] {
        let email = format!("{name}@{domain}");
        let body = json!({ "email": email, "password": password });
        created(&post(&t, &body).await?, domain)?;
        let login = t.try_login(&email, password).await.granted()?;
        ids.push(match login {
            bp_auth_client::types::LoginResponse::TokenResponse(tokens) => tokens.user.id,
            other => anyhow::bail!("a second factor: {other:?}"),
        });
    }
    ensure!(ids[0] != ids[1], "one account for two domains");
    Ok(())
}

async fn only_the_space_is_trimmed(t: Trial) -> Verdict {
    for space in ["\u{a0}", "\u{2003}", "\u{3000}", "\t", "\n"] {
        let email = t.fresh_email();
        for typed in [format!("{space}{email}"), format!("{email}{space}")] {
            let body = json!({ "email": typed, "password": PASSWORD });
            blames(&post(&t, &body).await?, "validation_error", "email", &typed)?;
        }
    }
    Ok(())
}

async fn what_cannot_be_seen_is_no_part_of_an_address(t: Trial) -> Verdict {
    for (before, after) in [
        ("", "\u{200b}"),
        ("\u{feff}", ""),
        ("\u{202a}", "\u{202c} "),
    ] {
        let email = t.fresh_email();
        let typed = format!("{before}{email}{after}");
        let body = json!({ "email": typed, "password": PASSWORD });
        let answer = post(&t, &body).await?;
        created(&answer, &typed)?;
        ensure!(answer.json()["email"] == json!(email), "{}", answer.text);
        for spelling in [&email, &typed] {
            let again = t.session(spelling).await?;
            ensure!(again.tokens.user.email == email);
        }
    }
    Ok(())
}

async fn the_local_part_is_ascii_as_typed(t: Trial) -> Verdict {
    // The Kelvin sign's lower case is an ASCII k; full-width letters are ASCII after NFKC.
    for letter in ["ä", "\u{212a}", "\u{ff41}", "\u{430}"] {
        let typed = format!("{letter}{}", t.fresh_email());
        let body = json!({ "email": typed, "password": PASSWORD });
        blames(&post(&t, &body).await?, "validation_error", "email", &typed)?;
    }
    Ok(())
}

async fn what_is_no_address_is_refused(t: Trial) -> Verdict {
    for typed in [
        "",
        "   ",
        "ada",
        "ada@",
        "@example.com",
        "ada@localhost",
        "a b@example.com",
        "ada@exa mple.com",
        "ada@@example.com",
        ".ada@example.com",
        "ada@-example.com",
        "ada@example..com",
        "ada@example.com, eve@example.com",
        "Ada <ada@example.com>",
    ] {
        let body = json!({ "email": typed, "password": PASSWORD });
        blames(&post(&t, &body).await?, "validation_error", "email", typed)?;
    }
    Ok(())
}

async fn an_address_has_at_most_254_characters(t: Trial) -> Verdict {
    let long = |letters: usize| {
        let local = format!("{:a<64}", t.fresh("x"));
        let (a, b) = ("a".repeat(63), "b".repeat(63));
        format!("{local}@{a}.{b}.{}.example", "c".repeat(letters))
    };
    let (fits, exceeds) = (long(53), long(54));
    ensure!((fits.len(), exceeds.len()) == (254, 255));
    let body = |email: &str| json!({ "email": email, "password": PASSWORD });
    created(&post(&t, &body(&fits)).await?, &fits)?;
    t.session(&fits).await?;
    let answer = post(&t, &body(&exceeds)).await?;
    blames(&answer, "validation_error", "email", &exceeds)
}

async fn a_password_has_8_to_128_characters(t: Trial) -> Verdict {
    let long = "zQ7!mKw9".repeat(16);
    for (password, good) in [
        ("xk9#Qv2", false),
        ("xk9#Qv2%", true),
        (long.as_str(), true),
        (&format!("{long}z"), false),
        ("", false),
    ] {
        let answer = try_password(&t, password).await?;
        match good {
            true => created(&answer, password)?,
            false => blames(&answer, "validation_error", "password", password)?,
        }
    }
    Ok(())
}

async fn characters_are_counted_after_composition(t: Trial) -> Verdict {
    // Ten code points that compose to seven, and eleven that compose to eight.
    let seven = "e\u{301}Z\u{30c}9#w\u{302}3L";
    let eight = format!("{seven}k");
    let answer = try_password(&t, seven).await?;
    blames(&answer, "validation_error", "password", seven)?;
    created(&try_password(&t, &eight).await?, &eight)?;
    // 256 code points that compose to 128, and one more.
    let long: String = (0..128usize)
        .flat_map(|n| {
            [
                char::from(ACUTE[(n * n * 3 + n * 5) % ACUTE.len()]),
                '\u{301}',
            ]
        })
        .collect();
    created(&try_password(&t, &long).await?, &long)?;
    let answer = try_password(&t, &format!("{long}k")).await?;
    blames(&answer, "validation_error", "password", "129 characters")
}

/// Letters that compose with an acute accent.
const ACUTE: &[u8] = b"acegiklmnoprsuwyzACEGIKLMNOPRSUWYZ";

/// Syllables in nine bytes each that compose to one code point each.
fn jamo(syllables: u32) -> String {
    let jamo = |base: u32, number: u32| char::from_u32(base + number).unwrap_or_default();
    let syllable = |number: u32| {
        [
            jamo(0x1100, number * 7 % 19),
            jamo(0x1161, number * 5 % 21),
            jamo(0x11a8, number * 11 % 27),
        ]
    };
    (0..syllables).flat_map(syllable).collect()
}

async fn bytes_are_counted_before_composition(t: Trial) -> Verdict {
    let fits = format!("{}kQ7!x9Z", jamo(113));
    let exceeds = format!("{fits}3");
    ensure!((fits.len(), exceeds.len()) == (1024, 1025));
    created(&try_password(&t, &fits).await?, "1024 bytes")?;
    for (password, what) in [
        (exceeds, "1025 bytes, 121 code points"),
        (jamo(114), "1026 bytes, 114 code points"),
    ] {
        let answer = try_password(&t, &password).await?;
        blames(&answer, "validation_error", "password", what)?;
    }
    Ok(())
}

async fn there_are_no_composition_rules(t: Trial) -> Verdict {
    for password in [
        "velvet umbrella tractor oyster",
        "VELVETUMBRELLATRACTOROYSTER",
        "7391846205573",
        "!%&/()=?#+*~;",
        "паровоз кочерга облако",
        "🦊🧭🪵🫖🧨🪁🎷🦑",
    ] {
        let email = t.fresh_email();
        let body = json!({ "email": email, "password": password });
        created(&post(&t, &body).await?, password)?;
        t.try_login(&email, password).await.granted()?;
    }
    Ok(())
}

async fn an_easy_password_is_weak(t: Trial) -> Verdict {
    for password in [
        "aaaaaaaaaaaa",
        "qwertyuiop",
        "sunshine1",
        "abcdefgh12345678",
    ] {
        let answer = try_password(&t, password).await?;
        blames(&answer, "weak_password", "password", password)?;
        ensure!(!answer.text.contains(password), "it is repeated");
    }
    Ok(())
}

async fn a_known_word_beside_digits_and_signs_is_weak(t: Trial) -> Verdict {
    for password in [
        "Summer2024!",
        "Admin@123",
        "Letmein123!",
        "P@$$w0rd2023",
        "Michael1987!",
        "1qaz@WSX",
        "Qwertz123!",
        "!!December24",
    ] {
        let answer = try_password(&t, password).await?;
        blames(&answer, "weak_password", "password", password)?;
    }
    let name = json!({
        "email": t.fresh_email(), "full_name": "Zaphod Quillfeather", "password": "Qu1llfeather-77",
    });
    let answer = post(&t, &name).await?;
    blames(&answer, "weak_password", "password", "a name")?;
    let good = "quillfeather meets seven lanterns";
    created(&try_password(&t, good).await?, good)
}

async fn ones_own_data_is_a_weak_password(t: Trial) -> Verdict {
    let (local, name) = (t.fresh("local"), t.fresh("name"));
    let email = format!("{local}@example.com");
    let with = |email: &str, name: &str, password: &str| -> Value {
        json!({ "email": email, "full_name": name, "password": password })
    };
    for own in [&email, &local, &name] {
        let answer = post(&t, &with(&email, &name, own)).await?;
        blames(&answer, "weak_password", "password", own)?;
        let elsewhere = with(&t.fresh_email(), "Somebody Else", own);
        created(&post(&t, &elsewhere).await?, own)?;
    }
    let refused = t.try_login(&email, &local).await;
    refused.refused(401, ErrorCode::InvalidCredentials)?;
    Ok(())
}

async fn the_first_100_characters_are_judged(t: Trial) -> Verdict {
    let strong = "vK3#tq9!Zr7$Lw2%";
    let late = format!("{}{strong}", "a".repeat(100));
    let answer = try_password(&t, &late).await?;
    blames(&answer, "weak_password", "password", &late)?;
    let early = format!("{}{strong}", "a".repeat(84));
    created(&try_password(&t, &early).await?, &early)
}

fn with_phone(t: &Trial, phone: &str) -> Value {
    json!({ "email": t.fresh_email(), "password": PASSWORD, "phone": phone })
}

async fn a_phone_is_kept_in_e164(t: Trial) -> Verdict {
    for (typed, kept) in [
        ("+4915112345678", "+4915112345678"),
        (" +49 151 12345678 ", "+4915112345678"),
        ("+49-151-123-456-78", "+4915112345678"),
        ("+49 (0)151 / 12345678", "+4915112345678"),
        ("+4407400123456", "+447400123456"),
        ("+390669821234", "+390669821234"),
    ] {
        let body = with_phone(&t, typed);
        let answer = post(&t, &body).await?;
        created(&answer, typed)?;
        ensure!(answer.json()["phone"] == kept, "{typed}: {}", answer.text);
        let email = body["email"].as_str().unwrap_or_default();
        let me = t.session(email).await?.client.me().send().await.granted()?;
        ensure!(me.phone.as_deref() == Some(kept), "{typed}: {:?}", me.phone);
    }
    Ok(())
}

async fn a_phone_that_cannot_exist_is_refused(t: Trial) -> Verdict {
    for phone in [
        "0151 12345678",
        "4915112345678",
        "004915112345678",
        "+0915112345678",
        "+4915112345678901",
        "+49",
        "+",
        "+999123456789",
        "+10000000000",
        "+15555555555",
        "+49 151 12345678 ext. 9",
        "+1 202 FLOWERS",
    ] {
        let answer = post(&t, &with_phone(&t, phone)).await?;
        blames(&answer, "validation_error", "phone", phone)?;
    }
    Ok(())
}

async fn a_phone_that_costs_extra_is_not_allowed(t: Trial) -> Verdict {
    for phone in [
        "+449091234567",
        "+19002345678",
        "+49180123456",
        "+18002345678",
        "+445512345678",
        "+447640123456",
        "+49177991234567",
    ] {
        let body = with_phone(&t, phone);
        let answer = post(&t, &body).await?;
        blames(&answer, "phone_not_allowed", "phone", phone)?;
        let email = body["email"].as_str().unwrap_or_default();
        t.try_login(email, PASSWORD)
            .await
            .refused(401, ErrorCode::InvalidCredentials)?;
    }
    Ok(())
}
