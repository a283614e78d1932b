//! The address of a client behind proxies, from `X-Forwarded-For` as proxies write it or from RFC 7239's
//! `Forwarded`.
//!
//! Limits count by this address, so a form that is not understood makes one client of everybody behind the
//! proxy. Crates that read these headers give the first or the last entry, or fail on the whole header; here
//! entries are read from the right, one trusted proxy after the other, so that what a client wrote to the
//! left of them has no say.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use http::{HeaderMap, HeaderName};
use ipnet::IpNet;

use super::log_pause::LogPause;
use crate::config::ForwardedHeader;

/// Between two lines of the log about a proxy whose entry cannot be read.
const LOG_EVERY: Duration = Duration::from_secs(60);

/// How this server finds the address of a client.
pub struct ClientAddresses {
    trusted_proxies: Vec<IpNet>,
    header: ForwardedHeader,
    log: LogPause,
}

/// The address that limits count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress {
    pub ip: IpAddr,
    /// Whether a trusted proxy sent an entry that is no address. Then `ip` is that proxy's.
    pub is_unreadable: bool,
}

impl ClientAddresses {
    pub fn new(trusted_proxies: Vec<IpNet>, header: ForwardedHeader) -> Self {
        Self {
            trusted_proxies,
            header,
            log: LogPause::new(LOG_EVERY),
        }
    }

    /// The first address, read from this server outwards, that is no trusted proxy's. An entry that is no
    /// address fails closed: the last address known to be true counts.
    pub fn of(&self, peer: SocketAddr, headers: &HeaderMap) -> ClientAddress {
        let trusted = |ip: IpAddr| self.trusted_proxies.iter().any(|net| net.contains(&ip));
        let mut known = peer.ip().to_canonical();
        let values = headers.get_all(self.header_name());
        let values: Vec<&[u8]> = values.iter().map(|value| value.as_bytes()).collect();
        let entries = values
            .iter()
            .rev()
            .flat_map(|value| rsplit_unquoted(value, b','))
            .filter(|entry| !entry.trim_ascii().is_empty());
        let mut is_unreadable = false;
        for entry in entries {
            if !trusted(known) {
                break;
            }
            match self.address(entry) {
                Some(ip) => known = ip.to_canonical(),
                None => {
                    is_unreadable = true;
                    break;
                }
            }
        }
        if is_unreadable && self.log.is_due() {
            tracing::warn!(
                proxy = %known,
                header = %self.header_name(),
                "a trusted proxy sends no address that can be read; all of its clients are counted as one: \
                 see server.forwarded_header"
            );
        }
        ClientAddress {
            ip: known,
            is_unreadable,
        }
    }

    fn header_name(&self) -> HeaderName {
        match self.header {
            ForwardedHeader::XForwardedFor => HeaderName::from_static("x-forwarded-for"),
            ForwardedHeader::Forwarded => http::header::FORWARDED,
        }
    }

    fn address(&self, entry: &[u8]) -> Option<IpAddr> {
        match self.header {
            ForwardedHeader::XForwardedFor => node(entry),
            ForwardedHeader::Forwarded => node(for_parameter(entry)?),
        }
    }
}

/// The value of `for`, which an element must have once.
fn for_parameter(element: &[u8]) -> Option<&[u8]> {
    let mut values = rsplit_unquoted(element, b';').filter_map(|pair| {
        let equals = pair.iter().position(|byte| *byte == b'=')?;
        let (name, value) = pair.split_at(equals);
        let is_for = name.trim_ascii().eq_ignore_ascii_case(b"for");
        is_for.then(|| value.get(1..)).flatten()
    });
    let value = values.next();
    value.filter(|_| values.next().is_none())
}

