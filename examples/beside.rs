//! A server beside servers of Socket.IO with the stock adapter for Redis: it answers what they ask of servers.
//!
//! `cargo run --example beside -- --config FILE`, with `socketio_adapter = "classic"` in the file; then `io.serverSideEmitWithAck("who", 2)`
//! on any of the others.

use std::process::ExitCode;

use heimdallr::{Application, Call, Handlers, Refusal, Socket};
use serde_json::json;

fn main() -> ExitCode {
    heimdallr::main(Application::new(register))
}

fn register(handlers: &mut Handlers) {
    handlers.of("/").on_server_side("who", who).on("tell servers", tell);
}

fn tell(socket: &mut Socket<'_>, call: &Call<'_>) {
    socket.server_side_emit("told", call.values());
    call.ack(());
}

fn who(call: &Call<'_>) -> Result<(), Refusal> {
    let number: i64 = call.get(0)?;
    call.ack(json!({ "server": "heimdallr", "twice": 2 * number }));
    Ok(())
}
