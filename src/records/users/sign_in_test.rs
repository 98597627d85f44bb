//! The routes of CONTRACT 2 over HTTP, from registering to being deleted.

use crate::{
    auth::{self, Auth, Cost, Settings},
    delivery::outbox::Outbox,
    identity::{Role, Roles},
    records::users::{self, Register, enroll},
    secret::Secret,
    store::Store,
};
use actix_http::Request;
use actix_web::{
    App, Error,
    body::MessageBody,
    dev::{Service, ServiceResponse},
    http::{Method, StatusCode},
    test, web,
};
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse";

async fn house(folder: &tempfile::TempDir, registration: bool) -> (Auth, Store, Outbox) {
    let store = Store::open(&format!("sqlite:{}", folder.path().join("h.db").display())).expect("a store");
    let migrating = store.clone();
    std::thread::spawn(move || migrating.migrate()).join().expect("a thread").expect("tables");
    let (outbox, _) = Outbox::start(store.clone(), Box::new(drop)).expect("an outbox");
    let settings = Settings::with_secret(Secret::new("a secret of the tests, 32 bytes and more"));
    let settings = Settings { cost: Cost::CHEAP, registration, ..settings };
    let auth = Auth::start(settings, store.clone(), outbox.clone()).await.expect("auth");
    (auth, store, outbox)
}

/// The app of these tests over a new database in `$folder`.
macro_rules! app {
    ($auth:expr, $store:expr, $outbox:expr) => {
        test::init_service(
            App::new()
                .app_data(web::Data::new($auth))
                .app_data(web::Data::new($store))
                .app_data(web::Data::new($outbox))
                .service(web::scope("/v1").configure(auth::configure).configure(users::configure)),
        )
        .await
    };
}

async fn call<B: MessageBody>(
    app: &impl Service<Request, Response = ServiceResponse<B>, Error = Error>,
    (method, path): (Method, &str),
    token: &str,
    body: Value,
) -> (StatusCode, Value) {
    let mut request = test::TestRequest::default().method(method).uri(path);
    if !token.is_empty() {
        request = request.insert_header(("Authorization", format!("Bearer {token}")));
    }
    if !body.is_null() {
        request = request.set_json(body);
    }
    let answer = test::call_service(app, request.to_request()).await;
    let status = answer.status();
    (status, serde_json::from_slice(&test::read_body(answer).await).unwrap_or_default())
}

fn person(email: &str) -> Value {
    json!({ "email": email, "password": PASSWORD, "firstName": "Ann", "lastName": "Lee" })
}

const REGISTER: (Method, &str) = (Method::POST, "/v1/auth/register");
const LOGIN: (Method, &str) = (Method::POST, "/v1/auth/login");
const REFRESH: (Method, &str) = (Method::POST, "/v1/auth/refresh");
const LOGOUT: (Method, &str) = (Method::POST, "/v1/auth/logout");
const USER: (Method, &str) = (Method::GET, "/v1/user");

#[actix_web::test]
async fn one_registers_logs_in_refreshes_and_logs_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let (auth, store, outbox) = house(&folder, true).await;
    let app = app!(auth, store, outbox);
    let (status, user) = call(&app, REGISTER, "", person("Ann@Example.com")).await;
    assert_eq!(
        (status, &user["email"], &user["roles"]),
        (StatusCode::CREATED, &json!("ann@example.com"), &json!(["USER"]))
    );
    assert!(!user.to_string().to_lowercase().contains("password") && !user.to_string().contains("argon2"), "{user}");
    assert_eq!(user["notifyOnEventUpdate"], true);
    let (status, problem) = call(&app, REGISTER, "", person("ann@example.com")).await;
    assert_eq!((status, &problem["code"]), (StatusCode::CONFLICT, &json!("conflict")));

    let login = json!({ "email": "ann@example.com", "password": PASSWORD });
    let (status, pair) = call(&app, LOGIN, "", login).await;
    assert_eq!((status, &pair["user"], &pair["tokenType"]), (StatusCode::OK, &user, &json!("Bearer")));
    let token = pair["accessToken"].as_str().expect("a token").to_owned();
    assert_eq!(call(&app, USER, &token, Value::Null).await, (StatusCode::OK, user.clone()));
    let (status, next) = call(&app, REFRESH, "", json!({ "refreshToken": pair["refreshToken"] })).await;
    assert_eq!((status, next["user"].is_null()), (StatusCode::OK, true));
    let (status, ticket) = call(&app, (Method::POST, "/v1/auth/ticket"), &token, Value::Null).await;
    assert_eq!((status, &ticket["expiresIn"]), (StatusCode::CREATED, &json!(30)));
    assert_eq!(call(&app, LOGOUT, &token, Value::Null).await.0, StatusCode::NO_CONTENT);
    let (status, problem) = call(&app, USER, &token, Value::Null).await;
    assert_eq!((status, &problem["code"]), (StatusCode::UNAUTHORIZED, &json!("unauthorized")));
    let (status, _) = call(&app, REFRESH, "", json!({ "refreshToken": next["refreshToken"] })).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}

