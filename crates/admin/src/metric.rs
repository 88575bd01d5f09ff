//! The metrics a shard may publish: the one place where they are declared.
//!
//! `docs/reference/metrics.md` is made from these lines and held against them by a test.

/// How a metric moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows, from 0 at the start of the node.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts how often something was how large.
    Histogram,
}

/// Something that is counted on every shard.
#[derive(Debug, PartialEq, Eq)]
pub struct Metric {
    /// The name scrapers see.
    pub name: &'static str,
    /// How it moves.
    pub kind: Kind,
    /// The label that splits it, when it is split by more than the shard.
    pub label: Option<&'static str>,
    /// What it counts.
    pub about: &'static str,
}

/// One value of one metric, on the shard that publishes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// What was counted.
    pub metric: &'static Metric,
    /// The value of the metric's label; empty when it has none.
    pub label: &'static str,
    /// How many.
    pub value: u64,
}

/// How often something took how long, on the shard that publishes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram {
    /// What took that long.
    pub metric: &'static Metric,
    /// Where each bucket ends, in microseconds, ascending.
    pub bounds_us: &'static [u64],
    /// How often something was in each, and behind them in none that ends.
    pub counts: Vec<u64>,
    /// How long all took together.
    pub sum_us: u64,
}

impl Metric {
    /// A sample of a metric that is not split.
    #[must_use]
    pub fn is(&'static self, value: u64) -> Sample {
        assert!(self.label.is_none(), "{} is split by a label", self.name);
        Sample { metric: self, label: "", value }
    }

    /// A sample of one part of a metric that is split by its label.
    #[must_use]
    pub fn of(&'static self, label: &'static str, value: u64) -> Sample {
        assert!(self.label.is_some(), "{} has no label", self.name);
        Sample { metric: self, label, value }
    }
}

