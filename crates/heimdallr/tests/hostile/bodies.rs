//! Bodies of posts that are compressed, no JSON, JSON of the oddest sort, or not in the encoding that they say.

use crate::peer::Answer;
use crate::scene::Scene;

fn post(scene: &Scene, headers: &str, body: &[u8]) -> Answer {
    let mut peer = scene.stranger();
    let head = format!(
        "POST /rooms/front HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n",
        body.len()
    );
    peer.send(&[head.as_bytes(), body].concat());
    peer.answer()
}

#[test]
fn what_is_compressed_is_not_inflated() {
    let scene = Scene::new();
    // Ten megabytes of zeros, as gzip has them, are ten kilobytes; here only what it says matters.
    let body = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    for coding in ["gzip", "deflate", "br", "zstd", "x-gzip", "identity, gzip", "gzip, gzip", "GZIP"] {
        let answer = post(&scene, &format!("Content-Encoding: {coding}\r\n"), &body);
        assert_eq!(answer.status, 415, "{coding} {answer:?}");
    }
    assert_eq!(post(&scene, "Content-Encoding: identity\r\n", b"hi").status, 200);
    scene.end(&[("refusals bad_request", 8)]);
}

#[test]
fn json_of_the_oddest_sort_is_refused_or_taken_as_it_is() {
    let scene = Scene::new();
    let deep = |depth: usize| format!("{{\"data\":{}1{}}}", "[".repeat(depth), "]".repeat(depth));
    let refused: Vec<Vec<u8>> = vec![
        b"".to_vec(),
        b"{".to_vec(),
        b"[]".to_vec(),
        b"null".to_vec(),
        b"{}".to_vec(),
        b"{\"text\":7}".to_vec(),
        b"{\"text\":\"a\",\"text\":\"b\"}".to_vec(),
        b"{\"text\":\"\\ud800\"}".to_vec(),
        b"{\"text\":\"\xff\"}".to_vec(),
        b"{\"text\":\"\xed\xa0\x80\"}".to_vec(),
        b"{\"text\":\"\xc0\xaf\"}".to_vec(),
        b"\xef\xbb\xbf{\"text\":\"a\"}".to_vec(),
        b"{\"text\":\"a\"} x".to_vec(),
        b"{\"text\":\"a\",\"user\":\"a\\u0000\"}".to_vec(),
        b"{\"data\":01}".to_vec(),
        b"{\"data\":NaN}".to_vec(),
        b"{\"data\":1e}".to_vec(),
        b"{\"data\":'a'}".to_vec(),
        "{\"text\":".repeat(7000).into_bytes(),
    ];
    for body in &refused {
        let answer = post(&scene, "Content-Type: application/json\r\n", body);
        assert_eq!(
            answer.status,
            400,
            "{:?} {answer:?}",
            String::from_utf8_lossy(&body[..body.len().min(60)])
        );
    }
    let mut member = scene.member("front");
    for body in [
        "{\"data\":1e999}",
        "{\"data\":-0.0}",
        "{\"data\":123456789012345678901234567890}",
        "{\"data\":\"\\u0000\\u2028\"}",
        &deep(30_000),
    ] {
        assert_eq!(
            post(&scene, "Content-Type: application/json\r\n", body.as_bytes()).status,
            200,
            "{:.60}",
            body
        );
        member.frame();
    }
    drop(member);
    scene.neighbours.chat_on(1);
}

#[test]
fn a_text_that_is_no_utf8_is_not_said() {
    let scene = Scene::new();
    for body in [&b"\xff"[..], b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\x80"] {
        assert_eq!(post(&scene, "Content-Type: text/plain\r\n", body).status, 400, "{body:?}");
    }
    for kind in [
        "text/plain; charset=utf-16",
        "text/plain; charset=utf-7",
        "text/html",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
    ] {
        assert_eq!(post(&scene, &format!("Content-Type: {kind}\r\n"), b"hi").status, 415, "{kind}");
    }
    scene.end(&[("refusals bad_request", 10)]);
}
