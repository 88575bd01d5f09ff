//! PROXY headers of both versions, whole and byte by byte; what proxies say in the head of a request, and whom it is believed of.

use core::net::{IpAddr, SocketAddr};

use wire::http::read_head;
use wire::proxy::{
    ForwardedBy, MAX_HEADER_BYTES, Network, ProxyFault, client_of, forwarded_for, forwarded_securely,
    read_header,
};

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
const IPV4: &[u8] = &[192, 0, 2, 7, 198, 51, 100, 1, 0x30, 0x39, 0x00, 0x50];

/// A header of version 2.
fn block(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u16).to_be_bytes();
    [SIGNATURE, &[command, family], &length, body].concat()
}

fn ipv6() -> Vec<u8> {
    let client: [u8; 16] = "2001:db8::7".parse::<std::net::Ipv6Addr>().expect("it is one").octets();
    [client.as_slice(), &[0; 15], &[1], &[0x30, 0x39, 0, 80]].concat()
}

/// What a header says with a request behind it, and that no shorter beginning of it says anything.
fn whole(header: &[u8]) -> Result<Option<SocketAddr>, ProxyFault> {
    let input = [header, b"GET / HTTP/1.1\r\n"].concat();
    let (client, length) = read_header(&input)?.expect("it is all there");
    assert_eq!(length, header.len());
    for end in 0..header.len() {
        assert_eq!(read_header(&header[..end]), Ok(None), "{end} bytes");
    }
    Ok(client)
}

fn client(text: &str) -> Result<Option<SocketAddr>, ProxyFault> {
    Ok(Some(text.parse().expect("an address")))
}

#[test]
fn a_line_names_the_client() {
    assert_eq!(whole(b"PROXY TCP4 192.0.2.7 198.51.100.1 12345 80\r\n"), client("192.0.2.7:12345"));
    assert_eq!(whole(b"PROXY TCP6 2001:db8::7 ::1 0 65535\r\n"), client("[2001:db8::7]:0"));
    let longest: String = format!("PROXY TCP6 {0} {0} 65535 65535\r\n", ["ffff"; 8].join(":"));
    assert_eq!(longest.len(), 104);
    assert_eq!(whole(longest.as_bytes()), client(&format!("[{}]:65535", ["ffff"; 8].join(":"))));
}

#[test]
fn a_line_of_somebody_unknown_names_nobody_whatever_it_says() {
    for line in ["PROXY UNKNOWN\r\n", "PROXY UNKNOWN ffff::1 nonsense 0 0 more\r\n"] {
        assert_eq!(whole(line.as_bytes()), Ok(None), "{line}");
    }
}

#[test]
fn a_line_that_is_not_as_it_has_to_be_is_refused() {
    for line in [
        "PROXY TCP4 192.0.2.7 198.51.100.1 12345\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 12345 80 1\r\n",
        "PROXY TCP4 192.0.2.07 198.51.100.1 12345 80\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 012345 80\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 +1 80\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 65536 80\r\n",
        "PROXY TCP4 192.0.2.7  198.51.100.1 1 80\r\n",
        "PROXY TCP4 ::1 ::1 1 80\r\n",
        "PROXY TCP6 192.0.2.7 198.51.100.1 1 80\r\n",
        "PROXY TCP5 192.0.2.7 198.51.100.1 1 80\r\n",
        "PROXY tcp4 192.0.2.7 198.51.100.1 1 80\r\n",
        "PROXY \r\n",
        "PROXY \u{fc}\r\n",
    ] {
        assert_eq!(read_header(line.as_bytes()), Err(ProxyFault::Line), "{line}");
    }
}

#[test]
fn a_line_without_an_end_is_refused_when_it_has_had_its_room() {
    let endless = [b"PROXY UNKNOWN ".as_slice(), &[b'x'; 200]].concat();
    assert_eq!(read_header(&endless[..106]), Ok(None));
    assert_eq!(read_header(&endless[..107]), Err(ProxyFault::TooLong));
    assert_eq!(read_header(&endless), Err(ProxyFault::TooLong));
}

#[test]
fn what_is_no_header_is_refused_with_its_first_byte_that_differs() {
    for request in ["GET / HTTP/1.1\r\n", "POST /", "PROXx", "P ", "\r\n\r\nX", "\n"] {
        assert_eq!(read_header(request.as_bytes()), Err(ProxyFault::Missing), "{request:?}");
    }
    assert_eq!(read_header(b""), Ok(None));
}

