//! Properties of characters that people type, paste or dictate without seeing them.

use icu_properties::props::{BidiControl, Dash, DefaultIgnorableCodePoint, GeneralCategory};
use icu_properties::{CodePointMapData, CodePointSetData};

/// Whether a font draws nothing for it (Unicode's Default_Ignorable_Code_Point), such as U+200B.
pub fn is_ignorable(character: char) -> bool {
    // ASCII has none, and is nearly everything.
    !character.is_ascii()
        && CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(character)
}

/// Whether it turns the direction of the text around it, and so of what a page shows beside it.
pub fn is_bidi_control(character: char) -> bool {
    !character.is_ascii() && CodePointSetData::new::<BidiControl>().contains(character)
}

/// A hyphen, a dash or a minus, of any width and script.
pub fn is_dash(character: char) -> bool {
    CodePointSetData::new::<Dash>().contains(character)
}

/// Whether there is nothing to see.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || is_ignorable(c))
}

/// The text of an optional field. A form sends an empty one for what nobody has filled in.
pub fn filled(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !is_blank(text))
}

/// A code as it was meant: decimal digits of every script are those of ASCII, and what groups them
/// (white space, dashes, what cannot be seen) does not count.
pub fn code_text(typed: &str) -> String {
    typed
        .chars()
        .filter(|c| !c.is_whitespace() && !is_ignorable(*c) && !is_dash(*c))
        .map(|c| ascii_digit(c).unwrap_or(c))
        .collect()
}

/// Whether a [`code_text`] has the shape of the codes that apps show and messages bring.
pub fn is_six_digits(code: &str) -> bool {
    code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit())
}

/// The ASCII twin of a decimal digit. Unicode keeps the ten digits of a script together and in order, so
/// the distance from where their run begins tells which one it is.
pub fn ascii_digit(character: char) -> Option<char> {
    let categories = CodePointMapData::<GeneralCategory>::new();
    let is_digit = |code: u32| categories.get32(code) == GeneralCategory::DecimalNumber;
    if character.is_ascii() {
        return character.is_ascii_digit().then_some(character);
    }
    let code = u32::from(character);
    if !is_digit(code) {
        return None;
    }
    let before = (1..=code).take_while(|n| is_digit(code - n)).count();
    char::from_digit(u32::try_from(before % 10).ok()?, 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_of_every_script_are_those_of_ascii() {
        for written in [
            "0123456789",
            "\u{ff10}\u{ff11}\u{ff12}\u{ff13}\u{ff14}\u{ff15}\u{ff16}\u{ff17}\u{ff18}\u{ff19}",
            "\u{660}\u{661}\u{662}\u{663}\u{664}\u{665}\u{666}\u{667}\u{668}\u{669}",
            "\u{966}\u{967}\u{968}\u{969}\u{96a}\u{96b}\u{96c}\u{96d}\u{96e}\u{96f}",
            // Five sets of mathematical digits follow each other.
            "\u{1d7ce}\u{1d7d9}\u{1d7e4}\u{1d7ef}\u{1d7fa}\u{1d7d3}\u{1d7de}\u{1d7e9}\u{1d7f4}\u{1d7ff}",
        ] {
            assert_eq!(code_text(written), "0123456789", "{written}");
        }
        // No decimal digits: a superscript, a circled digit, a Roman and a Chinese number.
        for other in ["\u{b2}", "\u{2461}", "\u{2161}", "\u{4e8c}"] {
            assert_eq!(code_text(other), other);
        }
    }

    #[test]
    fn what_groups_the_digits_of_a_code_does_not_count() {
        for written in [
            "123 456",
            "123-456",
            "\u{200b}123\u{2013}456\u{feff}",
            "123\u{a0}456",
            "1\u{202f}2\u{2011}3\u{2212}4\u{3000}5\u{2060}6",
        ] {
            assert_eq!(code_text(written), "123456", "{written:?}");
        }
        assert_eq!(code_text("123.456"), "123.456");
        assert_eq!(code_text("12345\u{301}"), "12345\u{301}");
    }

    #[test]
    fn a_field_that_shows_nothing_is_not_filled() {
        for blank in ["", "  ", "\u{a0}\u{200b}", "\u{3164}\u{3000}"] {
            assert_eq!(filled(Some(blank)), None, "{blank:?}");
        }
        assert_eq!(filled(Some(" a")), Some(" a"));
    }
}
