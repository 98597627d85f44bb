//! WebSocket frames (RFC 6455, section 5.2): writing a client's and a server's, finding the next one.

/// A text message.
pub const TEXT: u8 = 1;
/// The peer closes.
pub const CLOSE: u8 = 8;
/// The peer asks whether one is there.
pub const PING: u8 = 9;
/// The answer to a ping.
pub const PONG: u8 = 10;

/// Set in the second byte of a masked frame; a client's frames are.
const MASKED: u8 = 0x80;

/// Appends a client's frame. The masking key is zero: the payload stays as it is, and the server's work of
/// unmasking is the same as with any other key.
pub fn write_client(opcode: u8, payload: &[u8], out: &mut Vec<u8>) {
    head(opcode, MASKED, payload.len(), out);
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(payload);
}

/// Appends a server's text frame.
pub fn write_server(payload: &[u8], out: &mut Vec<u8>) {
    head(TEXT, 0, payload.len(), out);
    out.extend_from_slice(payload);
}

fn head(opcode: u8, masked: u8, length: usize, out: &mut Vec<u8>) {
    out.push(0x80 | opcode);
    if length < 126 {
        out.push(masked | length as u8);
    } else if length < 65_536 {
        out.push(masked | 126);
        out.extend_from_slice(&(length as u16).to_be_bytes());
    } else {
        out.push(masked | 127);
        out.extend_from_slice(&(length as u64).to_be_bytes());
    }
}

/// A complete frame at the beginning of some bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Frame {
    /// What kind of frame.
    pub opcode: u8,
    /// Where the masking key is, if there is one: the four bytes before the payload.
    pub mask: Option<[u8; 4]>,
    /// Where the payload begins.
    pub start: usize,
    /// Where the frame ends.
    pub end: usize,
}

/// The frame that `bytes` begins with, once it is complete.
#[inline]
pub fn next(bytes: &[u8]) -> Option<Frame> {
    let (&first, &second) = (bytes.first()?, bytes.get(1)?);
    let (length, mut start) = match second & !MASKED {
        126 => (u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?) as usize, 4),
        127 => (u64::from_be_bytes(*bytes.get(2..)?.first_chunk()?) as usize, 10),
        short => (short as usize, 2),
    };
    let mut mask = None;
    if second & MASKED != 0 {
        mask = Some(*bytes.get(start..)?.first_chunk()?);
        start += 4;
    }
    let end = start.checked_add(length)?;
    (bytes.len() >= end).then_some(Frame { opcode: first & 0x0f, mask, start, end })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_found_as_it_was_written_and_not_before_it_is_complete() {
        for length in [0, 1, 125, 126, 65_535, 65_536] {
            let payload = vec![b'x'; length];
            for client in [true, false] {
                let mut bytes = vec![];
                if client {
                    write_client(TEXT, &payload, &mut bytes)
                } else {
                    write_server(&payload, &mut bytes)
                }
                let frame = next(&bytes).expect("a frame");
                assert_eq!((frame.opcode, frame.mask.is_some(), frame.end), (TEXT, client, bytes.len()));
                assert_eq!(&bytes[frame.start..frame.end], payload);
                assert_eq!(next(&bytes[..bytes.len() - 1]), None, "{length} bytes, one missing");
            }
        }
    }
}