impl Kind {
    /// The word for it in the text format.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// Declares the metrics, each as a static of its own and all of them in [`METRICS`].
macro_rules! declare {
    ($(#[$list_about:meta])* $list:ident = $($ident:ident: $kind:ident $name:literal $(by $label:literal)?, $about:literal;)+) => {
        $(
            #[doc = $about]
            pub static $ident: Metric =
                Metric { name: $name, kind: Kind::$kind, label: declare!(@label $($label)?), about: $about };
        )+

        $(#[$list_about])*
        pub static $list: &[&Metric] = &[$(&$ident),+];
    };
    (@label) => { None };
    (@label $label:literal) => { Some($label) };
}

declare! {
    /// Every metric of a shard, in the order of the reference.
    METRICS =
    STREAMS: Gauge "heimdallr_streams", "Open connections, whatever they turn out to be.";
    HELD_STREAMS: Gauge "heimdallr_held_streams", "Connections that are not read for now, because their clients ask for too much.";
    TUNNELS: Gauge "heimdallr_tunnels", "Ends of tunnels: connections here whose session is on another node, and the other way round.";
    SESSIONS: Gauge "heimdallr_sessions", "Clients that are in: over any protocol, in any number of rooms.";
    PROTOCOL_SESSIONS: Gauge "heimdallr_protocol_sessions" by "protocol", "Those of them that came over each gateway.";
    POLLING_SESSIONS: Gauge "heimdallr_polling_sessions", "Those of them that are in over HTTP polling.";
    RECOVERABLE_SESSIONS: Gauge "heimdallr_recoverable_sessions", "Socket.IO clients that were cut off and may come back without a gap.";
    ROOMS: Gauge "heimdallr_rooms", "Rooms whose home is this shard.";
    AUDIENCES: Gauge "heimdallr_audiences", "Rooms with sessions on this shard.";
    QUEUED_BYTES: Gauge "heimdallr_queued_bytes", "Bytes that wait: for clients that read slowly or have not asked yet, and from clients that send more than is done. `queue_bytes_max` bounds them.";
    HISTORY_MESSAGES: Gauge "heimdallr_history_messages", "Messages remembered.";
    HISTORY_BYTES: Gauge "heimdallr_history_bytes", "What the messages remembered weigh.";
    ACCEPTED_STREAMS: Counter "heimdallr_accepted_streams_total", "Connections accepted.";
    TURNED_AWAY_STREAMS: Counter "heimdallr_turned_away_streams_total", "Connections closed at once because no more files may be open.";
    CUT_STREAMS: Counter "heimdallr_cut_streams_total", "Connections cut because they asked for nothing in time, or did not say goodbye.";
    REQUESTS: Counter "heimdallr_requests_total", "HTTP requests read, opening handshakes included.";
    BAD_REQUESTS: Counter "heimdallr_bad_requests_total", "Connections whose first bytes were no request, or came too slowly.";
    OPENED_SESSIONS: Counter "heimdallr_opened_sessions_total", "Sessions opened.";
    TURNED_AWAY_SESSIONS: Counter "heimdallr_turned_away_sessions_total", "Clients refused because `polling_sessions_max` are in over HTTP polling, or more waits than may (`queue_bytes_max`).";
    DUG_TUNNELS: Counter "heimdallr_dug_tunnels_total", "Requests passed on to another node, where their session is.";
    FALLEN_TUNNELS: Counter "heimdallr_fallen_tunnels_total", "Ends of tunnels given up because the other one was gone or something was lost on the way.";
    UNREAD_ENVELOPES: Counter "heimdallr_unread_envelopes_total", "What came from other nodes and could not be read.";
    RECEIVED_BYTES: Counter "heimdallr_received_bytes_total", "Bytes read from clients.";
    SENT_BYTES: Counter "heimdallr_sent_bytes_total", "Bytes written to clients.";
    WRITES: Counter "heimdallr_writes_total", "Times that something was sent to a client; one carries all that gathered in a turn.";
    STALLS: Counter "heimdallr_stalls_total", "Times that a client's connection took less than it was sent.";
    POSTS: Counter "heimdallr_posts_total", "Messages taken in, direct messages and retries included.";
    DELIVERIES: Counter "heimdallr_deliveries_total", "Frames of rooms sent to sessions: a post in a room of ten is ten.";
    DROPPED_FRAMES: Counter "heimdallr_dropped_frames_total", "Frames left out for slow sessions, which were told so.";
    RESUMES: Counter "heimdallr_resumes_total" by "outcome", "Joins with a position: `complete` when nothing was missing, `partial` when the session had to be told so.";
    RECOVERIES: Counter "heimdallr_recoveries_total" by "outcome", "Socket.IO clients that came back: `complete` when they went on where they were cut off, `failed` when they began anew.";
    TLS_STREAMS: Gauge "heimdallr_tls_streams", "Open connections under TLS.";
    TLS_HANDSHAKES: Counter "heimdallr_tls_handshakes_total" by "outcome", "Connections that began with TLS: `full` and `resumed` (shorter, by a client that was here before) shook hands, `failed` did something wrong or wanted what is not offered, `abandoned` went away before, or were cut because it took too long.";
    LIMITED: Counter "heimdallr_limited_total" by "limit", "Times that somebody came up against a limit, whatever followed: [limits](../limits.md) says which is which.";
    REFUSALS: Counter "heimdallr_refusals_total" by "code", "Commands refused, by the code the client was told.";
    CLOSES: Counter "heimdallr_closes_total" by "reason", "Sessions that the server parted with, by the reason the client was told.";
    SHARD_CPU_US: Counter "heimdallr_shard_cpu_microseconds_total", "Processor time that the shard's thread has used.";
    DELIVERY: Histogram "heimdallr_delivery_seconds", "From a message's coming in to its frames' being sent, one for each delivery; where a broker puts messages in order, by the clock of the node that took it in, to the millisecond.";
    LAG: Histogram "heimdallr_lag_seconds", "From a sign of life that a client is sent, which had said nothing for a while, to its answer.";
}

declare! {
    /// Every metric of how a node stands with the others, in the order of the reference.
    CLUSTER_METRICS =
    NODES: Gauge "heimdallr_nodes", "Nodes of the cluster that are alive, this one included.";
    BACKPLANE_UP: Gauge "heimdallr_backplane_up", "1 while the node hears from the others what it should.";
    BACKPLANE_POSTS: Counter "heimdallr_backplane_posts_total", "Messages that the broker was asked to put in order.";
    BACKPLANE_RETRIES: Counter "heimdallr_backplane_retries_total", "Of these, those asked for again because the answer was cut off.";
    BACKPLANE_GIVEN_UP: Counter "heimdallr_backplane_given_up_total", "Of these, those refused because no answer came in time.";
    BACKPLANE_GAPS: Counter "heimdallr_backplane_gaps_total" by "outcome", "Times that messages of a room were missed: `refilled` when they were shown in their place, `lost` when the broker did not have them any more.";
    BACKPLANE_DUPLICATES: Counter "heimdallr_backplane_duplicates_total", "Messages heard from the broker that had been shown already.";
    BACKPLANE_CONNECTS: Counter "heimdallr_backplane_connects_total", "Connections to the broker that were made; two at the start.";
    BACKPLANE_OUTAGES: Counter "heimdallr_backplane_outages_total", "Times that there was no broker for so long that nobody was kept waiting for it.";
}

declare! {
    /// Every metric of how a node stands with its disk, in the order of the reference.
    STORE_METRICS =
    STORE_UP: Gauge "heimdallr_store_up", "1 while what is said is kept as it should be; also without `data`, when nothing is.";
    STORE_WAITING: Gauge "heimdallr_store_waiting_messages", "Messages that wait to be written to disk.";
    STORE_FILE_BYTES: Gauge "heimdallr_store_file_bytes", "Bytes of the file and of its log.";
    STORE_KEPT: Counter "heimdallr_store_kept_messages_total", "Messages written to disk.";
    STORE_LEFT_OUT: Counter "heimdallr_store_left_out_messages_total", "Messages of other nodes not written to disk here, because too many waited.";
    STORE_COMMITS: Counter "heimdallr_store_commits_total", "Groups in which messages were written.";
    STORE_COMMIT_US: Counter "heimdallr_store_commit_microseconds_total", "Time that took until the disk had them.";
    STORE_READS: Counter "heimdallr_store_reads_total", "Pieces of history that were read.";
    STORE_LET_GO: Counter "heimdallr_store_let_go_messages_total", "Messages deleted because of the bounds of what is kept.";
    STORE_FAULTS: Counter "heimdallr_store_faults_total", "Times that something could not be written or read.";
}

declare! {
    /// Every metric of how a node stands with who decides about clients, in the order of the reference.
    ACCESS_METRICS =
    ACCESS_UP: Gauge "heimdallr_access_up", "1 while it is decided as it should be who clients are and what they may do: keys, users and what was revoked can be read, and the backend answers.";
    ACCESS_FAULTS: Counter "heimdallr_access_faults_total", "Times that it began not to be.";
}

declare! {
    /// Every metric of webhooks, in the order of the reference.
    HOOK_METRICS =
    HOOK_WAITING: Gauge "heimdallr_webhooks_waiting", "Webhooks that wait to be posted.";
    HOOK_OUTBOX_BYTES: Gauge "heimdallr_webhooks_outbox_bytes", "Bytes of them that wait on disk, in `data`.";
    HOOK_SENT: Counter "heimdallr_webhooks_sent_total", "Webhooks that were taken.";
    HOOK_RETRIES: Counter "heimdallr_webhooks_retries_total", "Times that one was posted again, because it had not been taken.";
    HOOK_LOST: Counter "heimdallr_webhooks_lost_total", "What was not posted because too much waited, or given up because it was not taken for too long; told as `events.lost`.";
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFERENCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/metrics.md");

    #[test]
    fn names_follow_the_conventions_of_prometheus() {
        for metric in METRICS
            .iter()
            .chain(CLUSTER_METRICS)
            .chain(STORE_METRICS)
            .chain(HOOK_METRICS)
            .chain(ACCESS_METRICS)
        {
            let plain = |name: &str| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            assert!(plain(metric.name) && metric.label.is_none_or(plain), "{}", metric.name);
            assert_eq!(metric.name.ends_with("_total"), metric.kind == Kind::Counter, "{}", metric.name);
        }
    }

    #[test]
    fn names_are_different() {
        let all = || {
            METRICS
                .iter()
                .chain(CLUSTER_METRICS)
                .chain(STORE_METRICS)
                .chain(HOOK_METRICS)
                .chain(ACCESS_METRICS)
        };
        let names: std::collections::BTreeSet<&str> = all().map(|metric| metric.name).collect();
        assert_eq!(names.len(), all().count());
    }

    /// `UPDATE_DOCS=1 cargo test -p heimdallr-admin` writes the reference anew.
    #[test]
    fn the_reference_says_what_the_metrics_say() {
        let expected = reference();
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(REFERENCE, &expected).expect("the checkout can be written");
        }
        let found = std::fs::read_to_string(REFERENCE).unwrap_or_default();
        assert!(
            found == expected,
            "docs/reference/metrics.md is behind the code: UPDATE_DOCS=1 writes it anew"
        );
    }

    fn reference() -> String {
        let mut text = "# Metrics\n\n\
            `GET /metrics` on the admin address answers in the text format of Prometheus (0.0.4). Shards publish their numbers\n\
            about once a second. Every metric of this table has the label `shard`.\n\n\
            | metric | kind | label | meaning |\n|---|---|---|---|\n"
            .to_owned();
        METRICS.iter().for_each(|metric| text += &row(metric));
        text += "\nOf the node as a whole:\n\n| metric | kind | label | meaning |\n|---|---|---|---|\n";
        for (metric, _) in crate::process::figures() {
            text += &format!("| `{}` | {} | | {} |\n", metric.name, metric.kind.word(), metric.about);
        }
        text += "| `heimdallr_info` | gauge | `version` | Always 1; the label says which version runs. |\n";
        text += "| `heimdallr_ready` | gauge | | 1 while the node wants new clients, as `/health/ready` says. |\n";
        CLUSTER_METRICS
            .iter()
            .chain(STORE_METRICS)
            .chain(HOOK_METRICS)
            .chain(ACCESS_METRICS)
            .for_each(|metric| text += &row(metric));
        text += "\nThe values of `code` and of `reason` are those of [the protocol](../protocol.md).\n";
        text
    }
    fn row(metric: &Metric) -> String {
        let label = metric.label.map_or(String::new(), |label| format!("`{label}`"));
        format!("| `{}` | {} | {label} | {} |\n", metric.name, metric.kind.word(), metric.about)
    }
}
