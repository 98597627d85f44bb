use super::{reading::READ_AHEAD, *};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    time::Instant,
};

const STALL: Duration = Duration::from_secs(10);

fn metered(room: usize) -> (Metered<DuplexStream>, DuplexStream, Arc<Ledger>) {
    let (near, far) = duplex(room);
    let ledger = Ledger::new(10, 10);
    let Some(slot) = ledger.connections.take(None) else { panic!("a free place") };
    (Metered::new(near, None, STALL, Kind::ANY, Arc::clone(&ledger), slot), far, ledger)
}

#[tokio::test(start_paused = true)]
async fn a_write_that_nobody_takes_ends_the_stream_after_the_stall() {
    let (mut stream, _far, ledger) = metered(16);
    let began = Instant::now();
    let written = stream.write_all(&[0; 64]).await;
    assert!(written.is_err_and(|error| error.kind() == ErrorKind::TimedOut));
    assert_eq!(began.elapsed(), STALL);
    assert_eq!((stream.meter().written(), stream.meter().waiting()), (16, 48));
    assert_eq!(ledger.stats().stalled, 1);
    assert!(matches!(stream.read(&mut [0; 8]).await, Ok(0)));
}

#[tokio::test(start_paused = true)]
async fn each_piece_that_is_taken_starts_the_clock_anew() {
    let (mut stream, mut far, ledger) = metered(16);
    let slow = tokio::spawn(async move {
        for _ in 0..8 {
            tokio::time::sleep(STALL - Duration::from_secs(1)).await;
            if far.read_exact(&mut [0; 8]).await.is_err() {
                break;
            }
        }
    });
    let began = Instant::now();
    assert!(stream.write_all(&[0; 64]).await.is_ok());
    assert!(began.elapsed() > STALL * 3);
    assert_eq!((stream.meter().written(), stream.meter().waiting()), (64, 0));
    assert_eq!(ledger.stats().stalled, 0);
    assert!(slow.await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn an_idle_stream_is_left_alone() {
    let (mut stream, mut far, ledger) = metered(16);
    tokio::time::sleep(STALL * 100).await;
    assert!(stream.write_all(b"hello").await.is_ok());
    assert!(far.read_exact(&mut [0; 5]).await.is_ok());
    assert_eq!(ledger.stats().stalled, 0);
}

#[tokio::test]
async fn a_cut_wakes_a_waiting_reader_and_a_waiting_writer() {
    let (stream, _far, _ledger) = metered(16);
    let meter = stream.meter().clone();
    let (mut reader, mut writer) = tokio::io::split(stream);
    let reading = tokio::spawn(async move { reader.read(&mut [0; 8]).await });
    let writing = tokio::spawn(async move { writer.write_all(&[0; 64]).await });
    meter.progress().await;
    meter.cut();
    assert!(matches!(reading.await, Ok(Ok(0))));
    assert!(matches!(writing.await, Ok(Err(error)) if error.kind() == ErrorKind::ConnectionAborted));
}

#[tokio::test]
async fn an_event_counts_when_its_last_byte_has_left() {
    let (mut stream, mut far, _ledger) = metered(6);
    let link = Link::of_websocket(stream.meter());
    stream.carry(link.clone(), false);
    let head = b"HTTP/1.1 101 42";
    let head_read = tokio::spawn(async move {
        let read = far.read_exact(&mut [0; 15]).await;
        read.map(|_| far)
    });
    assert!(stream.write_all(head).await.is_ok());
    stream.count_frames();
    let Ok(Ok(mut far)) = head_read.await else { panic!("the head was not read") };

    let writing = tokio::spawn(async move { stream.write_all(b"\x81\x0642[\"a]").await.map(|()| stream) });
    assert!(far.read_exact(&mut [0; 1]).await.is_ok());
    assert_eq!(link.event_bytes(), 0);
    assert!(far.read_exact(&mut [0; 7]).await.is_ok());
    let Ok(Ok(stream)) = writing.await else { panic!("the frame was not written") };
    assert_eq!((link.event_bytes(), stream.meter().event_bytes()), (6, 6));
    drop(stream);
    link.closed().await;
}

/// A session that begins as a websocket, whose client was not answered yet.
fn greeting(room: usize) -> (Metered<DuplexStream>, DuplexStream, Link) {
    let (mut stream, far, _) = metered(room);
    let link = Link::of_websocket(stream.meter());
    stream.carry(link.clone(), false);
    stream.greet(Bytes::from_static(b"HTTP/1.1 101 "));
    (stream, far, link)
}

#[tokio::test]
async fn the_handshakes_answer_leaves_with_the_first_frame_whole_or_in_pieces() {
    for room in [64, 6] {
        let (mut stream, mut far, link) = greeting(room);
        assert_eq!(stream.meter().written(), 0);
        let writing = tokio::spawn(async move { stream.write_all(b"\x81\x0642[\"a]").await.map(|()| stream) });
        let mut seen = [0; 21];
        if room == 64 {
            assert!(matches!(far.read(&mut seen).await, Ok(21)), "one write");
        } else {
            assert!(far.read_exact(&mut seen).await.is_ok());
        }
        assert_eq!(&seen, b"HTTP/1.1 101 \x81\x0642[\"a]");
        let Ok(Ok(stream)) = writing.await else { panic!("the frame was not written") };
        assert_eq!((stream.meter().written(), stream.meter().waiting(), link.event_bytes()), (21, 0, 6));
    }
}

#[tokio::test]
async fn a_client_is_answered_even_if_it_is_to_speak_first() {
    let (mut stream, mut far, _) = greeting(64);
    let reading = tokio::spawn(async move { stream.read_exact(&mut [0; 2]).await.map(|_| stream) });
    let mut seen = [0; 13];
    assert!(far.read_exact(&mut seen).await.is_ok());
    assert_eq!(&seen, b"HTTP/1.1 101 ");
    assert!(far.write_all(b"hi").await.is_ok());
    assert!(matches!(reading.await, Ok(Ok(_))));
}

#[tokio::test]
async fn what_is_read_ahead_comes_in_order_however_little_is_asked_for() {
    let (mut stream, mut far, _) = greeting(1 << 20);
    let sent: Vec<u8> = (0..3 * READ_AHEAD as u32).flat_map(u32::to_le_bytes).collect();
    assert!(far.write_all(&sent).await.is_ok());
    let mut seen = Vec::new();
    while seen.len() < sent.len() {
        let mut piece = [0; 100];
        let Ok(len @ 1..) = stream.read(&mut piece).await else { panic!("ended too early") };
        seen.extend_from_slice(&piece[..len]);
    }
    assert_eq!(seen, sent);
    assert!(stream.0.replay.is_empty() && far.write_all(b"x").await.is_ok());
    assert!(matches!(stream.read(&mut [0; 8]).await, Ok(1)));
}

#[tokio::test]
async fn a_dropped_stream_leaves_the_ledger() {
    let (mut stream, _far, ledger) = metered(16);
    let link = Link::of_websocket(stream.meter());
    stream.carry(link, false);
    assert_eq!((ledger.stats().connections, ledger.stats().websockets), (1, 1));
    let meter = stream.meter().clone();
    drop(stream);
    ledger.emptied().await;
    assert_eq!((ledger.stats().connections, ledger.stats().websockets), (0, 0));
    assert!(meter.is_closed());
}
