//! Uploads (CONTRACT 7): a file comes in, is brought to a slow third party, and what that made of it
//! comes back.

use crate::{
    over_every_wire,
    support::{
        Answer, Database, Live, Over, PATIENCE, Process, TestServer, User,
        processor::{Message, Mood, StandIn, WEBHOOK_SECRET, form},
    },
};
use futures_util::future::join_all;
use herald::config::Config;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

const FILE: &[u8] = b"one,two\r\nthree\r\n";

/// The names of what lies in Herald's folder.
fn stored(database: &Database) -> Vec<String> {
    let entries = std::fs::read_dir(database.files()).expect("the folder");
    entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
}

async fn listening(user: &User) -> Live {
    user.live(Over::WebSocket).await
}

fn path_of(upload: &Value) -> String {
    format!("/v1/uploads/{}", upload["id"].as_str().expect("an id"))
}

/// The job of an upload ends in `ERROR`; its last line.
async fn fails(live: &mut Live) -> String {
    let job = live.hears_of_job("ERROR").await;
    job["log"].as_str().expect("a log").lines().last().expect("a line").to_owned()
}

#[tokio::test]
async fn a_file_goes_to_the_processor_and_what_it_made_of_it_to_every_connection_of_its_user() {
    let mut processor = StandIn::start().await;
    let server = processor.herald().await;
    let (ann, bob) = (server.user("ann").await, server.user("bob").await);
    let (mut anns, mut bobs) = (ann.everywhere().await, bob.everywhere().await);

    let begun = ann.uploads("Plan.csv", FILE).await.expect(202);
    let (upload, job) = (begun["upload"].clone(), begun["job"].clone());
    assert_eq!(
        (&job["type"], &job["state"], &job["userId"], &job["filename"], &upload["jobId"]),
        (&json!("UPLOAD"), &json!("PENDING"), &json!(ann.id), &json!("Plan.csv"), &job["id"])
    );
    assert_eq!(
        (&upload["state"], &upload["userId"], &upload["filename"], &upload["contentType"], &upload["size"]),
        (&json!("STORED"), &json!(ann.id), &json!("Plan.csv"), &json!("text/csv"), &json!(FILE.len()))
    );
    assert!(upload.get("data").is_none() && upload.get("sha256").is_none(), "{upload}");
    let told = anns.hears("NEW_RECORD").await;
    assert_eq!((told["record"].clone(), told["seq"].as_i64()), (job, Some(begun.seq())));

    let posted = processor.is_sent().await;
    assert_eq!(posted.path, "/files?for=herald", "exactly PROCESSOR_URL");
    assert_eq!((&json!(posted.upload_id), &json!(posted.user_id)), (&upload["id"], &upload["userId"]));
    assert_eq!((posted.filename.as_str(), posted.content_type.as_str()), ("Plan.csv", "text/csv"));
    assert_eq!(posted.content, FILE);
    assert_eq!(posted.callback_url, format!("http://{}/v1/webhooks/processor", server.addr));
    let mut watching = listening(&ann).await;

    let data = json!({ "rows": 2, "names": ["é", null] });
    let taken = Message::about(&posted, data.clone()).to(&server).await.ok();
    let told = json!({ "uploadId": upload["id"], "data": data, "status": "done", "seq": taken.seq() });
    for live in &mut anns.0 {
        assert_eq!(live.hears_of_job("DONE").await["progress"], 100);
        assert_eq!(live.hears("incoming data").await, told);
    }
    watching.hears_at_last("incoming data", |_| true).await;
    let now = ann.get(path_of(&upload)).await.ok();
    assert_eq!((&now["state"], &now["data"]), (&json!("DONE"), &data));
    assert_eq!(stored(&server.database), [""; 0], "nobody needs the file any more");
    bobs.hears_nothing().await;
    anns.hears_nothing().await;
    processor.was_sent_no_more();
}

