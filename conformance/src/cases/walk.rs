//! A random walk over the state machine of logins and factors, held against a model of it.

use crate::case;
use crate::case::{Case, Profile, Verdict};
use crate::trial::Trial;
use crate::walk::walk;

pub const CASES: &[Case] = &[
    case!(
        no_walk_of_one_person_leads_past_the_second_factor,
        "Whatever one user does, and an operator to them, `GET /me` never accepts a token of a user with a second factor who has shown neither that nor a trusted device, and every answer is the one that a model of the contract predicts."
    )
    .messages()
    .operator()
    .clock()
    .unhurried()
    .only(&[Profile::Strict]),
    case!(
        no_walk_of_several_people_leads_past_the_second_factor,
        "What several users do, and try with each other's devices and codes, opens nothing to a user with a second factor who has shown neither that nor a trusted device, and every answer is the one that a model of the contract predicts."
    )
    .messages()
    .operator()
    .clock()
    .unhurried()
    .only(&[Profile::Strict]),
];

async fn no_walk_of_one_person_leads_past_the_second_factor(t: Trial) -> Verdict {
    walk::<1>(t).await
}

async fn no_walk_of_several_people_leads_past_the_second_factor(t: Trial) -> Verdict {
    walk::<3>(t).await
}
