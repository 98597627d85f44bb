//! What takes a while: files that were handed in, and the work that is done with them.

pub mod files;
pub mod intake;
