//! What holds of any bytes that come as Engine.IO: what can be read can be written, and is the same when read again.

use wire::engineio::{Fault, Open, Packet, Packets, PayloadForm, PayloadWriter, Revision, jsonp};

pub(crate) const FORMS: [PayloadForm; 3] =
    [PayloadForm::Separated, PayloadForm::Counted, PayloadForm::Octets];

/// Packets of one payload that are read.
const MAX_PACKETS: usize = 20;

/// Reads `bytes` as everything that they could be.
pub(crate) fn obey(bytes: &[u8]) {
    FORMS.into_iter().for_each(|form| payloads_obey(bytes, form));
    for revision in [Revision::V3, Revision::V4] {
        messages_obey(bytes, revision);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        open_obeys(text);
        jsonp_obeys(text);
    }
}

/// All packets of a payload, or the fault.
pub(crate) fn read_all(bytes: &[u8], form: PayloadForm, max: usize) -> Result<Vec<Packet<'_>>, Fault> {
    Packets::new(bytes, form, max)?.collect()
}

pub(crate) fn write_all(packets: &[Packet<'_>], form: PayloadForm) -> Vec<u8> {
    let mut out = b"before".to_vec();
    let mut writer = PayloadWriter::new(form, &mut out);
    packets.iter().for_each(|packet| writer.write(packet));
    out.split_off(6)
}

/// Writes a packet as messages of a WebSocket have it, and reads it again.
pub(crate) fn assert_survives_messages(packet: &Packet<'_>, revision: Revision) {
    for takes_binary in [false, true] {
        let mut out = Vec::new();
        let again = match packet.write_message(revision, takes_binary, &mut out) {
            wire::websocket::Kind::Text => {
                let text = std::str::from_utf8(&out).expect("text is written as text");
                Packet::read_text(text, revision)
            }
            wire::websocket::Kind::Binary => Packet::read_binary(&out, revision),
        };
        assert_eq!(again.as_ref(), Ok(packet));
    }
}

fn payloads_obey(bytes: &[u8], form: PayloadForm) {
    let Ok(packets) = Packets::new(bytes, form, MAX_PACKETS) else { return };
    let results: Vec<_> = packets.collect();
    assert!(results.len() <= MAX_PACKETS + 1);
    assert!(results.iter().rev().skip(1).all(Result::is_ok), "nothing follows a fault");
    let packets: Vec<Packet<'_>> = results.into_iter().flatten().collect();
    if packets.is_empty() {
        return;
    }
    for other in FORMS.into_iter().filter(|other| other.revision() == form.revision()) {
        let written = write_all(&packets, other);
        assert_eq!(read_all(&written, other, packets.len()).as_ref(), Ok(&packets));
    }
}

fn messages_obey(bytes: &[u8], revision: Revision) {
    if let Ok(packet) = Packet::read_binary(bytes, revision) {
        assert_survives_messages(&packet, revision);
    }
    if let Some(Ok(packet)) = std::str::from_utf8(bytes).ok().map(|text| Packet::read_text(text, revision)) {
        assert_survives_messages(&packet, revision);
    }
}

fn open_obeys(text: &str) {
    if let Ok(open) = Open::read(text) {
        let mut out = Vec::new();
        open.write(&mut out);
        let written = String::from_utf8(out).expect("JSON is text");
        assert_eq!(Open::read(&written), Ok(open));
    }
}

fn jsonp_obeys(text: &str) {
    let mut answer = Vec::new();
    jsonp::write_answer(7, text, &mut answer);
    let answer = String::from_utf8(answer).expect("a script is text");
    assert!(!answer.contains(['\n', '\r', '\u{2028}', '\u{2029}']), "a script of one line");
    assert_eq!(jsonp::read_answer(7, &answer).as_deref(), Ok(text));
    let _ = jsonp::read_request(text);
    // The one thing that the escape of line ends cannot say.
    if !text.contains("\\\n") {
        let mut request = Vec::new();
        jsonp::write_request(text, &mut request);
        let request = String::from_utf8(request).expect("a form is text");
        assert_eq!(jsonp::read_request(&request).as_deref(), Ok(text));
    }
}
