//! What a person types to say who they are: e-mail addresses, phone numbers, names.

use rlibphonenumber::{
    NumberLengthType, PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat, PhoneNumberType, Region,
};
use unicode_normalization::UnicodeNormalization;

use super::characters::{ascii_digit, filled, is_bidi_control, is_dash, is_ignorable};
use super::error::{Error, Fault, PhoneRefusal, Result};

/// An e-mail address as typed, and the form that decides whether two are the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email {
    pub typed: String,
    pub key: String,
}

const MAX_EMAIL: usize = 254;
const MAX_LOCAL_PART: usize = 64;

impl Email {
    pub fn parse(typed: &str) -> std::result::Result<Self, &'static str> {
        // Bytes, as mail counts: a domain in wide characters must still fit a QR code.
        if typed.len() > MAX_EMAIL {
            return Err("an e-mail address has at most 254 characters");
        }
        let (local, domain) = typed.rsplit_once('@').ok_or("an e-mail address has an @")?;
        let (local, domain) = (visible(local), visible_domain(domain));
        // Only the space is trimmed: other white space in an address is not a slip of the finger.
        let (local, domain) = (local.trim_start_matches(' '), domain.trim_end_matches(' '));
        // Tested before folding, or a look-alike such as the Kelvin sign would become ASCII.
        if !is_dot_atom(local) || local.len() > MAX_LOCAL_PART {
            return Err("the part before the @ is not one of an e-mail address");
        }
        let typed_domain = domain;
        let domain = idna::domain_to_ascii_strict(typed_domain)
            .map_err(|_| "the part after the @ is not a domain")?;
        let top = domain
            .rsplit_once('.')
            .map(|(_, top)| top)
            .unwrap_or_default();
        if top.is_empty() || top.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err("the part after the @ is not a domain");
        }
        let key: String = format!("{}@{domain}", local.to_ascii_lowercase())
            .nfc()
            .collect();
        if key.len() > MAX_EMAIL {
            return Err("an e-mail address has at most 254 characters");
        }
        let typed = format!("{local}@{typed_domain}");
        Ok(Self { typed, key })
    }

    pub fn field(typed: &str) -> Result<Self> {
        Self::parse(typed).map_err(|msg| Error::invalid("email", "email_invalid", msg))
    }
}

/// Without the characters that are pasted along unseen: the owner could not type the address again.
fn visible(text: &str) -> String {
    text.chars().filter(|c| !is_ignorable(*c)).collect()
}

/// Some scripts write words with joiners that nobody sees either; a domain keeps those that UTS 46 finds in
/// their place, because it is another domain without them.
fn visible_domain(text: &str) -> String {
    let is_joiner = |c: &char| matches!(c, '\u{200c}' | '\u{200d}');
    let joined: String = text
        .chars()
        .filter(|c| is_joiner(c) || !is_ignorable(*c))
        .collect();
    match idna::domain_to_ascii_strict(joined.trim_end_matches(' ')) {
        Ok(_) => joined,
        Err(_) => visible(&joined),
    }
}

/// RFC 5321's `Dot-string`; quoted local parts are refused, as practically everywhere.
fn is_dot_atom(local: &str) -> bool {
    !local.is_empty()
        && local.split('.').all(|atom| {
            !atom.is_empty()
                && atom.bytes().all(|byte| {
                    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
                })
        })
}

/// A phone number, in E.164 form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phone {
    pub e164: String,
    pub country: Option<Region>,
    calling_code: i32,
    kind: PhoneNumberType,
}

/// As the contract says: an E.164 number with all that people put between its digits.
const LONGEST_PHONE: usize = 40;

