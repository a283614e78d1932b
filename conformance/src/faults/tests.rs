use std::collections::BTreeSet;

use super::{How, all};
use crate::cases;

#[test]
fn there_are_faults_of_every_kind_and_each_has_a_name_of_its_own() {
    let faults = all();
    assert!(faults.len() >= 25, "{} faults", faults.len());
    let kinds: [fn(&How) -> bool; 3] = [
        |how| matches!(how, How::Proxy(_)),
        |how| matches!(how, How::Database(_)),
        |how| matches!(how, How::Settings(_)),
    ];
    for kind in kinds {
        assert!(faults.iter().any(|fault| kind(&fault.how)));
    }
    let mut names = BTreeSet::new();
    for fault in faults {
        assert!(names.insert(fault.name), "{} is there twice", fault.name);
        assert!(
            fault.what.ends_with('.'),
            "{} is not a sentence",
            fault.name
        );
    }
}

#[test]
fn every_fault_names_cases_that_are_there_and_run_in_its_profile() {
    let cases = cases::all();
    for fault in all() {
        assert!(
            !fault.caught_by.is_empty(),
            "nobody has to notice {}",
            fault.name
        );
        for id in fault.caught_by {
            let case = cases.iter().find(|case| case.id() == *id);
            let case = case.unwrap_or_else(|| panic!("{}: there is no case {id}", fault.name));
            assert!(
                case.is_tried_in(fault.profile),
                "{}: {id} does not run in {}",
                fault.name,
                fault.profile
            );
        }
    }
}
