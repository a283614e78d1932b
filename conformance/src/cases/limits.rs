//! Limits that belong to no single operation.

use crate::case::Case;

pub const CASES: &[Case] = &[];
