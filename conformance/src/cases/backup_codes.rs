//! `/api/auth/mfa/backup-codes`.

use crate::case::Case;

pub const CASES: &[Case] = &[];
