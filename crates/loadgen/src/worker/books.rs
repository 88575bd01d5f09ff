//! What one process writes down while it runs: the ledger, latencies, counts within the measured time, its own
//! processor time and its own lateness. Knows no sockets.

use crate::clock::own_cpu_ns;
use crate::exchange::{Progress, Settlement};
use crate::latency::Latencies;
use crate::layout::Layout;
use crate::ledger::Ledger;
use crate::protocols::Fault;
use crate::stamp::Stamp;

pub(super) struct Books {
    /// Members in their rooms.
    pub(super) open: u32,
    /// How often members were told that messages are lost.
    pub(super) gaps: u64,
    /// By the member's place in the process: which reader of the ledger it is.
    readers: Vec<Option<usize>>,
    ledger: Ledger,
    latencies: Latencies,
    slips: Latencies,
    /// By publisher, of all processes; only our own are counted.
    posted: Vec<u32>,
    posts: u64,
    deliveries: u64,
    measured: Measured,
    broken: u32,
    first_break: Option<String>,
}

/// The measured time and what fell into it.
#[derive(Debug)]
struct Measured {
    from_ns: u64,
    end_ns: u64,
    deliveries: u64,
    posts: u64,
    cpu_at_start_ns: Option<u64>,
    cpu_at_end_ns: Option<u64>,
}

impl Books {
    pub(super) fn new(layout: Layout, members: &[u32]) -> Self {
        let mut next = 0..;
        let readers =
            members.iter().map(|member| layout.reads(*member).then(|| next.next()).flatten()).collect();
        Self {
            open: 0,
            gaps: 0,
            readers,
            ledger: Ledger::new(layout, members.iter().copied().filter(|member| layout.reads(*member))),
            latencies: Latencies::default(),
            slips: Latencies::default(),
            posted: vec![0; layout.publishers as usize],
            posts: 0,
            deliveries: 0,
            measured: Measured {
                from_ns: u64::MAX,
                end_ns: u64::MAX,
                deliveries: 0,
                posts: 0,
                cpu_at_start_ns: None,
                cpu_at_end_ns: None,
            },
            broken: 0,
            first_break: None,
        }
    }

    /// Sets the measured time.
    pub(super) fn measure(&mut self, from_ns: u64, end_ns: u64) {
        (self.measured.from_ns, self.measured.end_ns) = (from_ns, end_ns);
    }

    pub(super) fn end_ns(&self) -> u64 {
        self.measured.end_ns
    }

    /// Reads the own processor time when the measured time begins and when it ends.
    pub(super) fn look_at_the_clock(&mut self, now_ns: u64) {
        let Measured { from_ns, end_ns, cpu_at_start_ns, cpu_at_end_ns, .. } = &mut self.measured;
        if now_ns >= *from_ns && cpu_at_start_ns.is_none() {
            *cpu_at_start_ns = Some(own_cpu_ns());
        }
        if now_ns >= *end_ns && cpu_at_end_ns.is_none() {
            *cpu_at_end_ns = Some(own_cpu_ns());
        }
    }

    /// When to look at the clock next.
    pub(super) fn next_boundary_ns(&self) -> u64 {
        match (self.measured.cpu_at_start_ns, self.measured.cpu_at_end_ns) {
            (None, _) => self.measured.from_ns,
            (_, None) => self.measured.end_ns,
            _ => u64::MAX,
        }
    }

    /// Enters what the member at that place got.
    #[inline]
    pub(super) fn enter(&mut self, place: usize, seen: &[Stamp], now_ns: u64) {
        let Some(reader) = self.readers[place] else { return };
        self.deliveries += seen.len() as u64;
        if (self.measured.from_ns..self.measured.end_ns).contains(&now_ns) {
            self.measured.deliveries += seen.len() as u64;
        }
        for stamp in seen {
            if stamp.intended_ns >= self.measured.from_ns {
                self.latencies.record_ns(now_ns.saturating_sub(stamp.intended_ns));
            }
            self.ledger.enter(reader, stamp);
        }
    }

    /// Writes down a post that is about to be sent.
    pub(super) fn note_post(&mut self, stamp: &Stamp, now_ns: u64) {
        self.posts += 1;
        self.posted[stamp.publisher as usize] = stamp.sequence;
        if stamp.intended_ns >= self.measured.from_ns {
            self.measured.posts += 1;
            self.slips.record_ns(now_ns - stamp.intended_ns);
        }
    }

    pub(super) fn note_break(&mut self, fault: &Fault) {
        self.broken += 1;
        self.first_break.get_or_insert_with(|| fault.to_string());
    }

    /// What our publishers have posted.
    pub(super) fn posted(&self) -> Vec<(u32, u32)> {
        let all = (0..).zip(self.posted.iter().copied());
        all.filter(|(_, posted)| *posted > 0).collect()
    }

    /// Whether every delivery there is to come has come.
    pub(super) fn has_all(&self, posted: &[u32]) -> bool {
        self.ledger.delivered() >= self.ledger.expected(posted)
    }

    /// Where we stand; takes the latencies along.
    pub(super) fn progress(&mut self) -> Progress {
        let Self { open, gaps, posts, deliveries, broken, .. } = *self;
        let latencies = self.latencies.pairs();
        self.latencies.clear();
        let first_break = self.first_break.clone();
        Progress { open, posts, deliveries, gaps, broken, first_break, cpu_ns: own_cpu_ns(), latencies }
    }

    /// Closes the books.
    pub(super) fn settle(&mut self, posted: &[u32]) -> Settlement {
        let Measured { deliveries, posts, cpu_at_start_ns, cpu_at_end_ns, .. } = self.measured;
        let cpu_ns = cpu_at_end_ns.zip(cpu_at_start_ns).map(|(end, start)| end - start);
        Settlement {
            findings: self.ledger.settle(posted),
            orders: self.ledger.orders(),
            latencies: self.progress().latencies,
            measured_deliveries: deliveries,
            measured_posts: posts,
            measured_cpu_ns: cpu_ns.unwrap_or(0),
            slips: self.slips.pairs(),
            broken: self.broken,
            first_break: self.first_break.take(),
            gaps: self.gaps,
        }
    }
}
