//! A request on its way, and its answer, in words.

use super::{Live, http::Head, http::Request};
use serde_json::Value;
use std::{
    future::{Future, IntoFuture},
    net::SocketAddr,
    ops::Deref,
    pin::Pin,
};

/// A request that is sent when it is awaited.
#[must_use = "a call is made by awaiting it"]
#[derive(Clone)]
pub struct Call {
    to: SocketAddr,
    pub request: Request,
}

impl Call {
    pub fn new(to: SocketAddr, request: Request) -> Self {
        Self { to, request }
    }

    pub fn header(self, name: &str, value: impl Into<String>) -> Self {
        Self { request: self.request.header(name, value), ..self }
    }

    /// With this body, whatever it is.
    pub fn raw(self, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { request: self.request.raw(kind, body), ..self }
    }

    /// With `If-Match: "version"`.
    pub fn if_version(self, version: i64) -> Self {
        self.header("If-Match", format!("\"{version}\""))
    }

    /// Said to come from this connection: it is not to be told.
    pub fn from(self, live: &Live) -> Self {
        self.header("X-Metadata-SocketId", live.id())
    }

    /// The answer, or that there was none.
    pub async fn attempt(self) -> std::io::Result<Answer> {
        let (head, text) = self.request.send(self.to).await?;
        let what = format!("{} {}", self.request.method, self.request.path);
        let body =
            if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap_or(Value::String(text)) };
        Ok(Answer { what, head, body })
    }
}

impl IntoFuture for Call {
    type Output = Answer;
    type IntoFuture = Pin<Box<dyn Future<Output = Answer>>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let what = format!("{} {}", self.request.method, self.request.path);
            let answer = tokio::time::timeout(super::PATIENCE, self.attempt()).await;
            answer.unwrap_or_else(|_| panic!("{what}: no answer")).unwrap_or_else(|error| panic!("{what}: {error}"))
        })
    }
}

/// What came back. Reads like its JSON body: `answer["id"]`.
#[derive(Debug, Clone)]
pub struct Answer {
    what: String,
    pub head: Head,
    pub body: Value,
}

impl Deref for Answer {
    type Target = Value;
    fn deref(&self) -> &Value {
        &self.body
    }
}

impl Answer {
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.head.status, status, "{}: {}", self.what, self.body);
        self
    }

    #[track_caller]
    pub fn ok(self) -> Self {
        self.expect(200)
    }

    #[track_caller]
    pub fn created(self) -> Self {
        self.expect(201)
    }

    #[track_caller]
    pub fn gone(self) -> Self {
        self.expect(204)
    }

    /// Refused with this status and code, in a whole problem document (CONTRACT 1).
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Self {
        let answer = self.expect(status);
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{}", answer.what);
        assert_eq!(answer["code"], code, "{}: {}", answer.what, answer.body);
        assert_eq!(answer["status"], status, "{}: {}", answer.what, answer.body);
        for field in ["type", "title", "detail"] {
            assert!(answer[field].is_string(), "{}: no {field} in {}", answer.what, answer.body);
        }
        answer
    }

    /// Names this field among its faults.
    #[track_caller]
    pub fn naming(self, field: &str) -> Self {
        let faults = self["errors"].as_array().cloned().unwrap_or_default();
        let named = faults.iter().any(|fault| fault["field"] == field && fault["message"].is_string());
        assert!(named, "{}: {field} is not named in {}", self.what, self.body);
        self
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.header(name)
    }

    /// `X-Herald-Seq`.
    #[track_caller]
    pub fn seq(&self) -> i64 {
        let text = self.header("X-Herald-Seq").unwrap_or_else(|| panic!("{}: no X-Herald-Seq", self.what));
        text.parse().unwrap_or_else(|_| panic!("{}: X-Herald-Seq: {text}", self.what))
    }

    /// The record's id.
    #[track_caller]
    pub fn id(&self) -> String {
        self["id"].as_str().unwrap_or_else(|| panic!("{}: no id in {}", self.what, self.body)).to_owned()
    }

    #[track_caller]
    pub fn list(&self) -> &Vec<Value> {
        self.body.as_array().unwrap_or_else(|| panic!("{}: no list: {}", self.what, self.body))
    }

    /// The ids of a list, in its order.
    #[track_caller]
    pub fn ids(&self) -> Vec<String> {
        self.list().iter().map(|record| record["id"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The path of the next page.
    pub fn next_page(&self) -> Option<String> {
        let link = self.header("Link")?;
        let (address, rel) = link.split_once('>')?;
        assert!(rel.contains("rel=\"next\""), "{link}");
        Some(address.trim_start_matches('<').to_owned())
    }
}
