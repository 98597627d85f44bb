//! The clock, descriptors, and what processes used.

use super::SECOND;
use std::{fs, mem};

/// What a process used, without its children.
#[derive(Clone, Copy)]
pub struct Usage {
    /// Resident memory now, KiB.
    pub resident: u64,
    /// The most that it ever was, KiB.
    pub peak: u64,
    /// Processor time, nanoseconds.
    pub cpu: u64,
}

/// Reads what another process used from `/proc`; nothing when it is gone.
pub fn usage(pid: u32) -> Option<Usage> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let kib = |name| status.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok();
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold anything: fields are counted after it. utime and stime are 14 and 15.
    let mut fields = stat[stat.rfind(')')? + 2..].split(' ').skip(11);
    let ticks = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
    // SAFETY: takes a number, gives a number.
    let ticks_a_second = unsafe { libc::sysconf(libc::_SC_CLK_TCK) }.max(1) as u64;
    Some(Usage { resident: kib("VmRSS:")?, peak: kib("VmHWM:")?, cpu: ticks * (SECOND / ticks_a_second) })
}

/// Lets another process's peak memory begin anew. Not everywhere allowed: then the peak stays what it was.
pub fn reset_peak(pid: u32) {
    // 5: see proc(5), clear_refs.
    let _ = fs::write(format!("/proc/{pid}/clear_refs"), "5");
}

/// Now, nanoseconds of the monotonic clock.
#[inline]
pub fn now() -> u64 {
    clock(libc::CLOCK_MONOTONIC)
}

/// Processor time of this process, nanoseconds.
pub fn own_cpu() -> u64 {
    clock(libc::CLOCK_PROCESS_CPUTIME_ID)
}

fn clock(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is valid for the write; both clocks exist on every Linux.
    unsafe { libc::clock_gettime(clock, &mut time) };
    time.tv_sec as u64 * SECOND + time.tv_nsec as u64
}

/// Takes as many descriptors as the system gives without asking an administrator.
pub fn raise_descriptors() {
    let mut limit = limit();
    limit.rlim_cur = limit.rlim_max;
    // SAFETY: the structure lives through the call. A refusal leaves the limit as it was.
    unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) };
}

/// How many descriptors this process may have.
pub fn descriptors() -> u64 {
    limit().rlim_cur
}

fn limit() -> libc::rlimit {
    // SAFETY: zeros are a valid value of this plain structure, which the call then fills.
    unsafe {
        let mut limit = mem::zeroed();
        libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit);
        limit
    }
}
