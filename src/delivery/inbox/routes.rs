//! The inbox over HTTP (CONTRACT 6).

use super::{
    Broadcasts,
    list::Listing,
    marks::{delete, read, read_all},
    notify::unread,
    send::{SEND_BODY_MAX, Send},
};
use crate::{
    answer::{answer_gone, answer_list, answer_write, origin},
    auth::Caller,
    body::{BodyLimit, MarkedBody},
    delivery::{
        idempotency::{Key, once},
        outbox::{Outbox, Tx},
    },
    error::{Error, Result},
    ids::NotificationId,
    store::Store,
};
use actix_web::{
    FromRequest as _, HttpRequest, HttpResponse,
    http::header::{HeaderName, HeaderValue},
    web,
};

/// How much is unread, of all, whatever was asked for.
const UNREAD: HeaderName = HeaderName::from_static("x-unread-count");
/// The path of `POST /v1/admin/notifications`, for its idempotency keys.
const SEND: &str = "/v1/admin/notifications";

/// The routes; to be mounted under `/v1`.
pub fn configure(cfg: &mut web::ServiceConfig) {
    cfg.service(web::resource("/notifications").get(list))
        .service(web::resource("/notifications/read").put(mark_all))
        .service(web::resource("/notifications/{id}").delete(remove))
        .service(web::resource("/notifications/{id}/read").put(mark_one))
        .service(web::resource("/admin/notifications").app_data(BodyLimit(SEND_BODY_MAX)).post(send));
}

async fn list(request: HttpRequest, caller: Caller, store: web::Data<Store>) -> Result<HttpResponse> {
    let listing = Listing::of(&request)?;
    let conn = store.read().await?;
    let user = caller.user;
    let mut count = 0;
    let page = async |conn: &mut _| {
        count = unread(conn, user).await?;
        Ok(listing.read(conn, user).await?)
    };
    let next = |last: &_| listing.next(request.path(), last);
    let mut answer = answer_list(HttpResponse::Ok(), listing.limit, conn, next, page).await?;
    answer.headers_mut().insert(UNREAD, HeaderValue::from(count));
    Ok(answer)
}

async fn mark_one(
    request: HttpRequest,
    caller: Caller,
    id: web::Path<String>,
    outbox: web::Data<Outbox>,
) -> Result<HttpResponse> {
    let (id, user, origin) = (id_of(&id)?, caller.user, origin(&request, &caller));
    let work = async move |tx: &mut Tx| {
        tx.spare(origin);
        read(tx, user, id).await
    };
    Ok(answer_write(HttpResponse::Ok(), &outbox.commit(work).await?))
}

async fn mark_all(request: HttpRequest, caller: Caller, outbox: web::Data<Outbox>) -> Result<HttpResponse> {
    let (user, origin) = (caller.user, origin(&request, &caller));
    let work = async move |tx: &mut Tx| {
        tx.spare(origin);
        read_all(tx, user).await
    };
    Ok(answer_write(HttpResponse::Ok(), &outbox.commit(work).await?))
}

async fn remove(
    request: HttpRequest,
    caller: Caller,
    id: web::Path<String>,
    outbox: web::Data<Outbox>,
) -> Result<HttpResponse> {
    let (id, user, origin) = (id_of(&id)?, caller.user, origin(&request, &caller));
    let work = async move |tx: &mut Tx| {
        tx.spare(origin);
        delete(tx, user, id).await
    };
    Ok(answer_gone(&outbox.commit(work).await?))
}

/// Text that is no id names nothing that exists.
fn id_of(text: &str) -> Result<NotificationId> {
    text.parse().map_err(|_| Error::NotFound)
}

async fn send(
    request: HttpRequest,
    caller: Caller,
    payload: web::Payload,
    store: web::Data<Store>,
    outbox: web::Data<Outbox>,
    broadcasts: web::Data<Broadcasts>,
) -> Result<HttpResponse> {
    // Before the body is read: others need not learn what it has to look like.
    if !caller.is_admin() {
        return Err(Error::forbidden("messages to many are sent by administrators"));
    }
    let body = MarkedBody::<Send>::from_request(&request, &mut payload.into_inner()).await?;
    let key = Key::of(&request, caller.user, SEND, &body.fingerprint)?;
    let sending = body.value.checked(caller.user)?.counted(&mut store.read().await?).await?;
    let work = async move |tx: &mut Tx| once(tx, key, async |tx| sending.begin(tx).await).await;
    let done = outbox.commit(work).await?;
    broadcasts.wake();
    Ok(done.value.respond())
}
