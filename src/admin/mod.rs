//! What operators and people look at, and where other back ends come in: health, the pages, API keys,
//! publishing, what is told to everybody, who is connected and who is online.

pub mod announcements;
pub mod api_keys;
pub mod connections;
pub mod health;
pub mod pages;
pub mod presence;
pub mod publish;
