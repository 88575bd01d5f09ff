//! Engine.IO and Socket.IO at either end: the laws that the tests have.

use crate::{engineio_laws, socketio_adapter_laws, socketio_laws};

/// Longer than what is found by chance. JSON holds none of the bytes that stand for them.
const PLACEHOLDERS: [&[u8]; 2] = [br#"{"_placeholder":true,"num":0}"#, br#"{"num":1,"_placeholder":true}"#];

pub fn engineio(bytes: &[u8]) {
    engineio_laws::obey(bytes);
}

pub fn socketio(bytes: &[u8]) {
    socketio_laws::obey(bytes);
    socketio_adapter_laws::obey(bytes);
    let place = |byte: &u8| PLACEHOLDERS.get(usize::from(*byte)).map_or(vec![*byte], |text| text.to_vec());
    socketio_laws::obey(&bytes.iter().flat_map(place).collect::<Vec<u8>>());
}
