//! Gives a request back to an HTTP service as the bytes that it was.

use actix_http::{RequestHead, Version};
use bytes::{BufMut, Bytes, BytesMut};

/// The head in front of what followed it. Header names come back in lower case.
pub(crate) fn request(head: &RequestHead, followed_by: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(512 + followed_by.len());
    out.put_slice(head.method.as_str().as_bytes());
    out.put_slice(b" ");
    out.put_slice(head.uri.to_string().as_bytes());
    out.put_slice(if head.version == Version::HTTP_10 { b" HTTP/1.0\r\n" } else { b" HTTP/1.1\r\n" });
    for (name, value) in head.headers.iter() {
        out.put_slice(name.as_str().as_bytes());
        out.put_slice(b": ");
        out.put_slice(value.as_bytes());
        out.put_slice(b"\r\n");
    }
    out.put_slice(b"\r\n");
    out.put_slice(followed_by);
    out.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_comes_back_as_it_was() {
        let (head, _) = actix_web::test::TestRequest::with_uri("/ws?token=a%20b")
            .insert_header(("host", "a.example"))
            .to_request()
            .into_parts();
        let bytes = request(&head, b"\x81\x80abcd");
        assert_eq!(&bytes[..], b"GET /ws?token=a%20b HTTP/1.1\r\nhost: a.example\r\n\r\n\x81\x80abcd");
    }
}
