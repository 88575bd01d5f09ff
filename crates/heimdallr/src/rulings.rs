//! What operators have ruled, from one start of the node to the next.

use std::path::Path;
use std::sync::Arc;

use access::{Archive, Ruling};
use admin::{Api, Hooks};
use reactor::Tell;
use shard::News;

use crate::config::Settings;

/// What was ruled before the node started, and where it is kept.
pub(crate) struct Rulings {
    archive: Option<Archive>,
    all: Arc<[Ruling]>,
}

impl Rulings {
    /// Reads what is kept in the data directory, where there is one.
    pub(crate) fn open(settings: &Settings) -> Result<Self, String> {
        if settings.data.is_empty() {
            return Ok(Self { archive: None, all: Arc::default() });
        }
        let (archive, rulings) = Archive::open(Path::new(&settings.data))?;
        Ok(Self { archive: Some(archive), all: rulings.into() })
    }

    /// Those that were kept.
    pub(crate) fn all(&self) -> Arc<[Ruling]> {
        self.all.clone()
    }

    /// Who asks over the API is answered when a ruling is kept.
    pub(crate) fn keep_for(&self, api: &Api) {
        if let Some(archive) = self.archive.clone() {
            api.keep_with(Box::new(move |ruling, kept| archive.keep(ruling, kept)));
        }
    }

    /// Keeps what other nodes have ruled, too, and passes on to webhooks what happens.
    pub(crate) fn teller(&self, hooks: Option<Hooks>) -> Tell {
        let archive = self.archive.clone();
        Arc::new(move |news| match (news, &archive, &hooks) {
            // Why it could not be kept is in the log.
            (News::Ruled(ruling), Some(archive), _) => archive.keep(ruling, Box::new(drop)),
            (News::Happened(happening), _, Some(hooks)) => hooks.tell(happening),
            _ => {}
        })
    }
}
