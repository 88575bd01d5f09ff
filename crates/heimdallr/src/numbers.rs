//! What shards and the backplane count, in the words of the metrics.

use admin::{Histogram, Metric, Sample, metric};
use backplanes::Health;
use gateways::GATEWAYS;
use reactor::Handshakes;
use rustix::time::{ClockId, clock_gettime};
use shard::{Holdings, LATENCY_BOUNDS_US, Latencies, Shard};

/// How long things take on a shard.
pub(crate) fn histograms(shard: &Shard) -> Vec<Histogram> {
    let tally = shard.tally();
    vec![histogram(&metric::DELIVERY, &tally.delivery), histogram(&metric::LAG, &tally.lag)]
}

fn histogram(metric: &'static Metric, latencies: &Latencies) -> Histogram {
    let (counts, sum_us) = (latencies.counts().to_vec(), latencies.sum_us());
    Histogram { metric, bounds_us: &LATENCY_BOUNDS_US, counts, sum_us }
}

/// Everything a shard has to say of itself, on its own thread, and what became of those there who wanted to speak TLS.
pub(crate) fn samples(shard: &Shard, handshakes: &Handshakes) -> Vec<Sample> {
    let tally = shard.tally();
    let mut samples = held(shard.holdings());
    samples.extend([
        metric::ACCEPTED_STREAMS.is(tally.streams_opened),
        metric::TURNED_AWAY_STREAMS.is(tally.streams_turned_away),
        metric::CUT_STREAMS.is(tally.streams_cut),
        metric::REQUESTS.is(tally.requests),
        metric::BAD_REQUESTS.is(tally.bad_requests),
        metric::OPENED_SESSIONS.is(tally.sessions_opened),
        metric::TURNED_AWAY_SESSIONS.is(tally.sessions_turned_away),
        metric::DUG_TUNNELS.is(tally.tunnels_dug),
        metric::FALLEN_TUNNELS.is(tally.tunnels_fallen),
        metric::UNREAD_ENVELOPES.is(tally.envelopes_unread),
        metric::RECEIVED_BYTES.is(tally.bytes_in),
        metric::SENT_BYTES.is(tally.bytes_out),
        metric::WRITES.is(tally.writes),
        metric::STALLS.is(tally.stalls),
        metric::POSTS.is(tally.posts),
        metric::DELIVERIES.is(tally.deliveries),
        metric::DROPPED_FRAMES.is(tally.frames_dropped),
        metric::RESUMES.of("complete", tally.resumes_complete),
        metric::RESUMES.of("partial", tally.resumes_partial),
        metric::RECOVERIES.of("complete", tally.recoveries_complete),
        metric::RECOVERIES.of("failed", tally.recoveries_failed),
        metric::SHARD_CPU_US.is(thread_cpu_us()),
        metric::TLS_STREAMS.is(handshakes.streams as u64),
        metric::TLS_HANDSHAKES.of("full", handshakes.full),
        metric::TLS_HANDSHAKES.of("resumed", handshakes.resumed),
        metric::TLS_HANDSHAKES.of("failed", handshakes.failed),
        metric::TLS_HANDSHAKES.of("abandoned", handshakes.abandoned),
    ]);
    samples.extend(tally.limited().map(|(limit, count)| metric::LIMITED.of(limit, count)));
    samples.extend(tally.refusals().map(|(code, count)| metric::REFUSALS.of(code, count)));
    samples.extend(tally.farewells().map(|(reason, count)| metric::CLOSES.of(reason, count)));
    samples
}

/// How the node stands with the others.
pub(crate) fn of_backplane(health: &Health) -> Vec<Sample> {
    let tally = health.tally;
    vec![
        metric::NODES.is(u64::from(health.nodes)),
        metric::BACKPLANE_UP.is(u64::from(health.fault.is_none())),
        metric::BACKPLANE_POSTS.is(tally.posts),
        metric::BACKPLANE_RETRIES.is(tally.retries),
        metric::BACKPLANE_GIVEN_UP.is(tally.given_up),
        metric::BACKPLANE_GAPS.of("refilled", tally.gaps_refilled),
        metric::BACKPLANE_GAPS.of("lost", tally.gaps_lost),
        metric::BACKPLANE_DUPLICATES.is(tally.duplicates),
        metric::BACKPLANE_CONNECTS.is(tally.connects),
        metric::BACKPLANE_OUTAGES.is(tally.outages),
    ]
}

/// How the node stands with its disk.
pub(crate) fn of_store(health: &stores::Health) -> Vec<Sample> {
    let tally = health.tally;
    vec![
        metric::STORE_UP.is(u64::from(health.fault.is_none())),
        metric::STORE_WAITING.is(health.waiting),
        metric::STORE_FILE_BYTES.is(health.file_bytes),
        metric::STORE_KEPT.is(tally.kept),
        metric::STORE_LEFT_OUT.is(tally.left_out),
        metric::STORE_COMMITS.is(tally.commits),
        metric::STORE_COMMIT_US.is(tally.commit_us),
        metric::STORE_READS.is(tally.reads),
        metric::STORE_LET_GO.is(tally.let_go),
        metric::STORE_FAULTS.is(tally.faults),
    ]
}

/// How the node stands with who decides about clients.
pub(crate) fn of_access(health: &access::Health) -> Vec<Sample> {
    vec![metric::ACCESS_UP.is(u64::from(health.fault.is_none())), metric::ACCESS_FAULTS.is(health.faults)]
}

/// Processor time that this thread has used.
fn thread_cpu_us() -> u64 {
    let used = clock_gettime(ClockId::ThreadCPUTime);
    used.tv_sec as u64 * 1_000_000 + used.tv_nsec as u64 / 1000
}

fn held(holdings: Holdings) -> Vec<Sample> {
    let by_gateway = GATEWAYS.iter().zip(holdings.by_gateway);
    let mut samples: Vec<Sample> =
        by_gateway.map(|((name, _), sessions)| metric::PROTOCOL_SESSIONS.of(name, sessions as u64)).collect();
    samples.extend([
        metric::STREAMS.is(holdings.streams as u64),
        metric::TUNNELS.is(holdings.tunnels as u64),
        metric::SESSIONS.is(holdings.sessions as u64),
        metric::HELD_STREAMS.is(holdings.held as u64),
        metric::POLLING_SESSIONS.is(holdings.lingering as u64),
        metric::RECOVERABLE_SESSIONS.is(holdings.records as u64),
        metric::ROOMS.is(holdings.rooms as u64),
        metric::AUDIENCES.is(holdings.audiences as u64),
        metric::QUEUED_BYTES.is(holdings.queued_bytes as u64),
        metric::HISTORY_MESSAGES.is(holdings.history_messages as u64),
        metric::HISTORY_BYTES.is(holdings.history_bytes as u64),
    ]);
    samples
}
