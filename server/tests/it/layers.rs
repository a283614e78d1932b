//! Each room of the server keeps to what it may name.

use std::path::{Path, PathBuf};

fn sources(directory: &str) -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
    let mut found = Vec::new();
    let mut waiting = vec![root];
    while let Some(directory) = waiting.pop() {
        for entry in std::fs::read_dir(directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).expect("a source");
                found.push((path, text));
            }
        }
    }
    assert!(!found.is_empty());
    found
}

/// Lines of code, not of comments, that hold the word.
fn naming(files: &[(PathBuf, String)], word: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for (path, text) in files {
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            if code.contains(word) {
                lines.push(format!("{}:{}: {line}", path.display(), number + 1));
            }
        }
    }
    lines
}

#[test]
fn the_logic_names_neither_the_framework_nor_the_database_library_nor_the_interface() {
    let app = sources("src/app");
    for word in [
        "dropshot",
        "schemars",
        "hyper",
        "sea_orm",
        "sqlx",
        "crate::api::",
        "crate::http",
    ] {
        assert_eq!(naming(&app, word), Vec::<String>::new(), "{word} in app");
    }
}

#[test]
fn only_the_datastore_and_the_migrations_name_the_database_library() {
    let files: Vec<_> = sources("src")
        .into_iter()
        .filter(|(path, _)| {
            !path
                .components()
                .any(|part| part.as_os_str() == "datastore")
        })
        .collect();
    // A log filter and a lint name the library as text.
    let text = |line: &String| line.contains("sqlx=warn,sea_orm=warn");
    for word in ["sea_orm", "sqlx"] {
        let mut lines = naming(&files, word);
        lines.retain(|line| !text(line));
        assert_eq!(lines, Vec::<String>::new(), "{word} outside the datastore");
    }
    assert!(
        !naming(&sources("src/datastore"), "sea_orm").is_empty(),
        "the search finds it"
    );
    assert!(!naming(&sources("../migrations/src"), "sea_orm").is_empty());
}

/// See `only` in the datastore: such a statement is compiled anew each time it runs.
#[test]
fn no_row_is_looked_up_with_a_bound_limit() {
    let datastore = sources("src/datastore");
    assert_eq!(naming(&datastore, ".one("), Vec::<String>::new());
    assert!(
        !naming(&datastore, "only(").is_empty(),
        "the search finds its substitute"
    );
}

#[test]
fn only_the_interface_and_the_boundary_name_the_framework() {
    let files: Vec<_> = sources("src")
        .into_iter()
        .filter(|(path, _)| {
            !path
                .components()
                .any(|part| part.as_os_str() == "api" || part.as_os_str() == "http")
        })
        .collect();
    assert_eq!(naming(&files, "dropshot"), Vec::<String>::new());
    assert!(
        !naming(&sources("src/http"), "dropshot").is_empty(),
        "the search finds it"
    );
}

#[test]
fn the_interface_knows_nothing_of_what_is_behind_it() {
    let api = sources("src/api");
    for word in [
        "crate::app",
        "crate::datastore",
        "crate::http",
        "crate::delivery",
    ] {
        assert_eq!(naming(&api, word), Vec::<String>::new(), "{word} in api");
    }
}

#[test]
fn only_the_boundary_joins_interface_and_logic() {
    let files: Vec<_> = sources("src")
        .into_iter()
        .filter(|(_, text)| text.contains("crate::api") && text.contains("crate::app"))
        .collect();
    for (path, _) in &files {
        assert!(
            path.components().any(|part| part.as_os_str() == "http"),
            "{}",
            path.display()
        );
    }
    assert!(!files.is_empty());
}
