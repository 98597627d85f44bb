//! Signed webhooks (CONTRACT 7): who is believed, what is done once, what is refused.

use crate::support::{
    Live, Over, TestServer, User, now,
    processor::{Message, OLDER_SECRET, Posted, StandIn},
};
use futures_util::future::join;
use serde_json::json;
use uuid::Uuid;

/// Somebody with an upload that the processor has, and an ear.
struct Scene {
    server: TestServer,
    ann: User,
    live: Live,
    posted: Posted,
    _processor: StandIn,
}

impl Scene {
    async fn begin() -> Self {
        let mut processor = StandIn::start().await;
        let server = processor.herald().await;
        let ann = server.stranger(&["USER"]);
        let mut live = ann.live(Over::SocketIo).await;
        ann.uploads("a.csv", b"a,b\n").await.expect(202);
        let posted = processor.is_sent().await;
        let sent = |data: &serde_json::Value| data["record"]["progress"] == 50;
        live.hears_at_last("CHANGED_RECORD", sent).await;
        let mut scene = Self { server, ann, live, posted, _processor: processor };
        scene.is_still().await;
        scene
    }

    /// A good message about the upload.
    fn message(&self) -> Message {
        Message::about(&self.posted, json!({ "rows": 1 }))
    }

    async fn state(&self) -> String {
        let upload = self.ann.get(format!("/v1/uploads/{}", self.posted.upload_id)).await.ok();
        upload["state"].as_str().expect("a state").to_owned()
    }

    /// Nothing was told but, at most, how far the job is.
    async fn is_still(&mut self) {
        let marker = self.server.marker().await;
        let heard = self.live.hears_until(&marker).await;
        assert!(heard.iter().all(|(_, data)| data["record"]["state"] == "RUNNING"), "{heard:?}");
        assert_eq!(self.state().await, "SENT");
    }

    async fn hears_the_data(&mut self) {
        self.live.hears_of_job("DONE").await;
        assert_eq!(self.live.hears("incoming data").await["data"], json!({ "rows": 1 }));
        self.live.hears_nothing().await;
        assert_eq!(self.state().await, "DONE");
    }
}

#[tokio::test]
async fn what_is_not_signed_by_somebody_who_knows_a_secret_is_not_believed_nor_read() {
    let mut scene = Scene::begin().await;
    let herald = &scene.server;
    let message = scene.message();
    let body = message.body.to_string();
    let nonsense: &[u8] = b"{ no JSON";
    for body in [body.as_bytes(), nonsense] {
        message.unsigned(herald, body).await.refused(401, "unauthorized");
        for signature in ["", "v1,", "v1,bm90IHRoZSBzaWduYXR1cmU=", "nonsense"] {
            let call = message.unsigned(herald, body).header("webhook-signature", signature);
            call.await.refused(401, "unauthorized");
        }
    }
    let stranger = Message { secret: "whsec_c3RyYW5nZXJzdHJhbmdlcnN0cmFuZ2Vy", ..message.clone() };
    stranger.to(herald).await.refused(401, "unauthorized");
    // Signed, but for another body.
    let good = message.to(herald);
    let mut other = good.clone();
    other.request.body = Some(message.clone().with("status", "failed").body.to_string().into_bytes());
    other.await.refused(401, "unauthorized");
    good.clone().header("webhook-id", "another").await.refused(401, "unauthorized");
    scene.is_still().await;
    good.await.ok();
    scene.hears_the_data().await;
}

#[tokio::test]
async fn a_message_of_another_time_is_not_believed() {
    let mut scene = Scene::begin().await;
    for off in [-310, 310, -86_400, i64::MAX - now() - 1] {
        let message = Message { sent: now() + off, ..scene.message() };
        message.to(&scene.server).await.refused(401, "unauthorized");
    }
    scene.is_still().await;
    Message { sent: now() - 280, ..scene.message() }.to(&scene.server).await.ok();
    scene.hears_the_data().await;
}

#[tokio::test]
async fn each_secret_in_force_is_good() {
    let mut scene = Scene::begin().await;
    Message { secret: OLDER_SECRET, ..scene.message() }.to(&scene.server).await.ok();
    scene.hears_the_data().await;
}

#[tokio::test]
async fn without_secrets_nobody_is_believed() {
    let server = TestServer::start().await;
    let message = Message::done(&Uuid::now_v7().to_string(), &Uuid::now_v7().to_string(), json!({}));
    message.to(&server).await.refused(401, "unauthorized");
}

