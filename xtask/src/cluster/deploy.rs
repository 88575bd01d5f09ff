//! The configurations of deploy/, with addresses of this machine written in. Nothing else of them is changed, but that lines which
//! name the third node are there once for each further one, and lines which name a node that is not there are not.

use std::path::Path;

use super::node::Node;
use crate::step::{Failure, Outcome};
use crate::tree;

/// Nodes that the configurations name.
const NAMED: usize = 3;

/// Writes a file of deploy/ to `to`, with these nodes in it, the balancer on `port`, and `ending` behind it.
pub(super) fn write(file: &str, nodes: &[Node], port: u16, ending: &str, to: &Path) -> Outcome {
    let path = tree::root().join("deploy").join(file);
    let text = std::fs::read_to_string(&path)
        .map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
    std::fs::write(to, written_in(&text, nodes, port) + ending)?;
    Ok(())
}

fn written_in(text: &str, nodes: &[Node], port: u16) -> String {
    let lines = text.lines().flat_map(|line| match named(line) {
        None => vec![listening_on(line, port)],
        Some(NAMED) => (NAMED..=nodes.len()).map(|number| of_node(line, NAMED, number, nodes)).collect(),
        Some(number) if number <= nodes.len() => vec![of_node(line, number, number, nodes)],
        Some(_) => Vec::new(),
    });
    lines.map(|line| line + "\n").collect()
}

/// The node that a line names.
fn named(line: &str) -> Option<usize> {
    (1..=NAMED).find(|number| line.contains(&format!("node{number}")))
}

/// The line for one node.
fn of_node(line: &str, written: usize, number: usize, nodes: &[Node]) -> String {
    let Node { port, admin_port } = nodes[number - 1];
    line.replace(&format!("node{written}:80"), &format!("127.0.0.1:{port}"))
        .replace(&format!("addr node{written} port 8081"), &format!("addr 127.0.0.1 port {admin_port}"))
        .replace(&format!("node{written}"), &format!("node{number}"))
}

/// Where the balancer listens, in the words of each.
fn listening_on(line: &str, port: u16) -> String {
    let plain = line.trim_start();
    let says = |words| plain.starts_with(words);
    match says("bind *:80") || says("<VirtualHost *:80>") {
        true => line.replace("*:80", &format!("127.0.0.1:{port}")),
        false if plain == "listen 80;" || plain == "Listen 80" => {
            line.replace("80", &format!("127.0.0.1:{port}"))
        }
        false => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "bind *:80\n    listen 80;\nListen 80\ntimeout 80\nserver node1 node1:80 addr node1 port 8081\nserver node2:80;\nhttp://node3:80 x\n";

    fn nodes(count: u16) -> Vec<Node> {
        (1..=count).map(|number| Node { port: 1000 + number, admin_port: 2000 + number }).collect()
    }

    #[test]
    fn addresses_are_written_in_and_nothing_else_changes() {
        let expected = "bind 127.0.0.1:99\n    listen 127.0.0.1:99;\nListen 127.0.0.1:99\ntimeout 80\n\
                        server node1 127.0.0.1:1001 addr 127.0.0.1 port 2001\nserver 127.0.0.1:1002;\nhttp://127.0.0.1:1003 x\n";
        assert_eq!(written_in(TEXT, &nodes(3), 99), expected);
    }

    #[test]
    fn there_is_a_line_for_every_node_and_for_no_other() {
        let lines = |count| written_in(TEXT, &nodes(count), 99).lines().count();
        assert_eq!([lines(1), lines(2), lines(3), lines(5)], [5, 6, 7, 9]);
        assert!(
            written_in(TEXT, &nodes(5), 99).ends_with("http://127.0.0.1:1004 x\nhttp://127.0.0.1:1005 x\n")
        );
    }
}
