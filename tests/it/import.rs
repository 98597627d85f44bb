//! `POST /v1/events/import`: files become drafts, in the background, exactly once (CONTRACT 5).

use crate::support::{Answer, Call, Live, Over, Process, TestServer, User};
use serde_json::{Value, json};
use std::{collections::BTreeMap, path::Path};

const HEADER: &str = "description,start,end,location,descriptionLong,departments\n";

/// A file as browsers and curl send it.
fn import(by: &User, name: &str, bytes: impl AsRef<[u8]>) -> Call {
    form(by, &format!("Content-Disposition: form-data; name=\"file\"; filename=\"{name}\""), bytes)
}

fn form(by: &User, part: &str, bytes: impl AsRef<[u8]>) -> Call {
    let mut body = format!("--limit\r\n{part}\r\n\r\n").into_bytes();
    body.extend_from_slice(bytes.as_ref());
    body.extend_from_slice(b"\r\n--limit--\r\n");
    by.call("POST", "/v1/events/import").raw("multipart/form-data; boundary=limit", body)
}

/// A row of CSV that can be read.
fn row(description: &str) -> String {
    format!("{description},2030-05-01T09:00:00Z,2030-05-01 10:00,,,\n")
}

fn rows(count: usize) -> String {
    (0..count).fold(HEADER.to_owned(), |all, n| all + &row(&format!("Row {n}")))
}

fn is_over(data: &Value) -> bool {
    matches!(data["record"]["state"].as_str(), Some("DONE" | "ERROR" | "REVERTED")) && data["type"] == "JOB"
}

/// The job as it is when it is over, and what was heard until then.
async fn to_its_end(live: &mut Live) -> (Value, Vec<(String, Value)>) {
    let heard = live.hears_all_until(|_, data| is_over(data)).await;
    (heard.last().expect("its end").1["record"].clone(), heard)
}

/// What a job says, line by line.
fn log(job: &Value) -> Vec<&str> {
    job["log"].as_str().expect("a log").lines().collect()
}

/// The job that a file ends as.
async fn imported(by: &User, live: &mut Live, name: &str, bytes: impl AsRef<[u8]>) -> Value {
    let job = import(by, name, bytes).await.expect(202);
    let (ended, _) = to_its_end(live).await;
    assert_eq!(ended["id"], job["id"]);
    ended
}

/// How often each description is among somebody's events.
async fn descriptions(of: &User) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    let mut page = Some("/v1/events?limit=200".to_owned());
    while let Some(path) = page {
        let answer = of.get(path).await.ok();
        for event in answer.list() {
            *found.entry(event["description"].as_str().expect("a description").to_owned()).or_default() += 1;
        }
        page = answer.next_page();
    }
    found
}

fn files_in(folder: &Path) -> usize {
    std::fs::read_dir(folder).expect("the folder").count()
}

fn workbook() -> Vec<u8> {
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    let date = rust_xlsxwriter::Format::new().set_num_format("yyyy-mm-dd hh:mm");
    for (column, name) in (0..).zip(["description", "start", "end", "location"]) {
        sheet.write(0, column, name).expect("a cell");
    }
    let at = |text: &str| rust_xlsxwriter::ExcelDateTime::parse_from_str(text).expect("a date");
    sheet.write(1, 0, "Market").expect("a cell");
    sheet.write_with_format(1, 1, at("2030-05-01T09:00"), &date).expect("a cell");
    sheet.write_with_format(1, 2, at("2030-05-01T10:00"), &date).expect("a cell");
    sheet.write(1, 3, "Hall").expect("a cell");
    book.save_to_buffer().expect("a workbook")
}