over_every_wire! {
    async fn who_was_away_is_told_on_coming_back(over) {
        let mut processor = StandIn::start().await;
        let server = processor.herald().await;
        let ann = server.stranger(&["USER"]);
        let mut live = ann.live(over).await;
        ann.uploads("a.csv", FILE).await.expect(202);
        let posted = processor.is_sent().await;
        live.hears("NEW_RECORD").await;
        live.cut().await;
        let message = Message::about(&posted, json!({ "rows": 2 }));
        let taken = message.to(&server).await.ok();
        live.resume().await;
        live.hears_of_job("DONE").await;
        let told = live.hears("incoming data").await;
        assert_eq!((&told["data"], told["seq"].as_i64()), (&json!({ "rows": 2 }), Some(taken.seq())));
        live.hears_nothing().await;
    }
}

#[tokio::test]
async fn without_a_processor_there_are_no_uploads_and_no_body_is_read() {
    let server = TestServer::start().await;
    let ann = server.stranger(&["USER"]);
    ann.uploads("a.csv", FILE).await.refused(503, "unavailable");
    // A body that never comes is not waited for.
    let mut call = ann.call("POST", "/v1/uploads").header("Content-Type", "multipart/form-data; boundary=x");
    call = call.header("Content-Length", "1000");
    call.await.refused(503, "unavailable");
    server.call("POST", "/v1/uploads").await.refused(401, "unauthorized");
    assert_eq!(stored(&server.database), [""; 0]);
}

#[tokio::test]
async fn a_processor_that_is_out_of_order_is_tried_again() {
    let mut processor = StandIn::start().await;
    let server = processor.herald().await;
    processor.answers([500, 429, 408, 503].map(Mood::Status));
    let ann = server.stranger(&["USER"]);
    let mut live = listening(&ann).await;
    ann.uploads("a.csv", FILE).await.expect(202);
    for _ in 0..4 {
        processor.is_sent().await;
    }
    let posted = processor.is_sent().await;
    assert_eq!(posted.content, FILE, "the whole file each time");
    Message::about(&posted, json!({})).to(&server).await.ok();
    let job = live.hears_of_job("DONE").await;
    let log = job["log"].as_str().expect("a log");
    for status in [500, 429, 408, 503] {
        assert!(log.contains(&format!("the processor answered {status}\n")), "{log}");
    }
    assert!(!log.contains("secret"), "what the processor says stays with it: {log}");
}

#[tokio::test]
async fn a_processor_that_refuses_is_not_asked_again() {
    let mut processor = StandIn::start().await;
    let server = processor.herald().await;
    let ann = server.stranger(&["USER"]);
    let mut live = listening(&ann).await;
    for status in [400, 401, 413, 422] {
        processor.answers([Mood::Status(status)]);
        let begun = ann.uploads("a.csv", FILE).await.expect(202);
        processor.is_sent().await;
        assert_eq!(fails(&mut live).await, format!("the processor answered {status}"));
        assert_eq!(ann.get(path_of(&begun["upload"])).await.ok()["state"], "FAILED");
    }
    live.hears_nothing().await;
    processor.was_sent_no_more();
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (mut processor, mut elsewhere) = (StandIn::start().await, StandIn::start().await);
    let server = processor.herald().await;
    processor.answers([Mood::Elsewhere(elsewhere.addr)]);
    let ann = server.stranger(&["USER"]);
    let mut live = listening(&ann).await;
    ann.uploads("a.csv", FILE).await.expect(202);
    processor.is_sent().await;
    assert_eq!(fails(&mut live).await, "the processor answered 302");
    elsewhere.was_sent_no_more();
}

#[tokio::test]
async fn a_processor_that_never_answers_is_given_up() {
    let mut processor = StandIn::start().await;
    let server = processor
        .herald_with(|config| {
            config.processor.timeout = Duration::from_millis(50);
            config.processor.attempts = 3;
        })
        .await;
    processor.answers([Mood::Silent, Mood::Silent, Mood::Silent]);
    let ann = server.stranger(&["USER"]);
    let mut live = listening(&ann).await;
    ann.uploads("a.csv", FILE).await.expect(202);
    let _kept_open = (processor.is_sent().await, processor.is_sent().await, processor.is_sent().await);
    assert_eq!(fails(&mut live).await, "the processor did not answer in time; given up after 3 attempts");
    processor.was_sent_no_more();
}

