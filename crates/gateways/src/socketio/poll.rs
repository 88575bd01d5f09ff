//! Polls that wait, and the payloads that they are answered with (Engine.IO 4, "HTTP long-polling"; 3, "Payload").

use std::borrow::Cow;

use wire::engineio::{Packet, Packets, PayloadForm, PayloadWriter, Revision, jsonp};

use super::profile::Profile;
use super::reply::Reply;
use crate::Outbox;

/// What stands between the packets of a payload of revision 4.
const SEPARATOR: u8 = 0x1E;

/// A poll that waits.
#[derive(Clone, Copy)]
pub(super) struct Poll {
    pub(super) reply: Reply,
    pub(super) jsonp: Option<u32>,
    pub(super) takes_binary: bool,
}

impl Poll {
    /// Answers it with packets that were kept.
    pub(super) fn answer(self, revision: Revision, kept: &[u8], profile: &Profile, out: &mut Outbox) {
        self.answer_with(&[], revision, kept, profile, out);
    }

    pub(super) fn answer_with(
        self,
        headers: &[(&str, &str)],
        revision: Revision,
        kept: &[u8],
        profile: &Profile,
        out: &mut Outbox,
    ) {
        let (form, payload) = self.payload(revision, kept);
        let mut script = Vec::new();
        let (content_type, body) = match self.jsonp {
            Some(index) => {
                let text = std::str::from_utf8(&payload).expect("it was written as text");
                jsonp::write_answer(index, text, &mut script);
                (jsonp::CONTENT_TYPE, &script[..])
            }
            None => (form.content_type(), &*payload),
        };
        let headers = [&[("content-type", content_type)], headers].concat();
        self.reply.write(&profile.origins, 200, &headers, body, out);
    }

    /// Packets that were kept, in the form in which the client takes them.
    fn payload(self, revision: Revision, kept: &[u8]) -> (PayloadForm, Cow<'_, [u8]>) {
        let has_binary =
            || self.takes_binary && kept_packets(revision, kept).any(|packet| packet.is_binary());
        if revision == Revision::V4 || !has_binary() {
            let (form, payload) = kept_payload(revision, kept);
            return (form, Cow::Borrowed(payload));
        }
        let (form, mut payload) = (PayloadForm::Octets, Vec::new());
        let mut writer = PayloadWriter::new(form, &mut payload);
        kept_packets(revision, kept).for_each(|packet| writer.write(&packet));
        (form, Cow::Owned(payload))
    }
}

/// Appends a packet to those that are kept: each in the form of a payload of text, in revision 4 behind its separator.
pub(super) fn write_kept(revision: Revision, packet: &Packet<'_>, out: &mut Vec<u8>) {
    match revision {
        Revision::V4 => {
            out.push(SEPARATOR);
            packet.write_text(Revision::V4, out);
        }
        Revision::V3 => PayloadWriter::new(PayloadForm::Counted, out).write(packet),
    }
}

/// The packets that were kept.
pub(super) fn kept_packets(revision: Revision, kept: &[u8]) -> impl Iterator<Item = Packet<'_>> {
    let (form, payload) = kept_payload(revision, kept);
    let packets = Packets::new(payload, form, usize::MAX).into_iter().flatten();
    packets.map(|packet| packet.expect("what was kept was written here"))
}

fn kept_payload(revision: Revision, kept: &[u8]) -> (PayloadForm, &[u8]) {
    match revision {
        Revision::V4 => (PayloadForm::Separated, kept.get(1..).unwrap_or_default()),
        Revision::V3 => (PayloadForm::Counted, kept),
    }
}
