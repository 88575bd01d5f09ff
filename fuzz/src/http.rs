//! Heads and bodies of HTTP: bounded, the same however they are cut, and the same when written and read again.

use wire::http::{Framing, Head, MAX_HEAD_BYTES, MAX_HEADERS, keep_alive, read_head, read_response_head};
use wire::url::{decode_segment, encode, query_parameter};
use wire::websocket::{Offer, is_upgrade, verify_response};

use crate::drive::{cut, read_body};
use crate::input::Input;

pub fn http_head(bytes: &[u8]) {
    let Some(Input { choice, sizes, stream }) = Input::read(bytes) else { return };
    if choice & 1 == 1 {
        let size =
            |bytes: &[u8]| read_response_head(bytes).map(|found| found.map(|(_, size)| size)).transpose();
        assert_same_at_cuts(stream, sizes, size);
        if let Ok(Some((head, _))) = read_response_head(stream) {
            let _ = verify_response(&head, b"sixteen bytes...", Some("chat"), true);
        }
        return;
    }
    let size = |bytes: &[u8]| read_head(bytes).map(|found| found.map(|(_, size)| size)).transpose();
    assert_same_at_cuts(stream, sizes, size);
    if let Ok(Some((head, size))) = read_head(stream) {
        assert!(size <= MAX_HEAD_BYTES);
        check_head(&head, &stream[..size]);
        check_target(&head);
        check_offer(&head);
    }
}

pub fn http_body(bytes: &[u8]) {
    let Some(Input { choice, sizes, stream }) = Input::read(bytes) else { return };
    let framing = if choice == 0 { Framing::Chunked } else { Framing::Length(u64::from(choice)) };
    let max_bytes = 200;
    let whole = read_body(framing, max_bytes, [stream]);
    assert_eq!(read_body(framing, max_bytes, cut(stream, sizes)), whole);
    assert_eq!(read_body(framing, max_bytes, cut(stream, &[1])), whole);
    if let (Ok((content, Some(size))), Framing::Length(length)) = (&whole, framing) {
        assert_eq!((content.len() as u64, *size), (length, content.len()));
    }
    if let Ok((content, Some(_))) = whole {
        let last = if content.is_empty() { "" } else { "\r\n0\r\n\r\n" };
        let again = [format!("{:x}\r\n", content.len()).as_bytes(), &content, last.as_bytes()].concat();
        let again = if content.is_empty() { b"0\r\n\r\n".to_vec() } else { again };
        let size = Some(again.len());
        assert_eq!(read_body(Framing::Chunked, max_bytes, [again.as_slice()]), Ok((content, size)));
    }
}

/// What a reader says once it says something is what it says in the end.
pub(crate) fn assert_same_at_cuts<T: PartialEq + std::fmt::Debug>(
    stream: &[u8],
    sizes: &[u8],
    read: impl Fn(&[u8]) -> Option<T>,
) {
    let mut end = 0;
    let first = cut(stream, sizes).find_map(|piece| {
        end += piece.len();
        read(&stream[..end])
    });
    assert_eq!(first, read(stream));
}

fn check_head(head: &Head<'_>, text: &[u8]) {
    assert!(head.path.starts_with('/') && head.target.is_ascii());
    assert!(head.headers().count() <= MAX_HEADERS);
    assert!(text.ends_with(b"\r\n\r\n"));
    let mut again = format!("{} {} HTTP/1.{}\r\n", head.method, head.target, head.minor_version).into_bytes();
    for (name, value) in head.headers() {
        assert!(!value.iter().any(|byte| b"\r\n\0".contains(byte)));
        again.extend([name.as_bytes(), b":", value, b"\r\n"].concat());
    }
    again.extend(b"\r\n");
    let (copy, size) = read_head(&again).expect("what was read is right").expect("all of it");
    assert_eq!(size, again.len());
    assert_eq!((copy.framing, copy.host, keep_alive(&copy)), (head.framing, head.host, keep_alive(head)));
    let owned = |head: &Head<'_>| -> Vec<(String, Vec<u8>)> {
        head.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    };
    assert_eq!(owned(&copy), owned(head));
}

fn check_target(head: &Head<'_>) {
    for segment in head.path.split('/') {
        if let Ok(name) = decode_segment(segment) {
            let mut encoded = String::new();
            encode(&mut encoded, &name);
            assert_eq!(decode_segment(&encoded), Ok(name));
        }
    }
    let _ = query_parameter(head.query.unwrap_or(""), "since");
}

fn check_offer(head: &Head<'_>) {
    let mut out = Vec::new();
    match Offer::read(head) {
        Ok(offer) => {
            assert!(is_upgrade(head));
            offer.write_response(&mut out, offer.subprotocols().first().copied(), offer.deflate());
        }
        Err(rejection) => rejection.write_response(&mut out),
    }
    let response = read_response_head(&out).expect("we write what we read");
    assert!(response.is_some());
}
