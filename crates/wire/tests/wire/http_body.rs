//! Bodies of RFC 9112 §6 and §7: whole, byte by byte and cut at will.

use proptest::collection::vec;
use proptest::prelude::*;
use wire::http::{Body, Framing, HttpFault};

use crate::drive::{cut, read_body};

const MAX: u64 = 1000;

/// The content and the length of the body, the same whole and byte by byte.
fn read(framing: Framing, stream: &[u8]) -> Result<(Vec<u8>, Option<usize>), HttpFault> {
    let whole = read_body(framing, MAX, [stream]);
    assert_eq!(read_body(framing, MAX, cut(stream, &[1])), whole, "byte by byte");
    whole
}

fn chunked(stream: &str) -> Result<(String, Option<usize>), HttpFault> {
    let (content, size) = read(Framing::Chunked, stream.as_bytes())?;
    Ok((String::from_utf8(content).expect("text"), size))
}

#[test]
fn a_counted_body_ends_where_it_says() {
    assert_eq!(read(Framing::Length(5), b"helloGET"), Ok((b"hello".to_vec(), Some(5))));
    assert_eq!(read(Framing::Length(5), b"hel"), Ok((b"hel".to_vec(), None)));
    assert_eq!(read(Framing::Length(0), b"GET"), Ok((Vec::new(), Some(0))));
    assert_eq!(Body::new(Framing::Length(MAX + 1), MAX).map(drop), Err(HttpFault::BodyTooLarge));
    assert_eq!(HttpFault::BodyTooLarge.status(), 413);
}

#[test]
fn chunks_are_joined() {
    for (stream, content) in [
        ("0\r\n\r\n", ""),
        ("5\r\nhello\r\n0\r\n\r\n", "hello"),
        ("3\r\nhel\r\n2\r\nlo\r\n000\r\n\r\n", "hello"),
        ("0A\r\n0123456789\r\n00000\r\n\r\n", "0123456789"),
        ("a\r\n0123456789\r\n0\r\n\r\n", "0123456789"),
        ("1;name=\"a b\";x\r\na\r\n0;last\r\n\r\n", "a"),
        ("1\r\na\r\n0\r\nTrailer: x\r\nOther: y z\t\r\n\r\n", "a"),
    ] {
        let with_next = format!("{stream}GET / HTTP/1.1");
        assert_eq!(chunked(&with_next), Ok((content.to_owned(), Some(stream.len()))), "{stream:?}");
    }
}

#[test]
fn what_is_not_chunks_is_refused() {
    for stream in [
        "\r\n",
        "g\r\n",
        ";\r\n",
        " 5\r\n",
        "5 \r\n",
        "5 ;x\r\n",
        "-1\r\n",
        "+5\r\n",
        "0x5\r\n",
        "5\n",
        "5\rx",
        "5;\u{0}",
        "5;\n",
        "5;a\rb",
        "1\r\nab",
        "1\r\na\n",
        "1\r\na\rx",
        "1\r\n\r\n\r\nx",
        "00000000000000001\r\n",
        "0\r\n\n",
        "0\r\n\rx",
        "0\r\n folded",
        "0\r\na: b\n",
        "0\r\na: b\rx",
        "0\r\n\u{7f}",
        "0\r\na: \u{1}",
    ] {
        assert_eq!(chunked(stream), Err(HttpFault::Chunk), "{stream:?}");
    }
}

#[test]
fn a_chunked_body_is_bounded() {
    let full = format!("3e8\r\n{}\r\n0\r\n\r\n", "x".repeat(1000));
    assert_eq!(chunked(&full).map(|(content, _)| content.len()), Ok(1000));
    for stream in ["3e9\r\n", "ffffffffffffffff\r\n", "3e8;", "FFFFFFFFFFFFFFFF\r\n"] {
        let result = chunked(stream);
        let expected =
            if stream == "3e8;" { Ok((String::new(), None)) } else { Err(HttpFault::BodyTooLarge) };
        assert_eq!(result, expected, "{stream:?}");
    }
    assert_eq!(chunked(&full.replace("0\r\n\r\n", "1\r\nx")), Err(HttpFault::BodyTooLarge));
}

#[test]
fn extensions_and_trailers_are_bounded() {
    assert_eq!(chunked(&format!("0;{}", "x".repeat(5000))), Err(HttpFault::Chunk));
    assert_eq!(chunked(&format!("0\r\n{}", "a: b\r\n".repeat(2000))), Err(HttpFault::Chunk));
    assert_eq!(chunked(&"1;xxxxxxxxxx\r\na\r\n".repeat(900)), Err(HttpFault::Chunk));
}

proptest! {
    #[test]
    fn what_was_chunked_is_read_however_it_is_cut(
        chunks in vec(vec(any::<u8>(), 1..60), 0..8), sizes in vec(any::<u8>(), 0..5), extension in "(;[a-z=]{0,5})?",
    ) {
        let mut stream = Vec::new();
        for chunk in &chunks {
            stream.extend(format!("{:x}{extension}\r\n", chunk.len()).bytes());
            stream.extend(chunk);
            stream.extend(b"\r\n");
        }
        stream.extend(b"0\r\n\r\n");
        let expected = Ok((chunks.concat(), Some(stream.len())));
        prop_assert_eq!(read_body(Framing::Chunked, MAX, cut(&stream, &sizes)), expected);
    }

    #[test]
    fn a_body_gone_wrong_fails_alike_however_it_is_cut(stream in "[0-9a-f;x\r\n]{0,40}", sizes in vec(any::<u8>(), 0..5)) {
        let whole = read_body(Framing::Chunked, MAX, [stream.as_bytes()]);
        prop_assert_eq!(&read_body(Framing::Chunked, MAX, cut(stream.as_bytes(), &sizes)), &whole);
        prop_assert_eq!(&read_body(Framing::Chunked, MAX, cut(stream.as_bytes(), &[1])), &whole);
    }
}