#[tokio::test]
async fn a_table_a_calendar_and_a_workbook_become_drafts_of_whoever_sent_them() {
    let server = TestServer::start().await;
    let ann = server.stranger(&["USER"]);
    let mut live = ann.live(Over::SocketIo).await;
    let csv = format!("{HEADER}Market,2030-05-01T09:00:00Z,2030-05-01 10:00,Hall,,\n");
    let ics = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:Market\r\nLOCATION:Hall\r\nDTSTART;TZID=Europe/Berlin:20300501T110000\r\n\
               DURATION:PT1H\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    for (name, bytes) in [("a.csv", csv.into_bytes()), ("a.ics", ics.into()), ("a.xlsx", workbook())] {
        let answer = import(&ann, name, bytes).await.expect(202);
        assert_eq!(answer["type"], "IMPORT");
        assert_eq!(answer["state"], "PENDING");
        assert_eq!(answer["userId"], ann.id);
        assert_eq!(answer["filename"], name);
        let (job, heard) = to_its_end(&mut live).await;
        assert_eq!(heard[0].0, "NEW_RECORD", "{name}: the job itself comes first");
        assert_eq!(heard[0].1["seq"], answer.seq(), "{name}");
        assert_eq!((&job["state"], &job["progress"], &job["log"]), (&json!("DONE"), &json!(100), &json!("")), "{name}");
        let drafts: Vec<&Value> =
            heard.iter().filter(|(_, data)| data["type"] == "EVENT").map(|(_, data)| data).collect();
        let [draft] = drafts.as_slice() else { panic!("{name}: {drafts:?}") };
        let event = ann.get(format!("/v1/events/{}", draft["record"]["id"].as_str().expect("an id"))).await.ok();
        assert_eq!(event.body, draft["record"], "{name}: heard as it is");
        for (field, value) in [
            ("description", "Market"),
            ("state", "DRAFT"),
            ("location", "Hall"),
            ("start", "2030-05-01T09:00:00.000Z"),
            ("end", "2030-05-01T10:00:00.000Z"),
        ] {
            assert_eq!(event[field], value, "{name}: {field}");
        }
        assert_eq!((&event["authorId"], &event["jobId"]), (&json!(ann.id), &job["id"]), "{name}");
        assert_eq!(files_in(&server.database.files()), 0, "{name}: a file that was read is not kept");
    }
}

