//! Many Socket.IO clients from one thread: raw epoll and hand-written frames, so that the generator takes
//! less of the machine than the server it measures.
//!
//! [`swarm`] connects and holds the clients, [`modes`] says what is measured with them, [`sys`] is the only
//! place that speaks to the kernel without the standard library. Times are nanoseconds of the monotonic clock.

pub mod frame;
pub mod histogram;
pub mod json;
pub mod modes;
pub mod options;
pub mod swarm;
pub mod sys;
pub mod template;
pub mod trigger;
