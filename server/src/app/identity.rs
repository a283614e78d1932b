//! What a person types to say who they are: e-mail addresses, phone numbers, names.

use rlibphonenumber::{PhoneNumber, Region};
use unicode_normalization::UnicodeNormalization;

use super::error::{Error, Fault, Result};

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
        // Only the space is trimmed: other white space in an address is not a slip of the finger.
        let typed = typed.trim_matches(' ');
        let (local, domain) = typed.rsplit_once('@').ok_or("an e-mail address has an @")?;
        // Tested before folding, or a look-alike such as the Kelvin sign would become ASCII.
        if !is_dot_atom(local) || local.len() > MAX_LOCAL_PART {
            return Err("the part before the @ is not one of an e-mail address");
        }
        let domain = idna::domain_to_ascii_strict(domain)
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
        Ok(Self {
            typed: typed.to_owned(),
            key,
        })
    }

    pub fn field(typed: &str) -> Result<Self> {
        Self::parse(typed).map_err(|msg| Error::invalid("email", "email_invalid", msg))
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

/// A phone number in E.164 form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phone {
    pub e164: String,
    pub country: Option<Region>,
}

impl Phone {
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('+')?;
        let shaped = (7..=15).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.starts_with('0');
        if !shaped {
            return None;
        }
        let number = PhoneNumber::parse(text, None).ok()?;
        number.is_possible_with_reason().ok()?;
        Some(Self {
            e164: text.to_owned(),
            country: number.get_region_code(),
        })
    }

    pub fn field(field: &'static str, text: &str) -> Result<Self> {
        Self::parse(text).ok_or_else(|| {
            Error::invalid(
                field,
                "phone_invalid",
                "not a phone number such as +4915112345678",
            )
        })
    }

    /// A number whose country is unknown is only allowed where every country is.
    pub fn is_allowed(&self, countries: &[String]) -> bool {
        countries.iter().any(|allowed| {
            allowed == "*"
                || self
                    .country
                    .is_some_and(|country| country.to_string().eq_ignore_ascii_case(allowed))
        })
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

/// An optional text for people: NFC, trimmed, and absent when nothing is left.
pub fn display_text(
    field: &'static str,
    text: Option<&str>,
    max: usize,
) -> Result<Option<String>, Fault> {
    let Some(text) = text else { return Ok(None) };
    let text: String = text.nfc().collect();
    let text = text.trim();
    if text.chars().count() > max {
        let msg = format!("at most {max} characters");
        return Err(Fault {
            field,
            kind: "too_long",
            msg,
        });
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

/// The shape of a BCP 47 tag; which languages there are is not this server's business.
pub fn locale(text: Option<&str>) -> Result<Option<String>, Fault> {
    let Some(text) = text else { return Ok(None) };
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
    Ok(Some(text.to_owned()))
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
    fn phones_are_e164_and_know_their_country() {
        let phone = Phone::parse("+4915112345678").unwrap();
        assert!(phone.is_allowed(&["DE".to_owned()]));
        assert!(!phone.is_allowed(&["US".to_owned()]));
        assert!(phone.is_allowed(&["*".to_owned()]));
        for text in [
            "015112345678",
            "+49 151 12345678",
            "+49",
            "+4915112345678901234",
            "+0151123",
            "＋4915112345678",
        ] {
            assert!(Phone::parse(text).is_none(), "{text}");
        }
        assert_eq!(phone_hint("+4915112345678"), "+49********678");
    }
}
