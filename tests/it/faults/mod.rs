//! What happens when processes die, readers stall and messages are lost.

mod kill_9;
mod shutdown;
mod stalled_reader;
