//! PROXY headers of both versions, and what proxies say in the head of a request: bounded, and the same however they are cut.

use core::net::{IpAddr, Ipv4Addr};

use wire::http::read_head;
use wire::proxy::{ForwardedBy, MAX_HEADER_BYTES, client_of, forwarded_for, read_header};

use crate::drive::cut;
use crate::http::assert_same_at_cuts;
use crate::input::Input;

pub fn proxy(bytes: &[u8]) {
    let Some(Input { choice, sizes, stream }) = Input::read(bytes) else { return };
    if choice & 1 == 1 {
        return forwarded(stream);
    }
    let read = |bytes: &[u8]| read_header(bytes).transpose();
    assert_same_at_cuts(stream, sizes, read);
    assert_same_at_cuts(stream, &[1], read);
    match read_header(stream) {
        Ok(Some((client, length))) => {
            assert!(length <= MAX_HEADER_BYTES.min(stream.len()));
            let alone = read_header(&stream[..length]);
            assert_eq!(alone, Ok(Some((client, length))), "what follows it does not matter");
            assert_eq!(read_header(&stream[..length - 1]), Ok(None), "it is not whole before");
        }
        // More than the longest header is not waited for.
        Ok(None) => assert!(stream.len() <= MAX_HEADER_BYTES),
        Err(fault) => assert!(!fault.reason().is_empty()),
    }
    assert_eq!(cut(stream, sizes).map(<[u8]>::len).sum::<usize>(), stream.len());
}

/// Nobody who is not trusted is believed, and nobody is found who is not named.
fn forwarded(stream: &[u8]) {
    let Ok(Some((head, _))) = read_head(stream) else { return };
    let peer = IpAddr::from(Ipv4Addr::LOCALHOST);
    for by in [ForwardedBy::XForwardedFor, ForwardedBy::Forwarded] {
        assert_eq!(client_of(&head, by, peer, |_| false), peer);
        let client = client_of(&head, by, peer, |_| true);
        let named = forwarded_for(&head, by);
        assert!(client == peer || named.iter().flatten().any(|hop| hop.to_canonical() == client));
    }
}
