//! Another back end, which keeps records of its own and has an API key.

use super::{Answer, Call, Herald, http::Request};
use serde_json::{Value, json};

pub struct BackEnd {
    pub herald: Herald,
    /// The id of its key.
    pub id: String,
    pub key: String,
}

impl Herald {
    /// A back end that may publish anything anywhere.
    pub async fn back_end(self) -> BackEnd {
        self.back_end_with(json!({})).await
    }

    /// A back end whose key has these scopes (`rooms`, `events`).
    pub async fn back_end_with(self, scopes: Value) -> BackEnd {
        let mut body = scopes;
        body["name"] = "A back end".into();
        let made = self.operator().post("/v1/admin/api-keys", body).await.created();
        BackEnd { herald: self, id: made.id(), key: made["key"].as_str().expect("a key").to_owned() }
    }
}

impl BackEnd {
    pub fn call(&self, method: &str, path: impl Into<String>) -> Call {
        self.herald.call(method, path).header("Authorization", format!("Bearer {}", self.key))
    }

    pub fn post(&self, path: impl Into<String>, body: Value) -> Call {
        let call = self.call("POST", path);
        Call::new(self.herald.addr, call.request.json(&body))
    }

    /// The body as it is, white space included.
    pub fn post_text(&self, path: &str, body: &str) -> Call {
        let call = self.call("POST", path);
        Call::new(self.herald.addr, Request::raw(call.request, "application/json", body))
    }

    /// Publishes to these rooms; `more` is added to the body.
    pub fn publishes_with(&self, event: &str, data: Value, to: &[&str], more: Value) -> Call {
        let mut body = json!({ "event": event, "data": data, "to": to });
        for (field, value) in more.as_object().expect("fields") {
            body[field] = value.clone();
        }
        self.post("/v1/publish", body)
    }

    pub fn publishes(&self, event: &str, data: Value, to: &[&str]) -> Call {
        self.publishes_with(event, data, to, json!({}))
    }
}

impl Answer {
    /// Taken, and stored at this place, which the header says as well.
    #[track_caller]
    pub fn published(self) -> i64 {
        let answer = self.expect(202);
        let seq = answer["seq"].as_i64().unwrap_or_else(|| panic!("no seq: {}", answer.body));
        assert_eq!(answer.seq(), seq);
        seq
    }
}
