//! Posts that are being read, and the payloads in them (Engine.IO 4, "HTTP long-polling"; 3, "Payload").

use wire::engineio::{Packets, PayloadForm, jsonp};
use wire::http::{Body, HttpFault};

use super::reply::Reply;

/// More packets in one payload are not taken.
const PACKETS_MAX: usize = 4096;

/// A post whose body is being read.
pub(super) struct Posted {
    pub(super) reply: Reply,
    form: PayloadForm,
    is_jsonp: bool,
    body: Body,
    bytes: Vec<u8>,
}

impl Posted {
    pub(super) fn new(reply: Reply, form: PayloadForm, is_jsonp: bool, body: Body) -> Self {
        Self { reply, form, is_jsonp, body, bytes: Vec::new() }
    }

    /// Reads on. Says how much belongs to the body.
    pub(super) fn read(&mut self, input: &[u8]) -> Result<usize, HttpFault> {
        let mut taken = 0;
        while taken < input.len() && !self.body.is_done() {
            let step = self.body.next(&input[taken..])?;
            self.bytes.extend_from_slice(step.piece);
            taken += step.consumed;
        }
        Ok(taken)
    }

    pub(super) fn is_whole(&self) -> bool {
        self.body.is_done()
    }

    /// The packets in a body that is whole; `None` when it is no payload.
    pub(super) fn packets(&mut self) -> Option<Packets<'_>> {
        if self.is_jsonp {
            // A page without better means has put the payload into a form.
            let form = std::str::from_utf8(&self.bytes).ok()?;
            self.bytes = jsonp::read_request(form).ok()?.into_bytes();
        }
        Packets::new(&self.bytes, self.form, PACKETS_MAX).ok()
    }
}
