//! Who may be in which room: pure rules over an [`Identity`]. CONTRACT 4.

use super::{Ground, Refusal, grants::Grants};
use crate::{
    identity::{Identity, Role},
    ids::GroupId,
    notice::Room,
};

/// Most rooms a connection may be in (CONTRACT 4): each costs memory, and each join work. The
/// automatic ones count, but are never refused themselves.
pub const ROOMS_MAX: usize = 100;

/// The rooms that a connection is in without asking.
pub(super) fn automatic(identity: &Identity, groups: &[GroupId]) -> impl Iterator<Item = Room> {
    [Room::All, Room::User(identity.user), Room::Session(identity.sid.clone())]
        .into_iter()
        .chain(identity.is_admin().then_some(Room::Admin))
        .chain(groups.iter().copied().map(Room::Group))
}

/// Whether a room is entered and left by what one is, never by a wish.
pub(super) const fn is_automatic(room: &Room) -> bool {
    matches!(room, Room::All | Room::Admin | Room::User(_) | Room::Session(_) | Room::Group(_))
}

/// Whether a connection's very identity is in the room: no effect and no wish ends that.
pub(super) const fn is_identity(room: &Room) -> bool {
    matches!(room, Room::All | Room::User(_) | Room::Session(_))
}

/// Whether somebody may enter a room that they are not in yet.
pub(super) fn may_join(identity: &Identity, room: &Room, grants: &Grants) -> Result<(), Refusal> {
    let allowed = match room {
        // Whoever belongs there is there already.
        Room::All | Room::Admin | Room::User(_) | Room::Session(_) | Room::Group(_) => false,
        Room::Seller(user) => identity.roles.has(Role::Seller) && *user == identity.user,
        Room::Sellers => identity.roles.has(Role::Seller),
        Room::Buyer(user) => identity.roles.has(Role::Buyer) && *user == identity.user,
        Room::Buyers => identity.roles.has(Role::Buyer),
        Room::Topic(topic) => identity.may_follow(topic),
        Room::Request(_) | Room::Chat(_) => grants.ground(room).ok_or(Refusal::NotFound)?.holds_for(identity),
    };
    if allowed { Ok(()) } else { Err(Refusal::Forbidden) }
}

/// Whether somebody whose roles or token changed may stay in a room that they are in.
pub(super) fn may_stay(identity: &Identity, room: &Room, grants: &Grants) -> bool {
    match room {
        Room::Admin => identity.is_admin(),
        // Held by who one is or by a membership, which an effect of its own ends.
        Room::All | Room::User(_) | Room::Session(_) | Room::Group(_) => true,
        // Whoever is in without having asked was put there.
        Room::Request(_) | Room::Chat(_) => grants.ground(room).is_none_or(|ground| ground.holds_for(identity)),
        Room::Topic(topic) => identity.may_follow(topic) || grants.ground(room) == Some(Ground::Given),
        Room::Seller(_) | Room::Sellers | Room::Buyer(_) | Room::Buyers => may_join(identity, room, grants).is_ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        broker::testing::identity,
        ids::{ChatId, RequestId, UserId},
    };

    fn may_join(identity: &Identity, room: &Room) -> Result<(), Refusal> {
        super::may_join(identity, room, &Grants::default())
    }

    #[test]
    fn only_a_seller_joins_the_sellers_and_only_their_own_room() {
        let seller = identity(UserId::generate(), "s", &[Role::Seller]);
        assert_eq!(may_join(&seller, &Room::Sellers), Ok(()));
        assert_eq!(may_join(&seller, &Room::Seller(seller.user)), Ok(()));
        for room in [Room::Seller(UserId::generate()), Room::Buyers, Room::Buyer(seller.user)] {
            assert_eq!(may_join(&seller, &room), Err(Refusal::Forbidden), "{room}");
        }
    }

    #[test]
    fn only_a_buyer_joins_the_buyers_and_only_their_own_room() {
        let buyer = identity(UserId::generate(), "s", &[Role::Buyer]);
        assert_eq!(may_join(&buyer, &Room::Buyers), Ok(()));
        assert_eq!(may_join(&buyer, &Room::Buyer(buyer.user)), Ok(()));
        for room in [Room::Buyer(UserId::generate()), Room::Sellers, Room::Seller(buyer.user)] {
            assert_eq!(may_join(&buyer, &room), Err(Refusal::Forbidden), "{room}");
        }
    }

    #[test]
    fn rooms_that_come_by_themselves_cannot_be_asked_for() {
        let user = identity(UserId::generate(), "s", &[Role::User, Role::Admin]);
        for room in [Room::User(UserId::generate()), Room::Group(GroupId::generate()), Room::Admin] {
            assert_eq!(may_join(&user, &room), Err(Refusal::Forbidden), "{room}");
        }
    }

    #[test]
    fn a_topic_needs_the_claim() {
        let mut user = identity(UserId::generate(), "s", &[Role::User]);
        user.topics = vec!["orders".into(), "eu-*".into()];
        assert_eq!(may_join(&user, &Room::Topic("orders".into())), Ok(()));
        assert_eq!(may_join(&user, &Room::Topic("eu-south".into())), Ok(()));
        assert_eq!(may_join(&user, &Room::Topic("orders-eu".into())), Err(Refusal::Forbidden));
    }

    #[test]
    fn requests_and_chats_are_not_there_unless_the_database_says_so() {
        let user = identity(UserId::generate(), "s", &[Role::User, Role::Admin]);
        assert_eq!(may_join(&user, &Room::Request(RequestId::generate())), Err(Refusal::NotFound));
        assert_eq!(may_join(&user, &Room::Chat(ChatId::generate())), Err(Refusal::NotFound));
    }
}
