use super::*;
use proptest::prelude::*;

fn frame(opcode: u8, fin: bool, payload: &[u8], mask: Option<[u8; 4]>) -> Vec<u8> {
    let mut out = vec![opcode | if fin { 0x80 } else { 0 }];
    let bit = if mask.is_some() { 0x80 } else { 0 };
    match payload.len() {
        n if n < 126 => out.push(bit | n as u8),
        n if n < 65_536 => {
            out.push(bit | 126);
            out.extend_from_slice(&(n as u16).to_be_bytes());
        }
        n => {
            out.push(bit | 127);
            out.extend_from_slice(&(n as u64).to_be_bytes());
        }
    }
    match mask {
        Some(key) => {
            out.extend_from_slice(&key);
            out.extend(payload.iter().enumerate().map(|(at, byte)| byte ^ key[at % 4]));
        }
        None => out.extend_from_slice(payload),
    }
    out
}

fn walk(bytes: &[u8], pieces: &[usize]) -> Vec<Message> {
    let mut walker = FrameWalker::default();
    let mut seen = Vec::new();
    let mut rest = bytes;
    for piece in pieces.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (now, later) = rest.split_at((*piece).min(rest.len()));
        walker.walk(now, |message| seen.push(message));
        rest = later;
    }
    seen
}

#[test]
fn a_header_of_each_length_is_understood() {
    for len in [0, 1, 2, 125, 126, 65_535, 65_536] {
        let payload = vec![b'4'; len];
        let seen = walk(&frame(1, true, &payload, None), &[usize::MAX]);
        assert_eq!(seen.len(), 1);
        assert_eq!(seen[0].len, len as u64);
    }
}

#[test]
fn a_ping_inside_a_fragmented_message_is_not_part_of_it() {
    let mut bytes = frame(1, false, b"4", None);
    bytes.extend(frame(9, true, b"ping", None));
    bytes.extend(frame(0, true, b"2[]", None));
    let seen = walk(&bytes, &[1]);
    assert_eq!(seen, [Message { text: true, len: 4, first: *b"42[" }]);
    assert!(seen[0].is_event());
}

#[test]
fn a_masked_upgrade_packet_is_recognised() {
    let seen = walk(&frame(1, true, b"5", Some([7, 99, 3, 4])), &[2]);
    assert!(seen[0].is_upgrade());
}

#[test]
fn a_binary_frame_that_looks_like_an_event_is_not_one() {
    assert!(!walk(&frame(2, true, b"42[]", None), &[3])[0].is_event());
}

#[test]
fn events_of_other_namespaces_are_left_out() {
    let texts: [&[u8]; 5] = [b"42/admin,[\"a\"]", b"421[\"a\"]", b"43/admin,1[]", b"431[]", b"44{}"];
    let seen = walk(&texts.map(|text| frame(1, true, text, None)).concat(), &[1]);
    assert_eq!(seen.iter().map(Message::is_event).collect::<Vec<_>>(), [false, true, false, true, false]);
}

#[test]
fn it_is_between_messages_only_where_one_has_ended() {
    let mut walker = FrameWalker::default();
    let parts = [frame(1, false, b"4", None), frame(9, true, b"ping", None), frame(0, true, b"2[]", None)];
    let end = parts.concat().len() - 1;
    for (at, byte) in parts.concat().into_iter().enumerate() {
        assert_eq!(walker.is_between(), at == 0, "{at}");
        walker.walk(&[byte], |_| assert_eq!(at, end));
    }
    assert!(walker.is_between());
}

proptest! {
    #[test]
    fn messages_are_counted_exactly_wherever_the_bytes_are_split(
        payloads in prop::collection::vec((0u8..3, prop::collection::vec(any::<u8>(), 0..300), any::<Option<[u8; 4]>>()), 1..12),
        pieces in prop::collection::vec(1usize..40, 1..8),
    ) {
        let mut bytes = Vec::new();
        let mut expected = Vec::new();
        for (kind, body, mask) in payloads {
            let payload = if kind == 0 { [b"42".as_slice(), &body].concat() } else { body };
            let opcode = if kind == 2 { 2 } else { 1 };
            bytes.extend(frame(opcode, true, &payload, mask));
            let mut first = [0; 3];
            for (slot, byte) in first.iter_mut().zip(&payload) {
                *slot = *byte;
            }
            expected.push(Message { text: opcode == 1, len: payload.len() as u64, first });
        }
        prop_assert_eq!(walk(&bytes, &pieces), expected);
    }
}
