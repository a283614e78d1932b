//! The document itself.

use anyhow::ensure;

use crate::case;
use crate::case::{Case, Verdict};
use crate::kit::Raw;
use crate::trial::Trial;

pub const CASES: &[Case] = &[case!(
    the_server_shows_the_document_it_is_held_to,
    "`GET /openapi.json` answers with the committed document, byte for byte."
)];

async fn the_server_shows_the_document_it_is_held_to(t: Trial) -> Verdict {
    let served = Raw::of(t.http().get(t.at("/openapi.json"))).await?;
    ensure!(served.status == 200, "answered {}", served.status);
    ensure!(
        served.text == crate::SNAPSHOT,
        "it is not the committed one"
    );
    Ok(())
}
