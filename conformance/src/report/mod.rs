//! What is told of a run: lines or a bar while it goes on, a summary at its end, and files for machines
//! and people.

pub mod html;
pub mod junit;
mod progress;
mod summary;

use crate::case::{Case, Profile};

pub use progress::Progress;
pub use summary::Summary;

/// Every case, its sentence, and what it needs.
pub fn list(cases: &[Case]) {
    for case in cases {
        let tried = Profile::ALL.iter().filter(|one| case.is_tried_in(**one));
        let profiles: Vec<String> = tried.map(ToString::to_string).collect();
        println!(
            "{}\n    {}\n    [{}]",
            case.id(),
            case.sentence,
            profiles.join(", ")
        );
    }
    println!("{} cases", cases.len());
}
