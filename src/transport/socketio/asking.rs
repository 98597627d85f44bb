//! Events that ask the client to acknowledge them, which is how it confirms notifications (CONTRACT 6).
//!
//! socketioxide 0.18.9 keeps a sender for each such event (`Socket::ack_message`) until the client
//! answers, the socket is dropped, or, once 64 are there, a later one finds that nobody waits for it any
//! more. So what a client that never answers can hold is bounded by what is waited for here.

use crate::{broker::Frame, transport::receipts::Addressee};
use serde::de::IgnoredAny;
use socketioxide::{AckError, SendError, extract::SocketRef};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// How long an answer is waited for. Phones sleep; what is answered later has to be confirmed by
/// `notification:ack`, or comes again.
pub const ACK_TIMEOUT: Duration = Duration::from_secs(60);

/// Most answers of one connection that are waited for: each costs some hundred bytes and a timer.
/// What is sent beyond that does not ask.
const OUTSTANDING_MAX: usize = 256;

/// The acknowledgements of one connection.
pub struct Asking {
    addressee: Addressee,
    /// How many were asked for: the library numbers them from 1.
    asked: u64,
    outstanding: Arc<AtomicUsize>,
}

impl Asking {
    /// For a socket that was never asked, and will not be asked by anybody else.
    pub fn new(addressee: Addressee) -> Self {
        Self { addressee, asked: 0, outstanding: Arc::default() }
    }

    /// The number that the next one will have; `None` when too many are outstanding.
    pub fn next(&self) -> Option<u64> {
        (self.outstanding.load(Ordering::Acquire) < OUTSTANDING_MAX).then_some(self.asked + 1)
    }

    /// Sends an event that asks. Whatever the client answers, be it nothing, means that it has it.
    pub fn emit(&mut self, socket: &SocketRef, frame: &Frame) -> Result<(), SendError> {
        let answer = socket.emit_with_ack::<_, IgnoredAny>(&*frame.event, frame.raw())?;
        self.asked += 1;
        // Without a runtime the process is at its end.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let outstanding = Outstanding::new(&self.outstanding);
            let (addressee, ids) = (self.addressee.clone(), frame.confirms().to_vec());
            runtime.spawn(async move {
                // It ends at the latest with the socket, whose end is an answer of the library's.
                match answer.await {
                    Ok(_) | Err(AckError::Decode(_)) => addressee.has(&ids),
                    Err(AckError::Timeout | AckError::Socket(_)) => {}
                }
                drop(outstanding);
            });
        }
        Ok(())
    }
}

/// One that is waited for.
struct Outstanding(Arc<AtomicUsize>);

impl Outstanding {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(count))
    }
}

impl Drop for Outstanding {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
