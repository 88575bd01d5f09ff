//! Targets that would lead out of the folder of the page, if there were one: its files are in the program.

use crate::scene::Scene;

const TARGETS: &[&str] = &[
    "/../Cargo.toml",
    "/../../../../../../../../etc/passwd",
    "/..%2f..%2f..%2f..%2fetc%2fpasswd",
    "/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "/%252e%252e%252fetc%252fpasswd",
    "/..\\..\\etc\\passwd",
    "/..;/etc/passwd",
    "/./index.html",
    "//index.html",
    "/index.html/",
    "/index.html/../index.html",
    "/index.html%00.js",
    "/INDEX.HTML",
    "/app.js::$DATA",
    "//etc/passwd",
    "/etc/passwd",
    "/file:///etc/passwd",
    "/web/index.html",
    "/.git/config",
    "/socket.io/../index.html",
    "/socket.io/../../etc/passwd",
    "/%c0%ae%c0%ae/etc/passwd",
    "/index.html%20",
    "/?../../etc/passwd/..",
];

#[test]
fn nothing_is_served_but_the_files_of_the_page() {
    let scene = Scene::new();
    for target in TARGETS {
        let mut peer = scene.stranger();
        peer.send(format!("GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").as_bytes());
        let answer = peer.answer();
        let is_page = target.starts_with("/?");
        assert_eq!(answer.status, if is_page { 200 } else { 404 }, "{target} {answer:?}");
        assert!(!answer.text.contains("root:") && !answer.text.contains("[package]"), "{target}");
        assert!(answer.head.contains("x-content-type-options: nosniff"), "{answer:?}");
        peer.assert_over();
    }
    scene.end(&[]);
}

#[test]
fn the_page_says_what_it_may_do_and_that_nobody_may_frame_it() {
    let scene = Scene::new();
    for target in ["/", "/index.html", "/app.js", "/nothing"] {
        let mut peer = scene.stranger();
        peer.send(format!("GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").as_bytes());
        let head = peer.answer().head;
        for rule in [
            "default-src 'none'",
            "script-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'none'",
        ] {
            assert!(head.contains(rule), "{target} {head}");
        }
        assert!(!head.contains("unsafe-inline") && !head.contains("unsafe-eval"), "{target} {head}");
    }
    scene.end(&[]);
}
