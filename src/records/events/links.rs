//! Events seen from the other side: by group, by department, by viewer, by parent.

use super::{Event, State};
use crate::{
    ids::{DepartmentId, EventId, GroupId, JobId},
    records::{Listing, Viewer},
    sql,
    store::{
        Conn,
        schema::{departments, event_group_members, events, events_in_departments, events_in_groups},
    },
};
use diesel::{prelude::*, sql_types::Bool};
use diesel_async::RunQueryDsl;

/// Writes the event's groups and departments, where they are not as `before`, into the tables that are asked from
/// the other side.
pub(super) async fn renew(event: &Event, before: Option<&Event>, conn: &mut Conn) -> QueryResult<()> {
    let id = event.id;
    if before.map(|before| &before.group_ids) != Some(&event.group_ids) {
        let old = events_in_groups::table.filter(events_in_groups::event_id.eq(id));
        sql!(conn, |c| diesel::delete(old).execute(c).await)?;
        for group in &event.group_ids.0 {
            let row = (events_in_groups::event_id.eq(id), events_in_groups::group_id.eq(group));
            sql!(conn, |c| diesel::insert_into(events_in_groups::table).values(row).execute(c).await)?;
        }
    }
    if before.map(|before| &before.department_ids) != Some(&event.department_ids) {
        let old = events_in_departments::table.filter(events_in_departments::event_id.eq(id));
        sql!(conn, |c| diesel::delete(old).execute(c).await)?;
        for department in &event.department_ids.0 {
            let row = (events_in_departments::event_id.eq(id), events_in_departments::department_id.eq(department));
            sql!(conn, |c| diesel::insert_into(events_in_departments::table).values(row).execute(c).await)?;
        }
    }
    Ok(())
}

/// Whether all these departments exist.
pub(super) async fn departments_exist(conn: &mut Conn, ids: &[DepartmentId]) -> QueryResult<bool> {
    for id in ids {
        let found: Option<DepartmentId> =
            sql!(conn, |c| departments::table.find(id).select(departments::id).first(c).await.optional())?;
        if found.is_none() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The events of a group, in whatever state.
pub(super) async fn in_group(conn: &mut Conn, group: GroupId) -> QueryResult<Vec<Event>> {
    sql!(conn, |c| events::table
        .inner_join(events_in_groups::table.on(events_in_groups::event_id.eq(events::id)))
        .filter(events_in_groups::group_id.eq(group))
        .order(events::id)
        .select(Event::as_select())
        .load(c)
        .await)
}

/// Events that a job made and that are still to be removed if it is reverted, at most so many.
pub(super) async fn left_of_job(conn: &mut Conn, job: JobId, limit: i64) -> QueryResult<Vec<Event>> {
    sql!(conn, |c| events::table
        .filter(events::job_id.eq(job).and(events::deleted_at.is_null()))
        .order(events::id)
        .limit(limit)
        .select(Event::as_select())
        .load(c)
        .await)
}

/// How many these are.
pub(super) async fn count_left_of_job(conn: &mut Conn, job: JobId) -> QueryResult<i64> {
    let left = events::table.filter(events::job_id.eq(job).and(events::deleted_at.is_null()));
    sql!(conn, |c| left.count().get_result(c).await)
}

/// Whether administrators see an event that this job made.
pub(super) async fn any_before_admins(conn: &mut Conn, job: JobId) -> QueryResult<bool> {
    let shown = [State::Review, State::Published, State::Refused];
    let any = events::table.filter(events::job_id.eq(job).and(events::state.eq_any(shown)));
    let found: Option<EventId> = sql!(conn, |c| any.select(events::id).first(c).await.optional())?;
    Ok(found.is_some())
}

/// The versions of a published event that wait for a decision.
pub(super) async fn versions_under_review(conn: &mut Conn, parent: EventId) -> QueryResult<Vec<Event>> {
    sql!(conn, |c| events::table
        .filter(events::parent_id.eq(parent).and(events::state.eq(State::Review)).and(events::deleted_at.is_null()))
        .order(events::id)
        .select(Event::as_select())
        .load(c)
        .await)
}

/// What [`Event::audience`](crate::records::Record::audience) says, as a query: both change together.
pub(super) async fn visible_to(conn: &mut Conn, by: &Viewer, listing: &Listing) -> QueryResult<Vec<Event>> {
    let me = by.user();
    let decides = by.is_admin().into_sql::<Bool>();
    let deleted_too = listing.deleted.into_sql::<Bool>();
    let in_my_groups = events_in_groups::table
        .filter(
            events_in_groups::group_id.eq_any(
                event_group_members::table
                    .filter(event_group_members::user_id.eq(me))
                    .select(event_group_members::group_id),
            ),
        )
        .select(events_in_groups::event_id);
    let undecided = events::state.eq(State::Review).or(events::state.eq(State::Refused));
    let visible = events::state
        .eq(State::Published)
        .or(events::author_id.eq(me))
        .or(undecided.and(decides))
        .or(events::state.eq(State::Draft).and(events::id.eq_any(in_my_groups)));
    sql!(conn, |c| events::table
        .filter(events::id.gt(&listing.after))
        .filter(visible)
        .filter(events::deleted_at.is_null().or(deleted_too))
        .order(events::id)
        .limit(listing.limit)
        .select(Event::as_select())
        .load(c)
        .await)
}
