//! The networks of a client, as limits count them.

use std::net::IpAddr;

/// Every level of addresses that one attacker may own. A limit by network asks both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Networks {
    /// An IPv4 address, or the IPv6 /64 of one subscriber.
    pub narrow: String,
    /// The IPv4 /24, or the IPv6 /48 that one subscriber is often given.
    pub wide: String,
    /// Whether the wide network has many subscribers, as an IPv4 /24 has.
    pub is_shared: bool,
}

impl Networks {
    pub fn of(ip: IpAddr) -> Self {
        match ip.to_canonical() {
            IpAddr::V4(address) => {
                let [a, b, c, _] = address.octets();
                Self {
                    narrow: address.to_string(),
                    wide: format!("{a}.{b}.{c}.0/24"),
                    is_shared: true,
                }
            }
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Self {
                    narrow: format!("{a:x}:{b:x}:{c:x}:{d:x}::/64"),
                    wide: format!("{a:x}:{b:x}:{c:x}::/48"),
                    is_shared: false,
                }
            }
        }
    }

    /// What an operator's command works for, which comes from no network.
    pub fn operator() -> Self {
        Self {
            narrow: "operator".to_owned(),
            wide: "operator".to_owned(),
            is_shared: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_counted_at_every_level_that_an_attacker_owns() {
        let of = |ip: &str| {
            let Networks { narrow, wide, .. } = Networks::of(ip.parse().unwrap());
            (narrow, wide)
        };
        let pair = |narrow: &str, wide: &str| (narrow.to_owned(), wide.to_owned());
        assert_eq!(of("198.51.100.7"), pair("198.51.100.7", "198.51.100.0/24"));
        assert_eq!(of("::ffff:198.51.100.7"), of("198.51.100.7"));
        let customer = pair("2001:db8:1:2::/64", "2001:db8:1::/48");
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), customer);
        assert_eq!(of("2001:db8:1:ffff::1").1, customer.1);
        assert_ne!(of("2001:db8:2:2::1").1, customer.1);
    }
}
