//! Walks over websocket frames without keeping them: enough to know where each message ends.

/// A message whose last byte has just been seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) text: bool,
    /// Payload bytes, headers not counted.
    pub(crate) len: u64,
    /// The first three payload bytes, unmasked; zeros where the payload is shorter.
    pub(crate) first: [u8; 3],
}

impl Message {
    /// Engine.IO message (`4`) with a Socket.IO EVENT (`2`) or ACK packet (`3`) of the namespace `/` in it.
    pub(crate) fn is_event(&self) -> bool {
        self.text && is_event(&self.first)
    }

    /// The same of another namespace, whose name follows: `42/admin,[...]`.
    pub(crate) fn is_event_elsewhere(&self) -> bool {
        self.text && is_event_elsewhere(&self.first)
    }

    /// Engine.IO `upgrade`, the last word of a polling session that becomes a websocket.
    pub(crate) fn is_upgrade(&self) -> bool {
        self.text && self.len == 1 && self.first[0] == b'5'
    }
}

/// Whether a packet that begins so is an EVENT of the namespace `/`, or the answer to one: behind `42` or `43`
/// come the number of the acknowledgement or the data, but not the name of another namespace.
pub(crate) fn is_event(packet: &[u8]) -> bool {
    matches!(packet, [b'4', b'2' | b'3', rest @ ..] if rest.first() != Some(&b'/'))
}

/// Whether a packet that begins so is an EVENT of another namespace than `/`.
pub(crate) fn is_event_elsewhere(packet: &[u8]) -> bool {
    packet.starts_with(b"42/")
}

const LONGEST_HEADER: usize = 14;

/// Follows a byte stream of frames, however it is cut into reads or writes.
#[derive(Debug, Default)]
pub(crate) struct FrameWalker {
    header: [u8; LONGEST_HEADER],
    held: u8,
    /// Payload bytes of the current frame still to come; only meaningful after its header.
    left: u64,
    taken: u64,
    in_payload: bool,
    /// A message has begun whose last frame is still to come.
    fragmented: bool,
    text: bool,
    len: u64,
    first: [u8; 3],
}

impl FrameWalker {
    /// Feeds the next bytes and reports every data message that they complete.
    pub(crate) fn walk(&mut self, mut bytes: &[u8], mut done: impl FnMut(Message)) {
        while !bytes.is_empty() {
            let (message, rest) = self.step(bytes);
            message.into_iter().for_each(&mut done);
            bytes = rest;
        }
    }

    /// Feeds bytes until a data message is complete, or all; answers what comes behind it.
    pub(crate) fn step<'a>(&mut self, mut bytes: &'a [u8]) -> (Option<Message>, &'a [u8]) {
        while !bytes.is_empty() {
            bytes = if self.in_payload { self.payload(bytes) } else { self.header(bytes) };
            if self.in_payload
                && self.left == 0
                && let Some(message) = self.finish_frame()
            {
                return (Some(message), bytes);
            }
        }
        (None, bytes)
    }

    /// Whether the bytes so far were whole messages: something else may come here.
    pub(crate) fn is_between(&self) -> bool {
        !self.in_payload && self.held == 0 && !self.fragmented
    }

    fn header<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let held = usize::from(self.held);
        let take = (self.header_len() - held).min(bytes.len());
        self.header[held..held + take].copy_from_slice(&bytes[..take]);
        self.held += take as u8;
        // The second byte tells how long the header really is.
        if usize::from(self.held) == self.header_len() && self.held >= 2 {
            self.begin_frame();
        }
        &bytes[take..]
    }

    fn header_len(&self) -> usize {
        if self.held < 2 {
            return 2;
        }
        let length = match self.header[1] & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        2 + length + if self.is_masked() { 4 } else { 0 }
    }

    /// Whether the last frame that began was masked, as those of clients are.
    pub(crate) fn is_masked(&self) -> bool {
        self.header[1] & 0x80 != 0
    }

    fn is_data(&self) -> bool {
        self.header[0] & 0x08 == 0
    }

    fn begin_frame(&mut self) {
        self.left = match self.header[1] & 0x7f {
            126 => u64::from(u16::from_be_bytes([self.header[2], self.header[3]])),
            127 => self.header[2..10].iter().fold(0, |n, byte| (n << 8) | u64::from(*byte)),
            short => u64::from(short),
        };
        self.taken = 0;
        self.in_payload = true;
        let opcode = self.header[0] & 0x0f;
        // A continuation (0) goes on with the message that began before it.
        if self.is_data() && opcode != 0 {
            self.text = opcode == 1;
            self.len = 0;
            self.first = [0; 3];
        }
    }

    fn payload<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let take = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
        if self.is_data() {
            for (at, byte) in bytes[..take].iter().enumerate() {
                let Some(slot) = self.first.get_mut(self.len as usize + at) else {
                    break;
                };
                let key = if self.header[1] & 0x80 == 0 {
                    0
                } else {
                    let mask = usize::from(self.held) - 4;
                    self.header[mask + (self.taken as usize + at) % 4]
                };
                *slot = byte ^ key;
            }
            self.len = self.len.saturating_add(take as u64);
        }
        self.left -= take as u64;
        self.taken = self.taken.saturating_add(take as u64);
        &bytes[take..]
    }

    fn finish_frame(&mut self) -> Option<Message> {
        self.in_payload = false;
        self.held = 0;
        if !self.is_data() {
            return None;
        }
        let last_of_message = self.header[0] & 0x80 != 0;
        self.fragmented = !last_of_message;
        last_of_message.then_some(Message { text: self.text, len: self.len, first: self.first })
    }
}

#[cfg(test)]
#[path = "frames_test.rs"]
mod tests;
