//! Which settings a running server takes over when it is told to read its configuration again.

use std::collections::BTreeSet;

use super::{Config, SecretText, layers};

/// What a reload of `bp-auth serve` may change, as keys and as sections with a dot at the end. The rest is
/// built into what already runs: listeners, connections to the database, rules that requests go by.
const RELOADABLE: [&str; 12] = [
    "delivery.transport",
    "delivery.sms_transport",
    "delivery.acknowledge_file",
    "delivery.from",
    "delivery.templates_dir",
    "delivery.default_locale",
    "delivery.timeout",
    "smtp.",
    "twilio.",
    "sms_webhook.",
    "telemetry.otlp_headers",
    "log.level",
];

/// Keys that differ between two configurations.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    pub reloadable: Vec<String>,
    /// These count from the next start on.
    pub needs_restart: Vec<String>,
}

impl Config {
    /// What `new` has otherwise. Values are not told, because some are secrets.
    pub fn changes(&self, new: &Self) -> Changes {
        let mut changes = Changes::default();
        for key in self.differing_keys(new) {
            match is_reloadable(&key) {
                true => changes.reloadable.push(key),
                false => changes.needs_restart.push(key),
            }
        }
        changes
    }

    fn differing_keys(&self, new: &Self) -> BTreeSet<String> {
        let (before, after) = (
            layers::flat(self).unwrap_or_default(),
            layers::flat(new).unwrap_or_default(),
        );
        let shown = before
            .into_iter()
            .filter(|(key, value)| after.get(key) != Some(value))
            .map(|(key, _)| key);
        // Written out they all look alike.
        let secrets = self.secrets().into_iter().zip(new.secrets());
        let hidden = secrets.filter(|((_, before), (_, after))| before != after);
        shown
            .chain(hidden.map(|((key, _), _)| key.to_owned()))
            .collect()
    }

    fn secrets(&self) -> [(&'static str, &SecretText); 5] {
        [
            ("database.url", &self.database.url),
            ("smtp.password", &self.smtp.password),
            ("twilio.auth_token", &self.twilio.auth_token),
            ("sms_webhook.secret", &self.sms_webhook.secret),
            ("telemetry.otlp_headers", &self.telemetry.otlp_headers),
        ]
    }
}

fn is_reloadable(key: &str) -> bool {
    RELOADABLE
        .iter()
        .any(|known| match known.strip_suffix('.') {
            Some(_) => key.starts_with(known),
            None => key == *known,
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{LogLevel, Seconds};

    #[test]
    fn a_change_is_named_and_sorted_by_whether_a_server_takes_it_over() {
        let before = Config::default();
        assert_eq!(before.changes(&before.clone()), Changes::default());
        let mut after = before.clone();
        after.log.level = LogLevel::Warn;
        after.smtp.password = SecretText::new("hunter2");
        after.delivery.late_after = Seconds::new(1);
        after.server.public_url = Some("https://auth.example.com".to_owned());
        let changes = before.changes(&after);
        assert_eq!(changes.reloadable, ["log.level", "smtp.password"]);
        assert_eq!(
            changes.needs_restart,
            ["delivery.late_after", "server.public_url"]
        );
        let mut later = after.clone();
        later.smtp.password = SecretText::new("hunter3");
        assert_eq!(after.changes(&later).reloadable, ["smtp.password"]);
    }

    #[test]
    fn every_secret_and_every_reloadable_setting_is_one_that_there_is() {
        let all = layers::flat(&Config::default()).unwrap();
        for known in RELOADABLE {
            let is_there = all.keys().any(|key| match known.ends_with('.') {
                true => key.starts_with(known),
                false => key == known,
            });
            assert!(is_there, "{known}");
        }
        let config = Config::default();
        let secrets = config.secrets().map(|(key, _)| key);
        assert_eq!(secrets, layers::SECRETS);
    }
}
