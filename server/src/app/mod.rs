//! The logic of the 24 operations. It names neither the HTTP framework nor the database layer.

pub mod clock;
pub mod message;
pub mod seal;