#[tokio::test]
async fn a_processor_that_is_not_there_is_given_up() {
    let processor = StandIn::start().await;
    // A port where nobody listens.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let bend = move |config: &mut Config| {
        config.processor_url = Some(format!("http://{closed}/").parse().expect("a URL"));
        config.processor.attempts = 2;
    };
    let server = processor.herald_with(bend).await;
    let ann = server.stranger(&["USER"]);
    let mut live = listening(&ann).await;
    ann.uploads("a.csv", FILE).await.expect(202);
    assert_eq!(fails(&mut live).await, "the processor can't be reached; given up after 2 attempts");
}

#[tokio::test]
async fn a_processor_that_never_calls_back_is_not_waited_for_for_ever() {
    let mut processor = StandIn::start().await;
    let server = processor.herald_with(|config| config.processor.deadline_seconds = 0).await;
    let ann = server.stranger(&["USER"]);
    let mut live = listening(&ann).await;
    let begun = ann.uploads("a.csv", FILE).await.expect(202);
    let posted = processor.is_sent().await;
    assert!(fails(&mut live).await.starts_with("the processor did not call back within"));
    assert_eq!(ann.get(path_of(&begun["upload"])).await.ok()["state"], "FAILED");
    Message::about(&posted, json!({})).to(&server).await.refused(409, "conflict");
    live.hears_nothing().await;
}

#[tokio::test]
async fn a_callback_may_come_before_the_answer() {
    let mut processor = StandIn::start().await;
    let server = processor.herald().await;
    processor.answers([Mood::Silent]);
    let ann = server.stranger(&["USER"]);
    let mut live = listening(&ann).await;
    let begun = ann.uploads("a.csv", FILE).await.expect(202);
    let posted = processor.is_sent().await;
    Message::about(&posted, json!([1])).to(&server).await.ok();
    live.hears_of_job("DONE").await;
    live.hears("incoming data").await;
    posted.answer(202).await;
    // The run that hears this answer finds that the job is not its own any more.
    ann.uploads("b.csv", FILE).await.expect(202);
    assert_ne!(json!(processor.is_sent().await.upload_id), begun["upload"]["id"]);
    assert_eq!(ann.get(path_of(&begun["upload"])).await.ok()["state"], "DONE");
    let job = format!("/v1/jobs/{}", begun["job"]["id"].as_str().expect("an id"));
    assert_eq!(ann.get(job).await.ok()["state"], "DONE");
    processor.was_sent_no_more();
}

#[tokio::test]
async fn killed_before_the_processor_had_the_file_it_brings_it_after_the_restart() {
    let mut processor = StandIn::start().await;
    let url = processor.url();
    let more = [("PROCESSOR_URL", url.as_str()), ("WEBHOOK_SECRETS", WEBHOOK_SECRET), ("JOB_LEASE_SECONDS", "2")];
    let mut herald = Process::with(&more).await;
    let ann = herald.stranger(&["USER"]);
    let mut live = listening(&ann).await;
    processor.answers([Mood::Silent]);
    let begun = ann.uploads("a.csv", FILE).await.expect(202);
    live.hears("NEW_RECORD").await;
    // It has it, but never said so.
    drop(processor.is_sent().await);
    herald.kill_9();
    live.cut().await;
    herald.restart();
    live.resume().await;
    let posted = processor.is_sent().await;
    assert_eq!((json!(posted.upload_id), posted.content.as_slice()), (begun["upload"]["id"].clone(), FILE));
    Message::about(&posted, json!({ "rows": 2 })).to(&herald).await.ok();
    live.hears_of_job("DONE").await;
    assert_eq!(live.hears("incoming data").await["data"], json!({ "rows": 2 }));
    processor.was_sent_no_more();
}

