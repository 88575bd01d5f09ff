//! Request and response heads of RFC 9112 §2–§6: what is taken, what is refused, and that no cut changes it.

use proptest::collection::vec;
use proptest::prelude::*;
use wire::http::{
    Framing, Head, HttpFault, MAX_HEAD_BYTES, MAX_HEADERS, keep_alive, read_head, read_response_head,
};

fn taken(request: &str) -> Head<'_> {
    let (head, size) = read_head(request.as_bytes()).expect(request).expect("all of it");
    assert_eq!(size, request.len());
    head
}

/// The fault found, the same however much of the head is there once it shows.
fn refused(request: &str) -> HttpFault {
    let fault = read_head(request.as_bytes()).expect_err(request);
    let first = (0..=request.len()).find_map(|end| read_head(&request.as_bytes()[..end]).err());
    assert_eq!(first, Some(fault), "{request:?} in pieces");
    fault
}

fn with(lines: &str) -> String {
    format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n")
}

#[test]
fn a_request_is_taken_apart() {
    let head = taken(
        "GET /rooms/a%20b?since=1:2&x=? HTTP/1.1\r\nHost: example.com:8080\r\nX-A:  b c\t \r\nx-a:\r\n\r\n",
    );
    assert_eq!((head.method, head.target), ("GET", "/rooms/a%20b?since=1:2&x=?"));
    assert_eq!((head.path, head.query), ("/rooms/a%20b", Some("since=1:2&x=?")));
    assert_eq!((head.minor_version, head.host), (1, "example.com:8080"));
    assert_eq!(head.framing, Framing::Length(0));
    assert_eq!(head.header("X-a"), Some("b c"));
    assert_eq!(head.header_values("x-A").collect::<Vec<_>>(), [&b"b c"[..], b""]);
    assert_eq!(head.header("missing"), None);
    assert_eq!(head.headers().count(), 3);
}

#[test]
fn what_follows_the_head_is_left() {
    let stream = b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /next";
    let (_, size) = read_head(stream).expect("a head").expect("all of it");
    assert_eq!(&stream[size..], b"GET /next");
}

#[test]
fn lists_are_the_members_of_all_lines() {
    let request = with("Accept: a, b;q=1 ,,\r\nACCEPT: \tc\r\nConnection: Keep-Alive, UPGRADE\r\n");
    let head = taken(&request);
    assert_eq!(head.list("accept").collect::<Vec<_>>(), ["a", "b;q=1", "c"]);
    assert!(head.has_token("connection", "upgrade") && !head.has_token("connection", "up"));
}

#[test]
fn absolute_targets_name_their_own_host() {
    for (target, host, path, query) in [
        ("http://b:1/x?y", "b:1", "/x", Some("y")),
        ("HTTPS://b", "b", "/", None),
        ("ws://[::1]:80?q", "[::1]:80", "/", Some("q")),
        ("//double/slash", "a", "//double/slash", None),
    ] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
        let head = taken(&request);
        assert_eq!((head.host, head.path, head.query), (host, path, query), "{target}");
    }
}

