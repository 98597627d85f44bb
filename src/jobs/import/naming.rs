//! Departments by the names or letters that rows call them by, looked up once for each chunk.

use super::row::{Item, quote};
use crate::{error::Result, ids::DepartmentId, records::departments::Department, store::Store};

/// The departments that some rows name.
#[derive(Debug, Default)]
pub struct Departments(Vec<(DepartmentId, String, String)>);

impl Departments {
    /// Those that these rows name.
    ///
    /// # Errors
    /// 503 when the database is away.
    pub async fn named_in(store: &Store, items: &[Item]) -> Result<Self> {
        let named = items.iter().filter_map(|item| match item {
            Item::Event { content, .. } => Some(&content.departments),
            Item::Bad { .. } | Item::Remark(_) => None,
        });
        let mut words: Vec<&str> = named.flatten().map(String::as_str).collect();
        words.sort_unstable();
        words.dedup();
        if words.is_empty() {
            return Ok(Self::default());
        }
        let mut conn = store.read().await?;
        Ok(Self(Department::named(&mut conn, &words).await?))
    }

    /// Those that a row names: by name, else by letter.
    ///
    /// # Errors
    /// Which is unknown, or may be several.
    pub fn ids(&self, words: &[String]) -> Result<Vec<DepartmentId>, String> {
        let mut ids = Vec::with_capacity(words.len());
        for word in words {
            let id = self.one(word).map_err(|why| format!("departments: {} {why}", quote(word)))?;
            // By name and by letter, perhaps.
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        Ok(ids)
    }

    fn one(&self, word: &str) -> Result<DepartmentId, &'static str> {
        let mut found: Vec<_> = self.0.iter().filter(|(_, name, _)| name == word).map(|(id, ..)| *id).collect();
        if found.is_empty() {
            found = self.0.iter().filter(|(.., letter)| letter == word).map(|(id, ..)| *id).collect();
        }
        match found.as_slice() {
            [id] => Ok(*id),
            [] => Err("is the name or letter of no department"),
            _ => Err("is the name or letter of several departments"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_department_is_named_by_its_name_or_else_its_letter_and_only_one_may_be_meant() {
        let ids = [(); 4].map(|()| DepartmentId::generate());
        let named = |at: usize, name: &str, letter: &str| (ids[at], name.to_owned(), letter.to_owned());
        let all =
            Departments(vec![named(0, "Music", "M"), named(1, "M", "X"), named(2, "Art", "A"), named(3, "Arts", "A")]);
        let ids_of = |words: &[&str]| all.ids(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        assert_eq!(ids_of(&["Music", "Art"]), Ok(vec![ids[0], ids[2]]));
        assert_eq!(ids_of(&["M"]), Ok(vec![ids[1]]), "a name before a letter");
        assert_eq!(ids_of(&["M", "X"]), Ok(vec![ids[1]]), "named twice, in it once");
        assert_eq!(
            ids_of(&["Music", "A"]),
            Err("departments: `A` is the name or letter of several departments".into())
        );
        assert_eq!(ids_of(&["Dance"]), Err("departments: `Dance` is the name or letter of no department".into()));
    }
}
