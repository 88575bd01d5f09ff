//! How the clients here look to servers beside this node.

use chat::{Peer, RoomId};
use gateways::{Namespace, Namespaces};
use wire::json::write_json_string;
use wire::socketio::adapter;

/// What servers expect to know of how a client has come. A client here may have come in ways of which most of it makes no sense.
const HANDSHAKE: &str = r#"{"headers":{},"time":"","address":"","xdomain":false,"secure":false,"issued":0,"url":"/socket.io/","query":{},"auth":{}}"#;

/// Hands over those clients as servers are told of them.
pub(crate) fn show<T>(
    peers: &[Peer],
    (names, namespace): (&Namespaces, Namespace),
    take: impl FnOnce(&[adapter::Peer<'_>]) -> T,
) -> T {
    let rooms: Vec<Vec<&str>> = peers.iter().map(|peer| names_in(&peer.rooms, names, namespace)).collect();
    let data: Vec<String> = peers.iter().map(data).collect();
    let shown: Vec<adapter::Peer<'_>> = peers
        .iter()
        .zip(rooms.iter().zip(&data))
        .map(|(peer, (rooms, data))| adapter::Peer { id: &peer.alias, handshake: HANDSHAKE, rooms, data })
        .collect();
    take(&shown)
}

/// Those of the rooms that are in a namespace, as they are called there.
pub(crate) fn names_in<'r>(
    rooms: impl IntoIterator<Item = &'r RoomId>,
    names: &Namespaces,
    namespace: Namespace,
) -> Vec<&'r str> {
    let split = rooms.into_iter().filter(|room| room.is_public()).map(|room| names.split(room.name()));
    split.filter(|(of, _)| *of == namespace).map(|(_, name)| name).collect()
}

/// Who has a name has it in `socket.data.userId`.
fn data(peer: &Peer) -> String {
    let Some(user) = &peer.user else { return "{}".to_owned() };
    let mut json = b"{\"userId\":".to_vec();
    write_json_string(&mut json, user.as_str());
    json.push(b'}');
    String::from_utf8(json).expect("JSON is text")
}
