//! The boundary: everything between the socket and the logic. The only place that joins the
//! interface in `api` with the logic in `app`.

pub mod admin;
pub mod call;
mod contexts;
pub mod convert;
pub mod cookies;
pub mod cors;
pub mod failure;
pub mod gateway;
pub mod handlers;
pub mod listener;
pub mod server;
pub mod trace;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;

use crate::app::App;
use cookies::CookieRules;
use cors::Origins;

/// What every request can reach.
#[derive(Clone)]
pub struct Context {
    pub app: Arc<App>,
    pub rules: Arc<Rules>,
}

/// How this server behaves towards browsers and proxies.
pub struct Rules {
    pub origins: Origins,
    pub cookies: CookieRules,
    pub trusted_proxies: Vec<IpNet>,
    /// 0: the header is not sent.
    pub hsts_max_age: u64,
    /// How long a body may take to arrive.
    pub body_patience: Duration,
}

impl Rules {
    /// The address limits count: the first one, read from this server outwards, that is no proxy of
    /// ours. A value that is no address fails closed: the last address known to be true counts.
    pub fn client_ip(&self, peer: SocketAddr, forwarded: &[&str]) -> IpAddr {
        let trusted = |ip: IpAddr| self.trusted_proxies.iter().any(|net| net.contains(&ip));
        let mut known = peer.ip().to_canonical();
        let hops = forwarded.iter().rev().flat_map(|header| header.rsplit(','));
        for hop in hops {
            if !trusted(known) {
                break;
            }
            match hop.trim().parse::<IpAddr>() {
                Ok(ip) => known = ip.to_canonical(),
                Err(_) => break,
            }
        }
        known
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forwarded_address_counts_only_from_a_trusted_proxy_and_fails_closed() {
        let rules = Rules {
            origins: Origins::new(Vec::new(), &[], false),
            cookies: CookieRules {
                secure: true,
                domain: None,
                path: String::new(),
            },
            trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()],
            hsts_max_age: 0,
            body_patience: Duration::from_secs(10),
        };
        let ip = |peer: &str, forwarded: &[&str]| {
            rules
                .client_ip(format!("{peer}:1").parse().unwrap(), forwarded)
                .to_string()
        };
        assert_eq!(ip("192.0.2.1", &["198.51.100.7"]), "192.0.2.1");
        assert_eq!(ip("10.0.0.1", &["198.51.100.7"]), "198.51.100.7");
        assert_eq!(
            ip("10.0.0.1", &["1.1.1.1, 198.51.100.7, 10.0.0.2"]),
            "198.51.100.7"
        );
        assert_eq!(ip("10.0.0.1", &["1.1.1.1", "198.51.100.7"]), "198.51.100.7");
        assert_eq!(ip("10.0.0.1", &["198.51.100.7, junk"]), "10.0.0.1");
        assert_eq!(ip("10.0.0.1", &[]), "10.0.0.1");
    }
}
