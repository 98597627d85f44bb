//! Bodies as browsers and curl send them, and as nobody should.

use super::*;
use actix_web::{FromRequest as _, dev, test::TestRequest};
use futures_util::stream;
use proptest::prelude::*;

const MAX: usize = 1000;

struct Fixture {
    dir: tempfile::TempDir,
    files: Files,
}

fn fixture() -> Fixture {
    let dir = tempfile::tempdir().expect("a directory");
    let files = Files::open(dir.path()).expect("files");
    Fixture { dir, files }
}

impl Fixture {
    fn on_disk(&self) -> usize {
        std::fs::read_dir(self.dir.path()).expect("a folder").count()
    }

    async fn receive_stream(
        &self,
        kind: &str,
        body: impl Stream<Item = Result<Bytes, PayloadError>> + 'static,
    ) -> Result<Received> {
        let request = TestRequest::post().insert_header(("content-type", kind)).to_http_request();
        let mut payload: dev::Payload = dev::Payload::Stream { payload: body.boxed_local() };
        let payload = web::Payload::from_request(&request, &mut payload).await.expect("a payload");
        receive(&request, payload, &self.files, MAX).await
    }

    /// In pieces of so many bytes.
    async fn receive_in(&self, piece: usize, body: &[u8]) -> Result<Received> {
        let pieces: Vec<_> = body.chunks(piece).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        self.receive_stream("multipart/form-data; boundary=xyz", stream::iter(pieces)).await
    }

    async fn receive(&self, body: &[u8]) -> Result<Received> {
        self.receive_in(4096, body).await
    }

    async fn refused(&self, body: &[u8]) -> Error {
        let refusal = self.receive(body).await.expect_err("a refusal");
        assert_eq!(self.on_disk(), 0, "nothing is left behind");
        refusal
    }
}

fn part(disposition: &str, content: &[u8]) -> Vec<u8> {
    let head = format!("--xyz\r\nContent-Disposition: form-data; {disposition}\r\nContent-Type: text/csv\r\n\r\n");
    [head.as_bytes(), content, b"\r\n"].concat()
}

fn body(parts: &[Vec<u8>]) -> Vec<u8> {
    [parts.concat(), b"--xyz--\r\n".to_vec()].concat()
}

fn file(content: &[u8]) -> Vec<u8> {
    part("name=\"file\"; filename=\"a.csv\"", content)
}

fn fields(error: &Error) -> Vec<String> {
    error.problem().errors.into_iter().map(|fault| fault.field.into_owned()).collect()
}

#[tokio::test]
async fn the_file_is_stored_as_it_was_sent_however_it_was_cut_up() {
    let fixture = fixture();
    let content = b"line\r\n--xy\r\r\n--xyzz is no boundary? \x00\xff--\r";
    let content = &content[..14];
    for piece in [1, 2, 3, 7, 4096] {
        let received = fixture.receive_in(piece, &body(&[file(content)])).await.expect("a file");
        assert_eq!(std::fs::read(fixture.files.path(&received.name)).expect("the file"), content, "{piece}");
        assert_eq!((received.filename.as_str(), received.content_type.as_str()), ("a.csv", "text/csv"));
        assert_eq!(received.size, 14);
    }
}

#[tokio::test]
async fn a_file_of_exactly_the_limit_is_taken_and_one_byte_more_is_not() {
    let fixture = fixture();
    assert!(matches!(fixture.refused(&body(&[file(&[b'x'; MAX + 1])])).await, Error::PayloadTooLarge(MAX)));
    fixture.receive(&body(&[file(&[b'x'; MAX])])).await.expect("a file");
}

#[tokio::test]
async fn what_is_not_the_one_part_named_file_is_named() {
    let fixture = fixture();
    let other = part("name=\"note\"", b"hello");
    assert_eq!(fields(&fixture.refused(&body(&[other.clone(), file(b"x")])).await), ["note"]);
    assert_eq!(fields(&fixture.refused(&body(&[file(b"x"), other])).await), ["note"]);
    assert_eq!(fields(&fixture.refused(&body(&[])).await), ["file"]);
    let twice = fixture.refused(&body(&[file(b"x"), file(b"y")])).await;
    assert_eq!(twice.to_string(), "file: is there twice");
}

