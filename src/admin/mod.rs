//! What operators and people look at: health, the pages.

pub mod health;
pub mod pages;
