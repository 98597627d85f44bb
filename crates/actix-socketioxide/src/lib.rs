//! socketioxide on actix-web.