/// An address alone, with a port, in brackets, or in quotes with any of these. `unknown` and names that a
/// proxy made up are none.
fn node(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?.trim_ascii();
    let unquoted = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    let text = unquoted.unwrap_or(text).trim_ascii();
    if let Some(bracketed) = text.strip_prefix('[') {
        let (address, port) = bracketed.split_once(']')?;
        let has_no_other_end = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
        return ipv6(address).filter(|_| has_no_other_end);
    }
    if let Some((address, port)) = text.split_once(':')
        && let Ok(address) = address.parse::<Ipv4Addr>()
    {
        return is_port(port).then_some(address.into());
    }
    text.parse::<Ipv4Addr>()
        .map(IpAddr::from)
        .ok()
        .or_else(|| ipv6(text))
}

/// A zone such as `%eth0` means something on the proxy's machine only.
fn ipv6(text: &str) -> Option<IpAddr> {
    let address = text.split_once('%').map_or(text, |(address, _)| address);
    address.parse::<Ipv6Addr>().ok().map(IpAddr::from)
}

/// A number, or the made-up name that RFC 7239 allows in its place.
fn is_port(text: &str) -> bool {
    match text.strip_prefix('_') {
        Some(name) => name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)),
        None => text.parse::<u16>().is_ok() && !text.starts_with('+'),
    }
}

/// The parts between separators outside of quotes, the last one first. From the right, because what the
/// nearest proxy appended is well-formed, while a client may have left a quote open before it.
fn rsplit_unquoted(text: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let mut is_quoted = false;
        let found = text.iter().enumerate().rposition(|(at, byte)| {
            if *byte == b'"' && !is_escaped(text, at) {
                is_quoted = !is_quoted;
            }
            !is_quoted && *byte == separator
        });
        rest = found.and_then(|at| text.get(..at));
        match found {
            Some(at) => text.get(at + 1..),
            None => Some(text),
        }
    })
}

