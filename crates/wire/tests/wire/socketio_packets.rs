//! Packets made up at random: written, read, cut and changed.

use std::borrow::Cow;

use proptest::collection::vec;
use proptest::prelude::*;
use wire::socketio::{Ack, Body, Decoder, Event, Packet, Received, is_reserved};

use crate::socketio_laws::{WIDE, obey, written};

/// What a packet borrows from.
#[derive(Clone, Debug)]
struct Parts {
    packet_type: usize,
    namespace: String,
    id: u64,
    name: String,
    arguments: Vec<String>,
    attachments: Vec<Vec<u8>>,
}

fn any_parts() -> impl Strategy<Value = Parts> {
    let argument = prop_oneof![
        Just("null".to_owned()),
        Just("1.50".to_owned()),
        Just(r#"{ "a":[ "b"]}"#.to_owned()),
        Just(r#""\ud83d\"[{_placeholder""#.to_owned()),
        Just(r#"{"num":1,"placeholder":true}"#.to_owned()),
        any::<u32>().prop_map(|number| number.to_string()),
    ];
    let attachments = prop_oneof![Just(vec![]), vec(vec(any::<u8>(), 0..20), 0..4)];
    let name = ".{0,12}".prop_filter("not for events", |name| !is_reserved(name));
    let namespace = "/|/[a-z0-9?=&é \\[\"-]{1,8}";
    (0..6usize, namespace, 0..1u64 << 53, name, vec(argument, 0..7), attachments).prop_map(
        |(packet_type, namespace, id, name, mut arguments, attachments)| {
            let nested = |number: usize| match number % 2 {
                0 => format!(r#"{{"_placeholder":true,"num":{number}}}"#),
                _ => format!(r#"[{{"x":{{"num":{number},"_placeholder":true}}}}]"#),
            };
            (0..attachments.len()).for_each(|number| arguments.insert(number / 2, nested(number)));
            Parts { packet_type, namespace, id, name, arguments, attachments }
        },
    )
}

impl Parts {
    fn packet(&self) -> Packet<'_> {
        let arguments = || self.arguments.iter().map(String::as_str).collect();
        let (id, attachments) = (self.id, self.attachments.len());
        let event = |id| Event { name: Cow::Borrowed(&self.name), arguments: arguments(), id, attachments };
        let body = match self.packet_type {
            0 => Body::Connect(Some(r#"{"token":"[1]"}"#)),
            1 => Body::Disconnect,
            2 => Body::Event(event(None)),
            3 => Body::Event(event(Some(id))),
            4 => Body::Ack(Ack { id, arguments: arguments(), attachments }),
            _ => Body::ConnectError(Some(r#""no, \"never\"""#)),
        };
        Packet { namespace: &self.namespace, body }
    }

    /// The messages that the packet goes in.
    fn messages(&self) -> (String, &[Vec<u8>]) {
        let packet = self.packet();
        (written(&packet), &self.attachments[..packet.attachments()])
    }
}

proptest! {
    #[test]
    fn a_packet_and_its_attachments_arrive_as_they_were_sent(parts in any_parts()) {
        let (text, attachments) = parts.messages();
        let mut decoder = Decoder::new();
        let first = decoder.receive_text(&text, &WIDE).expect("it is a packet");
        if let Received::Packet(packet) = first {
            prop_assert!(attachments.is_empty());
            prop_assert_eq!(packet, parts.packet());
            return Ok(());
        }
        let mut last = Received::Part;
        for attachment in attachments {
            prop_assert!(last == Received::Part);
            last = decoder.receive_binary(Cow::Borrowed(attachment), &WIDE).expect("it is wanted");
        }
        let Received::Assembled(assembled) = last else { panic!("it is whole") };
        prop_assert_eq!(assembled.packet(), parts.packet());
        prop_assert_eq!(assembled.attachments(), attachments);
    }

    #[test]
    fn packets_obey_whole_cut_and_changed(parts in any_parts(), place: prop::sample::Index, change: u8) {
        let (text, attachments) = parts.messages();
        let messages: Vec<&[u8]> = [text.as_bytes()].into_iter().chain(attachments.iter().map(Vec::as_slice)).collect();
        let mut bytes = messages.join(&0xFF);
        obey(&bytes);
        let at = place.index(bytes.len());
        obey(&bytes[..at]);
        bytes[at] ^= change;
        obey(&bytes);
    }

    #[test]
    fn anything_like_a_packet_obeys(text in "[0-7]?([0-3]-)?(/[a,]{0,3})?[0-9]{0,2}([\\[\\]{}\",:ab0-2 ]|\"a\"|\\{\"_placeholder\":true,\"num\":[01]\\}){0,12}", bytes in vec(any::<u8>(), 0..60)) {
        obey(text.as_bytes());
        obey(&bytes);
        obey(&[text.as_bytes(), &bytes].join(&0xFF));
    }
}
