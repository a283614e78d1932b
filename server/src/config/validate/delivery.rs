//! Rules of `[delivery]` and of what it names.

use std::path::Path;

use lettre::message::Mailbox;
use url::{Host, Url};

use super::Checks;
use crate::config::{MailTransport, Seconds, SmsTransport, SmtpTls};
use crate::delivery::webhook;

impl Checks<'_> {
    pub(super) fn delivery(&mut self) {
        let delivery = &self.config.delivery;
        let sender = delivery.from.parse::<Mailbox>().is_ok();
        self.require(
            sender,
            "delivery.from",
            "expected a mail address such as Name <a@example.com>",
        );
        let bounds = Seconds::new(1)..=Seconds::new(50);
        self.require(
            bounds.contains(&delivery.timeout),
            "delivery.timeout",
            "expected 1 to 50 seconds: after a minute another instance tries",
        );
        if delivery.transport == MailTransport::Smtp {
            self.smtp();
        }
        match delivery.sms_transport {
            SmsTransport::File => {}
            SmsTransport::Twilio => self.twilio(),
            SmsTransport::Webhook => self.webhook(),
        }
    }

    pub(super) fn production_delivery(&mut self) {
        let delivery = &self.config.delivery;
        for (key, is_file) in [
            (
                "delivery.transport",
                delivery.transport == MailTransport::File,
            ),
            (
                "delivery.sms_transport",
                delivery.sms_transport == SmsTransport::File,
            ),
        ] {
            self.require(
                !is_file || delivery.acknowledge_file,
                key,
                "files reach nobody by themselves; if a program of yours sends them, \
                 set delivery.acknowledge_file = true",
            );
        }
        if delivery.transport == MailTransport::Smtp {
            let from = delivery.from.parse::<Mailbox>();
            let own = from.is_ok_and(|from| from.email.domain() != "localhost");
            self.require(
                own,
                "delivery.from",
                "production needs an address of yours, or mails are taken for forged",
            );
        }
    }

    fn smtp(&mut self) {
        let smtp = &self.config.smtp;
        self.require(
            is_host(&smtp.host),
            "smtp.host",
            "expected the name of the mail server",
        );
        self.require(
            smtp.username.is_empty() == smtp.password.is_empty(),
            "smtp.password",
            "a user name and a password belong together",
        );
        self.require(
            (1..=64).contains(&smtp.connections),
            "smtp.connections",
            "expected 1 to 64",
        );
        // Codes, links and the password of the mail server would be readable on the way.
        self.require(
            smtp.tls != SmtpTls::None || is_here(&smtp.host),
            "smtp.tls",
            "only a mail server on this machine may be talked to in the clear",
        );
        if let Some(file) = &smtp.ca_file {
            self.require(
                Path::new(file).is_file(),
                "smtp.ca_file",
                "there is no such file",
            );
        }
    }

    fn twilio(&mut self) {
        let twilio = &self.config.twilio;
        self.web_address("twilio.url", &twilio.url);
        for (key, text) in [
            ("twilio.account_sid", twilio.account_sid.as_str()),
            ("twilio.auth_token", twilio.auth_token.expose()),
            ("twilio.from", twilio.from.as_str()),
        ] {
            let fine = !text.is_empty() && !text.chars().any(char::is_control);
            self.require(fine, key, "twilio needs it");
        }
    }

    fn webhook(&mut self) {
        let config = self.config;
        self.web_address("sms_webhook.url", &config.sms_webhook.url);
        self.require(
            webhook::secret(config.sms_webhook.secret.expose()).is_some(),
            "sms_webhook.secret",
            "expected `whsec_` and base64 of 24 to 64 bytes, \
             such as of `echo whsec_$(openssl rand -base64 32)`",
        );
    }

    /// Where codes are sent: encrypted, or within this machine.
    fn web_address(&mut self, key: &str, text: &str) {
        let usable = Url::parse(text).is_ok_and(|url| {
            let here = url.host_str().is_some_and(is_here);
            url.scheme() == "https" || (url.scheme() == "http" && here)
        });
        self.require(
            usable,
            key,
            "expected an https address, or an http one of this machine",
        );
    }
}

fn is_host(text: &str) -> bool {
    Host::parse(text).is_ok() || text.parse::<std::net::IpAddr>().is_ok()
}