#[tokio::test]
async fn bad_rows_are_listed_with_their_reasons_and_the_good_ones_are_kept() {
    let server = TestServer::start().await;
    let ann = server.stranger(&["USER"]);
    let mut ids = Vec::new();
    for (name, letter) in [("Music", "M"), ("Art", "A"), ("Arts", "A")] {
        let department = json!({ "name": name, "letter": letter });
        ids.push(server.operator().post("/v1/departments", department).await.created().id());
    }
    let mut live = ann.live(Over::WebSocket).await;
    let text = format!(
        "description,start,end,departments,colour\n\
         First,2030-05-01T09:00:00Z,2030-05-01T10:00:00Z,M;Art,red\n\
         Backwards,2030-05-01T10:00:00Z,2030-05-01T09:00:00Z,,\n\
         ,2030-05-01T09:00:00Z,2030-05-01T10:00:00Z,,\n\
         Never,soon,2030-05-01T10:00:00Z,,\n\
         Nowhere,2030-05-01T09:00:00Z,2030-05-01T10:00:00Z,Dance,\n\
         Where,2030-05-01T09:00:00Z,2030-05-01T10:00:00Z,A,\n\
         {},2030-05-01T09:00:00Z,2030-05-01T10:00:00Z,,\n\
         Last,2030-05-01T09:00:00Z,2030-05-01T10:00:00Z,Music,\n",
        "x".repeat(1_001)
    );
    let job = imported(&ann, &mut live, "events.csv", text).await;
    assert_eq!(job["state"], "DONE");
    assert_eq!(
        log(&job),
        [
            "row 1: unknown columns are ignored: `colour`",
            "row 3: start: has to be before end",
            "row 4: description: has to be 1 to 1000 characters long",
            "row 5: start: `soon` is no time such as 2026-01-31T09:00:00Z or 2026-01-31 09:00 (UTC)",
            "row 6: departments: `Dance` is the name or letter of no department",
            "row 7: departments: `A` is the name or letter of several departments",
            "row 8: description: has to be 1 to 1000 characters long",
        ]
    );
    let events = ann.get("/v1/events").await.ok();
    let found: Vec<_> = events.list().iter().map(|event| (&event["description"], &event["departmentIds"])).collect();
    let expected = [(json!("First"), json!([ids[0], ids[1]])), (json!("Last"), json!([ids[0]]))];
    assert_eq!(found, expected.iter().map(|(a, b)| (a, b)).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_file_without_a_good_row_ends_in_error_and_says_why() {
    let server = TestServer::start().await;
    let ann = server.stranger(&["USER"]);
    let mut live = ann.live(Over::SocketIo).await;
    for (name, bytes, why) in [
        ("bad.csv", format!("{HEADER}x,y,z,,,\n"), "no row could be imported"),
        ("none.csv", HEADER.to_owned(), "no row could be imported"),
        ("other.csv", "name,when\nMarket,today\n".into(), "row 1: the header has no column description, start, end"),
        (
            "no.ics",
            "description,start,end\n".into(),
            "this is no iCalendar file: it does not begin with BEGIN:VCALENDAR",
        ),
        ("half.xlsx", "PK\u{3}\u{4}and no more".into(), "this is no workbook: its archive can't be read"),
    ] {
        let job = imported(&ann, &mut live, name, bytes).await;
        assert_eq!(job["state"], "ERROR", "{name}");
        assert!(log(&job).contains(&why), "{name}: {job}");
        assert_eq!(files_in(&server.database.files()), 0, "{name}");
    }
    assert_eq!(ann.get("/v1/events").await.ok().list().len(), 0);
}

#[tokio::test]
async fn what_is_no_file_of_these_kinds_is_refused_before_there_is_a_job() {
    let server = TestServer::with(|config| (config.limits.upload, config.jobs.per_user) = (4_096, 1)).await;
    let ann = server.stranger(&["USER"]);
    let good = rows(1);
    let nobody = server.call("POST", "/v1/events/import").raw("multipart/form-data; boundary=limit", "--limit--");
    nobody.await.refused(401, "unauthorized");
    import(&ann, "events.pdf", &good).await.refused(415, "unsupported_media_type");
    import(&ann, "events.xlsx", &good).await.refused(415, "unsupported_media_type");
    import(&ann, "events.csv", workbook()).await.refused(413, "payload_too_large");
    import(&ann, "events.csv", "PK\u{3}\u{4}").await.refused(415, "unsupported_media_type");
    ann.post("/v1/events/import", json!({ "file": good })).await.refused(415, "unsupported_media_type");
    import(&ann, "events.csv", "").await.refused(422, "invalid_request").naming("file");
    let other = "Content-Disposition: form-data; name=\"table\"; filename=\"a.csv\"";
    form(&ann, other, &good).await.refused(422, "invalid_request").naming("table");
    import(&ann, "events.csv", "x".repeat(5_000)).await.refused(413, "payload_too_large");
    ann.get("/v1/events/import").await.refused(405, "method_not_allowed");
    assert_eq!(ann.get("/v1/jobs").await.ok().list().len(), 0);
    assert_eq!(files_in(&server.database.files()), 0, "nothing is left of what was refused");
    // The name says nothing, but the sender does.
    let named = "Content-Disposition: form-data; name=\"file\"; filename=\"events\"\r\nContent-Type: text/csv";
    let mut live = ann.live(Over::SocketIo).await;
    form(&ann, named, &good).await.expect(202);
    assert_eq!(to_its_end(&mut live).await.0["state"], "DONE");
}

#[tokio::test]
async fn progress_is_heard_in_order_up_to_the_end_and_not_too_often_and_by_the_owner_alone() {
    const ROWS: usize = 8_000;
    let server = TestServer::start().await;
    let (ann, bob, admin) = (server.stranger(&["USER"]), server.stranger(&["USER"]), server.operator());
    let mut live = ann.live(Over::SocketIo).await;
    let (mut bobs, mut admins) = (bob.live(Over::WebSocket).await, admin.live(Over::Sse).await);
    let job = import(&ann, "events.csv", rows(ROWS)).from(&live).await.expect(202);
    let (ended, heard) = to_its_end(&mut live).await;
    assert_eq!((&ended["state"], &ended["progress"]), (&json!("DONE"), &json!(100)));
    let of_job: Vec<&Value> = heard.iter().map(|(_, data)| data).filter(|data| data["type"] == "JOB").collect();
    let states: Vec<&str> = of_job.iter().filter_map(|data| data["record"]["state"].as_str()).collect();
    assert!(states.is_sorted_by_key(|state| ["PENDING", "RUNNING", "DONE"].iter().position(|known| known == state)));
    let progress: Vec<i64> = of_job.iter().filter_map(|data| data["record"]["progress"].as_i64()).collect();
    assert!(progress.is_sorted() && progress.iter().any(|percent| (1..100).contains(percent)), "{progress:?}");
    let told: Vec<i64> = of_job
        .iter()
        .filter(|data| data["record"]["state"] == "RUNNING")
        .filter_map(|data| data["record"]["updatedAt"].as_str())
        .map(|text| chrono::DateTime::parse_from_rfc3339(text).expect("a time").timestamp_millis())
        .collect();
    // The state's own change comes on top of five a second.
    assert!(told.windows(7).all(|seven| seven[6] - seven[0] >= 1_000), "{told:?}");
    let drafts = heard.iter().filter(|(name, data)| name == "NEW_RECORD" && data["type"] == "EVENT").count();
    assert_eq!(drafts, ROWS);
    let marker = server.marker().await;
    bobs.hears_marker(&marker).await;
    admins.hears_marker(&marker).await;
    for other in [&bob, &admin] {
        other.get(format!("/v1/jobs/{}", job.id())).await.refused(404, "not_found");
    }
}

#[tokio::test]
async fn killed_in_the_middle_it_goes_on_behind_the_last_row_and_makes_none_twice() {
    const ROWS: usize = 4_000;
    let mut herald = Process::with(&[("JOB_LEASE_SECONDS", "2")]).await;
    let ann = herald.stranger(&["USER"]);
    let mut live = ann.live(Over::SocketIo).await;
    // Every fiftieth row is bad: its line in the log has to come once as well.
    let row = |n: usize| if n % 50 == 3 { format!("Row {n},soon,later,,,\n") } else { row(&format!("Row {n}")) };
    let text = (0..ROWS).fold(HEADER.to_owned(), |all, n| all + &row(n));
    let job = import(&ann, "events.csv", text).await.expect(202);
    for _ in 0..2 {
        let mut left = 100;
        while left > 0 {
            let heard = live.hears_all_until(|_, data| data["type"] == "EVENT").await;
            assert!(!heard.iter().any(|(_, data)| is_over(data)), "it was to be killed before its end");
            left -= 1;
        }
        herald.kill_9();
        live.cut().await;
        herald.restart();
        live.resume().await;
    }
    let (ended, _) = to_its_end(&mut live).await;
    assert_eq!((&ended["state"], &ended["id"]), (&json!("DONE"), &job["id"]));
    let good: BTreeMap<String, usize> = (0..ROWS).filter(|n| n % 50 != 3).map(|n| (format!("Row {n}"), 1)).collect();
    assert_eq!(descriptions(&ann).await, good);
    let bad: Vec<String> = (0..ROWS).filter(|n| n % 50 == 3).map(|n| format!("row {}: start:", n + 2)).collect();
    let said = log(&ended);
    assert_eq!(said.len(), bad.len());
    assert!(said.iter().zip(&bad).all(|(line, start)| line.starts_with(start.as_str())), "{:?}", said.first());
    assert_eq!(files_in(&herald.database.files()), 0);
}

#[tokio::test]
async fn cancelled_while_it_runs_everything_of_it_is_gone_and_nothing_more_comes() {
    let server = TestServer::start().await;
    let ann = server.stranger(&["USER"]);
    let kept = ann.draft("Kept").await.id();
    let mut live = ann.live(Over::SocketIo).await;
    let job = import(&ann, "events.csv", rows(100_000)).await.expect(202).id();
    live.hears_all_until(|_, data| data["type"] == "EVENT").await;
    let cancelled: Answer = ann.delete(format!("/v1/jobs/{job}")).await;
    assert!(matches!(cancelled.head.status, 202 | 204), "{}", cancelled.body);
    let (ended, _) = to_its_end(&mut live).await;
    assert_eq!(ended["state"], "REVERTED");
    assert_eq!(files_in(&server.database.files()), 0, "the file went with the job");
    live.hears_nothing().await;
    assert_eq!(ann.get("/v1/events").await.ok().ids(), [kept]);
}