impl Phone {
    /// Reads a number as people write it: with blanks, dashes, brackets, and the zero that is only dialled
    /// within the country. It begins with `+`, because there is no country to begin from.
    pub fn parse(text: &str) -> Option<Self> {
        if text.chars().count() > LONGEST_PHONE {
            return None;
        }
        let mut dialled = String::with_capacity(text.len());
        for character in text.chars() {
            match character {
                '+' | '\u{ff0b}' if dialled.is_empty() => dialled.push('+'),
                '.' | '/' | '(' | ')' => {}
                c if c.is_whitespace() || is_ignorable(c) || is_dash(c) => {}
                c => dialled.push(ascii_digit(c)?),
            }
        }
        if !dialled.starts_with('+') {
            return None;
        }
        let number = PhoneNumber::parse(&dialled, None).ok()?;
        let length = number.is_possible_with_reason().ok()?;
        // A number without its area code is dialled nowhere else.
        (length == NumberLengthType::IsPossible).then(|| Self {
            e164: number.format_as(PhoneNumberFormat::E164).into_owned(),
            country: number.get_region_code(),
            calling_code: number.country_code,
            kind: number.get_type(),
        })
    }

    /// A number that somebody gives: it has to be one that can be assigned, and that costs nobody extra.
    pub fn field(field: &'static str, text: &str) -> Result<Self> {
        let refused = |msg| Error::invalid(field, "phone_invalid", msg);
        let phone = Self::parse(text)
            .ok_or_else(|| refused("not a phone number such as +4915112345678"))?;
        if phone.kind == PhoneNumberType::Unknown {
            return Err(refused(
                "no known range of numbers of this country has this number",
            ));
        }
        match phone.is_costly() {
            true => Err(Error::PhoneNotAllowed {
                field,
                why: PhoneRefusal::Costly,
            }),
            false => Ok(phone),
        }
    }

    /// As it is written today: earlier versions kept numbers as they were typed.
    pub fn canonical(stored: &str) -> String {
        Self::parse(stored).map_or_else(|| stored.to_owned(), |phone| phone.e164)
    }

    /// Whether a message may go to it. A number whose country is unknown is only allowed where every
    /// country is.
    pub fn sendable(&self, countries: &[String]) -> Result<(), PhoneRefusal> {
        if self.is_costly() {
            return Err(PhoneRefusal::Costly);
        }
        let is_listed = |country: Region| {
            let name = country.to_string();
            countries
                .iter()
                .any(|listed| listed.eq_ignore_ascii_case(&name))
        };
        if countries.iter().any(|listed| listed == "*") || self.country.is_some_and(is_listed) {
            return Ok(());
        }
        // Several countries share a calling code, and only a known range tells which of them it is.
        let regions = PHONE_NUMBER_UTIL.get_regions_for_country_calling_code(self.calling_code);
        let shared = regions.is_some_and(|mut regions| regions.any(is_listed));
        Err(match self.country.is_none() && shared {
            true => PhoneRefusal::UnknownRange,
            false => PhoneRefusal::Country,
        })
    }

    /// Whether the sender, the owner or a company behind it pays for more than a message.
    fn is_costly(&self) -> bool {
        match self.kind {
            PhoneNumberType::PremiumRate
            | PhoneNumberType::SharedCost
            | PhoneNumberType::TollFree
            | PhoneNumberType::UAN
            | PhoneNumberType::Pager
            | PhoneNumberType::VoiceMail => true,
            PhoneNumberType::FixedLine
            | PhoneNumberType::Mobile
            | PhoneNumberType::FixedLineOrMobile
            | PhoneNumberType::VoIP
            | PhoneNumberType::PersonalNumber
            | PhoneNumberType::Unknown => false,
        }
    }

    /// Numbers with the same first digits often belong to one range that fraud pumps.
    pub fn prefix(&self) -> &str {
        self.e164.get(..6).unwrap_or(&self.e164)
    }
}

/// `+49*******678`: enough to recognise one's own number.
pub fn phone_hint(e164: &str) -> String {
    let keep = |index: usize| index < 3 || index + 3 >= e164.len();
    e164.char_indices()
        .map(|(index, digit)| if keep(index) { digit } else { '*' })
        .collect()
}

