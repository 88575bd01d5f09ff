//! What must hold of any bytes at all. Each function takes what the fuzzer made up and panics where a promise is broken;
//! the targets in `fuzz_targets/` are one line each.

mod envelopes;
mod gateways;
mod http;
mod inflate;
mod input;
mod proxy;
mod seeds;
mod shard;
mod socketio;
mod tokens;
mod websocket;
mod words;

#[path = "../../crates/gateways/tests/machines/course.rs"]
mod course;
#[path = "../../crates/wire/tests/wire/drive.rs"]
mod drive;
#[path = "../../crates/wire/tests/wire/engineio_laws.rs"]
mod engineio_laws;
#[path = "../../crates/wire/tests/wire/oracle.rs"]
mod oracle;
#[path = "../../crates/wire/tests/wire/socketio_adapter_laws.rs"]
mod socketio_adapter_laws;
#[path = "../../crates/wire/tests/wire/socketio_laws.rs"]
mod socketio_laws;

pub use envelopes::envelopes;
pub use gateways::gateways;
pub use http::{http_body, http_head};
pub use inflate::inflate;
pub use proxy::proxy;
pub use seeds::{Seed, made_seeds, seeds};
pub use shard::{shard, steps};
pub use socketio::{engineio, socketio};
pub use tokens::tokens;
pub use websocket::{websocket_client, websocket_server};
