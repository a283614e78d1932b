//! `/api/auth/mfa/methods` and `DELETE /api/auth/mfa/{method}`.

use crate::case::Case;

pub const CASES: &[Case] = &[];
