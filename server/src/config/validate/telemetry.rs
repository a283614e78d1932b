//! Rules of `[telemetry]`.

use url::Url;

use super::delivery::is_here;
use super::{Checks, is_plain_web_address};
use crate::config::Seconds;
use crate::telemetry;

impl Checks<'_> {
    pub(super) fn telemetry(&mut self) {
        let telemetry = &self.config.telemetry;
        let endpoint = telemetry.otlp_endpoint.as_deref().map(Url::parse);
        // An address with a password in it would be shown by `check-config`.
        self.require(
            endpoint.is_none_or(|url| url.is_ok_and(|url| is_plain_web_address(&url))),
            "telemetry.otlp_endpoint",
            "expected an address such as https://collector.example.com:4318, without user, query \
             or fragment; credentials belong in telemetry.otlp_headers",
        );
        self.require(
            telemetry::headers(telemetry.otlp_headers.expose()).is_some(),
            "telemetry.otlp_headers",
            "expected headers as name=value, separated by commas",
        );
        self.require(
            (0.0..=1.0).contains(&telemetry.sample_ratio),
            "telemetry.sample_ratio",
            "expected a share from 0 to 1",
        );
        let name = &telemetry.service_name;
        self.require(
            !name.trim().is_empty() && !name.chars().any(char::is_control),
            "telemetry.service_name",
            "expected text without control characters",
        );
        self.require(
            (Seconds::new(1)..=Seconds::minutes(1)).contains(&telemetry.timeout),
            "telemetry.timeout",
            "expected 1 to 60 seconds",
        );
    }

    /// Spans say who logs in when, and the headers may hold a credential.
    pub(super) fn production_telemetry(&mut self) {
        let telemetry = &self.config.telemetry;
        let endpoint = telemetry.otlp_endpoint.as_deref();
        let clear = endpoint
            .and_then(|text| Url::parse(text).ok())
            .is_some_and(|url| url.scheme() == "http" && !url.host_str().is_some_and(is_here));
        self.require(
            telemetry.acknowledge_cleartext || !clear,
            "telemetry.otlp_endpoint",
            "production sends traces over https, or to this machine; if the way to the collector is \
             private, set telemetry.acknowledge_cleartext = true",
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, Mode, Seconds, SecretText, Telemetry};

    fn refused(change: impl FnOnce(&mut Telemetry)) -> Vec<String> {
        refused_in(Mode::Development, change)
    }

    fn refused_in(mode: Mode, change: impl FnOnce(&mut Telemetry)) -> Vec<String> {
        let mut config = Config {
            mode,
            ..Config::default()
        };
        change(&mut config.telemetry);
        let problems = config.validate().into_iter();
        let ours = problems.filter(|problem| problem.name.starts_with("telemetry."));
        ours.map(|problem| {
            assert!(!problem.to_string().contains("hunter2"), "{problem}");
            problem.name
        })
        .collect()
    }

    fn to(url: &str) -> impl FnOnce(&mut Telemetry) {
        let url = url.to_owned();
        move |telemetry| telemetry.otlp_endpoint = Some(url)
    }

    #[test]
    fn each_setting_that_cannot_be_is_named() {
        assert!(refused(|_| {}).is_empty());
        for fine in ["http://collector:4318", "https://c.example.com/otlp/"] {
            assert!(refused(to(fine)).is_empty(), "{fine}");
        }
        for url in [
            "collector:4318",
            "grpc://collector:4317",
            "https://c.example.com?key=x",
            "https://u:p@c.example.com",
        ] {
            assert_eq!(refused(to(url)), ["telemetry.otlp_endpoint"], "{url}");
        }
        for headers in ["hunter2", "a b=hunter2", "a=hunter2\n", "=hunter2"] {
            let set = |it: &mut Telemetry| it.otlp_headers = SecretText::new(headers);
            assert_eq!(refused(set), ["telemetry.otlp_headers"], "{headers}");
        }
        for ratio in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            let set = |it: &mut Telemetry| it.sample_ratio = ratio;
            assert_eq!(refused(set), ["telemetry.sample_ratio"], "{ratio}");
        }
        let unnamed = refused(|it| it.service_name = " ".to_owned());
        assert_eq!(unnamed, ["telemetry.service_name"]);
        for timeout in [Seconds::ZERO, Seconds::new(61)] {
            let set = |it: &mut Telemetry| it.timeout = timeout;
            assert_eq!(refused(set), ["telemetry.timeout"], "{timeout:?}");
        }
    }

    #[test]
    fn production_traces_in_the_clear_only_on_this_machine_or_where_somebody_says_so() {
        let production = |url: &str| refused_in(Mode::Production, to(url));
        for fine in [
            "https://c.example.com",
            "http://127.0.0.1:4318",
            "http://[::1]:4318",
            "http://localhost:4318",
        ] {
            assert!(production(fine).is_empty(), "{fine}");
        }
        let there = "http://c.example.com:4318";
        assert_eq!(production(there), ["telemetry.otlp_endpoint"]);
        assert!(refused(to(there)).is_empty());
        let acknowledged = refused_in(Mode::Production, |it| {
            it.otlp_endpoint = Some(there.to_owned());
            it.acknowledge_cleartext = true;
        });
        assert!(acknowledged.is_empty());
    }
}
