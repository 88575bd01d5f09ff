//! What must hold of any bytes at all. Each function takes what the fuzzer made up and panics where a promise is broken;
//! the targets in `fuzz_targets/` are one line each.

mod http;
mod inflate;
mod input;
mod socketio;
mod websocket;

#[path = "../../crates/wire/tests/wire/drive.rs"]
mod drive;
#[path = "../../crates/wire/tests/wire/engineio_laws.rs"]
mod engineio_laws;
#[path = "../../crates/wire/tests/wire/oracle.rs"]
mod oracle;
#[path = "../../crates/wire/tests/wire/socketio_laws.rs"]
mod socketio_laws;

pub use http::{http_body, http_head};
pub use inflate::inflate;
pub use socketio::{engineio, socketio};
pub use websocket::{websocket_client, websocket_server};
