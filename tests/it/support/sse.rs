//! `/v1/stream`: server-sent events.

use super::{
    http::{Body, Request},
    wire::{End, Refusal, Said, Way},
};
use std::net::SocketAddr;

pub struct Sse {
    body: Body,
    text: Vec<u8>,
}

impl Sse {
    pub async fn open(to: SocketAddr, way: &Way) -> Result<Self, Refusal> {
        let mut request =
            Request::new("GET", format!("/v1/stream?{}", way.query())).header("Accept", "text/event-stream");
        request.headers.extend(way.headers());
        let stream = way.stream(to).await.expect("a connection");
        let (head, body) = request.open_on(stream, to).await.expect("an answer");
        if head.status != 200 {
            return Err(Refusal::http(&head, &body.text().await.expect("a body")));
        }
        let kind = head.header("content-type").unwrap_or_default();
        assert!(kind.starts_with("text/event-stream"), "{kind}");
        Ok(Self { body, text: Vec::new() })
    }

    pub async fn next(&mut self) -> Said {
        loop {
            while let Some(end) = self.text.windows(2).position(|two| two == b"\n\n") {
                let block: Vec<u8> = self.text.drain(..end + 2).collect();
                if let Some(said) = read(&String::from_utf8_lossy(&block)) {
                    return said;
                }
            }
            match self.body.next().await {
                Ok(Some(part)) => self.text.extend(part),
                Ok(None) => return Said::Ended(End::new(None, "the stream ended")),
                Err(error) => return Said::Ended(End::new(None, error.to_string())),
            }
        }
    }
}

/// One block; comments and `retry:` alone say nothing.
fn read(block: &str) -> Option<Said> {
    let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let name = field("event")?.to_owned();
    let data: serde_json::Value = serde_json::from_str(field("data")?).unwrap_or_else(|_| panic!("no JSON: {block}"));
    let id = field("id").map(|id| id.parse::<i64>().unwrap_or_else(|_| panic!("the id is a seq: {block}")));
    assert_eq!(id, data["seq"].as_i64(), "the id is the seq of the payload: {block}");
    Some(Said::Event { name, data })
}
