//! Who may change whom, who hears of it, and what it means to live connections.

use super::{
    input::{Own, Standing},
    routes::{delete, put_standing},
    *,
};
use crate::records::stage::{Stage, admin, user};
use serde_json::json;

fn roles(names: serde_json::Value) -> Standing {
    serde_json::from_value(json!({ "roles": names })).expect("a patch")
}

fn disabled(yes: bool) -> Standing {
    serde_json::from_value(json!({ "disabled": yes })).expect("a patch")
}

fn put(stage: &mut Stage, by: &Viewer, of: &Viewer, patch: Standing) -> Result<(User, Vec<String>)> {
    let of = of.user();
    stage.edit(by, async move |edit: &mut Edit<'_>| put_standing(edit, of, patch, None).await)
}

fn remove(stage: &mut Stage, by: &Viewer, of: &Viewer) -> Result<Vec<String>> {
    let of = of.user();
    let work = async move |edit: &mut Edit<'_>| delete(edit, of, None).await;
    stage.edit(by, work).map(|((), heard)| heard)
}

fn rename(stage: &mut Stage, by: &Viewer, of: &Viewer, expected: Option<i64>) -> Result<Vec<String>> {
    let of = of.user();
    let patch = Own { first_name: Some("Anna".into()), ..Own::default() };
    let work = async move |edit: &mut Edit<'_>| edit.update::<User>(of, Patch::Own(patch), expected).await;
    stage.edit(by, work).map(|(_, heard)| heard)
}

#[test]
fn a_user_changes_his_own_names_and_hears_of_it_as_administrators_do() {
    let (ann, bob, root) = (user(), user(), admin());
    let mut stage = Stage::new(&[("ann", &ann), ("bob", &bob), ("root", &root)]);
    assert_eq!(rename(&mut stage, &ann, &ann, Some(1)).expect("her own"), ["ann: CHANGED USER", "root: CHANGED USER"]);
    assert!(matches!(rename(&mut stage, &ann, &ann, Some(1)), Err(Error::PreconditionFailed(2))));
    assert!(matches!(rename(&mut stage, &bob, &ann, None), Err(Error::NotFound)), "he does not see her");
    assert!(matches!(rename(&mut stage, &root, &ann, None), Err(Error::Forbidden(_))), "he sees her");
}

#[test]
fn what_somebody_may_be_changes_for_live_connections_right_after_it_was_told() {
    let (ann, root) = (user(), admin());
    let mut stage = Stage::new(&[("ann", &ann), ("root", &root)]);
    let (changed, heard) = put(&mut stage, &root, &ann, roles(json!(["USER", "SELLER"]))).expect("changed");
    assert_eq!(heard, ["ann: CHANGED USER", "root: CHANGED USER"]);
    let said = [Role::User, Role::Seller].into_iter().collect();
    let effect = Effect::Standing { user: ann.user(), roles: said, disabled: false };
    assert_eq!((changed.roles.0, stage.newest().effect.as_ref()), (said, Some(&effect)));
    put(&mut stage, &root, &ann, disabled(true)).expect("changed");
    assert!(matches!(stage.newest().effect, Some(Effect::Standing { disabled: true, .. })));
}

#[test]
fn only_administrators_say_what_somebody_may_be() {
    let (ann, bob, root) = (user(), user(), admin());
    let mut stage = Stage::new(&[("ann", &ann), ("bob", &bob), ("root", &root)]);
    assert!(matches!(put(&mut stage, &ann, &ann, roles(json!(["ADMIN"]))), Err(Error::Forbidden(_))));
    assert!(matches!(remove(&mut stage, &ann, &ann), Err(Error::Forbidden(_))));
    assert!(matches!(remove(&mut stage, &bob, &ann), Err(Error::NotFound)));
    assert!(serde_json::from_value::<Own>(json!({"roles": ["ADMIN"]})).is_err());
    assert!(serde_json::from_value::<Standing>(json!({"roles": ["KING"]})).is_err());
    assert!(serde_json::from_value::<Standing>(json!({"roles": null})).is_err());
}

#[test]
fn the_last_administrator_stays_one() {
    let (ann, root, second) = (user(), admin(), admin());
    let mut stage = Stage::new(&[("ann", &ann), ("root", &root), ("second", &second)]);
    put(&mut stage, &root, &second, disabled(true)).expect("one is left");
    for patch in [roles(json!(["USER"])), disabled(true)] {
        assert!(matches!(put(&mut stage, &root, &root, patch), Err(Error::Conflict(_))));
    }
    assert!(matches!(remove(&mut stage, &root, &root), Err(Error::Conflict(_))));
    put(&mut stage, &root, &ann, roles(json!(["USER", "ADMIN"]))).expect("now there are two");
    put(&mut stage, &root, &root, roles(json!(["USER"]))).expect("and one may go");
}

#[test]
fn whoever_is_deleted_hears_of_it_and_is_shut_out() {
    let (ann, root) = (user(), admin());
    let mut stage = Stage::new(&[("ann", &ann), ("root", &root)]);
    let heard = remove(&mut stage, &root, &ann).expect("deleted");
    assert_eq!(heard, ["ann: DELETED USER", "root: DELETED USER"]);
    assert!(matches!(stage.newest().effect, Some(Effect::Standing { disabled: true, .. })));
    let id = ann.user();
    let gone = async move |edit: &mut Edit<'_>| {
        Ok(sql!(&mut edit.tx.conn, |c| deleted_users::table.find(id).count().get_result::<i64>(c).await)?)
    };
    assert_eq!(stage.edit(&root, gone).expect("a count").0, 1);
    assert!(matches!(remove(&mut stage, &root, &ann), Err(Error::NotFound)));
}

#[test]
fn a_list_holds_all_users_for_administrators() {
    let (ann, root) = (user(), admin());
    let mut stage = Stage::new(&[("ann", &ann), ("root", &root)]);
    for (by, count) in [(&root, 2), (&ann, 1)] {
        let listing = Listing { limit: 50, after: String::new(), deleted: false };
        let read = async move |edit: &mut Edit<'_>| Ok(User::list(&mut edit.tx.conn, &edit.by, &listing).await?);
        assert_eq!(stage.edit(by, read).expect("a list").0.len(), count);
    }
}
