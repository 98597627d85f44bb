//! The pages: admin UI at `/`, demo client at `/client/`, and the Socket.IO client that the latter loads.
//!
//! Pages are compiled in, so the binary is all that one needs to copy. The Socket.IO client comes from npm and is
//! read from disk; without it everything else works, and its address says how to get it.
//!
//! Configure this **before** the Socket.IO routes: `/socket.io/socket.io.js` lies under their path.

use std::path::{Path, PathBuf};

use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::{HttpResponse, Responder, web};

/// Everything from this server, nothing inline: a text that were taken for markup could still not run.
const POLICY: &str =
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";
const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";

/// Path, content type, content.
const PAGES: &[(&str, &str, &str)] = &[
    ("/", HTML, include_str!("../../static/index.html")),
    ("/static/admin.css", CSS, include_str!("../../static/admin.css")),
    ("/static/admin.js", JS, include_str!("../../static/admin.js")),
    ("/static/admin/cut.js", JS, include_str!("../../static/admin/cut.js")),
    ("/static/admin/department-dialog.js", JS, include_str!("../../static/admin/department-dialog.js")),
    ("/static/admin/departments.js", JS, include_str!("../../static/admin/departments.js")),
    ("/static/admin/dialogs.js", JS, include_str!("../../static/admin/dialogs.js")),
    ("/static/admin/element.js", JS, include_str!("../../static/admin/element.js")),
    ("/static/admin/event-dialog.js", JS, include_str!("../../static/admin/event-dialog.js")),
    ("/static/admin/event-fields.js", JS, include_str!("../../static/admin/event-fields.js")),
    ("/static/admin/events.js", JS, include_str!("../../static/admin/events.js")),
    ("/static/admin/fields.js", JS, include_str!("../../static/admin/fields.js")),
    ("/static/admin/follow.js", JS, include_str!("../../static/admin/follow.js")),
    ("/static/admin/gate.js", JS, include_str!("../../static/admin/gate.js")),
    ("/static/admin/inbox.js", JS, include_str!("../../static/admin/inbox.js")),
    ("/static/admin/jobs.js", JS, include_str!("../../static/admin/jobs.js")),
    ("/static/admin/link.js", JS, include_str!("../../static/admin/link.js")),
    ("/static/admin/log.js", JS, include_str!("../../static/admin/log.js")),
    ("/static/admin/records.js", JS, include_str!("../../static/admin/records.js")),
    ("/static/admin/sending.js", JS, include_str!("../../static/admin/sending.js")),
    ("/static/admin/states.js", JS, include_str!("../../static/admin/states.js")),
    ("/static/admin/swatch.js", JS, include_str!("../../static/admin/swatch.js")),
    ("/static/admin/tab.js", JS, include_str!("../../static/admin/tab.js")),
    ("/static/admin/telling.js", JS, include_str!("../../static/admin/telling.js")),
    ("/static/admin/when.js", JS, include_str!("../../static/admin/when.js")),
    ("/static/herald.css", CSS, include_str!("../../static/herald.css")),
    ("/static/live.js", JS, include_str!("../../static/live.js")),
    ("/static/session.js", JS, include_str!("../../static/session.js")),
    ("/static/favicon.svg", SVG, include_str!("../../static/favicon.svg")),
    ("/client/", HTML, include_str!("../../static/client/index.html")),
    ("/client/index.html", HTML, include_str!("../../static/client/index.html")),
    ("/client/client.css", CSS, include_str!("../../static/client/client.css")),
    ("/client/client.js", JS, include_str!("../../static/client/client.js")),
];

/// Path, content type, file below the static directory. The first address has been the usual one since the first
/// Socket.IO servers; the file names its map relatively, hence the last.
const FROM_NPM: &[(&str, &str, &str)] = &[
    ("/socket.io/socket.io.js", JS, "node_modules/socket.io-client/dist/socket.io.min.js"),
    ("/socket.io/socket.io.min.js", JS, "node_modules/socket.io-client/dist/socket.io.min.js"),
    ("/socket.io/socket.io.min.js.map", JSON, "node_modules/socket.io-client/dist/socket.io.min.js.map"),
];

/// Where `node_modules` of the pages is; needed as `web::Data`.
#[derive(Debug, Clone)]
pub struct StaticDir(pub PathBuf);

/// Adds the pages to an app.
pub fn routes(cfg: &mut web::ServiceConfig) {
    for &(path, kind, content) in PAGES {
        cfg.route(path, web::get().to(move || page(kind, content)));
        cfg.route(path, web::head().to(move || page(kind, content)));
    }
    for &(path, kind, file) in FROM_NPM {
        cfg.route(path, web::get().to(move |dir| from_npm(dir, kind, file)));
    }
    cfg.route("/client", web::get().to(to_client));
}

async fn page(kind: &'static str, content: &'static str) -> impl Responder {
    answer(StatusCode::OK, kind).body(content)
}

/// Relative links on the page need the slash.
async fn to_client() -> impl Responder {
    HttpResponse::PermanentRedirect().insert_header((LOCATION, "/client/")).finish()
}

