use std::collections::BTreeSet;

use super::all;

#[test]
fn every_case_has_a_name_of_its_own_and_a_sentence() {
    let mut names = BTreeSet::new();
    for case in all() {
        assert!(names.insert(case.id()), "{} is there twice", case.id());
        assert!(
            case.sentence.len() > 20 && case.sentence.ends_with('.'),
            "{} holds to no sentence",
            case.id()
        );
        assert!(!case.profiles.is_empty(), "{} is never tried", case.id());
    }
}
