//! Durations as people write them: whole seconds, or a number with a unit.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// A configured duration. Whole seconds, because that is what tokens, cookies and headers count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seconds(u64);

/// Ten years: longer is a slip of the keyboard, and keeps every later sum far from an overflow.
const LONGEST: u64 = 3650 * DAY;
const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

impl Seconds {
    pub const ZERO: Self = Self(0);

    pub const fn new(seconds: u64) -> Self {
        Self(seconds)
    }

    pub const fn minutes(minutes: u64) -> Self {
        Self(minutes * MINUTE)
    }

    pub const fn days(days: u64) -> Self {
        Self(days * DAY)
    }

    pub const fn get(self) -> u64 {
        self.0
    }

    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    pub const fn duration(self) -> Duration {
        Duration::from_secs(self.0)
    }

    fn checked(seconds: u64) -> Result<Self, InvalidDuration> {
        if seconds > LONGEST {
            return Err(InvalidDuration::TooLong);
        }
        Ok(Self(seconds))
    }
}

impl From<Seconds> for Duration {
    fn from(seconds: Seconds) -> Self {
        seconds.duration()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDuration {
    #[error(
        "a duration is whole seconds (`900`) or a number with a unit (`90s`, `15m`, `2h`, `14d`)"
    )]
    Malformed,
    #[error("a duration is at most 3650d")]
    TooLong,
}

impl FromStr for Seconds {
    type Err = InvalidDuration;

    fn from_str(text: &str) -> Result<Self, InvalidDuration> {
        let text = text.trim();
        let (digits, unit) = match text.strip_suffix(['s', 'm', 'h', 'd']) {
            Some(digits) => {
                let unit = match text.as_bytes().last() {
                    Some(b'm') => MINUTE,
                    Some(b'h') => HOUR,
                    Some(b'd') => DAY,
                    _ => 1,
                };
                (digits, unit)
            }
            None => (text, 1),
        };
        // `parse` alone would also take a leading plus sign.
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(InvalidDuration::Malformed);
        }
        let number: u64 = digits.parse().map_err(|_| InvalidDuration::TooLong)?;
        Self::checked(number.checked_mul(unit).ok_or(InvalidDuration::TooLong)?)
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, suffix) = match self.0 {
            0 => return f.write_str("0"),
            seconds if seconds.is_multiple_of(DAY) => (DAY, "d"),
            seconds if seconds.is_multiple_of(HOUR) => (HOUR, "h"),
            seconds if seconds.is_multiple_of(MINUTE) => (MINUTE, "m"),
            _ => (1, "s"),
        };
        write!(f, "{}{suffix}", self.0 / unit)
    }
}

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AsWritten;

        impl Visitor<'_> for AsWritten {
            type Value = Seconds;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration such as 900, \"15m\" or \"14d\"")
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Seconds, E> {
                let value =
                    u64::try_from(value).map_err(|_| E::custom("a duration cannot be negative"))?;
                self.visit_u64(value)
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Seconds, E> {
                Seconds::checked(value).map_err(E::custom)
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<Seconds, E> {
                value.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_any(AsWritten)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_in_every_documented_form() {
        for (text, seconds) in [
            ("0", 0),
            ("900", 900),
            ("90s", 90),
            ("15m", 900),
            ("2h", 7200),
            (" 14d ", 14 * 86_400),
            ("3650d", LONGEST),
        ] {
            assert_eq!(text.parse(), Ok(Seconds(seconds)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "", "m", "-1", "+1", "1.5h", "15 m", "15M", "15ms", "1h30m", "ten",
        ] {
            assert_eq!(
                text.parse::<Seconds>(),
                Err(InvalidDuration::Malformed),
                "{text}"
            );
        }
        for text in ["3651d", "99999999999999999999", "999999999999999999d"] {
            assert_eq!(
                text.parse::<Seconds>(),
                Err(InvalidDuration::TooLong),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_shown_reads_back_as_the_same() {
        for (seconds, shown) in [
            (0, "0"),
            (59, "59s"),
            (60, "1m"),
            (5400, "90m"),
            (7200, "2h"),
        ] {
            assert_eq!(Seconds(seconds).to_string(), shown);
            assert_eq!(shown.parse(), Ok(Seconds(seconds)));
        }
        assert_eq!(Seconds::days(14).to_string(), "14d");
    }
}
