//! Which traces are recorded. Anyone may send a `traceparent`, so that neither its flag nor its id,
//! which the usual samplers go by, may decide how much this server exports.

use opentelemetry::trace::{Link, SpanContext, SpanKind, TraceContextExt, TraceId, TraceState};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{SamplingDecision, SamplingResult, ShouldSample};

/// A share of all traces, drawn by ourselves.
#[derive(Debug, Clone)]
pub struct Share {
    ratio: f64,
    /// The caller decides, where there is one.
    follow_parent: bool,
    draw: fn() -> f64,
}

impl Share {
    pub fn new(ratio: f64, follow_parent: bool) -> Self {
        Self {
            ratio,
            follow_parent,
            draw,
        }
    }

    fn is_taken(&self, parent: Option<&SpanContext>) -> bool {
        match parent {
            // A trace is whole or absent.
            Some(parent) if !parent.is_remote() || self.follow_parent => parent.is_sampled(),
            Some(_) | None => (self.draw)() < self.ratio,
        }
    }
}

impl ShouldSample for Share {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        _: TraceId,
        _: &str,
        _: &SpanKind,
        _: &[KeyValue],
        _: &[Link],
    ) -> SamplingResult {
        let parent = parent.map(|context| context.span().span_context().clone());
        let decision = match self.is_taken(parent.filter(SpanContext::is_valid).as_ref()) {
            true => SamplingDecision::RecordAndSample,
            false => SamplingDecision::Drop,
        };
        SamplingResult {
            decision,
            attributes: Vec::new(),
            trace_state: TraceState::default(),
        }
    }
}

/// From 0 to just below 1; without randomness, 1, which no share reaches.
fn draw() -> f64 {
    const STEPS: f64 = (1u64 << 53) as f64;
    getrandom::u64().map_or(1.0, |bits| (bits >> 11) as f64 / STEPS)
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{SpanId, TraceFlags};

    use super::*;

    fn caller(sampled: bool, remote: bool) -> SpanContext {
        let (trace, span) = (TraceId::from(1u128), SpanId::from(1u64));
        let flags = TraceFlags::default().with_sampled(sampled);
        SpanContext::new(trace, span, flags, remote, TraceState::default())
    }

    fn share(ratio: f64, follow_parent: bool) -> Share {
        Share {
            draw: || 0.5,
            ..Share::new(ratio, follow_parent)
        }
    }

    #[test]
    fn a_stranger_neither_forces_a_trace_nor_prevents_one() {
        for sampled in [false, true] {
            let stranger = caller(sampled, true);
            assert!(!share(0.5, false).is_taken(Some(&stranger)));
            assert!(share(0.6, false).is_taken(Some(&stranger)));
        }
    }

    #[test]
    fn a_caller_that_is_followed_decides() {
        for ratio in [0.0, 1.0] {
            assert!(share(ratio, true).is_taken(Some(&caller(true, true))));
            assert!(!share(ratio, true).is_taken(Some(&caller(false, true))));
        }
        assert!(!share(0.5, true).is_taken(None) && share(0.6, true).is_taken(None));
    }

    #[test]
    fn what_belongs_to_a_trace_shares_its_lot() {
        for ratio in [0.0, 1.0] {
            assert!(share(ratio, false).is_taken(Some(&caller(true, false))));
            assert!(!share(ratio, false).is_taken(Some(&caller(false, false))));
        }
    }

    #[test]
    fn all_is_all_and_nothing_is_nothing() {
        for _ in 0..1000 {
            assert!(Share::new(1.0, false).is_taken(None));
            assert!(!Share::new(0.0, false).is_taken(None));
        }
    }
}