#[test]
fn other_targets_are_refused() {
    for target in ["*", "a:80", "path", "ftp://a/", "http://", "http:///x", "http://u@a/", "http:/a", "?q"] {
        assert_eq!(
            refused(&format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n")),
            HttpFault::Target,
            "{target}"
        );
    }
    for target in ["/a#b", "/\u{e9}", "/a\u{7f}"] {
        assert_eq!(
            refused(&format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n")),
            HttpFault::RequestLine,
            "{target}"
        );
    }
}

#[test]
fn malformed_lines_are_refused() {
    for (request, fault) in [
        ("G@T / HTTP/1.1\r\n\r\n", HttpFault::RequestLine),
        ("GET  / HTTP/1.1\r\n\r\n", HttpFault::RequestLine),
        (" GET / HTTP/1.1\r\n\r\n", HttpFault::RequestLine),
        ("\u{16}\u{3}\u{1}\u{2}\0", HttpFault::RequestLine),
        ("GET / HTTP/2.0\r\n\r\n", HttpFault::Version),
        ("GET / HTTP/1.2\r\n\r\n", HttpFault::Version),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", HttpFault::Version),
        ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", HttpFault::Header),
        ("GET / HTTP/1.1\r\n Host: a\r\n\r\n", HttpFault::Header),
        ("GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", HttpFault::Header),
        ("GET / HTTP/1.1\r\nHost: a\r\n\tfolded\r\n\r\n", HttpFault::Header),
        ("GET / HTTP/1.1\r\nHost\r\n\r\n", HttpFault::Header),
        ("GET / HTTP/1.1\r\n: a\r\n\r\n", HttpFault::Header),
        ("GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", HttpFault::Header),
        ("GET / HTTP/1.1\r\nHost: a\0\r\n\r\n", HttpFault::Header),
        ("GET / HTTP/1.1\nHost: a\r\n\r\n", HttpFault::LineEnd),
        ("GET / HTTP/1.1\r\nHost: a\n\r\n", HttpFault::LineEnd),
        ("GET / HTTP/1.1\r\nHost: a\r\n\n", HttpFault::LineEnd),
    ] {
        let found = refused(request);
        assert_eq!(
            (found, found.status() / 100),
            (fault, if fault == HttpFault::Version { 5 } else { 4 }),
            "{request:?}"
        );
    }
}

#[test]
fn there_is_exactly_one_host() {
    for lines in
        ["", "Host: a\r\nHost: a\r\n", "Host: a b\r\n", "Host: a,b/\r\n", "Host: u@a\r\n", "Host: \u{e9}\r\n"]
    {
        assert_eq!(refused(&format!("GET / HTTP/1.1\r\n{lines}\r\n")), HttpFault::Host, "{lines:?}");
    }
    assert_eq!(taken("GET / HTTP/1.0\r\n\r\n").host, "");
    assert_eq!(refused("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"), HttpFault::Host);
}

#[test]
fn the_length_of_a_body_is_certain_or_refused() {
    for (lines, framing) in [
        ("Content-Length: 0\r\n", Framing::Length(0)),
        ("Content-Length: 0042\r\n", Framing::Length(42)),
        ("Content-Length: 99999999999999999999999\r\n", Framing::Length(u64::MAX)),
        ("Transfer-Encoding: chunked\r\n", Framing::Chunked),
        ("transfer-encoding: Chunked\r\n", Framing::Chunked),
    ] {
        assert_eq!(taken(&with(lines)).framing, framing, "{lines}");
    }
    for lines in [
        "Content-Length: 1\r\nContent-Length: 2\r\n",
        "Content-Length: 1\r\nContent-Length: 1\r\n",
        "Content-Length: 1, 1\r\n",
        "Content-Length: +1\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 0x1\r\n",
        "Content-Length: 1 1\r\n",
        "Content-Length:\r\n",
        "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked, gzip\r\n",
        "Transfer-Encoding: chunked;q=1\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding:\r\n",
    ] {
        assert_eq!(refused(&with(lines)), HttpFault::Framing, "{lines}");
    }
    for lines in ["Transfer-Encoding: gzip, chunked\r\n", "Transfer-Encoding: xchunked\r\n"] {
        assert_eq!(refused(&with(lines)).status(), 501, "{lines}");
    }
    let old = "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(refused(old), HttpFault::Framing);
}

#[test]
fn heads_are_bounded() {
    let lines = |count: usize| "a: b\r\n".repeat(count);
    assert_eq!(taken(&with(&lines(MAX_HEADERS - 1))).headers().count(), MAX_HEADERS);
    assert_eq!(refused(&with(&lines(MAX_HEADERS))).status(), 431);
    let padded = |size: usize| with(&format!("a: {}\r\n", "b".repeat(size - with("a: \r\n").len())));
    assert_eq!(taken(&padded(MAX_HEAD_BYTES)).headers().count(), 2);
    assert_eq!(refused(&padded(MAX_HEAD_BYTES + 1)).status(), 431);
    let long_target = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(MAX_HEAD_BYTES));
    assert_eq!(refused(&long_target).status(), 414);
}

#[test]
fn connections_are_kept_as_the_version_has_it() {
    for (version, connection, kept) in [
        ("1.1", "", true),
        ("1.1", "Connection: close\r\n", false),
        ("1.1", "Connection: Keep-Alive, Close\r\n", false),
        ("1.0", "", false),
        ("1.0", "Connection: keep-alive\r\n", true),
        ("1.0", "Connection: keep-alive, close\r\n", false),
    ] {
        let request = format!("GET / HTTP/{version}\r\nHost: a\r\n{connection}\r\n");
        assert_eq!(keep_alive(&taken(&request)), kept, "{request}");
    }
}

#[test]
fn a_client_that_waits_for_a_continue_is_noticed() {
    assert!(taken(&with("Expect: 100-Continue\r\n")).expects_continue());
    assert!(!taken(&with("")).expects_continue());
    assert!(!taken("GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n").expects_continue());
}

#[test]
fn responses_are_read_for_clients() {
    let read = |text: &str| {
        let (head, size) = read_response_head(text.as_bytes()).expect(text).expect("all of it");
        assert_eq!(size, text.len());
        (head.status, head.framing)
    };
    assert_eq!(read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), (200, Some(Framing::Length(5))));
    assert_eq!(read("HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n"), (200, Some(Framing::Chunked)));
    assert_eq!(read("HTTP/1.0 404 \r\n\r\n"), (404, None));
    assert_eq!(read("HTTP/1.1 204 No Content\r\n\r\n"), (204, Some(Framing::Length(0))));
    assert_eq!(read_response_head(b"HTTP/1.1 20").map(|head| head.is_none()), Ok(true));
    for wrong in ["HTTP/1.1 OK\r\n\r\n", "HTTP/1.1 200 OK\r\na: b\n\r\n", "HTTP/1.1 200 OK\r\na : b\r\n\r\n"]
    {
        assert!(read_response_head(wrong.as_bytes()).is_err(), "{wrong}");
    }
}

