//! Spans and events, or nothing when the feature `tracing` is off. They say which operation, how
//! often it was sent and what status came of it: never a header, a body or an address.

/// One event; with the feature off its arguments are not even evaluated.
macro_rules! event {
    ($level:ident, $($what:tt)*) => {{
        #[cfg(feature = "tracing")]
        tracing::event!(target: "bp_auth_client", tracing::Level::$level, $($what)*);
    }};
}

pub(crate) use event;

/// The span of one call of a generated operation.
#[cfg(feature = "tracing")]
pub(crate) fn call(operation: &'static str) -> tracing::Span {
    tracing::debug_span!(
        target: "bp_auth_client",
        "auth call",
        operation,
        attempts = tracing::field::Empty,
        status = tracing::field::Empty,
    )
}
