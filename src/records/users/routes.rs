//! Changing users: one's own names, and, by administrators, what others may be. The latter takes
//! effect on live connections at once (CONTRACT 2).

use super::{
    Patch, User,
    input::{Own, Standing},
};
use crate::{
    answer::{answer_gone, origin},
    auth::Caller,
    body::Body,
    delivery::outbox::Outbox,
    error::{Error, Result},
    identity::Roles,
    ids::UserId,
    notice::Effect,
    records::{
        Edit, Update,
        routes::{answer_record, find, id_of, if_match, list},
    },
    store::Store,
};
use actix_web::{HttpRequest, HttpResponse, web};

pub(super) fn configure(cfg: &mut web::ServiceConfig) {
    cfg.service(web::resource("/users/{id}").get(find::<User>).put(change_own))
        .service(web::resource("/admin/users").get(list_all))
        .service(web::resource("/admin/users/{id}").get(find::<User>).put(change_standing).delete(remove));
}

async fn list_all(request: HttpRequest, caller: Caller, store: web::Data<Store>) -> Result<HttpResponse> {
    allowed(&caller)?;
    list::<User>(request, caller, store).await
}

/// Before anything is looked up: others need not learn which ids there are.
fn allowed(caller: &Caller) -> Result<()> {
    if caller.is_admin() { Ok(()) } else { Err(Error::forbidden("this is done by administrators")) }
}

async fn change_own(
    request: HttpRequest,
    caller: Caller,
    id: web::Path<String>,
    patch: Body<Own>,
    outbox: web::Data<Outbox>,
) -> Result<HttpResponse> {
    let (id, expected, origin) = (id_of::<User>(&id)?, if_match(&request)?, origin(&request, &caller));
    let work = async move |tx: &mut _| {
        let mut edit = Edit::begin(tx, caller.0, origin).await?;
        changed(edit.update::<User>(id, Patch::Own(patch.0), expected).await?)
    };
    Ok(answer_record(HttpResponse::Ok(), &outbox.commit(work).await?))
}

async fn change_standing(
    request: HttpRequest,
    caller: Caller,
    id: web::Path<String>,
    patch: Body<Standing>,
    outbox: web::Data<Outbox>,
) -> Result<HttpResponse> {
    allowed(&caller)?;
    let (id, expected, origin) = (id_of::<User>(&id)?, if_match(&request)?, origin(&request, &caller));
    let work = async move |tx: &mut _| {
        let mut edit = Edit::begin(tx, caller.0, origin).await?;
        put_standing(&mut edit, id, patch.0, expected).await
    };
    Ok(answer_record(HttpResponse::Ok(), &outbox.commit(work).await?))
}

async fn remove(
    request: HttpRequest,
    caller: Caller,
    id: web::Path<String>,
    outbox: web::Data<Outbox>,
) -> Result<HttpResponse> {
    allowed(&caller)?;
    let (id, expected, origin) = (id_of::<User>(&id)?, if_match(&request)?, origin(&request, &caller));
    let work = async move |tx: &mut _| {
        let mut edit = Edit::begin(tx, caller.0, origin).await?;
        delete(&mut edit, id, expected).await
    };
    Ok(answer_gone(&outbox.commit(work).await?))
}

pub(super) async fn put_standing(
    edit: &mut Edit<'_>,
    id: UserId,
    patch: Standing,
    expected: Option<i64>,
) -> Result<User> {
    let user = changed(edit.update::<User>(id, Patch::Standing(patch), expected).await?)?;
    edit.tx.effect(user.standing());
    Ok(user)
}

pub(super) async fn delete(edit: &mut Edit<'_>, id: UserId, expected: Option<i64>) -> Result<()> {
    edit.remove::<User>(id, expected).await?;
    edit.tx.effect(Effect::Standing { user: id, roles: Roles::default(), disabled: true });
    Ok(())
}

fn changed(update: Update<User>) -> Result<User> {
    match update {
        Update::Changed(user) => Ok(user),
        Update::Branched(_) => Err(Error::internal("a user has no versions")),
    }
}
