//! Refuses a message by the size that it declares. actix's codec looks at the size only when the
//! whole frame is there, and keeps everything until then: a client that declares a terabyte could
//! fill the memory. So the headers are read here, on the way in.

use actix_web::{error::PayloadError, web::Payload};
use bytes::Bytes;
use futures_util::Stream;
use std::{
    cell::Cell,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

/// Whether the client declared more than it may.
#[derive(Clone, Default)]
pub struct Oversize(Rc<Cell<bool>>);

impl Oversize {
    /// Whether it did.
    pub fn happened(&self) -> bool {
        self.0.get()
    }
}

/// A client's bytes, up to a frame that is too large; the stream ends with an error there.
pub struct Measured {
    payload: Payload,
    headers: Headers,
    oversize: Oversize,
}

impl Measured {
    /// Frames of at most `max` bytes.
    pub fn new(payload: Payload, max: usize) -> (Self, Oversize) {
        let oversize = Oversize::default();
        (Self { payload, headers: Headers::new(max as u64), oversize: oversize.clone() }, oversize)
    }
}

impl Stream for Measured {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.oversize.happened() {
            return Poll::Ready(None);
        }
        let next = Pin::new(&mut this.payload).poll_next(context);
        if let Poll::Ready(Some(Ok(bytes))) = &next
            && !this.headers.walk(bytes)
        {
            this.oversize.0.set(true);
            return Poll::Ready(Some(Err(PayloadError::Overflow)));
        }
        next
    }
}

/// Walks over frames (RFC 6455, 5.2) without keeping them.
struct Headers {
    max: u64,
    /// The header so far: at most 2 bytes and 8 of extended length.
    head: [u8; 10],
    have: usize,
    /// Bytes of mask and payload still to come.
    skip: u64,
}

impl Headers {
    const fn new(max: u64) -> Self {
        Self { max, head: [0; 10], have: 0, skip: 0 }
    }

    /// Whether every frame that begins in these bytes declares at most `max`.
    fn walk(&mut self, mut bytes: &[u8]) -> bool {
        while !bytes.is_empty() {
            if self.skip > 0 {
                let step = self.skip.min(bytes.len() as u64);
                self.skip -= step;
                bytes = &bytes[step as usize..];
                continue;
            }
            self.head[self.have] = bytes[0];
            self.have += 1;
            bytes = &bytes[1..];
            let Some(length) = self.length() else { continue };
            if length > self.max {
                return false;
            }
            let mask = if self.head[1] & 0x80 == 0 { 0 } else { 4 };
            (self.have, self.skip) = (0, length + mask);
        }
        true
    }

    /// The declared length, once the header says it.
    fn length(&self) -> Option<u64> {
        let [_, short, long @ ..] = &self.head;
        match (self.have, short & 0x7f) {
            (0 | 1, _) => None,
            (4, 126) => Some(u64::from(u16::from_be_bytes([long[0], long[1]]))),
            (10, 127) => Some(u64::from_be_bytes(*long)),
            (_, 126 | 127) => None,
            (_, length) => Some(u64::from(length)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame(length: usize, masked: bool) -> Vec<u8> {
        let mask_bit = if masked { 0x80 } else { 0 };
        let mut bytes = vec![0x81];
        match length {
            0..126 => bytes.push(mask_bit | length as u8),
            126..65_536 => {
                bytes.push(mask_bit | 126);
                bytes.extend((length as u16).to_be_bytes());
            }
            _ => {
                bytes.push(mask_bit | 127);
                bytes.extend((length as u64).to_be_bytes());
            }
        }
        bytes.extend(std::iter::repeat_n(0xff, length + if masked { 4 } else { 0 }));
        bytes
    }

    #[test]
    fn a_frame_is_refused_by_its_header_alone() {
        let mut headers = Headers::new(100_000);
        assert!(headers.walk(&frame(100_000, true)));
        assert!(!headers.walk(&frame(100_001, true)[..10]));
        assert!(!Headers::new(100_000).walk(&[0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]));
    }

    proptest! {
        #[test]
        fn frames_are_told_apart_however_they_are_cut(
            lengths in prop::collection::vec(prop_oneof![0_usize..130, 60_000_usize..70_000], 1..6),
            chunk in 1_usize..5_000,
        ) {
            let max = 65_000;
            let stream: Vec<u8> = lengths.iter().flat_map(|length| frame(*length, true)).collect();
            let mut headers = Headers::new(max);
            let passed = stream.chunks(chunk).all(|part| headers.walk(part));
            prop_assert_eq!(passed, lengths.iter().all(|length| *length as u64 <= max));
        }
    }
}