/// An optional text for people: NFC, trimmed, without what would turn the direction of the text beside it,
/// and absent when there is nothing to see.
pub fn display_text(
    field: &'static str,
    text: Option<&str>,
    max: usize,
) -> Result<Option<String>, Fault> {
    let Some(text) = filled(text) else {
        return Ok(None);
    };
    let text: String = text.nfc().filter(|c| !is_bidi_control(*c)).collect();
    let text = text.trim();
    if text.chars().count() > max {
        let msg = format!("at most {max} characters");
        return Err(Fault {
            field,
            kind: "too_long",
            msg,
        });
    }
    Ok(Some(text.to_owned()))
}

/// The shape of a BCP 47 tag; which languages there are is not this server's business. Systems that write
/// `en_US.UTF-8` mean `en-US`.
pub fn locale(text: Option<&str>) -> Result<Option<String>, Fault> {
    let Some(text) = filled(text) else {
        return Ok(None);
    };
    let text = text.split(['.', '@']).next().unwrap_or_default();
    let text = text.replace('_', "-");
    let mut parts = text.split('-');
    let language = parts.next().unwrap_or_default();
    let shaped = (2..=8).contains(&language.len())
        && language.bytes().all(|byte| byte.is_ascii_alphabetic())
        && text.len() <= 35
        && parts.all(|part| {
            (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        });
    if !shaped {
        let msg = "not a language tag such as en or de-DE".to_owned();
        return Err(Fault {
            field: "locale",
            kind: "locale_invalid",
            msg,
        });
    }
    Ok(Some(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_reach_one_mailbox_have_one_key() {
        let key = |typed| Email::parse(typed).unwrap().key;
        assert_eq!(key(" Ada.L@Example.COM "), "ada.l@example.com");
        assert_eq!(key("a@bücher.example"), key("A@xn--bcher-kva.example"));
        assert_eq!(key("a@faß.example"), "a@xn--fa-hia.example");
        assert_eq!(
            Email::parse("Ada@Example.com").unwrap().typed,
            "Ada@Example.com"
        );
    }

    #[test]
    fn look_alikes_and_malformed_addresses_are_refused() {
        for typed in [
            "",
            "a",
            "@b.c",
            "a@",
            "a@b",
            "a b@c.de",
            "a..b@c.de",
            ".a@c.de",
            "\u{212a}im@c.de",
            "a@c.123",
            "\"a b\"@c.de",
            "a@[127.0.0.1]",
            "a@-c.de",
            "\u{a0}a@c.de",
            "é@c.de",
        ] {
            assert!(Email::parse(typed).is_err(), "{typed:?}");
        }
        assert!(Email::parse(&format!("{}@example.com", "a".repeat(65))).is_err());
        assert!(Email::parse(&format!("a@{}.com", "b.".repeat(130))).is_err());
        // Selectors of variants are ignored in a domain, and take four bytes each.
        assert!(Email::parse(&format!("a@b{}.com", "\u{e0100}".repeat(240))).is_err());
    }

    #[test]
    fn what_nobody_sees_is_no_part_of_an_address() {
        let parsed = |typed: &str| Email::parse(typed).unwrap();
        for typed in [
            "Ada@example.com\u{200b}",
            " \u{feff}Ada@example.com",
            "Ada\u{ad}@exam\u{200d}ple.com \u{2060}",
            "\u{202a}Ada@example.com\u{202c}",
        ] {
            let email = parsed(typed);
            assert_eq!(email.typed, "Ada@example.com", "{typed:?}");
            assert_eq!(email.key, "ada@example.com", "{typed:?}");
        }
        // A joiner that the script needs makes another domain.
        let (with, without) = ("a@نامه\u{200c}ای.com", "a@نامهای.com");
        assert_eq!(parsed(with).typed, with);
        assert_ne!(parsed(with).key, parsed(without).key);
    }

    #[test]
    fn phones_are_read_as_people_write_them() {
        for (typed, e164) in [
            ("+4915112345678", "+4915112345678"),
            (" +49 (0)151 / 123-456.78", "+4915112345678"),
            ("+49 151\u{a0}12345678\u{202c}", "+4915112345678"),
            ("+４９１５１１２３４５６７８", "+4915112345678"),
            ("＋4915112345678", "+4915112345678"),
            ("+4407400123456", "+447400123456"),
            // A zero that belongs to the number stays.
            ("+39 06 6982 1234", "+390669821234"),
        ] {
            let phone = Phone::field("phone", typed);
            assert_eq!(
                phone.map(|phone| phone.e164).ok().as_deref(),
                Some(e164),
                "{typed}"
            );
        }
        for text in [
            "015112345678",
            "4915112345678",
            "+",
            "+49",
            "+4915112345678901234",
            "+0151123",
            "+4915112345678 ext. 5",
            "+1 800 FLOWERS",
            "++4915112345678",
            "49+15112345678",
            // No such length, or no area code.
            "+44740012345678",
            "+12530000",
            "+999123456789",
        ] {
            assert!(Phone::parse(text).is_none(), "{text}");
        }
        assert_eq!(phone_hint("+4915112345678"), "+49********678");
    }

    #[test]
    fn numbers_that_nobody_can_have_or_that_cost_extra_are_refused() {
        for unknown in ["+15555555555", "+440400123456", "+499999999999"] {
            let refused = Phone::field("phone", unknown);
            assert!(matches!(refused, Err(Error::Invalid(_))), "{unknown}");
        }
        for (costly, kind) in [
            ("+449091234567", PhoneNumberType::PremiumRate),
            ("+19002345678", PhoneNumberType::PremiumRate),
            ("+18002345678", PhoneNumberType::TollFree),
            ("+49180123456", PhoneNumberType::SharedCost),
            ("+445512345678", PhoneNumberType::UAN),
            ("+447640123456", PhoneNumberType::Pager),
            ("+49177991234567", PhoneNumberType::VoiceMail),
        ] {
            let (phone, refused) = (Phone::parse(costly).unwrap(), Phone::field("phone", costly));
            assert_eq!(phone.kind, kind, "{costly}");
            assert!(
                matches!(refused, Err(Error::PhoneNotAllowed { .. })),
                "{costly}"
            );
            assert_eq!(phone.sendable(&["*".to_owned()]), Err(PhoneRefusal::Costly));
        }
    }

    #[test]
    fn an_unknown_range_of_an_allowed_country_is_not_a_forbidden_country() {
        let sendable = |number: &str, countries: &[&str]| {
            let countries: Vec<String> = countries.iter().map(|c| (*c).to_owned()).collect();
            Phone::parse(number).unwrap().sendable(&countries)
        };
        assert_eq!(sendable("+4915112345678", &["at", "de"]), Ok(()));
        assert_eq!(sendable("+4915112345678", &["*"]), Ok(()));
        assert_eq!(
            sendable("+4915112345678", &["US"]),
            Err(PhoneRefusal::Country)
        );
        assert_eq!(
            sendable("+14165550123", &["US"]),
            Err(PhoneRefusal::Country)
        );
        assert_eq!(
            sendable("+15555555555", &["US"]),
            Err(PhoneRefusal::UnknownRange)
        );
        assert_eq!(
            sendable("+15555555555", &["DE"]),
            Err(PhoneRefusal::Country)
        );
        assert_eq!(sendable("+15555555555", &["*"]), Ok(()));
    }

    #[test]
    fn fields_that_show_nothing_are_absent_and_others_are_put_right() {
        let name = |text| display_text("full_name", Some(text), 200).unwrap();
        assert_eq!(name(" \u{3000}\u{200b}"), None);
        assert_eq!(
            name(" Ada\u{202e} Lovelace\u{2069} ").as_deref(),
            Some("Ada Lovelace")
        );
        let tag = |text| locale(Some(text)).ok().flatten();
        for (typed, tag_of) in [
            ("en_US", Some("en-US")),
            ("de_DE.UTF-8@euro", Some("de-DE")),
            ("zh-Hant", Some("zh-Hant")),
            ("", None),
            ("  ", None),
        ] {
            assert_eq!(tag(typed).as_deref(), tag_of, "{typed:?}");
        }
        assert!(locale(Some("e_")).is_err() && locale(Some("._")).is_err());
    }
}
