//! Who may see a notice, in terms of rooms.

use super::Room;
use serde::{Deserialize, Serialize};

/// Who may see a notice: whoever is in one of `to`, also in one of `within` (unless that is empty),
/// and in none of `except`.
///
/// Three room lists are enough for every change of a record's audience from `before` to `after`
/// (CONTRACT 5): those who may see it still are `to after within before`, those who may see it for
/// the first time `to after except before`, those who no longer may `to before except after`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Audience {
    /// In one of these.
    pub to: Vec<Room>,
    /// And in one of these, if any are named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub within: Vec<Room>,
    /// And in none of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<Room>,
}

impl Audience {
    /// Nobody: for notices that only carry an effect.
    #[must_use]
    pub fn nobody() -> Self {
        Self::default()
    }

    /// Everyone in one of these rooms.
    #[must_use]
    pub fn to(rooms: impl IntoIterator<Item = Room>) -> Self {
        Self { to: rooms.into_iter().collect(), ..Self::default() }
    }

    /// Only those who are also in one of these rooms. Naming none means no limit.
    #[must_use]
    pub fn within(self, rooms: impl IntoIterator<Item = Room>) -> Self {
        Self { within: rooms.into_iter().collect(), ..self }
    }

    /// Nobody who is in one of these rooms.
    #[must_use]
    pub fn except(self, rooms: impl IntoIterator<Item = Room>) -> Self {
        Self { except: rooms.into_iter().collect(), ..self }
    }

    /// Whether someone who is in just the rooms for which `is_in` holds may see the notice.
    pub fn includes(&self, is_in: impl Fn(&Room) -> bool) -> bool {
        self.to.iter().any(&is_in)
            && (self.within.is_empty() || self.within.iter().any(&is_in))
            && !self.except.iter().any(&is_in)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_audience_is_any_of_to_and_within_and_none_of_except() {
        let audience =
            Audience::to([Room::All, Room::Sellers]).within([Room::Admin, Room::Buyers]).except([Room::Sellers]);
        let sees = |rooms: &[Room]| audience.includes(|room| rooms.contains(room));
        assert!(sees(&[Room::All, Room::Admin]));
        assert!(!sees(&[Room::All]), "not within");
        assert!(!sees(&[Room::Admin]), "not addressed");
        assert!(!sees(&[Room::All, Room::Admin, Room::Sellers]), "left out");
        assert!(!Audience::nobody().includes(|_| true));
    }
}
