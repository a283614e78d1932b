//! The document itself.

use anyhow::ensure;

use crate::case;
use crate::case::{Case, Profile, Verdict};
use crate::examples;
use crate::kit::Raw;
use crate::trial::Trial;

pub const CASES: &[Case] = &[
    case!(
        the_server_shows_the_document_it_is_held_to,
        "`GET /openapi.json` answers with the committed document, byte for byte."
    ),
    case!(
        the_examples_of_the_reference_are_what_a_server_says,
        "The examples of the API reference are real exchanges: the same story gives the same ones again."
    )
    .messages()
    .operator()
    .clock()
    .only(&[Profile::Strict]),
];

async fn the_server_shows_the_document_it_is_held_to(t: Trial) -> Verdict {
    let served = Raw::of(t.http().get(t.at("/openapi.json"))).await?;
    ensure!(served.status == 200, "answered {}", served.status);
    ensure!(
        served.text == crate::SNAPSHOT,
        "it is not the committed one"
    );
    Ok(())
}

async fn the_examples_of_the_reference_are_what_a_server_says(t: Trial) -> Verdict {
    let told = examples::collect(&t).await?;
    let differs = told
        .lines()
        .zip(examples::COMMITTED.lines())
        .position(|(now, then)| now != then);
    ensure!(
        told == examples::COMMITTED,
        "they differ from line {} on; review what `cargo examples` writes",
        differs.map_or(0, |line| line + 1)
    );
    Ok(())
}
