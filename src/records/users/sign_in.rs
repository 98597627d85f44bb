//! Coming in: register, login, and who one is then (CONTRACT 2).

use super::{Register, User};
use crate::{
    auth::{Auth, Caller, Pair, address_of},
    body::Body,
    delivery::outbox::{Committed, Outbox, Tx},
    error::{Error, Result},
    identity::{Role, Roles},
    ids::UserId,
    records::{
        Edit, Record as _,
        routes::{answer_found, answer_record},
    },
    secret::Secret,
    store::Store,
};
use actix_web::{HttpRequest, HttpResponse, http::header, web};
use diesel::result::Error as Diesel;
use serde::{Deserialize, Serialize};

pub(super) fn configure(cfg: &mut web::ServiceConfig) {
    cfg.service(web::resource("/auth/register").post(register))
        .service(web::resource("/auth/login").post(login))
        .service(web::resource("/user").get(who_am_i));
}

async fn register(auth: web::Data<Auth>, outbox: web::Data<Outbox>, body: Body<Register>) -> Result<HttpResponse> {
    auth.can_log_in()?;
    if !auth.settings().registration {
        return Err(Error::forbidden("registration is switched off"));
    }
    let roles = [Role::User].into_iter().collect();
    Ok(answer_record(HttpResponse::Created(), &enroll(&auth, &outbox, body.0, roles).await?))
}

/// Stores a new user and tells of it.
///
/// # Errors
/// 422 with all that is wrong, 409 when the e-mail address is taken, 503.
pub async fn enroll(auth: &Auth, outbox: &Outbox, register: Register, roles: Roles) -> Result<Committed<User>> {
    let hash = auth.hash(register.checked()?).await?;
    let work = async move |tx: &mut Tx| {
        let user = User::new(&register, hash, roles, tx.now());
        Edit { by: user.himself(), tx }.insert(user).await
    };
    outbox.commit(work).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Login {
    email: String,
    password: Secret,
}

#[derive(Serialize)]
struct LoggedIn {
    #[serde(flatten)]
    pair: Pair,
    user: User,
}

async fn login(
    request: HttpRequest,
    auth: web::Data<Auth>,
    store: web::Data<Store>,
    body: Body<Login>,
) -> Result<HttpResponse> {
    let Login { email, password } = body.0;
    let from = address_of(&request, &auth.settings().trusted_proxies);
    let (pair, user) = auth.login(&email, password, from).await?;
    let user = User::find(&mut store.read().await?, user).await?;
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(LoggedIn { pair, user }))
}

/// Somebody whose token is good but of whom there is no record: a user of another issuer.
#[derive(Serialize)]
struct Stranger {
    id: UserId,
    roles: Roles,
}

async fn who_am_i(caller: Caller, store: web::Data<Store>) -> Result<HttpResponse> {
    match User::find(&mut store.read().await?, caller.user).await {
        Ok(user) => Ok(answer_found(&user)),
        Err(Diesel::NotFound) => Ok(HttpResponse::Ok().json(Stranger { id: caller.user, roles: caller.roles })),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
#[path = "sign_in_test.rs"]
mod tests;