#[test]
fn a_block_names_the_client() {
    assert_eq!(whole(&block(0x21, 0x11, IPV4)), client("192.0.2.7:12345"));
    assert_eq!(whole(&block(0x21, 0x21, &ipv6())), client("[2001:db8::7]:12345"));
}

#[test]
fn extensions_are_passed_over_and_have_to_fit() {
    let extensions = [b"\x01\x00\x02h2".as_slice(), b"\x04\x00\x00", b"\xe0\x00\x03abc"].concat();
    assert_eq!(whole(&block(0x21, 0x11, &[IPV4, &extensions].concat())), client("192.0.2.7:12345"));
    for cut in [b"\x01".as_slice(), b"\x01\x00", b"\x01\x00\x01", b"\x01\x00\x02h2\x04\x01\x00x"] {
        let header = block(0x21, 0x21, &[ipv6().as_slice(), cut].concat());
        assert_eq!(read_header(&header), Err(ProxyFault::Tlv), "{cut:?}");
    }
}

#[test]
fn a_proxy_that_speaks_for_itself_or_for_others_than_streams_over_ip_names_nobody() {
    assert_eq!(whole(&block(0x20, 0x00, &[])), Ok(None));
    assert_eq!(whole(&block(0x20, 0xff, b"whatever")), Ok(None));
    assert_eq!(whole(&block(0x21, 0x00, b"whatever")), Ok(None));
    assert_eq!(whole(&block(0x21, 0x31, &[b'/'; 216])), Ok(None));
    assert_eq!(whole(&block(0x21, 0x12, IPV4)), Ok(None));
}

#[test]
fn a_block_that_is_not_as_it_has_to_be_is_refused() {
    for (header, fault) in [
        (block(0x11, 0x11, IPV4), ProxyFault::Version),
        (block(0x22, 0x11, IPV4), ProxyFault::Command),
        (block(0x21, 0x41, IPV4), ProxyFault::Family),
        (block(0x21, 0x13, IPV4), ProxyFault::Family),
        (block(0x21, 0x11, &IPV4[..11]), ProxyFault::TooShort),
        (block(0x21, 0x21, &ipv6()[..35]), ProxyFault::TooShort),
        (block(0x21, 0x31, &[0; 215]), ProxyFault::TooShort),
        (block(0x21, 0x11, &vec![0; MAX_HEADER_BYTES - 15]), ProxyFault::TooLong),
    ] {
        assert_eq!(read_header(&header), Err(fault), "{:?}", &header[12..16]);
    }
}

fn network(text: &str) -> Network {
    text.parse().expect(text)
}

fn address(text: &str) -> IpAddr {
    text.parse().expect(text)
}

#[test]
fn a_network_has_the_addresses_that_begin_as_it_does() {
    for (network_text, inside, outside) in [
        ("10.0.0.0/8", "10.255.0.1", "11.0.0.0"),
        ("192.0.2.7", "192.0.2.7", "192.0.2.6"),
        ("192.0.2.128/25", "192.0.2.129", "192.0.2.127"),
        ("0.0.0.0/0", "203.0.113.9", "::1"),
        ("fd00::/8", "fdff::1", "fe00::1"),
        ("::1", "::1", "::2"),
        ("10.0.0.0/8", "::ffff:10.1.2.3", "::ffff:11.1.2.3"),
        ("::/0", "2001:db8::1", "10.0.0.1"),
    ] {
        let network = network(network_text);
        assert!(network.contains(address(inside)), "{network} {inside}");
        assert!(!network.contains(address(outside)), "{network} {outside}");
    }
}

#[test]
fn what_is_no_network_or_says_more_than_its_bits_is_refused() {
    for text in [
        "",
        "10.0.0.0/33",
        "10.0.0.1/8",
        "10.0.0/8",
        "fd00::1/8",
        "::/129",
        "localhost",
        "10.0.0.0/",
        "10.0.0.0/-1",
    ] {
        assert!(text.parse::<Network>().is_err(), "{text}");
    }
}

/// What a request says with these lines in its head.
fn said(lines: &str, by: ForwardedBy) -> Vec<String> {
    let request = format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n");
    let (head, _) = read_head(request.as_bytes()).expect("a head").expect("a whole one");
    let hops = forwarded_for(&head, by).into_iter();
    hops.map(|hop| hop.map_or("?".to_owned(), |hop| hop.to_string())).collect()
}

