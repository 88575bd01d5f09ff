//! Somebody of whom nothing is known: sends what the script says, and reads or does not.

use gateways::CLIENTS;
use sim::scenario::Terms;
use sim::{PipeId, World};
use wire::websocket::{Opcode, write_masked_frame};

use super::script::Opening;
use super::terms::login;
use crate::words::Told;

const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

pub(crate) struct Stranger {
    pub(crate) pipe: PipeId,
    pub(crate) is_stalled: bool,
}

impl Stranger {
    pub(crate) fn dial(shard: usize, opening: Option<Opening>, terms: &Terms, node: &mut World) -> Self {
        let pipe = node.connect(shard);
        if let Some(Opening { gateway, room, deflate }) = opening {
            let (_, dial) = CLIENTS[gateway];
            let client = dial(&login(terms.rooms[room].name(), deflate));
            let mut bytes = Vec::new();
            client.into_iter().for_each(|mut client| client.open(&mut bytes));
            node.send(pipe, &bytes);
        }
        Self { pipe, is_stalled: false }
    }

    pub(crate) fn send(&self, bytes: &[u8], told: &Told, node: &mut World) {
        node.send(self.pipe, &told.fill(bytes));
    }

    pub(crate) fn say(&self, text: &[u8], told: &Told, node: &mut World) {
        let mut bytes = Vec::new();
        write_masked_frame(&mut bytes, Opcode::Text, &told.fill(text), MASK);
        node.send(self.pipe, &bytes);
    }

    /// Reads, unless it has stopped.
    pub(crate) fn read(&self, bytes_max: usize, told: &mut Told, node: &mut World) {
        if !self.is_stalled {
            told.note(&node.read(self.pipe, bytes_max));
        }
    }
}
