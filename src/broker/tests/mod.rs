//! The broker's parts together.

mod actor;
mod hub;
mod resume;