#[test]
fn x_forwarded_for_is_a_list_of_addresses() {
    let lines = "X-Forwarded-For: 192.0.2.7, 2001:db8::1 ,[2001:db8::2]:80\r\nX-Forwarded-For: 192.0.2.8:1234, unknown, 1.2.3.4:x\r\n";
    let expected = ["192.0.2.7", "2001:db8::1", "2001:db8::2", "192.0.2.8", "?", "?"];
    assert_eq!(said(lines, ForwardedBy::XForwardedFor), expected);
    assert_eq!(said(lines, ForwardedBy::Forwarded), [""; 0]);
}

#[test]
fn forwarded_is_a_list_of_pairs_of_which_one_is_for_the_client() {
    let lines = "Forwarded: for=192.0.2.43, For=\"[2001:db8:cafe::17]:4711\";proto=https\r\n\
                 Forwarded: by=203.0.113.43;for=192.0.2.60:_p ; host=\"a,b;for=1.1.1.1\"\r\n";
    assert_eq!(said(lines, ForwardedBy::Forwarded), ["192.0.2.43", "2001:db8:cafe::17", "192.0.2.60"]);
}

#[test]
fn what_forwarded_keeps_to_itself_is_no_address() {
    let lines = "Forwarded: for=unknown, for=_hidden, proto=http, for=1.1.1.1;for=2.2.2.2, for=\"1.1.1.1, for=2.2.2.2\r\n";
    assert_eq!(said(lines, ForwardedBy::Forwarded), ["?"; 5]);
}

/// Who is behind a request from `peer`, where the network 10/8 is trusted.
fn behind(peer: &str, lines: &str) -> String {
    let request = format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n");
    let (head, _) = read_head(request.as_bytes()).expect("a head").expect("a whole one");
    let trusted = network("10.0.0.0/8");
    client_of(&head, ForwardedBy::XForwardedFor, address(peer), |address| trusted.contains(address))
        .to_string()
}

#[test]
fn proxies_that_are_trusted_are_believed_one_after_the_other_and_no_other() {
    let chain = "X-Forwarded-For: 203.0.113.66, 192.0.2.7, 10.0.0.2\r\n";
    assert_eq!(behind("10.0.0.1", chain), "192.0.2.7");
    assert_eq!(behind("198.51.100.9", chain), "198.51.100.9");
    assert_eq!(behind("::ffff:10.0.0.1", chain), "192.0.2.7");
    assert_eq!(behind("10.0.0.1", ""), "10.0.0.1");
    assert_eq!(behind("10.0.0.1", "X-Forwarded-For: 10.0.0.3, 10.0.0.2\r\n"), "10.0.0.3");
    assert_eq!(behind("10.0.0.1", "X-Forwarded-For: 192.0.2.7, unknown\r\n"), "10.0.0.1");
    assert_eq!(behind("10.0.0.1", "Forwarded: for=192.0.2.7\r\n"), "10.0.0.1");
}

#[test]
fn the_first_proxy_says_whether_its_client_came_by_https() {
    for (lines, by, expected) in [
        ("X-Forwarded-Proto: https\r\n", ForwardedBy::XForwardedFor, true),
        ("X-Forwarded-Proto: HTTPS, http\r\n", ForwardedBy::XForwardedFor, true),
        ("X-Forwarded-Proto: http, https\r\n", ForwardedBy::XForwardedFor, false),
        ("X-Forwarded-For: 192.0.2.7\r\n", ForwardedBy::XForwardedFor, false),
        ("Forwarded: for=192.0.2.7;proto=https, for=10.0.0.2;proto=http\r\n", ForwardedBy::Forwarded, true),
        ("Forwarded: for=192.0.2.7, for=10.0.0.2;proto=https\r\n", ForwardedBy::Forwarded, false),
        ("Forwarded: proto=https;proto=http\r\n", ForwardedBy::Forwarded, false),
        ("X-Forwarded-Proto: https\r\n", ForwardedBy::Forwarded, false),
    ] {
        let request = format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n");
        let (head, _) = read_head(request.as_bytes()).expect("a head").expect("a whole one");
        assert_eq!(forwarded_securely(&head, by), expected, "{lines}");
    }
}
