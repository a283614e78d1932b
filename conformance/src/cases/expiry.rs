//! Every life time of the contract, crossed.

use crate::case::Case;

pub const CASES: &[Case] = &[];
