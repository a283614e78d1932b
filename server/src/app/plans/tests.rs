use super::*;

fn refusal(text: &str) -> String {
    Plans::parse(text).unwrap_err().to_string()
}

#[test]
fn free_is_built_in_and_answers_for_unknown_plans() {
    let plans = Plans::load(None).unwrap();
    assert_eq!(plans.get("no-such-plan"), plans.get(FREE));
    assert!(plans.contains(FREE) && !plans.contains("no-such-plan"));
    let free = plans.get(FREE);
    let on: Vec<_> = free
        .features
        .iter()
        .filter(|(_, on)| **on)
        .map(|(key, _)| key)
        .collect();
    assert_eq!(on, ["api_access", "mfa"]);
    assert_eq!(free.features.len(), 5);
    let limit = |key: &str| {
        free.limits
            .get(key)
            .map(|limit| (limit.limit, limit.period))
    };
    assert_eq!(limit("seats"), Some((Some(1), Period::None)));
    assert_eq!(limit("api_keys"), Some((Some(1), Period::None)));
    assert_eq!(limit("trusted_devices"), Some((Some(20), Period::None)));
    assert_eq!(limit("api_requests"), Some((Some(1000), Period::Day)));
}

#[test]
fn the_example_is_valid_and_fills_up_from_free() {
    let path = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../docs/plans.example.toml"
    ));
    let plans = Plans::load(Some(path)).unwrap();
    assert_eq!(
        plans
            .iter()
            .map(|plan| plan.key.as_str())
            .collect::<Vec<_>>(),
        ["free", "enterprise", "pro"]
    );
    let pro = plans.get("pro");
    assert_eq!(pro.name, "Pro");
    assert!(pro.features["audit_export"]);
    assert!(pro.features["mfa"]);
    assert_eq!(
        pro.limits["trusted_devices"],
        plans.get(FREE).limits["trusted_devices"]
    );
    assert_eq!(plans.get("enterprise").limits["seats"].limit, None);
    assert_eq!(pro.limits["storage"].unit, Unit::Byte);
}

#[test]
fn free_is_replaced_as_a_whole() {
    let plans =
        Plans::parse("[plans.free]\nname = \"Basic\"\nfeatures = { mfa = true }\n").unwrap();
    let free = plans.get("anything");
    assert_eq!(
        (free.name.as_str(), free.features.len(), free.limits.len()),
        ("Basic", 1, 0)
    );
}

#[test]
fn every_problem_is_named_with_plan_and_key() {
    let refusal = refusal(
        r#"
colour = "red"
[plans."Big Plan"]
name = "Big"
[plans.pro]
price = 3
features = { sso = "yes" }
[plans.pro.limits]
seats = { limit = -1, unit = "seat" }
rows = { limit = 5, unit = "rows" }
calls = { limit = 5, unit = "request", period = "week" }
bytes = { limit = 9007199254740992, unit = "byte" }
plain = 5
odd = { limit = "lots", unit = "count", per = "day" }
"#,
    );
    for expected in [
        "the file: `colour` is not known here",
        "plan `Big Plan`: a key is up to 64",
        "plan `pro`: `name` is missing",
        "plan `pro`: `price` is not known here",
        "plan `pro`, feature `sso`: expected true or false",
        "plan `pro`, limit `seats`: `limit` must be a whole number",
        "plan `pro`, limit `rows`: `unit` must be one of count, seat, request, byte",
        "plan `pro`, limit `calls`: `period` must be one of none, day, month",
        "plan `pro`, limit `bytes`: `limit` must be",
        "plan `pro`, limit `plain`: expected a table",
        "plan `pro`, limit `odd`: `limit` must be",
        "plan `pro`, limit `odd`: `per` is not known here",
    ] {
        assert!(refusal.contains(expected), "{expected}\n{refusal}");
    }
    assert_eq!(refusal.lines().count(), 13, "{refusal}");
}

#[test]
fn a_plan_defined_twice_or_an_unreadable_file_is_refused() {
    let twice = refusal("[plans.pro]\nname = \"A\"\n[plans.pro]\nname = \"B\"\n");
    assert!(twice.contains("duplicate"), "{twice}");
    let missing = Plans::load(Some(Path::new("/no/plans.toml")))
        .unwrap_err()
        .to_string();
    assert!(
        missing.contains("/no/plans.toml") && missing.contains("cannot be read"),
        "{missing}"
    );
}