pub(super) fn is_here(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    let address = address.parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, MailTransport, Mode, SecretText, SmsTransport, SmtpTls};

    /// The keys that are refused after a change of a configuration that is fine.
    fn refused(change: impl FnOnce(&mut Config)) -> Vec<String> {
        let mut config = Config::default();
        config.delivery.transport = MailTransport::Smtp;
        config.smtp.host = "mail.example.com".to_owned();
        config.smtp.username = "bp-auth".to_owned();
        config.smtp.password = SecretText::new("hunter2");
        config.twilio.account_sid = "AC1".to_owned();
        config.twilio.auth_token = SecretText::new("hunter2");
        config.twilio.from = "+15005550006".to_owned();
        config.sms_webhook.url = "https://sms.example.com/send".to_owned();
        config.sms_webhook.secret = SecretText::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        change(&mut config);
        let problems = config.validate();
        assert!(
            problems
                .iter()
                .all(|it| !format!("{it}").contains("hunter2"))
        );
        problems.into_iter().map(|problem| problem.name).collect()
    }

    #[test]
    fn nothing_secret_leaves_this_machine_in_the_clear() {
        let sms = |transport| move |config: &mut Config| config.delivery.sms_transport = transport;
        for transport in [
            SmsTransport::File,
            SmsTransport::Twilio,
            SmsTransport::Webhook,
        ] {
            assert!(refused(sms(transport)).is_empty(), "{transport:?}");
        }
        let clear = |host: &str| {
            refused(|config| {
                config.smtp.host = host.to_owned();
                config.smtp.tls = SmtpTls::None;
            })
        };
        for here in ["localhost", "127.0.0.1", "::1"] {
            assert!(clear(here).is_empty(), "{here}");
        }
        for there in ["mail.example.com", "192.0.2.1", "localhost.example.com"] {
            assert_eq!(clear(there), ["smtp.tls"], "{there}");
        }
        let webhook = |url: &str| {
            refused(|config| {
                config.delivery.sms_transport = SmsTransport::Webhook;
                config.sms_webhook.url = url.to_owned();
            })
        };
        for fine in [
            "http://localhost:9/x",
            "http://[::1]:9/x",
            "https://h.example",
        ] {
            assert!(webhook(fine).is_empty(), "{fine}");
        }
        for url in ["http://h.example/x", "ftp://localhost/x", "h.example", ""] {
            assert_eq!(webhook(url), ["sms_webhook.url"], "{url}");
        }
        let twilio = refused(|config| {
            config.delivery.sms_transport = SmsTransport::Twilio;
            config.twilio.url = "http://api.example.com".to_owned();
        });
        assert_eq!(twilio, ["twilio.url"]);
    }

    #[test]
    fn what_a_transport_needs_is_named() {
        assert_eq!(refused(|config| config.smtp.host.clear()), ["smtp.host"]);
        let half = |config: &mut Config| config.smtp.password = SecretText::default();
        assert_eq!(refused(half), ["smtp.password"]);
        let file = |config: &mut Config| config.smtp.ca_file = Some("/nowhere.pem".to_owned());
        assert_eq!(refused(file), ["smtp.ca_file"]);
        let missing = refused(|config| {
            config.delivery.sms_transport = SmsTransport::Twilio;
            config.twilio.auth_token = SecretText::default();
            config.twilio.from.clear();
        });
        assert_eq!(missing, ["twilio.auth_token", "twilio.from"]);
        for secret in ["", "hunter2", "whsec_", "whsec_aHVudGVyMg==", "whsec_!"] {
            let refused = refused(|config| {
                config.delivery.sms_transport = SmsTransport::Webhook;
                config.sms_webhook.secret = SecretText::new(secret);
            });
            assert_eq!(refused, ["sms_webhook.secret"], "{secret}");
        }
        // What is not used need not be complete.
        assert!(Config::default().validate().is_empty());
    }

    #[test]
    fn production_wants_each_kind_of_message_to_reach_somebody() {
        let of_delivery = |keys: Vec<String>| -> Vec<String> {
            let is_ours = |key: &String| key.starts_with("delivery.");
            keys.into_iter().filter(is_ours).collect()
        };
        let production = |config: &mut Config| config.mode = Mode::Production;
        let keys = of_delivery(refused(production));
        assert_eq!(keys, ["delivery.sms_transport", "delivery.from"]);
        let keys = of_delivery(refused(|config| {
            production(config);
            config.delivery.transport = MailTransport::File;
            config.delivery.sms_transport = SmsTransport::Twilio;
        }));
        assert_eq!(keys, ["delivery.transport"]);
        let keys = of_delivery(refused(|config| {
            production(config);
            config.delivery.acknowledge_file = true;
            config.delivery.from = "Accounts <accounts@example.com>".to_owned();
        }));
        assert!(keys.is_empty(), "{keys:?}");
    }
}
