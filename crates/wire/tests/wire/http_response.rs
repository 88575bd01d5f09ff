//! Responses as they are written, and as a client of ours reads them.

use wire::http::{
    CONTINUE, Framing, HttpFault, read_response_head, reason_phrase, write_head_response, write_response,
    write_streamed_head,
};

fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    String::from_utf8(out).expect("text")
}

#[test]
fn a_response_has_its_headers_length_and_body() {
    assert_eq!(
        written(|out| write_response(out, 200, &[("content-type", "text/plain")], b"hello")),
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n\r\nhello"
    );
    assert_eq!(
        written(|out| write_response(out, 404, &[], b"")),
        "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"
    );
    assert_eq!(written(|out| write_response(out, 204, &[], b"")), "HTTP/1.1 204 No Content\r\n\r\n");
    assert_eq!(
        written(|out| write_response(out, 299, &[], b"")),
        "HTTP/1.1 299 \r\ncontent-length: 0\r\n\r\n"
    );
}

#[test]
fn the_answer_to_head_tells_the_length_without_the_body() {
    assert_eq!(
        written(|out| write_head_response(out, 200, &[], 12345)),
        "HTTP/1.1 200 OK\r\ncontent-length: 12345\r\n\r\n"
    );
}

#[test]
fn a_streamed_head_tells_no_length() {
    assert_eq!(
        written(|out| write_streamed_head(out, 200, &[("connection", "close")])),
        "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n"
    );
}

#[test]
fn a_header_value_cannot_end_its_line() {
    let response = written(|out| write_response(out, 200, &[("location", "/a\r\nset-cookie: b\0c")], b""));
    assert_eq!(response, "HTTP/1.1 200 OK\r\nlocation: /a  set-cookie: b c\r\ncontent-length: 0\r\n\r\n");
}

#[test]
fn a_fault_answers_for_itself() {
    let response = written(|out| HttpFault::HeadTooLarge.write_response(out));
    assert!(response.starts_with("HTTP/1.1 431 "), "{response}");
    assert!(response.contains("\r\nconnection: close\r\n"), "{response}");
    assert!(response.ends_with("\r\n\r\nrequest head too large"), "{response}");
}

#[test]
fn responses_follow_each_other_in_one_buffer() {
    let both = written(|out| {
        write_response(out, 200, &[], b"one");
        write_response(out, 503, &[], b"two");
    });
    let (head, size) = read_response_head(both.as_bytes()).expect("a head").expect("all of it");
    assert_eq!((head.status, head.framing), (200, Some(Framing::Length(3))));
    let (head, _) = read_response_head(&both.as_bytes()[size + 3..]).expect("a head").expect("all of it");
    assert_eq!((head.status, head.framing), (503, Some(Framing::Length(3))));
}

#[test]
fn every_status_we_give_has_its_words() {
    for status in [100, 101, 200, 204, 304, 400, 404, 405, 413, 414, 426, 429, 431, 500, 501, 503, 505] {
        assert!(!reason_phrase(status).is_empty(), "{status}");
    }
    assert!(read_response_head(CONTINUE).is_ok_and(|head| head.is_some_and(|(head, _)| head.status == 100)));
}
