//! What is said on `/admin` in Herald's own words. Those of the Admin UI are its own affair (docs/admin-ui.md).

use super::{Sent, schemas::schema};
use crate::{
    broker::AuthExpiring,
    notice::EventName,
    transport::socketio::{ConnectionsTold, ServerStats},
};
use schemars::SchemaGenerator;

/// All of it.
pub(super) fn all(of: &mut SchemaGenerator) -> Vec<Sent> {
    let sent = |event, summary: &str, payload| Sent {
        event,
        alias_of: None,
        summary: summary.to_owned(),
        payload,
        stored: false,
        rooms: &[],
        confirmed: false,
    };
    vec![
        sent(
            "connections",
            "Who is connected: all of them first, and again when too much happened at once; then what changed.",
            schema::<ConnectionsTold<'_>>(of),
        ),
        sent("server_stats", "How this node does, every two seconds.", schema::<ServerStats<'_>>(of)),
        sent(EventName::AuthExpiring.as_str(), "As on `/`.", schema::<AuthExpiring>(of)),
    ]
}
