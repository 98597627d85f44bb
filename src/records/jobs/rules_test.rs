//! Who may do what with a job, and what each step of its life leaves.

use super::*;
use crate::records::stage::{Stage, admin, user};
use std::time::Duration;

pub(super) fn job() -> Job {
    job_of(&user())
}

fn job_of(owner: &Viewer) -> Job {
    Job::new(Kind::Import, owner, "Fair".into(), Some("fair.csv".into()), Some("f".into()), Time::now())
}

fn claimed(job: Job) -> Job {
    job.claimed("lease".into(), Time::now())
}

#[test]
fn a_job_is_seen_by_its_owner_and_by_administrators_once_it_concerns_them() {
    let (ann, eve, root) = (user(), user(), admin());
    let job = job_of(&ann);
    assert!(ann.sees(&job) && !eve.sees(&job) && !root.sees(&job));
    let shown = Job { admins_see: true, ..job };
    assert!(ann.sees(&shown) && !eve.sees(&shown) && root.sees(&shown));
}

#[test]
fn only_its_owner_describes_it() {
    let (ann, root) = (user(), admin());
    let patch = |text: &str| Patch { description: Some(text.into()) };
    let Ok(Update::Changed(changed)) = job_of(&ann).apply(patch("Mine"), &ann, Time::now()) else { panic!("changed") };
    assert_eq!(changed.description, "Mine");
    assert!(matches!(job_of(&ann).apply(patch("Ours"), &root, Time::now()), Err(Error::Forbidden(_))));
    let long = "x".repeat(DESCRIPTION_MAX + 1);
    assert!(matches!(job_of(&ann).apply(patch(&long), &ann, Time::now()), Err(Error::Invalid(_))));
    assert!(serde_json::from_value::<Patch>(serde_json::json!({"state": "DONE"})).is_err());
}

#[test]
fn what_is_reverted_is_not_reverted_again() {
    let ann = user();
    for state in State::ALL {
        let outcome = Job { state: *state, ..job_of(&ann) }.remove(&ann, Time::now());
        match state {
            State::Reverted => assert!(matches!(outcome, Err(Error::Conflict(_)))),
            _ => assert!(matches!(outcome, Ok(Removal::Marked(Job { state: State::Reverted, .. })))),
        }
    }
}

#[test]
fn what_only_the_runner_needs_is_not_shown() {
    let shown = serde_json::to_value(job()).expect("json");
    let mut fields: Vec<&str> = shown.as_object().expect("an object").keys().map(String::as_str).collect();
    fields.sort_unstable();
    let contract = [
        "createdAt",
        "description",
        "filename",
        "id",
        "log",
        "progress",
        "state",
        "type",
        "updatedAt",
        "userId",
        "version",
    ];
    assert_eq!(fields, contract);
}

#[test]
fn three_runs_that_end_without_a_word_are_enough() {
    let mut job = job();
    for n in 1..=3 {
        assert_eq!(job.verdict(), None, "before run {n}");
        job = claimed(job);
        assert_eq!(job.attempt(), n);
    }
    let why = job.verdict().expect("the third died as well");
    let ended = job.ended(Err(why.clone()));
    assert_eq!((ended.state, ended.log), (State::Error, format!("{why}\n")));
}

#[test]
fn a_run_that_moved_on_does_not_count_towards_giving_up() {
    let step = |checkpoint| Progress { checkpoint, ..Progress::default() };
    let mut job = job();
    for n in 1..=10 {
        assert_eq!(job.verdict(), None);
        job = claimed(job).moved(&step(n), Time::now());
    }
    assert_eq!(job.attempt(), 1);
    // Saying that one is still at the same place is not moving on.
    for _ in 0..2 {
        job = claimed(job).moved(&step(10), Time::now());
    }
    assert!(claimed(job).verdict().is_some());
}

#[test]
fn a_job_that_is_put_off_again_and_again_is_not_given_up() {
    let mut job = job();
    for n in 1..=20 {
        assert_eq!(job.verdict(), None);
        job = claimed(job);
        assert_eq!(job.attempt(), n);
        job = job.postponed(Time::now(), "the processor is away");
        assert_eq!((job.state, job.lease.as_deref()), (State::Running, None));
    }
}

#[test]
fn being_set_back_by_the_database_ends_it_the_third_time() {
    let mut job = job();
    for _ in 0..2 {
        job = claimed(job).set_back(Time::now(), "away");
        assert_eq!(job.state, State::Running);
    }
    assert_eq!(claimed(job).set_back(Time::now(), "away").state, State::Error);
}

#[test]
fn one_that_waits_ends_with_its_reason_when_it_is_due() {
    let until = Time::now() + Duration::from_secs(60);
    let waiting = claimed(job()).waiting(until, "no answer came".into());
    assert_eq!((waiting.state, waiting.due_at), (State::Running, until));
    assert_eq!(waiting.verdict().as_deref(), Some("no answer came"));
}

#[test]
fn what_ended_keeps_neither_lease_nor_file() {
    let running = claimed(job());
    assert!(running.is_held_by("lease") && !running.is_held_by("other"));
    for ended in [
        running.clone().ended(Ok(())),
        running.clone().ended(Err("why".into())),
        running.clone().reverted(),
        running.clone().begin_reverting(Time::now()),
    ] {
        assert!(!ended.is_held_by("lease"));
        assert_eq!(ended.file, None);
    }
    let reverting = running.begin_reverting(Time::now());
    assert_eq!((reverting.state, reverting.is_unfinished()), (State::Running, true));
    assert_eq!(claimed(reverting).ended(Ok(())).state, State::Reverted);
}

#[test]
fn texts_from_elsewhere_are_bounded() {
    let long = Job::new(Kind::Clone, &user(), "x\n".repeat(5_000), Some("n".repeat(5_000)), None, Time::now());
    assert_eq!((long.description.len(), long.filename.expect("a name").len()), (DESCRIPTION_MAX, FILENAME_MAX));
}

#[test]
fn only_so_many_unfinished_jobs_of_a_user_are_taken() {
    let (ann, bob) = (user(), user());
    let mut stage = Stage::new(&[("ann", &ann), ("bob", &bob)]);
    let mut queue = |by: &Viewer| {
        let job = job_of(by);
        stage.edit(by, async move |edit: &mut Edit<'_>| enqueue(edit, job, 2).await)
    };
    let (first, heard) = queue(&ann).expect("a job");
    assert_eq!(heard, ["ann: NEW JOB"]);
    queue(&ann).expect("another");
    assert!(matches!(queue(&ann), Err(Error::RateLimited(_))));
    queue(&bob).expect("others are not kept");
    let end = async move |edit: &mut Edit<'_>| edit.store(&first, first.clone().ended(Ok(()))).await;
    stage.edit(&ann, end).expect("it ends");
    let job = job_of(&ann);
    stage
        .edit(&ann, async move |edit: &mut Edit<'_>| enqueue(edit, job, 2).await)
        .expect("what has ended does not count");
}