async fn from_npm(dir: web::Data<StaticDir>, kind: &'static str, file: &'static str) -> HttpResponse {
    let path = dir.0.join(file);
    match web::block(move || std::fs::read(path)).await {
        Ok(Ok(content)) => answer(StatusCode::OK, kind).body(content),
        _ => answer(StatusCode::NOT_FOUND, TEXT).body(how_to_get_it(&dir.0)),
    }
}

fn how_to_get_it(dir: &Path) -> String {
    format!(
        "The Socket.IO client is not installed.\n\n\
         run: npm ci --prefix static\n\
         (or: make run)\n\n\
         in Herald's source directory, then load this again. Herald looks for it below {:?};\n\
         STATIC_DIR names another place.\n",
        dir.display().to_string()
    )
}

fn answer(status: StatusCode, kind: &str) -> actix_web::HttpResponseBuilder {
    let mut answer = HttpResponse::build(status);
    answer
        .insert_header((CONTENT_TYPE, kind))
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .insert_header((CACHE_CONTROL, "no-cache"));
    answer
}

#[cfg(test)]
mod tests {
    use actix_web::App;
    use actix_web::test::{TestRequest, call_service, init_service, read_body};

    use super::*;

    #[actix_web::test]
    async fn every_page_has_its_type_and_the_policy() {
        let app = init_service(App::new().configure(routes)).await;
        for (path, kind, content) in PAGES {
            let answer = call_service(&app, TestRequest::get().uri(path).to_request()).await;
            assert_eq!(answer.status(), StatusCode::OK, "{path}");
            let headers = answer.headers();
            assert_eq!(headers.get(CONTENT_TYPE).expect("a type"), kind, "{path}");
            assert_eq!(headers.get(CONTENT_SECURITY_POLICY).expect("a policy"), POLICY);
            assert_eq!(headers.get(X_CONTENT_TYPE_OPTIONS).expect("nosniff"), "nosniff");
            assert_eq!(headers.get(CACHE_CONTROL).expect("cache control"), "no-cache");
            assert_eq!(read_body(answer).await, content.as_bytes(), "{path}");
        }
    }

    #[actix_web::test]
    async fn pages_load_only_what_is_served_and_nothing_is_inline() {
        for (path, kind, content) in PAGES {
            if *kind != HTML {
                continue;
            }
            for (_, rest) in ["src=\"", "href=\""]
                .iter()
                .flat_map(|at| content.match_indices(at).map(move |(start, at)| (start, &content[start + at.len()..])))
            {
                let address = rest.split('"').next().expect("an end");
                assert!(PAGES.iter().chain(FROM_NPM).any(|(served, ..)| *served == address), "{path} loads {address}");
            }
            assert!(!content.contains("style=\"") && !content.contains("<style"), "{path}");
            assert!(!content.contains(" onclick=") && !content.contains("<script>"), "{path}");
        }
    }

    #[test]
    fn scripts_import_only_what_is_served() {
        for (path, kind, content) in PAGES {
            if *kind != JS {
                continue;
            }
            let dir = Path::new(path).parent().expect("a directory");
            for line in content.lines().filter(|line| line.starts_with("import ")) {
                let from = line.split('"').nth(1).expect("a module on the same line");
                let address = match from.strip_prefix("../") {
                    Some(above) => dir.parent().expect("a directory").join(above),
                    None => dir.join(from.strip_prefix("./").expect("a relative address")),
                };
                assert!(PAGES.iter().any(|(served, ..)| Path::new(served) == address), "{path} imports {from}");
            }
        }
    }

    #[actix_web::test]
    async fn the_socket_io_client_comes_from_the_static_directory() {
        let dir = tempfile::tempdir().expect("a directory");
        let place = dir.path().join("node_modules/socket.io-client/dist");
        std::fs::create_dir_all(&place).expect("a directory");
        std::fs::write(place.join("socket.io.min.js"), "the client").expect("a file");
        let data = web::Data::new(StaticDir(dir.path().to_owned()));
        let app = init_service(App::new().app_data(data).configure(routes)).await;
        let request = TestRequest::get().uri("/socket.io/socket.io.js?v=1");
        let answer = call_service(&app, request.to_request()).await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers().get(CONTENT_TYPE).expect("a type"), JS);
        assert_eq!(read_body(answer).await, "the client".as_bytes());
    }

    #[actix_web::test]
    async fn where_npm_was_not_run_the_answer_says_how() {
        let dir = tempfile::tempdir().expect("a directory");
        let data = web::Data::new(StaticDir(dir.path().to_owned()));
        let app = init_service(App::new().app_data(data).configure(routes)).await;
        let request = TestRequest::get().uri("/socket.io/socket.io.js");
        let answer = call_service(&app, request.to_request()).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND);
        assert_eq!(answer.headers().get(CONTENT_TYPE).expect("a type"), TEXT);
        let body = read_body(answer).await;
        let text = std::str::from_utf8(&body).expect("text");
        assert!(text.contains("run: npm ci --prefix static"), "{text}");
    }
}
