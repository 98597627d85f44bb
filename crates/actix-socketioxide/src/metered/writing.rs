//! What is written to a stream.

use super::{Inner, Io, Metered, Session, Written};
use crate::frames::FrameWalker;
use bytes::Buf;
use std::{
    io::{self, ErrorKind, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::io::AsyncWrite;

impl<S: AsyncWrite + Unpin> Inner<S> {
    /// Writes what is left of the greeting, and this behind it: answers how much of this.
    pub(super) fn poll_greet(&mut self, cx: &mut Context<'_>, behind: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            let (Io::Whole(io), Some(Session { written: Written::Greeting(greeting), .. })) =
                (&mut self.io, &mut self.session)
            else {
                return Poll::Ready(Ok(0));
            };
            let both = [greeting, behind].concat();
            match Pin::new(io).poll_write(cx, &both) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(taken)) => {
                    let of_greeting = taken.min(greeting.len());
                    greeting.advance(of_greeting);
                    let greeted = greeting.is_empty();
                    if greeted && let Some(session) = &mut self.session {
                        session.written = Written::Frames(FrameWalker::default());
                    }
                    self.meter.moved(of_greeting, both.len() - of_greeting);
                    self.took(behind.len(), taken - of_greeting, std::iter::once(behind));
                    if greeted {
                        self.share();
                        return Poll::Ready(Ok(taken - of_greeting));
                    }
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    self.meter.wrote(0, both.len());
                    return self.poll_stuck(cx).map(Err);
                }
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self.get_mut().0;
        this.check_open()?;
        if this.greets() {
            let taken = ready!(this.poll_greet(cx, buf))?;
            if taken > 0 || buf.is_empty() {
                return Poll::Ready(Ok(taken));
            }
        }
        let io = match &mut this.io {
            Io::Whole(io) => io,
            Io::Shared(_, way) => match &mut this.session {
                Some(Session { written: Written::Frames(written), .. }) => return way.poll_engine(cx, written, buf),
                _ => return Poll::Ready(Err(ErrorKind::BrokenPipe.into())),
            },
            Io::Gone => return Poll::Ready(Err(ErrorKind::BrokenPipe.into())),
        };
        match Pin::new(io).poll_write(cx, buf) {
            Poll::Ready(Ok(taken)) => {
                this.took(buf.len(), taken, std::iter::once(buf));
                this.share();
                Poll::Ready(Ok(taken))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                this.meter.wrote(0, buf.len());
                this.poll_stuck(cx).map(Err)
            }
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if !self.is_write_vectored() {
            // A piece may end within a message, where nothing may come between.
            let whole: Vec<u8> = bufs.iter().flat_map(|buf| buf.iter().copied()).collect();
            return self.poll_write(cx, &whole);
        }
        let this = &mut *self.get_mut().0;
        this.check_open()?;
        let Io::Whole(io) = &mut this.io else { return Poll::Ready(Err(ErrorKind::BrokenPipe.into())) };
        let offered = bufs.iter().map(|buf| buf.len()).sum();
        match Pin::new(io).poll_write_vectored(cx, bufs) {
            Poll::Ready(Ok(taken)) => {
                this.took(offered, taken, bufs.iter().map(|buf| &**buf));
                this.share();
                Poll::Ready(Ok(taken))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                this.meter.wrote(0, offered);
                this.poll_stuck(cx).map(Err)
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        matches!(&self.0.io, Io::Whole(io) if io.is_write_vectored() && !self.0.greets())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self.get_mut().0;
        this.check_open()?;
        if this.greets() {
            ready!(this.poll_greet(cx, &[]))?;
        }
        let Io::Whole(io) = &mut this.io else {
            // As with the kernel's own buffer: what was taken is on its way.
            return Poll::Ready(Ok(()));
        };
        match Pin::new(io).poll_flush(cx) {
            Poll::Ready(done) => {
                // Flushing TCP is always done at once and says nothing of a write that is stuck.
                if this.meter.waiting() == 0 {
                    this.stuck = None;
                }
                Poll::Ready(done)
            }
            Poll::Pending => this.poll_stuck(cx).map(Err),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self.get_mut().0;
        this.check_open()?;
        if this.greets() {
            ready!(this.poll_greet(cx, &[]))?;
        }
        let io = match &mut this.io {
            Io::Whole(io) => io,
            Io::Shared(_, way) => {
                way.shutdown();
                return Poll::Ready(Ok(()));
            }
            Io::Gone => return Poll::Ready(Ok(())),
        };
        match Pin::new(io).poll_shutdown(cx) {
            Poll::Ready(done) => Poll::Ready(done),
            Poll::Pending => this.poll_stuck(cx).map(Err),
        }
    }
}
