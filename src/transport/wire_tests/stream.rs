//! `/v1/stream`.

use super::*;

async fn until(stream: &mut TcpStream, end: &str) -> String {
    let mut text = Vec::new();
    let reads = async {
        while !String::from_utf8_lossy(&text).contains(end) {
            text.push(stream.read_u8().await.expect("more"));
        }
    };
    timeout(Duration::from_secs(5), reads).await.expect("in time");
    String::from_utf8(text).expect("text")
}

#[actix_web::test]
async fn somebody_listens_and_goes() {
    let port = Port::open(Limits::default());
    let (mut stream, head) =
        port.request(&format!("GET /v1/stream?after=1&rooms=topic-a HTTP/1.1\r\n{BEARER}Last-Event-ID: 5")).await;
    let lower = head.to_lowercase();
    for line in ["200 ok", "content-type: text/event-stream", "cache-control: no-store", "x-accel-buffering: no"] {
        assert!(lower.contains(line), "{head}");
    }
    let text = until(&mut stream, "topic-a\"}").await;
    assert!(text.contains("retry: 1000\n\n"), "{text}");
    assert!(text.contains("event: ready\nid: 7\ndata: {"), "{text}");
    port.tell(&Frame::new("x", Some(Seq(9)), "{}")).await;
    until(&mut stream, "event: x\nid: 9\ndata: {}\n\n").await;
    assert_eq!(port.broker.send(Count).await.expect("a broker").1, [Cursor::At(Seq(5))]);
    drop(stream);
    port.has(0).await;
}

#[actix_web::test]
async fn a_quiet_stream_has_comments() {
    let port = Port::open(Limits { comment_interval: Duration::from_millis(50), ..Limits::default() });
    let (mut stream, _) = port.request("GET /v1/stream?ticket=ticket HTTP/1.1\r\nX: y").await;
    until(&mut stream, ":\n\n").await;
}

#[actix_web::test]
async fn a_refusal_is_a_problem_and_a_close_ends_the_stream() {
    let port = Port::open(Limits::default());
    let (_, head) = port.request("GET /v1/stream HTTP/1.1\r\nX: y").await;
    assert!(head.starts_with("HTTP/1.1 401") && head.contains("application/problem+json"), "{head}");
    let (mut stream, _) = port.request(&format!("GET /v1/stream HTTP/1.1\r\n{BEARER}X: y")).await;
    port.has(1).await;
    port.broker.send(CloseAll(Cause::TokenExpired)).await.expect("a broker");
    let mut rest = Vec::new();
    timeout(Duration::from_secs(1), stream.read_to_end(&mut rest)).await.expect("in time").expect("ends");
}

#[actix_web::test]
async fn a_reader_that_falls_behind_is_cut() {
    let port = Port::open(Limits { queue_max: 256 * 1024, ..Limits::default() });
    let (mut stream, _) = port.request(&format!("GET /v1/stream HTTP/1.1\r\n{BEARER}X: y")).await;
    port.has(1).await;
    flood(&port).await;
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    let mut rest = Vec::new();
    let _ = timeout(Duration::from_secs(1), stream.read_to_end(&mut rest)).await.expect("in time");
    assert!(rest.len() < 1_000_000, "most of it never left");
}
