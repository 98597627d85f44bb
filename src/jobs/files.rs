//! Files that were handed in, until they are dealt with: in one folder that nobody else may read,
//! under random names. Nothing that a client says becomes part of a path.
//!
//! A file that no job names (its request died between storing and committing) is swept later; a file
//! that a job names is whole, since it gets its name only after it was written through to the disk.

use bytes::Bytes;
use futures_util::{Stream, stream};
use sha2::{Digest as _, Sha256};
use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
    time::{Duration, SystemTime},
};
use uuid::Uuid;

/// How the names of files that are still being written end.
const PARTIAL: &str = ".part";
/// Bytes that are read from the disk at a time.
const STRETCH: usize = 64 * 1024;

/// The name of a stored file: 32 hexadecimal digits, so that it can't hold a separator or a dot.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FileName(String);

/// Text that is not the name of a stored file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the name of a stored file")]
pub struct NotAFileName;

impl FileName {
    fn random() -> Self {
        Self(Uuid::new_v4().simple().to_string())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for FileName {
    type Err = NotAFileName;
    fn from_str(text: &str) -> Result<Self, NotAFileName> {
        let digits = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if text.len() == 32 && digits { Ok(Self(text.to_owned())) } else { Err(NotAFileName) }
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The folder (`UPLOADS_DIR`); cheap to clone.
#[derive(Debug, Clone)]
pub struct Files(Arc<Path>);

impl Files {
    /// Makes the folder (0700) if it is not there, and makes sure that files can be stored in it.
    /// Blocks; for the start.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(dir: &Path) -> io::Result<Self> {
        make_private(dir)?;
        // Jobs outlive the process, which may be started elsewhere next time.
        let files = Self(fs::canonicalize(dir)?.into());
        drop(NewFile::begin(files.clone())?);
        Ok(files)
    }

    /// Where a file lies. Reading it blocks: not on a worker's thread.
    #[must_use]
    pub fn path(&self, name: &FileName) -> PathBuf {
        self.0.join(name.as_str())
    }

    /// Begins a new file.
    ///
    /// # Errors
    /// What the system says.
    pub async fn create(&self) -> io::Result<NewFile> {
        let files = self.clone();
        blocking(move || NewFile::begin(files)).await
    }

    /// Removes a file; it may be gone already.
    ///
    /// # Errors
    /// What the system says.
    pub async fn remove(&self, name: &FileName) -> io::Result<()> {
        let path = self.path(name);
        blocking(move || match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        })
        .await
    }

    /// The bytes of a file, in stretches, and how many there are.
    ///
    /// # Errors
    /// `NotFound` when it is gone; else what the system says.
    pub async fn read(
        &self,
        name: &FileName,
    ) -> io::Result<(u64, impl Stream<Item = io::Result<Bytes>> + Send + 'static)> {
        let path = self.path(name);
        let open = move || {
            let file = File::open(path)?;
            Ok((file.metadata()?.len(), file))
        };
        let (size, file) = blocking(open).await?;
        let stretches = stream::try_unfold(file, |mut file| {
            blocking(move || {
                let mut bytes = Vec::with_capacity(STRETCH);
                let count = (&mut file).take(STRETCH as u64).read_to_end(&mut bytes)?;
                Ok((count > 0).then(|| (Bytes::from(bytes), file)))
            })
        });
        Ok((size, stretches))
    }

    /// The files that nobody touched for so long. What was left half written by a process that died
    /// is removed on the way.
    ///
    /// # Errors
    /// What the system says.
    pub async fn older_than(&self, age: Duration) -> io::Result<Vec<FileName>> {
        let dir = self.0.clone();
        blocking(move || older_than(&dir, age)).await
    }
}

fn older_than(dir: &Path, age: Duration) -> io::Result<Vec<FileName>> {
    let now = SystemTime::now();
    let mut old = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        // Gone meanwhile, or touched in the future: not old.
        let touched = entry.metadata().and_then(|metadata| metadata.modified());
        if !touched.is_ok_and(|time| now.duration_since(time).is_ok_and(|since| since >= age)) {
            continue;
        }
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        match name.strip_suffix(PARTIAL).unwrap_or(name).parse() {
            Ok(_) if name.ends_with(PARTIAL) => fs::remove_file(entry.path()).or_else(if_gone)?,
            Ok(name) => old.push(name),
            // Not ours.
            Err(NotAFileName) => {}
        }
    }
    Ok(old)
}

fn if_gone(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

/// A file that is being written. Dropped before it is kept (the client hung up, it was too large), it
/// leaves nothing behind.
pub struct NewFile {
    files: Files,
    name: FileName,
    open: Option<Open>,
    kept: bool,
}

/// On its way to the thread that writes, and back.
struct Open {
    file: File,
    hash: Sha256,
    size: u64,
}

/// A whole file on the disk.
#[derive(Debug)]
pub struct Kept {
    /// Its name.
    pub name: FileName,
    /// Its bytes.
    pub size: u64,
    /// Their SHA-256, in hexadecimal.
    pub sha256: String,
}

impl NewFile {
    fn begin(files: Files) -> io::Result<Self> {
        let name = FileName::random();
        let file = private().open(partial(&files, &name))?;
        Ok(Self { files, name, open: Some(Open { file, hash: Sha256::new(), size: 0 }), kept: false })
    }

    /// Bytes written so far.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.open.as_ref().map_or(0, |open| open.size)
    }

    /// Adds bytes at its end.
    ///
    /// # Errors
    /// What the system says; then nothing more can be written.
    pub async fn write(&mut self, bytes: Bytes) -> io::Result<()> {
        let mut open = self.open.take().ok_or_else(broken)?;
        let work = move || {
            open.file.write_all(&bytes)?;
            open.hash.update(&bytes);
            open.size += bytes.len() as u64;
            Ok(open)
        };
        self.open = Some(blocking(work).await?);
        Ok(())
    }

    /// Writes it through to the disk and gives it its name.
    ///
    /// # Errors
    /// What the system says; then nothing is left of it.
    pub async fn keep(mut self) -> io::Result<Kept> {
        let open = self.open.take().ok_or_else(broken)?;
        let work = move || {
            open.file.sync_all()?;
            let kept = self.files.path(&self.name);
            fs::rename(partial(&self.files, &self.name), kept)?;
            self.kept = true;
            // The name has to outlive a power cut as well.
            File::open(&self.files.0)?.sync_all()?;
            let sha256 = open.hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
            Ok(Kept { name: self.name.clone(), size: open.size, sha256 })
        };
        blocking(work).await
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.kept {
            // A worker's thread may wait for this one call: whoever hangs up runs no task any more.
            fs::remove_file(partial(&self.files, &self.name)).ok();
        }
    }
}

fn partial(files: &Files, name: &FileName) -> PathBuf {
    files.0.join(format!("{name}{PARTIAL}"))
}

fn broken() -> io::Error {
    io::Error::other("writing failed before")
}

/// A new file that only this user of the system may read.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn make_private(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

/// On a thread that may wait for the disk.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

#[cfg(test)]
#[path = "files_test.rs"]
mod tests;
