//! What an API key may name: all, or a list of exact names and of prefixes (`topic-eu-*`).

use crate::identity::matches_any;
use serde::{Deserialize, Serialize};

/// Names that a key may use: everything (`null`), or what its list names exactly or by a prefix that
/// ends in `*`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scope(Option<Vec<String>>);

impl Scope {
    /// Most entries: each is looked at for each name that is used.
    pub const ENTRIES_MAX: usize = 100;

    /// Of this list; `None` is everything, an empty list nothing.
    #[must_use]
    pub const fn of(list: Option<Vec<String>>) -> Self {
        Self(list)
    }

    /// Whether the name is in it.
    #[must_use]
    pub fn allows(&self, name: &str) -> bool {
        self.0.as_ref().is_none_or(|list| matches_any(list, name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scope(list: &[&str]) -> Scope {
        Scope::of(Some(list.iter().map(|entry| (*entry).to_owned()).collect()))
    }

    #[test]
    fn a_scope_is_exact_names_and_prefixes() {
        let scope = scope(&["topic-news", "user-*"]);
        assert!(scope.allows("topic-news") && scope.allows("user-1") && scope.allows("user-"));
        for name in ["topic-newsroom", "topic-new", "user", "all", "", "topic-news*"] {
            assert!(!scope.allows(name), "{name}");
        }
    }

    #[test]
    fn no_list_is_everything_and_an_empty_one_nothing() {
        assert!(Scope::default().allows("all"));
        assert!(scope(&["*"]).allows("all"));
        assert!(!scope(&[]).allows("all"));
    }

    #[test]
    fn only_the_last_star_is_one() {
        assert!(scope(&["a*b"]).allows("a*b") && !scope(&["a*b"]).allows("axb"));
        assert!(scope(&["a**"]).allows("a*b") && !scope(&["a**"]).allows("ab"));
    }

    #[test]
    fn it_is_stored_as_it_was_given() {
        for text in ["null", "[]", r#"["all","topic-*"]"#] {
            let scope: Scope = serde_json::from_str(text).expect("a scope");
            assert_eq!(serde_json::to_string(&scope).expect("text"), text);
        }
    }

    proptest! {
        #[test]
        fn a_name_is_allowed_by_itself_and_by_each_of_its_beginnings(name in "[^*]{1,12}", cut in 0usize..12) {
            let begin: String = name.chars().take(cut).collect();
            prop_assert!(scope(&[&name]).allows(&name));
            let prefix = format!("{begin}*");
            prop_assert!(scope(&[&prefix]).allows(&name));
            let longer = format!("{name}x");
            prop_assert!(!scope(&[&longer]).allows(&name));
        }
    }
}
