//! The little Markdown the pages need.

/// A table after a blank line.
pub(super) fn table(out: &mut String, head: &[&str], rows: &[Vec<String>]) {
    out.push_str(&format!(
        "\n| {} |\n|{}\n",
        head.join(" | "),
        " --- |".repeat(head.len())
    ));
    for row in rows {
        // An empty cell would otherwise leave two blanks.
        let line = format!("| {} |\n", row.join(" | "));
        out.push_str(&line.replace("|  |", "| |"));
    }
}

/// A text on one line, safe inside a table.
pub(super) fn cell(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").replace('|', "\\|")
}

/// `Auth Mfa` as `auth-mfa`, also what a heading's anchor is made of.
pub(super) fn slug(title: &str) -> String {
    let words = title
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join("-")
}
