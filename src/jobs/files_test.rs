//! What lies in the folder, and what never does.

use super::*;
use futures_util::TryStreamExt as _;
use proptest::prelude::*;

fn listed(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).expect("a folder");
    entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
}

fn fresh() -> (tempfile::TempDir, Files) {
    let dir = tempfile::tempdir().expect("a directory");
    let files = Files::open(&dir.path().join("new/files")).expect("files");
    (dir, files)
}

#[tokio::test]
async fn a_kept_file_reads_back_as_it_was_written() {
    let (_dir, files) = fresh();
    assert_eq!(listed(&files.0), [""; 0], "the start leaves no trace of its probe");
    let mut new = files.create().await.expect("a file");
    let long = vec![b'x'; 3 * STRETCH + 1];
    new.write(Bytes::from_static(b"abc")).await.expect("written");
    new.write(long.clone().into()).await.expect("written");
    assert_eq!(new.size(), 3 + long.len() as u64);
    let kept = new.keep().await.expect("kept");
    let (size, stretches) = files.read(&kept.name).await.expect("it is there");
    let read: Vec<Bytes> = stretches.try_collect().await.expect("its bytes");
    assert_eq!(size, kept.size);
    assert_eq!(read.concat(), [b"abc".as_slice(), &long].concat());
    assert_eq!(listed(&files.0), [kept.name.as_str()]);
    files.remove(&kept.name).await.expect("removed");
    files.remove(&kept.name).await.expect("removing twice is fine");
    assert_eq!(listed(&files.0), [""; 0]);
}

#[tokio::test]
async fn the_hash_is_that_of_the_bytes() {
    let (_dir, files) = fresh();
    let mut new = files.create().await.expect("a file");
    new.write(Bytes::from_static(b"abc")).await.expect("written");
    let kept = new.keep().await.expect("kept");
    assert_eq!(kept.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

#[tokio::test]
async fn a_file_that_is_not_kept_leaves_nothing() {
    let (_dir, files) = fresh();
    let mut new = files.create().await.expect("a file");
    new.write(Bytes::from_static(b"abc")).await.expect("written");
    assert_eq!(listed(&files.0).len(), 1);
    drop(new);
    assert_eq!(listed(&files.0), [""; 0]);
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_may_read_the_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_dir, files) = fresh();
    let kept = files.create().await.expect("a file").keep().await.expect("kept");
    let mode = |path: &Path| fs::metadata(path).expect("metadata").permissions().mode() & 0o777;
    assert_eq!((mode(&files.0), mode(&files.path(&kept.name))), (0o700, 0o600));
}

#[tokio::test]
async fn old_files_are_listed_and_old_halves_removed_but_nothing_that_is_not_ours() {
    let (_dir, files) = fresh();
    let kept = files.create().await.expect("a file").keep().await.expect("kept");
    let half = files.0.join(format!("{}.part", FileName::random()));
    fs::write(&half, "half").expect("written");
    fs::write(files.0.join("README"), "not ours").expect("written");
    assert_eq!(files.older_than(Duration::from_secs(3600)).await.expect("a list"), []);
    assert!(half.exists(), "somebody may still be writing it");
    assert_eq!(files.older_than(Duration::ZERO).await.expect("a list"), [kept.name]);
    assert!(!half.exists());
    assert!(files.0.join("README").exists());
}

#[test]
fn a_folder_that_cannot_hold_files_is_a_fault_at_the_start() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("file");
    fs::write(&path, "").expect("written");
    assert!(Files::open(&path).is_err());
}

proptest! {
    #[test]
    fn no_text_with_a_separator_or_a_dot_is_a_name(text in "[0-9a-f]{0,31}[./\\\\\0A-Z][0-9a-f]{0,31}") {
        prop_assert_eq!(text.parse::<FileName>(), Err(NotAFileName));
    }
}
