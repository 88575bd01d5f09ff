//! What the kernel lets connections have: a queue to be accepted from, ports, and places in the firewall's table.

use super::{Finding, Patient, number};

/// Connections a node lets wait to be accepted.
const BACKLOG_WANTED: u64 = 4096;
/// Ports a balancer on the same machine needs for its connections to one node.
const PORTS_WANTED: u64 = 20_000;

pub(super) fn examine(patient: &Patient) -> Vec<Finding> {
    let mut findings = vec![
        queue(patient, "net/core/somaxconn", "net.core.somaxconn", "connections that wait to be accepted"),
        queue(
            patient,
            "net/ipv4/tcp_max_syn_backlog",
            "net.ipv4.tcp_max_syn_backlog",
            "connections that are being made",
        ),
        ports(patient),
    ];
    findings.extend(conntrack(patient));
    findings
}

fn queue(patient: &Patient, file: &str, key: &str, what: &str) -> Finding {
    match number(&patient.proc.join("sys").join(file)) {
        None => Finding::note(format!("{what}: not to be read here ({key})")),
        Some(places) if places >= BACKLOG_WANTED => Finding::good(format!("{what}: up to {places}")),
        Some(places) => Finding::bad(format!(
            "{what}: at most {places}; a crowd that comes back at once is turned away; set {key} to {BACKLOG_WANTED} or more"
        )),
    }
}

/// A balancer on this machine uses one port for each of its connections to a node.
fn ports(patient: &Patient) -> Finding {
    let range = std::fs::read_to_string(patient.proc.join("sys/net/ipv4/ip_local_port_range"));
    let range: Vec<u64> =
        range.unwrap_or_default().split_whitespace().filter_map(|end| end.parse().ok()).collect();
    let [first, last] = range[..] else {
        return Finding::note("ports for outgoing connections: not to be read here");
    };
    let ports = (last + 1).saturating_sub(first);
    let words = format!("ports for a balancer on this machine: {ports} to each address of a node");
    if ports >= PORTS_WANTED {
        Finding::good(words)
    } else {
        Finding::bad(format!(
            "{words}; widen net.ipv4.ip_local_port_range, or listen on several addresses (listen)"
        ))
    }
}

/// The table of the firewall, where there is one: a connection that finds no place is dropped without a word.
fn conntrack(patient: &Patient) -> Option<Finding> {
    let folder = patient.proc.join("sys/net/netfilter");
    let places = number(&folder.join("nf_conntrack_max"))?;
    let taken = number(&folder.join("nf_conntrack_count")).unwrap_or(0);
    let words = format!("the firewall's table of connections: {taken} of {places} places taken");
    Some(if places < BACKLOG_WANTED * 16 || taken * 5 > places * 4 {
        Finding::bad(format!(
            "{words}; what finds no place is dropped in silence; raise net.netfilter.nf_conntrack_max"
        ))
    } else {
        Finding::good(words)
    })
}