/// Whether an odd number of backslashes stands before the byte.
fn is_escaped(text: &[u8], at: usize) -> bool {
    let before = text.iter().take(at).rev();
    before.take_while(|byte| **byte == b'\\').count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn found(header: ForwardedHeader, peer: &str, values: &[&[u8]]) -> ClientAddress {
        let trusted = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let addresses = ClientAddresses::new(trusted.to_vec(), header);
        let mut headers = HeaderMap::new();
        for value in values {
            let value = HeaderValue::from_bytes(value).unwrap();
            headers.append(addresses.header_name(), value);
        }
        addresses.of(SocketAddr::new(peer.parse().unwrap(), 1), &headers)
    }

    fn readable(ip: &str) -> ClientAddress {
        ClientAddress {
            ip: ip.parse().unwrap(),
            is_unreadable: false,
        }
    }

    fn unreadable(ip: &str) -> ClientAddress {
        ClientAddress {
            is_unreadable: true,
            ..readable(ip)
        }
    }

    const PROXY: &str = "10.0.0.1";

    #[test]
    fn the_header_counts_only_from_a_trusted_proxy_and_from_the_right() {
        use ForwardedHeader::XForwardedFor;
        for (peer, values, expected) in [
            ("192.0.2.1", &["198.51.100.7"][..], "192.0.2.1"),
            (PROXY, &["198.51.100.7"], "198.51.100.7"),
            (PROXY, &["1.1.1.1, 198.51.100.7, 10.0.0.2"], "198.51.100.7"),
            (PROXY, &["1.1.1.1", "198.51.100.7"], "198.51.100.7"),
            (
                PROXY,
                &["1.1.1.1:1, 198.51.100.7:2, 10.0.0.2:3"],
                "198.51.100.7",
            ),
            (PROXY, &["[2001:db8::7]:1", "[fd00::1]:2"], "2001:db8::7"),
            (PROXY, &["junk, 198.51.100.7,"], "198.51.100.7"),
            (PROXY, &[" , "], PROXY),
            (PROXY, &[], PROXY),
            // The IPv6 socket of a proxy that speaks IPv4.
            ("::ffff:10.0.0.1", &["198.51.100.7:80"], "198.51.100.7"),
        ] {
            let bytes: Vec<&[u8]> = values.iter().map(|value| value.as_bytes()).collect();
            let found = found(XForwardedFor, peer, &bytes);
            assert_eq!(found, readable(expected), "{values:?}");
        }
        // A client cannot spoil what the proxy appends to its bytes.
        let spoilt: &[&[u8]] = &[b"\xff\", 198.51.100.7:443"];
        assert_eq!(
            found(XForwardedFor, PROXY, spoilt),
            readable("198.51.100.7")
        );
    }

    #[test]
    fn addresses_are_read_as_proxies_write_them() {
        for (text, ip) in [
            ("203.0.113.7", "203.0.113.7"),
            ("203.0.113.7:51234", "203.0.113.7"),
            ("\"203.0.113.7:51234\"", "203.0.113.7"),
            ("2001:db8::7", "2001:db8::7"),
            ("[2001:db8::7]", "2001:db8::7"),
            ("[2001:db8::7]:51234", "2001:db8::7"),
            ("\"[2001:db8::7]:51234\"", "2001:db8::7"),
            (" \" [2001:DB8::7]:51234 \" ", "2001:db8::7"),
            ("fe80::1%eth0", "fe80::1"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
            ("[::ffff:203.0.113.7]:1", "203.0.113.7"),
            ("203.0.113.7:_hidden", "203.0.113.7"),
        ] {
            let found = found(ForwardedHeader::XForwardedFor, PROXY, &[text.as_bytes()]);
            assert_eq!(found, readable(ip), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_fails_closed() {
        for text in [
            "unknown",
            "_hidden",
            "junk",
            "localhost",
            "203.0.113.7:",
            "203.0.113.7:port",
            "203.0.113.7:65536",
            "203.0.113.7:+80",
            "203.0.113.7:80:80",
            "203.0.113",
            "203.0.113.07",
            "[203.0.113.7]",
            "[2001:db8::7",
            "[2001:db8::7]80",
            "[2001:db8::7]:",
            "2001:db8::7]:80",
            "\"203.0.113.7",
            "203.0.113.7\"",
            "for=203.0.113.7",
        ] {
            let found = found(ForwardedHeader::XForwardedFor, PROXY, &[text.as_bytes()]);
            assert_eq!(found, unreadable(PROXY), "{text}");
        }
        // The last address that is known to be true is not always the peer's.
        let values: &[&[u8]] = &[b"198.51.100.7, unknown, 10.0.0.2"];
        let found = found(ForwardedHeader::XForwardedFor, PROXY, values);
        assert_eq!(found, unreadable("10.0.0.2"));
    }

    #[test]
    fn forwarded_is_read_as_its_standard_says() {
        for (text, expected) in [
            ("for=203.0.113.7", readable("203.0.113.7")),
            ("For=\"203.0.113.7:47011\"", readable("203.0.113.7")),
            (
                "by=203.0.113.43;proto=https;for=192.0.2.60",
                readable("192.0.2.60"),
            ),
            (
                "for=1.1.1.1, for=\"[2001:db8:cafe::17]:4711\";host=\"a,b;c\"",
                readable("2001:db8:cafe::17"),
            ),
            (
                "for=198.51.100.7;proto=http , for=10.0.0.2",
                readable("198.51.100.7"),
            ),
            // What a client wrote does not reach the element of the proxy.
            ("for=\"evil, for=198.51.100.7", readable("198.51.100.7")),
            ("host=\"\\\", for=198.51.100.7", readable("198.51.100.7")),
            ("for=unknown", unreadable(PROXY)),
            ("for=\"_gazonk\"", unreadable(PROXY)),
            ("proto=https", unreadable(PROXY)),
            ("for=1.1.1.1;for=2.2.2.2", unreadable(PROXY)),
            ("198.51.100.7", unreadable(PROXY)),
        ] {
            let found = found(ForwardedHeader::Forwarded, PROXY, &[text.as_bytes()]);
            assert_eq!(found, expected, "{text}");
        }
    }
}
