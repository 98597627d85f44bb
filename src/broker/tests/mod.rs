//! The broker's parts together.

mod actor;
mod backlog;
mod hub;
mod replay;
mod resume;
mod shelf;
