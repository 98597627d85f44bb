//! What is read from a stream.

use super::{Inner, Io, Metered};
use bytes::{Buf, Bytes};
use std::{
    cell::RefCell,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::tcp::OwnedReadHalf,
};

/// Most bytes that one read takes from a websocket. The engine's own buffer, which every connection keeps, can be
/// a small one then.
pub(super) const READ_AHEAD: usize = 8 * 1024;

thread_local! {
    static AHEAD: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_AHEAD].into());
}

impl<S: AsyncRead + Unpin> Inner<S> {
    /// Reads what is there. Of a session, what does not fit is kept for the next time.
    fn poll_io(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let read: Pin<&mut dyn AsyncRead> = match &mut self.io {
            Io::Whole(io) => Pin::<&mut S>::new(io),
            Io::Shared(read, _) => Pin::<&mut OwnedReadHalf>::new(read),
            Io::Gone => return Poll::Ready(Ok(())),
        };
        if self.session.is_none() || buf.remaining() >= READ_AHEAD {
            return read.poll_read(cx, buf);
        }
        AHEAD.with_borrow_mut(|ahead| {
            let mut ahead = ReadBuf::new(ahead);
            ready!(read.poll_read(cx, &mut ahead))?;
            let (now, later) = ahead.filled().split_at(ahead.filled().len().min(buf.remaining()));
            buf.put_slice(now);
            if !later.is_empty() {
                self.replay = Bytes::copy_from_slice(later);
            }
            Poll::Ready(Ok(()))
        })
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Metered<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self.get_mut().0;
        if this.meter.is_cut() {
            return Poll::Ready(Ok(()));
        }
        if this.greets() {
            ready!(this.poll_greet(cx, &[]))?;
        }
        let before = buf.filled().len();
        if !this.replay.is_empty() {
            let len = this.replay.len().min(buf.remaining());
            buf.put_slice(&this.replay[..len]);
            this.replay.advance(len);
            if this.replay.is_empty() {
                // An empty one still holds the memory that it was a part of.
                this.replay = Bytes::new();
            }
        } else {
            let read = this.poll_io(cx, buf);
            if read.is_pending() {
                this.meter.wake_reader_on_cut(cx.waker());
                if !this.meter.is_cut() {
                    return Poll::Pending;
                }
                return Poll::Ready(Ok(()));
            }
            ready!(read)?;
        }
        if let Some(session) = &mut this.session
            && let Some(read) = &mut session.read
        {
            let mut upgraded = false;
            read.walk(&buf.filled()[before..], |message| upgraded |= message.is_upgrade());
            if upgraded {
                session.read = None;
                session.link.upgraded();
            }
        }
        Poll::Ready(Ok(()))
    }
}
