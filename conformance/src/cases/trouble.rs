//! What a server answers that cannot do its work.

use crate::case::Case;

pub const CASES: &[Case] = &[];
