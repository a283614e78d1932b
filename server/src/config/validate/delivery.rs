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

fn is_here(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    let address = address.parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}
