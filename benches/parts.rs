//! The parts that every notice passes, each alone: `cargo bench --bench parts`. What they come to together is
//! measured by `make bench`.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use futures_util::future::join_all;
use herald::{
    broker::{Frame, History as _, Hub},
    delivery::{StoredHistory, outbox::Outbox},
    identity::{Identity, Role, Roles},
    ids::{EventId, UserId},
    notice::{Audience, ConnectionId, EventName, Notice, Room, Seq},
    records::{Edit, Record as _, events::Event},
    store::Store,
};
use serde_json::json;
use std::{hint::black_box, sync::Arc};
use tokio::runtime::Runtime;

fn somebody() -> Identity {
    let roles: Roles = [Role::User].into_iter().collect();
    Identity {
        user: UserId::generate(),
        sid: "s".parse().expect("a sid"),
        roles,
        token_roles: roles,
        expires_at: i64::MAX,
        topics: Vec::new(),
    }
}

fn notice(audience: Audience) -> Notice {
    let record = json!({ "id": EventId::generate(), "description": "Fair", "descriptionLong": "x".repeat(120) });
    Notice {
        seq: Some(Seq(7)),
        event: EventName::ChangedRecord,
        payload: json!({ "type": "EVENT", "record": record, "seq": 7 }).to_string().into(),
        audience,
        origin: None,
        effect: None,
    }
}

/// Whom a notice reaches: everybody, and everybody but the few in a room.
fn reach(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("hub.reach");
    for seats in [1_000_usize, 5_000, 20_000] {
        let mut hub = Hub::<()>::default();
        for at in 0..seats {
            let id = ConnectionId(at.to_string().into());
            let slot = hub.seat(id, somebody(), &[], Seq(0), ()).expect("a seat");
            hub.set_live(slot);
        }
        let mut out = Vec::with_capacity(seats);
        group.throughput(Throughput::Elements(seats as u64));
        let everybody = notice(Audience::to([Room::All]));
        group.bench_with_input(BenchmarkId::new("all", seats), &everybody, |b, notice| {
            b.iter(|| hub.reach(black_box(notice), &mut out));
        });
        let others = notice(Audience::to([Room::All]).except([Room::Admin]));
        group.bench_with_input(BenchmarkId::new("all but a room", seats), &others, |b, notice| {
            b.iter(|| hub.reach(black_box(notice), &mut out));
        });
    }
    group.finish();
}

/// A notice into the bytes of each wire.
fn encode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("frame");
    let notice = notice(Audience::to([Room::All]));
    group.bench_function("encode for every wire", |b| {
        b.iter(|| {
            for frame in Frame::of(black_box(&notice)) {
                black_box((frame.websocket(), frame.sse(), frame.raw()));
            }
        });
    });
    group.finish();
}

struct Place {
    runtime: Runtime,
    store: Store,
    outbox: Outbox,
    by: Identity,
    _dir: tempfile::TempDir,
}

impl Place {
    fn open() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let store = Store::open(&format!("sqlite:{}", dir.path().join("db").display())).expect("a store");
        store.migrate().expect("tables");
        let (outbox, _) = Outbox::start(store.clone(), Box::new(drop)).expect("a thread");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        Self { runtime, store, outbox, by: somebody(), _dir: dir }
    }

    fn draft(&self) -> EventId {
        let by = self.by.clone();
        let draft =
            json!({"description": "Fair", "start": "2026-05-01T09:00:00.000Z", "end": "2026-05-01T17:00:00.000Z"});
        let draft = serde_json::from_value(draft).expect("a draft");
        let made = self.outbox.commit(async move |tx| Edit::begin(tx, by, None).await?.create::<Event>(draft).await);
        self.runtime.block_on(made).expect("an event").value.id()
    }

    /// So many changes that wait together.
    fn change(&self, id: EventId, together: usize) {
        self.runtime.block_on(join_all((0..together).map(|at| {
            let by = self.by.clone();
            let patch = serde_json::from_value(json!({ "description": at.to_string() })).expect("a patch");
            self.outbox.commit(async move |tx| Edit::begin(tx, by, None).await?.update::<Event>(id, patch, None).await)
        })));
    }
}

/// A durable change of an event with its notice, alone and among others that share the commit.
fn commit(criterion: &mut Criterion) {
    let place = Place::open();
    let id = place.draft();
    let mut group = criterion.benchmark_group("commit");
    for together in [1, 16, 64] {
        group.throughput(Throughput::Elements(together as u64));
        group.bench_with_input(BenchmarkId::from_parameter(together), &together, |b, together| {
            b.iter(|| place.change(id, *together));
        });
    }
    group.finish();
}

/// A page of the history, as a replay reads it.
fn replay(criterion: &mut Criterion) {
    const PAGE: usize = 512;
    let place = Place::open();
    let id = place.draft();
    for _ in 0..PAGE / 64 {
        place.change(id, 64);
    }
    let history = Arc::new(StoredHistory(place.store.clone()));
    let mut group = criterion.benchmark_group("replay");
    group.throughput(Throughput::Elements(PAGE as u64));
    group.bench_function("a page of the history", |b| {
        b.iter(|| place.runtime.block_on(history.after(Seq(0), PAGE)).expect("a page"));
    });
    group.finish();
}

criterion_group!(parts, reach, encode, commit, replay);
criterion_main!(parts);
