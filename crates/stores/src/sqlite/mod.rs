//! The store that outlives the process: one file of SQLite, one who writes, some who read, and one who lets go of what is too much.
//!
//! Everything that waits for the file is on a thread of its own. Shards give it what is to be kept and go on; they are told later.

mod announcing;
mod backup;
mod clerk;
mod end;
mod fault;
mod model;
mod pages;
mod place;
mod reader;
mod retention;
mod rows;
mod schema;
mod traffic;
mod vitals;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use chat::Epochs;
use tokio::sync::mpsc::unbounded_channel;
use tokio::sync::watch;

use self::clerk::{Clerk, Counter};
use self::end::{End, Parts};
use self::fault::{advice, explain};
use self::reader::Reader;
use self::retention::Gardener;
use self::schema::Folder;
use self::traffic::Outlet;
use self::vitals::Vitals;
use self::writer::Writer;
use crate::{Disk, Health, Link, OpenError, Outbox, Store, Wake};

pub use self::backup::{backup, restore};
pub use self::model::{Model, Rows};

/// Who reads at the same time.
const READERS: usize = 2;

/// Opens the store.
pub(crate) fn open(disk: &Disk, wakes: Vec<Wake>) -> Result<Box<dyn Link>, OpenError> {
    let folder = Folder::take(&disk.folder)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| OpenError(format!("data: {error}")))?;
    let (mut connection, run) = runtime.block_on(schema::open(&folder))?;
    let (ledger, behind) = match &disk.outward {
        Some(_) => {
            runtime.block_on(clerk::open(&mut connection)).map_err(|error| unreadable(&folder, &error))?
        }
        None => Default::default(),
    };
    let (ledger, behind): (_, Arc<[_]>) = (Arc::new(ledger), behind.into());
    let vitals = Arc::<Vitals>::default();
    let (stop, stopped) = watch::channel(false);
    let (writes, to_write) = unbounded_channel();
    let (shards, reports): (Vec<_>, Vec<_>) = wakes.into_iter().map(outlet).unzip();
    let clerk = disk.outward.clone().map(|outward| Clerk::new(outward, ledger.clone()));
    let writer = Writer::new((folder.file(), run), connection, shards.clone(), vitals.clone(), clerk);
    let gardener = Gardener { file: folder.file(), bounds: disk.retention, run, writes: writes.downgrade() };
    let (readers, reads): (Vec<_>, Vec<_>) = (0..READERS as u64)
        .map(|number| {
            let seed = disk.epoch_seed.rotate_left(number as u32);
            let reader = Reader {
                file: folder.file(),
                run,
                epochs: disk.is_alone.then(|| Epochs::new(seed)),
                recent_messages: disk.recent_messages,
                shards: shards.clone(),
                writes: writes.clone(),
                vitals: vitals.clone(),
                connection: None,
            };
            let (reads, to_read) = unbounded_channel();
            ((reader, to_read), reads)
        })
        .unzip();
    let parts = (0..).zip(reports).map(|(shard, reports)| Parts {
        shard,
        disk: disk.clone(),
        run: run.number,
        fresh_life: run.fresh_life + i64::from(shard),
        writes: writes.clone(),
        reads: reads[usize::from(shard) % READERS].clone(),
        reports,
        vitals: vitals.clone(),
        behind: behind.clone(),
    });
    let ends = parts.map(Some).collect();
    let outbox = disk.outward.is_some().then(|| Counter::new(reads[0].clone(), writes.clone(), ledger));
    let outbox = outbox.map(Arc::new);
    drop((writes, reads));
    let work = move || {
        runtime.block_on(async move {
            tokio::spawn(gardener.work(stopped.clone()));
            for (reader, to_read) in readers {
                tokio::spawn(reader.work(to_read));
            }
            writer.work(to_write, stopped).await;
        });
    };
    let thread = std::thread::Builder::new().name("store".to_owned()).spawn(work);
    let thread = thread.map_err(|error| OpenError(format!("data: {error}")))?;
    Ok(Box::new(Sqlite { folder, ends, vitals, outbox, stop, thread: Some(thread) }))
}

fn unreadable(folder: &Folder, error: &sqlx::Error) -> OpenError {
    let (file, explained, advice) = (folder.file(), explain(error), advice(error));
    OpenError(format!("data: {} cannot be read: {explained}; {advice}", file.display()))
}

fn outlet(wake: Wake) -> (Outlet, tokio::sync::mpsc::UnboundedReceiver<traffic::Report>) {
    let (reports, reported) = unbounded_channel();
    (Outlet { reports, wake }, reported)
}

/// A node's link to its file.
struct Sqlite {
    folder: Folder,
    ends: Vec<Option<Parts>>,
    vitals: Arc<Vitals>,
    outbox: Option<Arc<Counter>>,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Link for Sqlite {
    fn end(&mut self, shard: u16) -> crate::End {
        let parts = self.ends[usize::from(shard)].take().expect("a shard has one end");
        Box::new(move |settings| Box::new(End::new(parts, settings)) as Box<dyn Store>)
    }

    fn health(&self) -> Health {
        Health { is_durable: true, file_bytes: bytes_of(&self.folder.file()), ..self.vitals.health() }
    }

    fn outbox(&self) -> Option<Arc<dyn Outbox>> {
        self.outbox.clone().map(|outbox| outbox as Arc<dyn Outbox>)
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        self.ends.clear();
        if let Some(outbox) = &self.outbox {
            outbox.close();
        }
        // Heard of by those who would otherwise try again for ever.
        let _ = self.stop.send(true);
        if let Some(thread) = self.thread.take() {
            // One that panicked has said so.
            let _ = thread.join();
        }
    }
}

/// The bytes of the file and of what is not in it yet.
fn bytes_of(file: &Path) -> u64 {
    let mut log = file.as_os_str().to_owned();
    log.push("-wal");
    let length = |path: &Path| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    length(file) + length(&PathBuf::from(log))
}