#[actix_web::test]
async fn what_is_wrong_with_a_registration_is_said_all_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let (auth, store, outbox) = house(&folder, true).await;
    let app = app!(auth, store, outbox);
    let wrong = json!({ "email": "ann", "password": "short", "firstName": "", "lastName": "x\u{0}" });
    let (status, problem) = call(&app, REGISTER, "", wrong).await;
    let fields: Vec<_> = problem["errors"].as_array().expect("errors").iter().map(|fault| &fault["field"]).collect();
    assert_eq!(
        (status, fields),
        (
            StatusCode::UNPROCESSABLE_ENTITY,
            vec![&json!("email"), &json!("password"), &json!("firstName"), &json!("lastName")],
        )
    );
    let mut more = person("ann@example.com");
    more["roles"] = json!(["ADMIN"]);
    assert_eq!(call(&app, REGISTER, "", more).await.0, StatusCode::UNPROCESSABLE_ENTITY);
}

#[actix_web::test]
async fn registration_can_be_switched_off() {
    let folder = tempfile::tempdir().expect("a folder");
    let (auth, store, outbox) = house(&folder, false).await;
    let app = app!(auth, store, outbox);
    assert_eq!(call(&app, REGISTER, "", person("ann@example.com")).await.0, StatusCode::FORBIDDEN);
}

#[actix_web::test]
async fn administrators_say_what_others_may_be_and_it_counts_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let (auth, store, outbox) = house(&folder, true).await;
    let register = |email| serde_json::from_value::<Register>(person(email)).expect("a body");
    let admin: Roles = [Role::User, Role::Admin].into_iter().collect();
    enroll(&auth, &outbox, register("root@example.com"), admin).await.expect("root");
    let app = app!(auth, store, outbox);
    let (_, ann) = call(&app, REGISTER, "", person("ann@example.com")).await;
    let token = async |email: &str| {
        let (_, pair) = call(&app, LOGIN, "", json!({ "email": email, "password": PASSWORD })).await;
        pair["accessToken"].as_str().expect("a token").to_owned()
    };
    let (root, hers) = (token("root@example.com").await, token("ann@example.com").await);
    let path = format!("/v1/admin/users/{}", ann["id"].as_str().expect("an id"));
    let (status, list) = call(&app, (Method::GET, "/v1/admin/users"), &root, Value::Null).await;
    assert_eq!((status, list.as_array().map(Vec::len)), (StatusCode::OK, Some(2)));
    assert_eq!(call(&app, (Method::GET, "/v1/admin/users"), &hers, Value::Null).await.0, StatusCode::FORBIDDEN);
    assert_eq!(call(&app, (Method::PUT, &path), &hers, json!({"roles": ["ADMIN"]})).await.0, StatusCode::FORBIDDEN);
    let (status, ann) = call(&app, (Method::PUT, &path), &root, json!({"disabled": true})).await;
    assert_eq!((status, &ann["disabled"], &ann["version"]), (StatusCode::OK, &json!(true), &json!(2)));
    assert_eq!(call(&app, USER, &hers, Value::Null).await.0, StatusCode::UNAUTHORIZED);
    call(&app, (Method::PUT, &path), &root, json!({"disabled": false})).await;
    assert_eq!(call(&app, USER, &hers, Value::Null).await.0, StatusCode::OK);
    assert_eq!(call(&app, (Method::DELETE, &path), &root, Value::Null).await.0, StatusCode::NO_CONTENT);
    assert_eq!(call(&app, USER, &hers, Value::Null).await.0, StatusCode::UNAUTHORIZED, "not taken for a stranger");
}
