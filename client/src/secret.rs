use std::{convert::Infallible, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use zeroize::Zeroizing;

/// A password, token, code or key: readable on request, never by accident.
///
/// `Debug` shows `***`, there is no `Display`, and the memory is wiped when the value is dropped.
///
/// ```
/// let password = bp_auth_client::Secret::from("correct horse battery staple");
/// assert_eq!(format!("{password:?}"), "***");
/// assert_eq!(password.expose(), "correct horse battery staple");
/// ```
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// The plain value. What you copy out of it is yours to protect.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Self(Zeroizing::new(value))
    }
}

impl From<&str> for Secret {
    fn from(value: &str) -> Self {
        Self::from(value.to_owned())
    }
}

impl FromStr for Secret {
    type Err = Infallible;

    fn from_str(value: &str) -> Result<Self, Self::Err> {
        Ok(Self::from(value))
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.expose())
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The original error quotes the value that it refuses, such as a code sent as a number.
        String::deserialize(deserializer)
            .map(Self::from)
            .map_err(|_| D::Error::custom("a secret must be a string"))
    }
}
