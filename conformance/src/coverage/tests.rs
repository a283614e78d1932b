use super::*;

fn contract() -> Contract {
    Contract::parse(crate::SNAPSHOT).unwrap()
}

/// Everything that the gates ask for.
fn complete(contract: &Contract) -> Coverage {
    let mut coverage = Coverage::default();
    for operation in &contract.operations {
        for status in [operation.success(), 422] {
            let key = (operation.id, status, String::new());
            coverage.seen.insert(key, 1);
        }
    }
    let excepted = |code: &String| EXCEPTIONS.iter().any(|(name, _)| name == code);
    let codes = contract.error_codes.iter();
    coverage.codes = codes.filter(|code| !excepted(code)).cloned().collect();
    coverage
}

#[test]
fn a_run_that_has_met_everything_has_no_gap() {
    let contract = contract();
    assert_eq!(complete(&contract).gaps(&contract), Vec::<String>::new());
}

#[test]
fn a_success_a_422_and_a_code_that_nobody_produced_are_gaps() {
    let contract = contract();
    let mut coverage = complete(&contract);
    coverage.seen.remove(&("me", 200, String::new()));
    coverage.seen.remove(&("register", 422, String::new()));
    coverage.codes.remove("token_reused");
    assert_eq!(
        coverage.gaps(&contract),
        [
            "me never answered 200",
            "register never answered 422",
            "no answer had error_code token_reused"
        ]
    );
}

#[test]
fn an_exception_that_is_produced_after_all_must_go() {
    let contract = contract();
    let mut coverage = complete(&contract);
    coverage.codes.insert(EXCEPTIONS[0].0.to_owned());
    let gaps = coverage.gaps(&contract);
    assert_eq!(gaps.len(), 1);
    assert!(gaps[0].contains("take it off"), "{gaps:?}");
}
