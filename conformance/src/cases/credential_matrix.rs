//! Every kind of credential against every operation, in every place.

use crate::case::Case;

pub const CASES: &[Case] = &[];