#[tokio::test]
async fn what_a_client_calls_a_file_is_only_text() {
    let mut processor = StandIn::start().await;
    let server = processor.herald().await;
    let ann = server.stranger(&["USER"]);
    for (called, kept) in [
        ("../../../../tmp/herald-evil", "herald-evil"),
        ("/etc/passwd", "passwd"),
        ("..\\\\..\\\\boot.ini", "boot.ini"),
        ("..", "file"),
        ("%2e%2e%2fx", "%2e%2e%2fx"),
        ("Übersicht.csv", "Übersicht.csv"),
    ] {
        let begun = ann.uploads(called, FILE).await.expect(202);
        assert_eq!((&begun["upload"]["filename"], &begun["job"]["filename"]), (&json!(kept), &json!(kept)), "{called}");
        assert_eq!(processor.is_sent().await.filename, kept);
    }
    let names = stored(&server.database);
    assert_eq!(names.len(), 6);
    assert!(
        names.iter().all(|name| name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit())),
        "{names:?}"
    );
    assert!(!std::path::Path::new("/tmp/herald-evil").exists());
}

#[tokio::test]
async fn what_is_no_upload_is_refused_with_the_reason_and_leaves_no_file() {
    let processor = StandIn::start().await;
    let server = processor.herald_with(|config| config.limits.upload = 5000).await;
    let ann = server.stranger(&["USER"]);
    let mut live = listening(&ann).await;
    let file = "name=\"file\"; filename=\"a.csv\"";
    ann.uploads("a.csv", &vec![b'x'; 5001]).await.refused(413, "payload_too_large");
    ann.uploads("a.csv", &vec![b'x'; 5_000_000]).await.refused(413, "payload_too_large");
    ann.sends("/v1/uploads", &[]).await.refused(422, "invalid_request").naming("file");
    ann.sends("/v1/uploads", &[("name=\"other\"", b"x")]).await.refused(422, "invalid_request").naming("other");
    ann.sends("/v1/uploads", &[(file, b"x"), ("name=\"note\"", b"x")])
        .await
        .refused(422, "invalid_request")
        .naming("note");
    ann.sends("/v1/uploads", &[(file, b"x"), (file, b"y")]).await.refused(422, "invalid_request").naming("file");
    ann.post("/v1/uploads", json!({ "file": "x" })).await.refused(415, "unsupported_media_type");
    ann.call("POST", "/v1/uploads").await.refused(415, "unsupported_media_type");
    server.call("POST", "/v1/uploads").await.refused(401, "unauthorized");
    assert_eq!(stored(&server.database), [""; 0]);
    live.hears_nothing().await;
    ann.uploads("a.csv", &vec![b'x'; 5000]).await.expect(202);
}

