//! The secret of `--demo`: random, made once, kept beside the database so that tokens outlast a
//! restart. Readable by its owner alone.

use crate::auth::random_text;
use std::{
    fs::{File, OpenOptions, Permissions},
    io::{ErrorKind, Read as _, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

/// Where the secret of a demo with this database lies.
#[must_use]
pub fn secret_path(database_url: &str) -> PathBuf {
    match database_url.strip_prefix("sqlite:") {
        Some(path) => PathBuf::from(format!("{path}.secret")),
        // Beside a server there is no place.
        None => PathBuf::from("herald-demo.secret"),
    }
}

/// Reads the secret, or makes it.
///
/// # Errors
/// What is wrong with the file, in words.
pub fn secret(path: &Path) -> Result<String, String> {
    let wrong = |error: std::io::Error| format!("{}: {error}", path.display());
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(mut file) => {
            let secret = random_text();
            file.write_all(secret.as_bytes()).and_then(|()| file.sync_all()).map_err(wrong)?;
            Ok(secret)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => read(path).map_err(wrong),
        Err(error) => Err(wrong(error)),
    }
}

fn read(path: &Path) -> std::io::Result<String> {
    let mut secret = String::new();
    let file = File::open(path)?;
    // It may have been copied about.
    file.set_permissions(Permissions::from_mode(0o600))?;
    file.take(4096).read_to_string(&mut secret)?;
    Ok(secret.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_is_made_once_and_is_its_owners_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = secret_path(&format!("sqlite:{}", folder.path().join("h.db").display()));
        let made = secret(&path).expect("a secret");
        assert!(made.len() >= 32);
        assert_eq!(secret(&path).expect("the same"), made);
        let mode = std::fs::metadata(&path).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