#[tokio::test]
async fn a_message_that_comes_again_does_nothing_again() {
    let mut scene = Scene::begin().await;
    let message = scene.message();
    message.to(&scene.server).await.ok();
    scene.hears_the_data().await;
    message.to(&scene.server).await.ok();
    // Attempts are signed anew each; the id says that it is the same message.
    let later = Message { sent: now() - 1, secret: OLDER_SECRET, ..message };
    later.clone().with("data", json!("changed")).to(&scene.server).await.ok();
    later.raw(&scene.server, b"{}").await.ok();
    scene.live.hears_nothing().await;
    assert_eq!(scene.state().await, "DONE");
}

#[tokio::test]
async fn two_attempts_at_once_do_it_once() {
    let mut scene = Scene::begin().await;
    let message = scene.message();
    let call = || async { message.to(&scene.server).await.ok() };
    join(call(), call()).await;
    scene.hears_the_data().await;
}

#[tokio::test]
async fn two_messages_at_once_finish_it_once() {
    let mut scene = Scene::begin().await;
    let (one, two) = (scene.message(), scene.message());
    let (one, two) = join(async { one.to(&scene.server).await }, async { two.to(&scene.server).await }).await;
    let mut statuses = [one.head.status, two.head.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    scene.hears_the_data().await;
    scene.message().with("status", "failed").to(&scene.server).await.refused(409, "conflict");
    scene.live.hears_nothing().await;
    assert_eq!(scene.state().await, "DONE");
}

#[tokio::test]
async fn what_is_refused_may_come_again_under_its_id_when_it_is_right() {
    let mut scene = Scene::begin().await;
    let message = scene.message();
    let herald = &scene.server;
    let of_another = message.clone().with("userId", Uuid::now_v7().to_string());
    of_another.to(herald).await.refused(404, "not_found");
    let unknown = message.clone().with("uploadId", Uuid::now_v7().to_string());
    unknown.to(herald).await.refused(404, "not_found");
    message.clone().with("more", 1).to(herald).await.refused(422, "invalid_request").naming("more");
    message.clone().with("status", "DONE").to(herald).await.refused(422, "invalid_request").naming("status");
    message.clone().with("uploadId", 7).to(herald).await.refused(422, "invalid_request").naming("uploadId");
    message.clone().with("userId", "me").to(herald).await.refused(422, "invalid_request").naming("userId");
    message.raw(herald, b"{}").await.refused(422, "invalid_request");
    message.raw(herald, b"[]").await.refused(422, "invalid_request");
    message.raw(herald, b"{ no JSON").await.refused(400, "invalid_request");
    message.raw(herald, b"\xff").await.refused(400, "invalid_request");
    message.raw(herald, &vec![b' '; 300_000]).await.refused(413, "payload_too_large");
    scene.is_still().await;
    message.to(&scene.server).await.ok();
    scene.hears_the_data().await;
}

#[tokio::test]
async fn a_failure_ends_the_job_badly_and_is_told_as_well() {
    let mut scene = Scene::begin().await;
    let message = scene.message().with("status", "failed").with("data", json!({ "why": "no columns" }));
    let taken = message.to(&scene.server).await.ok();
    let job = scene.live.hears_of_job("ERROR").await;
    assert!(job["log"].as_str().expect("a log").ends_with("the processor could not do it\n"), "{job}");
    let told = json!({
        "uploadId": scene.posted.upload_id, "data": { "why": "no columns" }, "status": "failed", "seq": taken.seq(),
    });
    assert_eq!(scene.live.hears("incoming data").await, told);
    assert_eq!(scene.state().await, "FAILED");
}

#[tokio::test]
async fn data_may_be_left_out() {
    let mut scene = Scene::begin().await;
    let mut message = scene.message();
    message.body.as_object_mut().expect("an object").remove("data");
    message.to(&scene.server).await.ok();
    scene.live.hears_of_job("DONE").await;
    assert_eq!(scene.live.hears("incoming data").await["data"], json!(null));
}

#[tokio::test]
async fn no_connection_can_be_left_out() {
    let mut scene = Scene::begin().await;
    let call = scene.message().to(&scene.server).from(&scene.live);
    call.await.ok();
    scene.hears_the_data().await;
}
