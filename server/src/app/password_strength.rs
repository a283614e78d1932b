//! How hard a password is to guess, by zxcvbn, at a bounded price.
//!
//! zxcvbn tries each combination of readings of the look-alikes in a text (`@` for `a`, `1` for `i` or
//! `l`), and searches the dictionaries for each part of the text with each: its time grows with the square
//! of the length times the number of combinations, which twenty different look-alikes bring to a thousand.
//! So a long text is judged in windows, and a text that would cost too much with its look-alikes undone.

use zxcvbn::{Entropy, Score, zxcvbn};

use super::common_password::{undone_as_i, undone_as_l};

/// What makes a password strong counts within so many characters.
pub const JUDGED_CHARACTERS: usize = 100;
/// A text of at most this length is judged whole. Each half of a window begins another one, so that
/// whatever is no longer than half a window is seen whole by one of them.
pub const WINDOW: usize = 40;
/// Combinations of look-alikes times the square of the length, for one text that zxcvbn is given: ten
/// combinations in a full window, or forty in twenty characters. Passwords that people choose have less.
pub const MOST_WORK: usize = 16_000;

/// What zxcvbn takes for a letter, from its table.
const LOOK_ALIKES: [&str; 12] = [
    "4@", "8", "({[<", "3", "69", "1!|", "1|7", "0", "$5", "+7", "%", "2",
];

/// Why a password is weak, if it is; empty when there is nothing to say about it. A window cuts words in
/// two, which makes them look harder to guess, and has to be stronger for it.
pub fn weakness(password: &str, about: &[&str]) -> Option<String> {
    let text: Vec<char> = password.chars().take(JUDGED_CHARACTERS).collect();
    let enough = match text.len() <= WINDOW {
        true => Score::Two,
        false => Score::Three,
    };
    let mut weakness = None;
    for window in windows(&text) {
        let weak = readings(&window)
            .iter()
            .map(|reading| zxcvbn(reading, about))
            .find(|verdict| verdict.score() < enough)?;
        weakness.get_or_insert_with(|| advice(&weak));
    }
    Some(weakness.unwrap_or_default())
}

fn advice(verdict: &Entropy) -> String {
    let warning = verdict.feedback().and_then(|feedback| feedback.warning());
    warning.map_or_else(String::new, |warning| warning.to_string())
}

/// The parts that are judged one by one, until one is strong.
pub fn windows(text: &[char]) -> Vec<String> {
    let starts = (0..text.len().max(1)).step_by(WINDOW / 2);
    let ends = |start: usize| start > 0 && start + WINDOW / 2 >= text.len();
    let parts = starts.take_while(|&start| !ends(start));
    parts
        .map(|start| text.iter().skip(start).take(WINDOW).collect())
        .collect()
}

/// The texts that zxcvbn is given for a window: itself, or up to three that cost less.
pub fn readings(window: &str) -> Vec<String> {
    if work(window) <= MOST_WORK {
        return vec![window.to_owned()];
    }
    let as_i = window.chars().map(undone_as_i).collect();
    let as_l = window.chars().map(undone_as_l).collect();
    let mut readings = vec![as_i, as_l];
    // What is repeated is hardly harder to guess for it, and short enough to be read as it is typed.
    readings.extend(unit(window).filter(|unit| work(unit) <= MOST_WORK));
    readings
}

/// What zxcvbn does with a text, in combinations of look-alikes times pairs of places.
pub fn work(text: &str) -> usize {
    let length = text.chars().count();
    let shared = |c: char| LOOK_ALIKES.iter().filter(|all| all.contains(c)).count();
    let combinations = LOOK_ALIKES.iter().map(|look_alikes| {
        let present = look_alikes.chars().filter(|&c| text.contains(c));
        // One that stands for two letters doubles what there is.
        present.map(shared).sum::<usize>().max(1)
    });
    combinations
        .product::<usize>()
        .saturating_mul(length * length)
}

fn unit(text: &str) -> Option<String> {
    let text: Vec<char> = text.chars().collect();
    let period = (1..=text.len() / 2).find(|&period| {
        text.iter()
            .skip(period)
            .eq(text.iter().take(text.len() - period))
    })?;
    Some(text.iter().take(period).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_weak(text: &str) -> bool {
        weakness(text, &[]).is_some()
    }

    /// The combinations of look-alikes and the length decide on the time; here they are counted, and the
    /// example `password_judging` measures it.
    #[test]
    fn zxcvbn_gets_a_bounded_amount_of_work_whatever_the_text() {
        let mut state = 1u64;
        let mut draw = |below: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            usize::try_from(state >> 33).unwrap() % below
        };
        let printable: Vec<char> = (' '..='~').collect();
        let look_alikes: Vec<char> = LOOK_ALIKES.concat().chars().collect();
        let mut dearest = 0;
        for round in 0..4000 {
            let alphabet = if round % 2 == 0 {
                &printable
            } else {
                &look_alikes
            };
            let kinds = 1 + draw(alphabet.len());
            let offset = draw(alphabet.len());
            let length = 1 + draw(JUDGED_CHARACTERS);
            let text: Vec<char> = (0..length)
                .map(|_| alphabet[(offset + draw(kinds)) % alphabet.len()])
                .collect();
            dearest = dearest.max(work(&text.iter().collect::<String>()));
            let windows = windows(&text);
            assert!((1..=4).contains(&windows.len()), "{text:?}");
            for window in windows {
                let readings = readings(&window);
                assert!((1..=3).contains(&readings.len()), "{window}");
                let work = readings.iter().map(|reading| work(reading));
                assert!(work.max() <= Some(MOST_WORK), "{window}");
            }
        }
        // The search has found texts that zxcvbn must not be given.
        assert!(dearest > 500 * MOST_WORK, "{dearest}");
    }

    #[test]
    fn each_part_of_half_a_window_is_seen_whole() {
        for length in 0..=JUDGED_CHARACTERS {
            let text: Vec<char> = (0..length)
                .map(|at| char::from_u32(0x4e00 + at as u32).unwrap())
                .collect();
            let windows = windows(&text);
            for part in text.windows(WINDOW / 2) {
                let part: String = part.iter().collect();
                assert!(
                    windows.iter().any(|window| window.contains(&part)),
                    "{length}"
                );
            }
            assert!(windows.len() == 1 || length > WINDOW);
        }
    }

    #[test]
    fn what_makes_a_password_strong_counts_wherever_it_is_in_a_hundred_characters() {
        for before in 0..=88 {
            let strong = format!("{}kX9#vQ2!mZ7@", "a".repeat(before));
            assert!(!is_weak(&strong), "{strong}");
        }
        for weak in [
            "a".repeat(100),
            "abcdefghij".repeat(10),
            "password".repeat(12),
            "1qaz2wsx".repeat(12),
        ] {
            assert!(is_weak(&weak), "{weak}");
        }
    }

    #[test]
    fn undoing_many_look_alikes_hides_no_word_and_no_repetition() {
        assert_eq!(readings("p@ssw0rd!"), ["p@ssw0rd!"]);
        let many = "p@ssw0rd 1etme!n ({[<369|7$5+%";
        assert_eq!(readings(many)[0], "password ietmein cccceggitsstx");
        assert!(readings(many)[1].starts_with("password letmeln"));
        let repeated = "p@ssw0rd1!7+4".repeat(3);
        assert!(work(&repeated) > MOST_WORK);
        assert_eq!(readings(&repeated)[2], "p@ssw0rd1!7+4");
    }
}
