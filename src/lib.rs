//! Herald: HTTP records, and one ordered sequence of notices that standard Socket.IO clients, plain
//! WebSockets and SSE follow without a gap. ARCHITECTURE.md walks through the house.

pub mod admin;
pub mod answer;
pub mod auth;
pub mod body;
pub mod broker;
pub mod catalogue;
pub mod cli;
pub mod config;
pub mod delivery;
pub mod demo;
pub mod error;
pub mod faults;
pub mod host;
pub mod identity;
pub mod ids;
pub mod jobs;
pub mod notice;
pub mod records;
pub mod secret;
pub mod server;
pub mod store;
pub mod time;
pub mod transport;
pub mod webhooks;
