//! The values: null, other types, empty, too long, control characters, look-alikes, twice.

use super::rules::Role;
use crate::matrix::snapshot::{Field, Kind, Media};

/// What is put in the place of a good value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    Missing,
    /// The good value twice.
    Twice,
    Null,
    /// JSON of another type.
    Type(&'static str),
    /// What looks like JSON and is none.
    Syntax(&'static str),
    /// Nested deeper than anything that is meant.
    Deep,
    Empty,
    /// So many characters, of a kind that would do.
    Long(usize),
    /// A text that is no choice of an enumeration.
    NoChoice(&'static str),
    Control(char, Spot),
    /// The good value, looking the same or nearly so.
    LookAlike(LookAlike),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spot {
    Start,
    Middle,
    End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookAlike {
    /// The first letter or digit in its wide form.
    FullWidth,
    /// The first letter in another script, the first digit in another.
    OtherScript,
    /// `k` as the Kelvin sign, which folds back to `k`.
    Kelvin,
    /// One more character that is hard to see.
    With(char, Spot),
}

const CONTROLS: [(char, Spot); 20] = [
    ('\0', Spot::Start),
    ('\0', Spot::Middle),
    ('\0', Spot::End),
    ('\u{1}', Spot::Middle),
    ('\u{8}', Spot::Middle),
    ('\t', Spot::Start),
    ('\t', Spot::Middle),
    ('\n', Spot::Middle),
    ('\n', Spot::End),
    ('\u{b}', Spot::Middle),
    ('\r', Spot::Middle),
    ('\r', Spot::End),
    ('\u{1b}', Spot::Middle),
    ('\u{1f}', Spot::Middle),
    ('\u{7f}', Spot::Middle),
    ('\u{80}', Spot::Middle),
    ('\u{85}', Spot::End),
    ('\u{9f}', Spot::Middle),
    ('\u{2028}', Spot::Middle),
    ('\u{2029}', Spot::End),
];

const LOOK_ALIKES: [LookAlike; 11] = [
    LookAlike::FullWidth,
    LookAlike::OtherScript,
    // No-break space, soft hyphen, combining acute.
    LookAlike::With('\u{a0}', Spot::Start),
    LookAlike::With('\u{ad}', Spot::Middle),
    LookAlike::With('\u{301}', Spot::Middle),
    // Zero-width space, zero-width joiner, right-to-left override.
    LookAlike::With('\u{200b}', Spot::Middle),
    LookAlike::With('\u{200d}', Spot::End),
    LookAlike::With('\u{202e}', Spot::Start),
    // Ideographic space, variation selector, byte order mark.
    LookAlike::With('\u{3000}', Spot::End),
    LookAlike::With('\u{fe0f}', Spot::Middle),
    LookAlike::With('\u{feff}', Spot::Start),
];

const TYPES_FOR_TEXT: [&str; 9] = [
    "1",
    "-0.5",
    "99999999999999999999999999",
    "true",
    "false",
    "[]",
    "[\"x\"]",
    "{}",
    "{\"x\":\"y\"}",
];

const TYPES_FOR_BOOLEAN: [&str; 8] = ["0", "1", "\"\"", "\"true\"", "\"on\"", "[]", "[true]", "{}"];

const NO_JSON: [&str; 11] = [
    // Half of a surrogate pair, the halves in the wrong order, a half and a letter.
    "\"\\ud800\"",
    "\"\\udc00\\ud800\"",
    "\"\\ud83dx\"",
    "\"\\x41\"",
    "\"a\nb\"",
    "'x'",
    "x",
    "NaN",
    "1e999",
    "01",
    "",
];

impl Value {
    /// Everything that is tried on a field.
    pub fn all(role: Role, field: &Field, media: Media) -> Vec<Self> {
        let mut all = vec![Self::Missing, Self::Twice];
        if media == Media::Json {
            all.extend([Self::Null, Self::Deep]);
            all.extend(NO_JSON.map(Self::Syntax));
            match field.kind {
                Kind::Boolean => all.extend(TYPES_FOR_BOOLEAN.map(Self::Type)),
                Kind::Text | Kind::OneOf(_) => all.extend(TYPES_FOR_TEXT.map(Self::Type)),
            }
        }
        if field.kind == Kind::Boolean {
            return all;
        }
        if let Kind::OneOf(_) = field.kind {
            all.extend(["email", "TOTP", " totp", "totp,sms"].map(Self::NoChoice));
        }
        all.push(Self::Empty);
        all.extend(role.too_long(field).into_iter().map(Self::Long));
        all.extend(CONTROLS.map(|(control, spot)| Self::Control(control, spot)));
        let look_alikes = LOOK_ALIKES.into_iter();
        // Blanks and digits of other scripts are named by the contract; what cannot be seen, and other letters, are not.
        let look_alikes = look_alikes.filter(|one| match role {
            Role::Code => !one.is_invisible() && !one.is_of_another_script(),
            Role::Digits => !one.is_invisible(),
            Role::Phone => !one.is_invisible() && !one.is_of_another_script(),
            _ => true,
        });
        all.extend(look_alikes.map(Self::LookAlike));
        if role.is_address() {
            all.push(Self::LookAlike(LookAlike::Kelvin));
        }
        all
    }
}

impl LookAlike {
    pub fn is_white_space(self) -> bool {
        matches!(self, Self::With(character, _) if character.is_whitespace())
    }

    /// One of the characters that Unicode calls default ignorable.
    pub fn is_invisible(self) -> bool {
        matches!(
            self,
            Self::With(
                '\u{ad}' | '\u{200b}' | '\u{200d}' | '\u{202e}' | '\u{fe0f}' | '\u{feff}',
                _
            )
        )
    }

    pub fn is_of_another_script(self) -> bool {
        matches!(self, Self::FullWidth | Self::OtherScript)
    }

    /// None where the good value has nothing to be mistaken for.
    pub fn of(self, good: &str) -> Option<String> {
        match self {
            Self::With(character, spot) => Some(spot.put(character, good)),
            Self::Kelvin => replace_first(good, |c| (c == 'k').then_some('\u{212a}')),
            Self::FullWidth => replace_first(good, |c| {
                let wide = char::from_u32(u32::from(c) + 0xfee0);
                wide.filter(|_| c.is_ascii_alphanumeric())
            }),
            Self::OtherScript => replace_first(good, other_script),
        }
    }
}

impl Spot {
    /// In the middle is after the third character: within the local part of an address.
    pub fn put(self, character: char, good: &str) -> String {
        let at = match self {
            Self::Start => 0,
            Self::Middle => 3,
            Self::End => good.chars().count(),
        };
        let (head, tail): (String, String) = (
            good.chars().take(at).collect(),
            good.chars().skip(at).collect(),
        );
        format!("{head}{character}{tail}")
    }
}

fn replace_first(text: &str, with: impl Fn(char) -> Option<char>) -> Option<String> {
    let (at, old, new) = text
        .char_indices()
        .find_map(|(at, old)| Some((at, old, with(old)?)))?;
    Some(format!(
        "{}{new}{}",
        &text[..at],
        &text[at + old.len_utf8()..]
    ))
}

fn other_script(c: char) -> Option<char> {
    Some(match c {
        // Arabic-Indic digits are digits to careless parsers.
        '0'..='9' => char::from_u32(0x660 + u32::from(c) - u32::from('0'))?,
        'a' => '\u{430}',
        'c' => '\u{441}',
        'e' => '\u{435}',
        'i' => '\u{456}',
        'o' => '\u{43e}',
        'p' => '\u{440}',
        's' => '\u{455}',
        'x' => '\u{445}',
        'y' => '\u{443}',
        _ => return None,
    })
}
