//! `/api/auth/reactivate`: the way back into a deactivated account.

use crate::case::Case;

pub const CASES: &[Case] = &[];
