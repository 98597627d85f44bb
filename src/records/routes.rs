//! The five routes that every record shares: list, make, read, change, remove.

use super::{Edit, Listing, Record, Update, Viewer};
use crate::{
    answer::{answer_gone, answer_list, answer_write, origin},
    auth::Caller,
    body::Body,
    delivery::outbox::{Committed, Outbox},
    error::{Error, Result},
    store::Store,
};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, Resource, http::header, web};

/// `GET` and `POST` on the collection.
#[must_use]
pub fn collection<R: Record>(path: &str) -> Resource {
    web::resource(path).get(list::<R>).post(create::<R>)
}

/// `GET`, `PUT` and `DELETE` on one record; `path` ends in `{id}`.
#[must_use]
pub fn item<R: Record>(path: &str) -> Resource {
    web::resource(path).get(find::<R>).put(update::<R>).delete(remove::<R>)
}

/// Lists what the caller may see.
///
/// # Errors
/// 401, 422, 503.
pub async fn list<R: Record>(request: HttpRequest, caller: Caller, store: web::Data<Store>) -> Result<HttpResponse> {
    let listing = Listing::of(&request)?;
    let conn = store.read().await?;
    let read = async |conn: &mut _| {
        let by = Viewer::load(conn, caller.0).await?;
        Ok(R::list(conn, &by, &listing).await?)
    };
    let next = |record: &R| listing.next(request.path(), &record.id().to_string());
    answer_list(HttpResponse::Ok(), listing.limit, conn, next, read).await
}

/// Reads one.
///
/// # Errors
/// 401, 404, 503.
pub async fn find<R: Record>(caller: Caller, id: web::Path<String>, store: web::Data<Store>) -> Result<HttpResponse> {
    let id = id_of::<R>(&id)?;
    let mut conn = store.read().await?;
    let by = Viewer::load(&mut conn, caller.0).await?;
    let record: R = by.find(&mut conn, id).await?;
    Ok(answer_found(&record))
}

/// An answer to a read: the record, its version as `ETag`.
#[must_use]
pub fn answer_found<R: Record>(record: &R) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::ETAG, etag(record))).json(record)
}

/// Makes one.
///
/// # Errors
/// 401, then what the record's rules say.
pub async fn create<R: Record>(
    request: HttpRequest,
    caller: Caller,
    draft: Body<R::Draft>,
    outbox: web::Data<Outbox>,
) -> Result<HttpResponse> {
    let (origin, by) = (origin(&request, &caller), caller.0);
    let made = outbox.commit(async move |tx| Edit::begin(tx, by, origin).await?.create::<R>(draft.0).await).await?;
    Ok(answer_record(HttpResponse::Created(), &made))
}

/// Changes one.
///
/// # Errors
/// 401, 404, 412, then what the record's rules say.
pub async fn update<R: Record>(
    request: HttpRequest,
    caller: Caller,
    id: web::Path<String>,
    patch: Body<R::Patch>,
    outbox: web::Data<Outbox>,
) -> Result<HttpResponse> {
    let id = id_of::<R>(&id)?;
    let expected = if_match(&request)?;
    let (origin, by) = (origin(&request, &caller), caller.0);
    let done = outbox
        .commit(async move |tx| Edit::begin(tx, by, origin).await?.update::<R>(id, patch.0, expected).await)
        .await?;
    let seq = done.seq;
    Ok(match done.value {
        Update::Changed(value) => answer_record(HttpResponse::Ok(), &Committed { value, seq }),
        Update::Branched(value) => answer_record(HttpResponse::Created(), &Committed { value, seq }),
    })
}

/// Removes one.
///
/// # Errors
/// 401, 404, 412, then what the record's rules say.
pub async fn remove<R: Record>(
    request: HttpRequest,
    caller: Caller,
    id: web::Path<String>,
    outbox: web::Data<Outbox>,
) -> Result<HttpResponse> {
    let id = id_of::<R>(&id)?;
    let expected = if_match(&request)?;
    let (origin, by) = (origin(&request, &caller), caller.0);
    let done =
        outbox.commit(async move |tx| Edit::begin(tx, by, origin).await?.remove::<R>(id, expected).await).await?;
    Ok(answer_gone(&done))
}

/// An answer to a write: the record, its version as `ETag`, the place of its last notice.
#[must_use]
pub fn answer_record<R: Record>(mut answer: HttpResponseBuilder, done: &Committed<R>) -> HttpResponse {
    answer.insert_header((header::ETAG, etag(&done.value)));
    answer_write(answer, done)
}

fn etag<R: Record>(record: &R) -> String {
    format!("\"{}\"", record.version())
}

/// The id in the path. Text that is no id names nothing that exists.
///
/// # Errors
/// 404.
pub fn id_of<R: Record>(text: &str) -> Result<R::Id> {
    text.parse().map_err(|_| Error::NotFound)
}

/// The version that the caller has read (`If-Match: "3"`); `*` means any.
///
/// # Errors
/// 422 when it is no version.
pub fn if_match(request: &HttpRequest) -> Result<Option<i64>> {
    let Some(value) = request.headers().get(header::IF_MATCH) else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let version = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).and_then(|text| text.parse().ok());
    version.map(Some).ok_or_else(|| Error::field("If-Match", "has to be a version in quotes, such as \"3\""))
}
