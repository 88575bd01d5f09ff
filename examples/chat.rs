//! A chat of one's own: who connects says a name, everybody talks in the lobby, and it is known who went.
//!
//! `cargo run --example chat`, and any stock Socket.IO client at `http://127.0.0.1:8080` with `auth: { name: "ann" }`. Everybody else who is in
//! the room `lobby`, over whatever protocol, reads along.

use std::process::ExitCode;
use std::time::Duration;

use heimdallr::{Application, Call, Handlers, Refusal, Socket, Values};
use serde_json::{Value, json};

const LOBBY: &str = "lobby";

fn main() -> ExitCode {
    heimdallr::main(Application::new(register))
}

fn register(handlers: &mut Handlers) {
    let lobby = handlers.of("/");
    lobby.admit(|shown| name(shown).map(drop).ok_or("say who you are".to_owned()));
    lobby.on_connect(enter).on("say", say).on("typing", typing).on("who", who).on_disconnect(leave);
}

fn enter(socket: &mut Socket<'_>, shown: Values<'_>) -> Result<(), Refusal> {
    let name = name(shown).ok_or(Refusal::BadName)?;
    socket.log_in(&name)?;
    socket.join(LOBBY)?;
    // Whoever does not answer is not there.
    socket.emit_with_ack("welcome", json!({ "name": name }), Duration::from_secs(5), |socket, answer| {
        if answer.is_none() {
            socket.disconnect();
        }
    })
}

fn say(socket: &mut Socket<'_>, call: &Call<'_>) -> Result<(), Refusal> {
    socket.post(LOBBY, call.get::<String>(0)?)?;
    call.ack("said");
    Ok(())
}

fn typing(socket: &mut Socket<'_>, _: &Call<'_>) -> Result<(), Refusal> {
    let who = json!({ "id": socket.id() });
    socket.to(LOBBY)?.emit("typing", who)
}

/// Who is there, on whichever node.
fn who(socket: &mut Socket<'_>, _: &Call<'_>) -> Result<(), Refusal> {
    socket.all_in(LOBBY)?.fetch(Duration::from_secs(5), |socket, found| {
        let names = found.map(|found| found.into_iter().filter_map(|one| one.user).collect::<Vec<_>>());
        socket.emit("who", json!(names));
    })
}

fn leave(socket: &mut Socket<'_>) {
    let who = json!({ "id": socket.id() });
    socket.to(LOBBY).and_then(|lobby| lobby.emit("gone", who)).expect("both names are valid");
}

fn name(shown: Values<'_>) -> Option<String> {
    Some(shown.get::<Value>(0)?.get("name")?.as_str()?.to_owned())
}
