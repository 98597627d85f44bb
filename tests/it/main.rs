//! The integration suite: a real server for each test, real HTTP, all three transports, on SQLite or
//! (`HERALD_TEST_DATABASE=postgres`) on PostgreSQL. One file a subject; `faults/` is what happens when
//! processes die and clients stall. docs/protocol.md and these tests must agree.

mod admin_connections;
mod admin_namespace;
mod announcements;
mod api_keys;
mod connecting;
mod conventions;
mod departments;
mod events;
mod faults;
mod groups;
mod identity;
mod import;
mod inbox;
mod inbox_delivery;
mod jobs;
mod mail;
mod market;
mod nothing_for_refused;
mod ordering;
mod presence;
mod publish;
mod resume;
mod rooms;
mod rooms_heard;
mod support;
mod switching;
mod uploads;
mod users;
mod webhooks;
