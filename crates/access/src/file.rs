//! A file that is read again when it changes.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::SystemTime;

/// A file, and how it was when it was read last.
#[derive(Debug)]
pub(crate) struct Watched {
    path: PathBuf,
    seen: Option<Seen>,
}

/// What changes when somebody writes a file, or puts another in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    length: u64,
    modified: Option<SystemTime>,
    #[cfg(unix)]
    inode: u64,
}

impl Watched {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, seen: None }
    }

    /// What it holds, if that has changed since this was asked last.
    pub(crate) fn read(&mut self) -> Option<io::Result<Vec<u8>>> {
        let seen = fs::metadata(&self.path).ok().map(|metadata| Seen::of(&metadata));
        if seen == self.seen && seen.is_some() {
            return None;
        }
        let was_there = self.seen.is_some();
        self.seen = seen;
        match fs::read(&self.path) {
            // That it is gone is said once.
            Err(_) if !was_there && seen.is_none() => None,
            read => Some(read),
        }
    }

    /// What it holds.
    pub(crate) fn read_first(&mut self) -> io::Result<Vec<u8>> {
        match self.read() {
            Some(read) => read,
            None => fs::read(&self.path),
        }
    }

    pub(crate) fn path(&self) -> String {
        self.path.display().to_string()
    }
}

impl Seen {
    fn of(metadata: &fs::Metadata) -> Self {
        Self {
            length: metadata.len(),
            modified: metadata.modified().ok(),
            #[cfg(unix)]
            inode: std::os::unix::fs::MetadataExt::ino(metadata),
        }
    }
}
