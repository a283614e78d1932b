//! What holds for every path: unknown ones, methods, sizes, media types, headers.

use crate::case::Case;

pub const CASES: &[Case] = &[];
