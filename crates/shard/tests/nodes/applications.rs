//! What applications have done with clients, and ask of servers, on other nodes.

use std::time::Duration;

use gateways::handlers::{Application, Arguments, Call, Found, Handlers, Socket};

use crate::client::{frame, member, speak, text, upgrade};
use crate::cluster::{Cluster, PipeId};

const SOON: Duration = Duration::from_secs(5);

/// What is asked for by the names of events; nobody in the attic is found.
fn register(handlers: &mut Handlers) {
    let of_main = handlers.of("/");
    of_main.on("fetch", |socket: &mut Socket<'_>, _: &Call<'_>| {
        socket
            .all_in("lobby")?
            .except("attic")?
            .fetch(SOON, |socket, found| socket.emit("found", &*show(found)))
    });
    of_main.on("enter", |socket: &mut Socket<'_>, _: &Call<'_>| socket.all_in("lobby")?.join("attic"));
    of_main.on("leave", |socket: &mut Socket<'_>, _: &Call<'_>| socket.everybody().leave("attic"));
    of_main.on("dismiss", |socket: &mut Socket<'_>, call: &Call<'_>| {
        socket.one(&call.get::<String>(0)?).disconnect(true);
        Ok(())
    });
    of_main.on("ask", |socket: &mut Socket<'_>, _: &Call<'_>| {
        let number = Arguments::new().with(21);
        socket.server_side_emit_with_ack("double", number, SOON, |socket, said| {
            socket.emit("said", &*said.map_or("nothing".to_owned(), |said| said.join("+")));
        })
    });
    of_main.on_server_side("double", |call: &Call<'_>| {
        call.ack(Arguments::new().with(2 * call.get::<i64>(0)?));
        Ok(())
    });
}

fn show(found: Option<Vec<Found>>) -> String {
    let Some(found) = found else { return "not all have answered".to_owned() };
    let show = |one: Found| format!("{} {} {};", one.id, one.user.unwrap_or_default(), one.rooms.join(","));
    found.into_iter().map(show).collect()
}

fn cluster(nodes: u32, shards: u16) -> Cluster {
    Cluster::new(nodes, shards, |settings| {
        settings.gateways.socketio.application = Application::new(register);
    })
}

/// A member of the lobby, and its id.
fn enter(cluster: &mut Cluster, node: u32, user: &str) -> (PipeId, String) {
    let socket = cluster.connect(node);
    cluster.say(socket, upgrade("/socket.io/?EIO=4&transport=websocket"));
    cluster.say(socket, frame(1, "40"));
    let heard = text(cluster.hear(socket));
    let (_, connected) = heard.split_once("40{").expect("it is connected");
    let id = member(connected, "sid").to_owned();
    cluster.say(socket, frame(1, &format!("420[\"log in\",{{\"username\":\"{user}\"}}]")));
    cluster.say(socket, frame(1, "421[\"joinRoom\",{\"room\":\"lobby\"}]"));
    assert!(text(cluster.hear(socket)).contains("431["), "it has joined");
    (socket, id)
}

fn ask(cluster: &mut Cluster, socket: PipeId, event: &str) -> String {
    cluster.say(socket, frame(1, &format!("42{event}")));
    text(cluster.hear(socket))
}

#[test]
fn clients_of_every_node_are_found_and_led_and_sent_away() {
    for (nodes, shards) in [(1, 2), (2, 1), (3, 2)] {
        let mut cluster = cluster(nodes, shards);
        let (asking, own) = enter(&mut cluster, 1, "ann");
        let (there, other) = enter(&mut cluster, nodes, "bob");
        let found = ask(&mut cluster, asking, "[\"fetch\"]");
        for (id, user) in [(&own, "ann"), (&other, "bob")] {
            assert!(found.contains(&format!("{id} {user} lobby;")), "{id}: {found}");
        }
        ask(&mut cluster, asking, "[\"enter\"]");
        speak(&mut cluster, 1, "attic", "<up>");
        assert!([asking, there].into_iter().all(|socket| text(cluster.hear(socket)).contains("<up>")));
        assert!(
            ask(&mut cluster, asking, "[\"fetch\"]").contains("[\"found\",\"\"]"),
            "all are in the attic"
        );
        ask(&mut cluster, asking, "[\"leave\"]");
        speak(&mut cluster, 1, "attic", "<down>");
        assert!(!text(cluster.hear(there)).contains("<down>"));
        ask(&mut cluster, asking, &format!("[\"dismiss\",\"{other}\"]"));
        assert!(cluster.is_over(there) && !cluster.is_over(asking));
    }
}

#[test]
fn what_is_said_to_servers_is_answered_by_every_other_node() {
    for nodes in 1..=3 {
        let mut cluster = cluster(nodes, 2);
        let (asking, _) = enter(&mut cluster, 1, "ann");
        let said = ask(&mut cluster, asking, "[\"ask\"]");
        let answers = vec!["42"; nodes as usize - 1].join("+");
        assert!(said.contains(&format!("[\"said\",\"{answers}\"]")), "{said}");
    }
}

#[test]
fn who_asks_a_node_that_does_not_answer_is_told_in_time() {
    let mut cluster = cluster(2, 1);
    let (asking, _) = enter(&mut cluster, 1, "ann");
    cluster.kill(2);
    assert!(!ask(&mut cluster, asking, "[\"fetch\"]").contains("found"));
    cluster.pass(6);
    assert!(text(cluster.hear(asking)).contains("not all have answered"));
    cluster.tell_alive();
    assert!(ask(&mut cluster, asking, "[\"fetch\"]").contains(" ann lobby;"));
}
