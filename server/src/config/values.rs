//! Shapes of single values. TOML has no null and a variable is always text, so "not set" is the
//! empty text in every source.

use std::fmt;

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// Text that may hold a credential: it shows itself to nobody who does not ask for it by name.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct SecretText(String);

impl SecretText {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub fn expose(&self) -> &str {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() {
            "\"\""
        } else {
            "[redacted]"
        })
    }
}

impl Serialize for SecretText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(if self.0.is_empty() { "" } else { "[redacted]" })
    }
}

/// A switch that decides for itself until somebody sets it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tristate {
    #[default]
    Auto,
    On,
    Off,
}

impl Serialize for Tristate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Tristate::Auto => serializer.serialize_str("auto"),
            Tristate::On => serializer.serialize_bool(true),
            Tristate::Off => serializer.serialize_bool(false),
        }
    }
}

impl<'de> Deserialize<'de> for Tristate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AsWritten;

        impl Visitor<'_> for AsWritten {
            type Value = Tristate;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true, false or \"auto\"")
            }

            fn visit_bool<E: de::Error>(self, value: bool) -> Result<Tristate, E> {
                Ok(if value { Tristate::On } else { Tristate::Off })
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<Tristate, E> {
                if value.is_empty() || value.eq_ignore_ascii_case("auto") {
                    return Ok(Tristate::Auto);
                }
                match boolean(value) {
                    Some(value) => self.visit_bool(value),
                    None => Err(E::invalid_value(de::Unexpected::Str(value), &self)),
                }
            }
        }

        deserializer.deserialize_any(AsWritten)
    }
}

/// The spellings of a switch that people put into variables.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// `Option<T>` as text, where the empty text is `None`.
pub(super) mod optional {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;

    pub fn serialize<T: Display, S: Serializer>(
        value: &Option<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => serializer.collect_str(value),
            None => serializer.serialize_str(""),
        }
    }

    pub fn deserialize<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        let text = String::deserialize(deserializer)?;
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        text.parse().map(Some).map_err(D::Error::custom)
    }
}

/// An address and a port to listen on, where the host may be a name.
pub(super) mod address {
    use std::net::{SocketAddr, ToSocketAddrs};

    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;

    pub fn serialize<S: Serializer>(
        address: &SocketAddr,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(address)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
        let text = String::deserialize(deserializer)?;
        resolve(&text).map_err(D::Error::custom)
    }

    /// Of the addresses of a name, such as those of `localhost`, an IPv4 address comes first: it is the
    /// one that people type when the name does not work.
    pub fn resolve(text: &str) -> Result<SocketAddr, String> {
        if let Ok(address) = text.trim().parse() {
            return Ok(address);
        }
        let port = text.trim().rsplit_once(':');
        let name = match port {
            Some((name, port)) if !name.is_empty() && port.parse::<u16>().is_ok() => name,
            _ => {
                return Err(
                    "expected an address and a port, such as 127.0.0.1:8080 or localhost:8080"
                        .to_owned(),
                );
            }
        };
        let found = text.trim().to_socket_addrs();
        let found: Vec<SocketAddr> = found
            .map_err(|error| format!("the name `{name}` has no address: {error}"))?
            .collect();
        let ipv4 = found.iter().find(|address| address.is_ipv4());
        ipv4.or(found.first())
            .copied()
            .ok_or_else(|| format!("the name `{name}` has no address"))
    }

    /// The same where the empty text is `None`.
    pub mod optional {
        use super::{Deserialize, Deserializer, Error, SocketAddr, resolve};

        pub use crate::config::values::optional::serialize;

        pub fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<SocketAddr>, D::Error> {
            let text = String::deserialize(deserializer)?;
            match text.trim() {
                "" => Ok(None),
                text => resolve(text).map(Some).map_err(D::Error::custom),
            }
        }
    }
}

/// Networks in CIDR notation, where an address alone is a network of one.
pub(super) mod networks {
    use std::net::IpAddr;

    use ipnet::IpNet;
    use serde::Serialize;
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;

    pub fn serialize<S: Serializer>(networks: &[IpNet], serializer: S) -> Result<S::Ok, S::Error> {
        networks.serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        texts
            .iter()
            .map(|text| network(text).map_err(D::Error::custom))
            .collect()
    }

    fn network(text: &str) -> Result<IpNet, String> {
        text.parse::<IpNet>()
            .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
            .map(|network| network.trunc())
            .map_err(|_| format!("`{text}` is neither an address nor a network such as 10.0.0.0/8"))
    }
}
