//! Where traces go, if anywhere.

use serde::{Deserialize, Serialize};

use super::seconds::Seconds;
use super::values::{self, SecretText};

/// Traces for an OpenTelemetry collector.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Telemetry {
    /// A collector that takes OTLP over HTTP; `/v1/traces` is added. Empty: nothing is traced.
    #[serde(with = "values::optional")]
    pub otlp_endpoint: Option<String>,
    /// Headers of each export, as `name=value,name=value`; they may hold a credential.
    pub otlp_headers: SecretText,
    /// In production: yes, the way to an `http` collector that is no loopback address is private.
    pub acknowledge_cleartext: bool,
    /// `service.name` of every span.
    pub service_name: String,
    /// The share of requests and jobs that are traced, 0 to 1.
    pub sample_ratio: f64,
    /// Whether a caller's `traceparent` decides in place of the ratio.
    pub follow_parent: bool,
    /// How long one export may take.
    pub timeout: Seconds,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self {
            otlp_endpoint: None,
            otlp_headers: SecretText::default(),
            acknowledge_cleartext: false,
            service_name: "bp-auth".to_owned(),
            sample_ratio: 1.0,
            follow_parent: false,
            timeout: Seconds::new(10),
        }
    }
}
