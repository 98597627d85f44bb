//! Wakes the runner.

use std::sync::Arc;
use tokio::sync::Notify;

/// To be rung after the commit of what the runner should look at; app data, cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Bell(Arc<Notify>);

impl Bell {
    /// There is something to do. Rung while nobody listens, it is heard when somebody does.
    pub fn ring(&self) {
        self.0.notify_one();
    }

    /// Returns when it was rung since it was last heard.
    pub(super) async fn heard(&self) {
        self.0.notified().await;
    }
}
