//! The server that the official protocol test suites of Engine.IO and Socket.IO expect: an echo at `/engine.io/`, and at `/socket.io/` the
//! namespaces `/` and `/custom`, where what is shown and said comes back.
//!
//! `cargo run --release --example conformance -- --listen 127.0.0.1:3000`, then the suites in `docs/*-protocol` of socketio/socket.io.

use std::process::ExitCode;
use std::time::Duration;

use heimdallr::{Application, Handlers};

fn main() -> ExitCode {
    let mut settings = match heimdallr::settings() {
        Ok(settings) => settings,
        Err(code) => return code,
    };
    settings.max_message_bytes = 1_000_000;
    settings.ping_interval = Duration::from_millis(300);
    settings.ping_timeout = Duration::from_millis(200);
    // The suites send two requests at once and expect the first to be seen first, which only one thread can promise.
    settings.threads = 1;
    // Any free one: several of these may run at once.
    settings.admin.set_port(0);
    heimdallr::start(&settings, Application::new(register))
}

fn register(handlers: &mut Handlers) {
    handlers.engine("/engine.io/", |socket, message| socket.send(message));
    for namespace in ["/", "/custom"] {
        let echo = handlers.of(namespace);
        echo.on_connect(|socket, shown| socket.emit("auth", shown));
        echo.on("message", |socket, call| socket.emit("message-back", call.values()));
        echo.on("message-with-ack", |_, call| call.ack(call.values()));
    }
}
