//! Passwords that attackers try first: those of published lists, and a known word beside nothing but a
//! year, digits or signs. Each question costs at most a few hundred hashes of short texts.

use std::sync::LazyLock;

use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Fingerprints of [`fingerprint`], sorted, behind a head that names the sources and their licences and
/// ends with an empty line. The example `common_passwords` writes the file from the sources.
static LIST: &[u8] = include_bytes!("common_password/list.bin");
static ENTRIES: LazyLock<&[[u8; FINGERPRINT]]> = LazyLock::new(|| {
    let end = LIST.windows(2).position(|pair| pair == b"\n\n");
    let entries = end.and_then(|end| LIST.get(end + 2..));
    entries.unwrap_or_default().as_chunks().0
});

/// 40 bits: among 110,000 entries, one of ten million other texts is taken for one of them.
pub const FINGERPRINT: usize = 5;

/// Digits and signs beside a stem that leave a password easy to guess.
const MOST_BESIDE: usize = 8;
/// A stem as typed, and one that look-alikes hide: of short texts chance makes too many words.
const SHORTEST_TYPED: usize = 3;
const SHORTEST_STEM: usize = 4;
/// No entry of the list is longer, and no other password is looked at.
pub const LONGEST: usize = 64;

/// Keys in the order of a keyboard's rows, with those that stand above each other in one column.
const ROWS: [&str; 4] = ["1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm"];
/// What a US keyboard types with shift and without.
const SHIFTED: &str = "!@#$%^&*()_+";
const UNSHIFTED: &str = "1234567890-=";

/// What two texts have in common that differ in case, accents or the width of characters.
pub fn folded(text: &str) -> String {
    let plain = text.nfkd().filter(|&c| !is_combining_mark(c));
    plain.collect::<String>().to_lowercase()
}

/// What the list keeps of a [`folded`] text: the first bytes of its SHA-256.
pub fn fingerprint(folded: &str) -> [u8; FINGERPRINT] {
    let digest: [u8; 32] = Sha256::digest(folded.as_bytes()).into();
    let [a, b, c, d, e, ..] = digest;
    [a, b, c, d, e]
}

/// Words of texts that an attacker knows: each text, its parts, and the text without what parts them.
pub fn context_words<'t>(texts: impl IntoIterator<Item = &'t str>) -> Vec<String> {
    let joined = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect();
    let mut words = Vec::new();
    for text in texts {
        let text = folded(text);
        // Parts of an address and of a name, and what a hyphen joins in them.
        let parts = text.split(|c: char| c.is_whitespace() || c == '.' || c == '@');
        words.extend(parts.flat_map(|part| [part.to_owned(), joined(part)]));
        let parts = text.split(|c: char| !c.is_alphanumeric());
        words.extend(parts.map(str::to_owned));
        words.push(joined(&text));
        words.push(text);
    }
    words.retain(|word| word.chars().count() >= SHORTEST_TYPED);
    words.sort_unstable();
    words.dedup();
    words
}

/// Whether the password is on the list, or has a stem that is a word of the list, a word of `context` or
/// a walk over the keyboard. Case, accents and look-alikes such as `@` for `a` make no difference.
pub fn is_common(password: &str, context: &[String]) -> bool {
    let text: Vec<char> = folded(password).chars().collect();
    if text.len() > LONGEST + MOST_BESIDE {
        return false;
    }
    if is_known(&text, context) || is_known(&translated(&text, unshifted), context) {
        return true;
    }
    let beside = |c: &&char| !c.is_alphabetic();
    let before = text.iter().take(MOST_BESIDE).take_while(beside).count();
    let after = text
        .iter()
        .rev()
        .take(MOST_BESIDE)
        .take_while(beside)
        .count();
    (0..=before).any(|from| {
        (0..=after.min(MOST_BESIDE - from)).any(|to| {
            let stem = text.get(from..text.len() - to).unwrap_or_default();
            is_stem(stem, context)
        })
    })
}

fn is_stem(text: &[char], context: &[String]) -> bool {
    let is_word = |word: &[char]| {
        word.len() >= SHORTEST_STEM && (is_known(unit(word), context) || is_walk(word))
    };
    let joined: Vec<char> = text
        .iter()
        .copied()
        .filter(|c| c.is_alphanumeric())
        .collect();
    let short = text.len() == SHORTEST_TYPED && (is_walk(text) || is_context(text, context));
    text.iter().any(|c| c.is_alphabetic())
        && (short
            || is_word(text)
            || is_word(&translated(text, undone_as_i))
            || is_word(&translated(text, undone_as_l))
            || (joined.len() >= SHORTEST_STEM && is_context(&joined, context)))
}

fn is_context(word: &[char], context: &[String]) -> bool {
    context
        .iter()
        .any(|known| known.chars().eq(word.iter().copied()))
}

fn is_known(word: &[char], context: &[String]) -> bool {
    let word: String = word.iter().collect();
    context.contains(&word) || is_listed(&word)
}

fn is_listed(word: &str) -> bool {
    let wanted = fingerprint(word);
    ENTRIES.binary_search(&wanted).is_ok()
}

/// What is repeated, such as `test` in `testtest`; the word itself when nothing is.
fn unit(word: &[char]) -> &[char] {
    let period = (SHORTEST_TYPED..=word.len() / 2).find(|&period| {
        word.len().is_multiple_of(period) && word.chunks(period).all(|part| word.starts_with(part))
    });
    period.and_then(|period| word.get(..period)).unwrap_or(word)
}

/// Whether each character stands beside the one before, on a keyboard or in the alphabet.
fn is_walk(word: &[char]) -> bool {
    let pairs = || word.iter().zip(word.iter().skip(1));
    let alphabet = pairs().all(|(&a, &b)| u32::from(a) + 1 == u32::from(b));
    alphabet || pairs().all(|(&a, &b)| are_neighbours(a, b))
}

fn are_neighbours(a: char, b: char) -> bool {
    let place = |key| {
        let mut rows = ROWS.iter().enumerate();
        rows.find_map(|(row, keys)| Some((row, keys.find(key)?)))
    };
    let (Some((row, column)), Some((next_row, next_column))) = (place(a), place(b)) else {
        return false;
    };
    a != b && row.abs_diff(next_row) <= 1 && column.abs_diff(next_column) <= 1
}

fn translated(text: &[char], each: fn(char) -> char) -> Vec<char> {
    text.iter().map(|&c| each(c)).collect()
}

fn unshifted(c: char) -> char {
    let mut keys = SHIFTED.chars().zip(UNSHIFTED.chars());
    keys.find_map(|(shifted, key)| (shifted == c).then_some(key))
        .unwrap_or(c)
}

/// The letter that a look-alike stands for. `1`, `!`, `|` and `7` stand for two each.
pub fn undone_as_i(c: char) -> char {
    match c {
        '1' | '!' | '|' => 'i',
        '7' => 't',
        other => undone(other),
    }
}

/// As [`undone_as_i`], with the other letter.
pub fn undone_as_l(c: char) -> char {
    match c {
        '1' | '!' | '|' | '7' => 'l',
        other => undone(other),
    }
}

fn undone(c: char) -> char {
    match c {
        '4' | '@' => 'a',
        '8' => 'b',
        '(' | '{' | '[' | '<' => 'c',
        '3' => 'e',
        '6' | '9' => 'g',
        '0' => 'o',
        '$' | '5' => 's',
        '+' => 't',
        '%' => 'x',
        '2' => 'z',
        other => other,
    }
}

#[cfg(test)]
mod tests;
