//! How long it takes to judge the dearest passwords that a small search finds:
//!
//!     cargo run --release --example password_judging [ROUNDS]
//!
//! Each round changes the dearest text so far, in one of several families, and keeps what takes longer.
//! The time of a text is the least of three, so that other processes count little.

use std::time::{Duration, Instant};

use bp_auth_server::app::common_password::{context_words, is_common};
use bp_auth_server::app::password_strength::{JUDGED_CHARACTERS, weakness, work};

const FAMILIES: [(&str, &str); 6] = [
    ("look-alikes", "4@8({[<369 1!|70$5+%2"),
    ("digits", "0123456789"),
    (
        "printable",
        "!#$%&()*+-./0123456789:;<=>?@ABCXYZ[]^_abcdefghijklmnopqrstuvwxyz{|}~",
    ),
    ("words", "thanesoridlu"),
    ("one key", "a1"),
    ("wide", "日本語ﷺパ\u{301}a4"),
];

fn main() {
    let rounds = std::env::args()
        .nth(1)
        .and_then(|text| text.parse().ok())
        .unwrap_or(200);
    let about = context_words([
        "ada.lovelace@mail.example.com",
        "Ada King Lovelace",
        "bp-auth",
    ]);
    let about: Vec<&str> = about.iter().map(String::as_str).collect();
    took("first use of the dictionaries", &about);
    let mut state = 1u64;
    for (family, alphabet) in FAMILIES {
        let alphabet: Vec<char> = alphabet.chars().collect();
        let mut draw = |below: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            usize::try_from(state >> 33).unwrap_or(0) % below
        };
        let mut dearest: Vec<char> = (0..JUDGED_CHARACTERS)
            .filter_map(|at| alphabet.get(at % alphabet.len()).copied())
            .collect();
        let mut longest = Duration::ZERO;
        for _ in 0..rounds {
            let mut text = dearest.clone();
            match draw(4) {
                // Shorter texts may be judged as they are, where longer ones are not.
                0 => text.truncate(16 + draw(text.len().max(1))),
                1 => text.extend(dearest.iter().take(draw(JUDGED_CHARACTERS)).copied()),
                _ => {
                    for _ in 0..=draw(8) {
                        let at = draw(text.len().max(1));
                        if let (Some(to), Some(from)) =
                            (text.get_mut(at), alphabet.get(draw(alphabet.len())))
                        {
                            *to = *from;
                        }
                    }
                }
            }
            text.truncate(JUDGED_CHARACTERS);
            let time = took(&text.iter().collect::<String>(), &about);
            if time > longest {
                (dearest, longest) = (text, time);
            }
        }
        let text: String = dearest.iter().collect();
        let milliseconds = longest.as_secs_f64() * 1000.0;
        println!(
            "{milliseconds:6.1} ms  {family:12} work {:8}  {text}",
            work(&text)
        );
    }
}

fn took(text: &str, about: &[&str]) -> Duration {
    let context: Vec<String> = about.iter().map(|&word| word.to_owned()).collect();
    let times = (0..3).map(|_| {
        let began = Instant::now();
        std::hint::black_box((is_common(text, &context), weakness(text, about)));
        began.elapsed()
    });
    times.min().unwrap_or_default()
}
