//! Reading a file on a thread of its own that waits while its reader is busy.

use super::{
    csv, ics,
    kind::{HEAD, Kind},
    row::{Broken, Item},
    xlsx,
};
use std::{
    fs::File,
    io::{BufReader, Read as _, Seek as _},
    ops::ControlFlow,
    path::PathBuf,
};
use tokio::sync::mpsc;

/// Chunks that are read ahead: little memory, and the next is there when it is needed.
const AHEAD: usize = 2;
/// How much of a file is read at a time.
const BUFFER: usize = 64 * 1024;

/// Items that follow one another.
#[derive(Debug)]
pub struct Chunk {
    /// At most as many as asked for.
    pub items: Vec<Item>,
    /// How much of the file is read then.
    pub percent: u8,
}

/// A file that is being read. Dropped, the thread ends with its next chunk.
pub struct Reading {
    chunks: mpsc::Receiver<Chunk>,
    thread: tokio::task::JoinHandle<Result<(), Broken>>,
}

impl Reading {
    /// Begins behind the first `skip` items of a file whose kind is this, or has to be seen; chunks have `size` items, the last may have fewer.
    pub fn begin(path: PathBuf, kind: Option<Kind>, skip: u64, size: usize) -> Self {
        let (hand, chunks) = mpsc::channel(AHEAD);
        let thread = tokio::task::spawn_blocking(move || {
            let mut gather = Gather { hand, skip, size, items: Vec::with_capacity(size), percent: 0 };
            let outcome = read(path, kind, &mut |item, percent| gather.take(item, percent));
            // What came before the file broke off counts.
            let _ = gather.hand_over();
            outcome
        });
        Self { chunks, thread }
    }

    /// The next items; `None` at the end.
    pub async fn next(&mut self) -> Option<Chunk> {
        self.chunks.recv().await
    }

    /// How it ended, once there is nothing more.
    ///
    /// # Errors
    /// Why the file could not be read, or not to its end.
    pub async fn end(self) -> Result<(), Broken> {
        drop(self.chunks);
        self.thread.await.unwrap_or_else(|error| {
            // A reader that panics over somebody's file harms nobody else; the file is at fault.
            log::error!("reading a file failed: {error}");
            Err(Broken::because("the file can't be read"))
        })
    }
}

struct Gather {
    hand: mpsc::Sender<Chunk>,
    skip: u64,
    size: usize,
    items: Vec<Item>,
    percent: u8,
}

impl Gather {
    fn take(&mut self, item: Item, percent: u8) -> ControlFlow<()> {
        if self.skip > 0 {
            self.skip -= 1;
            return ControlFlow::Continue(());
        }
        self.items.push(item);
        self.percent = percent;
        if self.items.len() < self.size { ControlFlow::Continue(()) } else { self.hand_over() }
    }

    fn hand_over(&mut self) -> ControlFlow<()> {
        if self.items.is_empty() {
            return ControlFlow::Continue(());
        }
        let items = std::mem::replace(&mut self.items, Vec::with_capacity(self.size));
        match self.hand.blocking_send(Chunk { items, percent: self.percent }) {
            Ok(()) => ControlFlow::Continue(()),
            // Nobody waits for more.
            Err(_) => ControlFlow::Break(()),
        }
    }
}

fn read(path: PathBuf, kind: Option<Kind>, each: super::row::Each<'_>) -> Result<(), Broken> {
    let opened = File::open(&path).and_then(|mut file| {
        let mut head = Vec::with_capacity(HEAD);
        (&mut file).take(HEAD as u64).read_to_end(&mut head)?;
        file.rewind()?;
        Ok((file.metadata()?.len(), kind.unwrap_or_else(|| Kind::seen(&head)), file))
    });
    let (size, kind, file) = opened.map_err(|error| {
        log::warn!("the file of an import could not be opened: {error}");
        Broken::because("the file is not there any more")
    })?;
    match kind {
        Kind::Csv => csv::read(file, size, each),
        Kind::Ics => ics::read(BufReader::with_capacity(BUFFER, file), size, each),
        Kind::Xlsx => xlsx::read(BufReader::with_capacity(BUFFER, file), each),
    }
}