proptest! {
    #[test]
    fn a_head_is_the_same_at_every_cut(
        path in "/[a-z%0-9]{0,10}", headers in vec(("[a-zA-Z-]{1,8}", "[ -~]{0,20}"), 0..6), host in "[a-z.]{0,9}",
    ) {
        let mut request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n");
        headers.iter().for_each(|(name, value)| request += &format!("x-{name}: {value}\r\n"));
        request += "\r\n";
        for end in 0..request.len() {
            prop_assert!(matches!(read_head(&request.as_bytes()[..end]), Ok(None)));
        }
        let head = taken(&request);
        prop_assert_eq!((head.path, head.host), (path.as_str(), host.as_str()));
        for (found, (name, value)) in head.headers().skip(1).zip(&headers) {
            prop_assert_eq!(found.0, format!("x-{name}"));
            prop_assert_eq!(found.1, value.trim_matches(' ').as_bytes());
        }
    }

    #[test]
    fn a_fault_is_the_same_at_every_cut(
        lines in "(Host|Content-Length|Transfer-Encoding|A| |\t)?[: ]{0,2}(1|chunked|a)?(\r\n|\n|\r)", noise: u8, at: prop::sample::Index,
    ) {
        let mut request = with(&lines).into_bytes();
        let at = at.index(request.len());
        request[at] = noise;
        let outcome = |bytes| read_head(bytes).map(|head| head.map(|(_, size)| size)).transpose();
        let first = (0..=request.len()).find_map(|end| outcome(&request[..end]));
        prop_assert_eq!(first, outcome(&request));
    }
}