#[tokio::test]
async fn other_media_types_are_refused() {
    let fixture = fixture();
    for kind in ["application/json", "multipart/mixed; boundary=xyz", "nonsense", ""] {
        let refusal = fixture.receive_stream(kind, stream::empty()).await;
        assert!(matches!(refusal, Err(Error::UnsupportedMediaType("multipart/form-data"))), "{kind}");
    }
}

#[tokio::test]
async fn what_breaks_off_leaves_nothing_wherever_it_does() {
    let fixture = fixture();
    let whole = body(&[file(b"some content")]);
    let end = whole.len() - "--xyz--\r\n".len();
    for at in 0..end {
        let refusal = fixture.refused(&whole[..at]).await;
        assert!(matches!(refusal, Error::Malformed(_) | Error::Invalid(_)), "{at}: {refusal:?}");
    }
    // A client that hangs up.
    let hung_up = stream::iter([Ok(Bytes::copy_from_slice(&whole[..end - 5])), Err(PayloadError::Incomplete(None))]);
    let refusal = fixture.receive_stream("multipart/form-data; boundary=xyz", hung_up).await;
    assert!(matches!(refusal, Err(Error::Malformed(_))), "{refusal:?}");
    assert_eq!(fixture.on_disk(), 0);
}

#[tokio::test]
async fn headers_without_an_end_and_what_stands_around_the_file_are_limited() {
    let fixture = fixture();
    let mut endless = b"--xyz\r\nContent-Disposition: form-data; name=\"".to_vec();
    endless.extend(vec![b'x'; 70_000]);
    let refusal = fixture.refused(&endless).await;
    assert!(matches!(refusal, Error::Malformed(_) | Error::PayloadTooLarge(_)), "{refusal:?}");
    let preamble = stream::repeat_with(|| Ok(Bytes::from(vec![b'\n'; 1024])));
    let refusal = fixture.receive_stream("multipart/form-data; boundary=xyz", preamble).await;
    assert!(matches!(refusal, Err(Error::PayloadTooLarge(MAX))), "{refusal:?}");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_drips_is_given_up() {
    let fixture = fixture();
    let drops = body(&[file(&[b'x'; 500])]).into_iter().map(|byte| Bytes::from(vec![byte]));
    let dripping = stream::unfold(drops, async |mut drops| {
        tokio::time::sleep(Duration::from_secs(1)).await;
        drops.next().map(|byte| (Ok(byte), drops))
    });
    let refusal = fixture.receive_stream("multipart/form-data; boundary=xyz", dripping.boxed_local()).await;
    assert_eq!(refusal.expect_err("a refusal").to_string(), "the body came too slowly");
    assert_eq!(fixture.on_disk(), 0);
}

#[tokio::test]
async fn a_file_stays_when_the_change_that_names_it_may_have_been_made() {
    let fixture = fixture();
    let received = fixture.receive(&body(&[file(b"x")])).await.expect("a file");
    received.discard(&fixture.files, &Error::Unavailable("".into())).await;
    assert_eq!(fixture.on_disk(), 1);
    received.discard(&fixture.files, &Error::Conflict("".into())).await;
    assert_eq!(fixture.on_disk(), 0);
}

#[test]
fn a_name_is_the_last_component_of_any_path() {
    for (text, name) in [
        ("a.csv", "a.csv"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ann\\plan.xlsx", "plan.xlsx"),
        ("..", "file"),
        ("dir/", "file"),
        ("", "file"),
        (" spaced \u{0}\r\nout ", "spaced out"),
        ("\u{202e}gpj.exe", "gpj.exe"),
        ("Плán 2027.ics", "Плán 2027.ics"),
    ] {
        assert_eq!(cleaned(text), name, "{text:?}");
    }
}

proptest! {
    #[test]
    fn a_name_is_never_a_path_never_empty_and_never_long(text in any::<String>(), long in "[a-z/\\\\.\0-\x1f]{0,600}") {
        for text in [text, long] {
            let name = cleaned(&text);
            prop_assert!(!name.contains(['/', '\\']) && !name.chars().any(char::is_control));
            prop_assert!(!name.is_empty() && name != "." && name != "..");
            prop_assert!(name.chars().count() <= FILENAME_MAX);
        }
    }
}