#[tokio::test]
async fn who_hangs_up_in_the_middle_leaves_no_file() {
    let processor = StandIn::start().await;
    let server = processor.herald().await;
    let ann = server.stranger(&["USER"]);
    let mut live = listening(&ann).await;
    let (kind, body) = form(&[("name=\"file\"; filename=\"a.csv\"", &vec![b'x'; 100_000])]);
    let mut line = TcpStream::connect(server.addr).await.expect("a connection");
    let head = format!(
        "POST /v1/uploads HTTP/1.1\r\nHost: herald\r\nAuthorization: Bearer {}\r\nContent-Type: {kind}\r\n\
         Content-Length: {}\r\n\r\n",
        ann.token(),
        body.len()
    );
    line.write_all(head.as_bytes()).await.expect("written");
    line.write_all(&body[..50_000]).await.expect("written");
    let mut line = Some(line);
    let gone = async {
        while stored(&server.database).is_empty() {
            // Other requests pass the time.
            ann.get("/v1/jobs").await.ok();
        }
        drop(line.take());
        while !stored(&server.database).is_empty() {
            ann.get("/v1/jobs").await.ok();
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.expect("the half file goes");
    live.hears_nothing().await;
}

#[tokio::test]
async fn a_user_may_have_only_so_many_unfinished() {
    let mut processor = StandIn::start().await;
    let server = processor.herald_with(|config| config.jobs.per_user = 2).await;
    let ann = server.stranger(&["USER"]);
    ann.uploads("a.csv", FILE).await.expect(202);
    ann.uploads("b.csv", FILE).await.expect(202);
    let refused = ann.uploads("c.csv", FILE).await.refused(429, "rate_limited");
    assert!(refused.header("Retry-After").is_some());
    assert_eq!(stored(&server.database).len(), 2);
    server.stranger(&["USER"]).uploads("d.csv", FILE).await.expect(202);
    let posted = loop {
        let posted = processor.is_sent().await;
        if posted.user_id == ann.id {
            break posted;
        }
    };
    Message::about(&posted, json!({})).to(&server).await.ok();
    ann.uploads("e.csv", FILE).await.expect(202);
}

#[tokio::test]
async fn an_upload_that_is_sent_again_under_its_key_is_made_once() {
    let mut processor = StandIn::start().await;
    let server = processor.herald().await;
    let (ann, bob) = (server.stranger(&["USER"]), server.stranger(&["USER"]));
    let again = |user: &User, content: &[u8]| user.uploads("a.csv", content).header("Idempotency-Key", "one");
    let all = join_all((0..4).map(|_| async { again(&ann, FILE).await.expect(202) })).await;
    let bodies: Vec<(Value, i64)> = all.iter().map(|answer| (answer.body.clone(), answer.seq())).collect();
    assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:?}");
    let posted = processor.is_sent().await;
    assert_eq!(json!(posted.upload_id), bodies[0].0["upload"]["id"]);
    assert_eq!(stored(&server.database).len(), 1);
    again(&ann, b"another file").await.refused(409, "conflict");
    assert_eq!(stored(&server.database).len(), 1);
    ann.uploads("a.csv", FILE).header("Idempotency-Key", "").await.refused(422, "invalid_request");
    assert_eq!(stored(&server.database).len(), 1);
    let bobs = again(&bob, FILE).await.expect(202);
    assert_ne!(bobs["upload"]["id"], bodies[0].0["upload"]["id"], "keys belong to their caller");
    processor.is_sent().await;
    processor.was_sent_no_more();
}

#[tokio::test]
async fn an_upload_is_its_owners_alone() {
    let mut processor = StandIn::start().await;
    let server = processor.herald().await;
    let ann = server.stranger(&["USER"]);
    let begun = ann.uploads("a.csv", FILE).await.expect(202);
    processor.is_sent().await;
    let path = path_of(&begun["upload"]);
    for other in [server.stranger(&["USER"]), server.operator()] {
        other.get(&path).await.refused(404, "not_found");
    }
    server.call("GET", &path).await.refused(401, "unauthorized");
    ann.get("/v1/uploads/nonsense").await.refused(404, "not_found");
    ann.get(format!("/v1/uploads/{}", uuid::Uuid::now_v7())).await.refused(404, "not_found");
    let found: Answer = ann.get(&path).await.ok();
    let fields: Vec<&String> = found.as_object().expect("an object").keys().collect();
    assert_eq!(fields, ["contentType", "createdAt", "filename", "id", "jobId", "size", "state", "updatedAt", "userId"]);
}

#[tokio::test]
async fn an_upload_whose_job_is_taken_back_is_forgotten() {
    let mut processor = StandIn::start().await;
    let server = processor.herald().await;
    let ann = server.stranger(&["USER"]);
    let mut live = listening(&ann).await;
    let begun = ann.uploads("a.csv", FILE).await.expect(202);
    let posted = processor.is_sent().await;
    ann.delete(format!("/v1/jobs/{}", begun["job"]["id"].as_str().expect("an id"))).await.gone();
    live.hears_of_job("REVERTED").await;
    ann.get(path_of(&begun["upload"])).await.refused(404, "not_found");
    Message::about(&posted, json!({})).to(&server).await.refused(404, "not_found");
    live.hears_nothing().await;
}
