//! What happens when processes die, readers stall and messages are lost.

mod broadcast;
mod database_away;
mod kill_9;
mod lost_wakeups;
mod shutdown;
mod stalled_reader;
