//! Compressed conversations, which tungstenite does not speak: however a stream is cut, the same is heard.

use proptest::collection::vec;
use proptest::prelude::*;
use wire::deflate::Deflater;
use wire::websocket::Role;

use crate::drive::{End, Heard, cut, listen};
use crate::frames::*;

const MAX: usize = 600;

/// A message of text in one to three frames, compressed or not.
fn message() -> impl Strategy<Value = (String, Vec<u8>)> {
    (vec("[a-c€]{1,40}", 0..5), any::<bool>(), 9..=15u8, any::<[prop::sample::Index; 2]>()).prop_map(
        |(words, deflated, window_bits, cuts)| {
            let text = words.concat();
            let mut payload = text.clone().into_bytes();
            if deflated {
                payload.clear();
                Deflater::new().compress(window_bits, text.as_bytes(), &mut payload);
            }
            let mut places = cuts.map(|cut| cut.index(payload.len() + 1));
            places.sort_unstable();
            let first = TEXT | if deflated { RSV1 } else { 0 };
            let (a, b, c) = (&payload[..places[0]], &payload[places[0]..places[1]], &payload[places[1]..]);
            let stream = [masked(first, a), masked(CONTINUATION, b), masked(FIN, c)].concat();
            (text, stream)
        },
    )
}

proptest! {
    #[test]
    fn compressed_messages_arrive_however_they_are_cut(
        messages in vec(message(), 0..6), sizes in vec(any::<u8>(), 0..6),
    ) {
        let (texts, streams): (Vec<String>, Vec<Vec<u8>>) = messages.into_iter().unzip();
        let stream = streams.concat();
        let expected: Vec<Heard> = texts.into_iter().map(Heard::Text).collect();
        for sizes in [&[][..], &[1], &sizes] {
            prop_assert_eq!(listen(Role::Server, true, MAX, cut(&stream, sizes)), (expected.clone(), End::Open(0)));
        }
    }

    #[test]
    fn compressed_messages_gone_wrong_fail_alike_however_they_are_cut(
        messages in vec(message(), 1..4), place: prop::sample::Index, change: u8, sizes in vec(any::<u8>(), 0..6),
    ) {
        let mut stream: Vec<u8> = messages.into_iter().flat_map(|(_, stream)| stream).collect();
        let at = place.index(stream.len());
        stream[at] ^= change;
        let whole = listen(Role::Server, true, MAX, [stream.as_slice()]);
        prop_assert_eq!(&listen(Role::Server, true, MAX, cut(&stream, &[1])), &whole);
        prop_assert_eq!(&listen(Role::Server, true, MAX, cut(&stream, &sizes)), &whole);
    }
}
