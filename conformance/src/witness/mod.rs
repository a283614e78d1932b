//! What stands between the cases and the server: a proxy that passes every request on unchanged, holds
//! every answer against the document, and remembers both.
//!
//! No case can forget to check an answer, and none can check it more kindly than another. With several
//! instances behind it, each request goes to the next one, unless it names another.

pub mod blank;
pub mod contract;
pub mod exchange;
pub mod proxy;
pub mod recorder;
pub mod rotation;

pub use exchange::{Answer, Exchange, Sent};
pub use proxy::{Misbehaviour, Onward, Witness};
pub use recorder::{CaseId, Recorder};

/// Tells the witness which case a request belongs to. It is not passed on.
pub const CASE_HEADER: &str = "x-conformance-case";

/// Tells the witness which instance to ask, counted around from 0, where the next one in turn would not
/// do. It is not passed on.
pub const INSTANCE_HEADER: &str = "x-conformance-instance";
