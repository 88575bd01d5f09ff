//! Where requests go, and which pages may read the answers.

use gateways::{Settings, SocketIoSettings, Then};

use super::{POLLING, Polling, body, sid};
use crate::line::{Asked, ask_securely, ask_with, settings};

fn with(socketio: SocketIoSettings) -> Settings {
    Settings { socketio, ..settings() }
}

fn get(settings: &Settings, target: &str, headers: &str) -> Asked {
    ask_with(settings, &format!("GET {target} HTTP/1.1\r\nHost: a\r\n{headers}\r\n"))
}

fn text(asked: &Asked) -> String {
    String::from_utf8(asked.out.bytes.clone()).expect("text")
}

#[test]
fn sessions_open_at_the_path_that_was_chosen_alone() {
    let settings = with(SocketIoSettings { path: "/chat/live/".into(), ..SocketIoSettings::default() });
    for (target, gateway, status) in [
        ("/chat/live/?EIO=4&transport=polling", "socketio", 200),
        ("/chat/live?EIO=4&transport=polling", "socketio", 200),
        ("/chat/?EIO=4&transport=polling", "page", 404),
        (POLLING, "page", 404),
    ] {
        let asked = get(&settings, target, "");
        assert_eq!((asked.gateway, asked.status()), (gateway, status), "{target}");
    }
}

#[test]
fn pages_of_chosen_origins_may_read_and_be_known() {
    let origins = vec!["https://a.example".into(), "https://b.example".into()];
    let settings = with(SocketIoSettings { origins, ..SocketIoSettings::default() });
    let allowed = text(&get(&settings, POLLING, "Origin: https://b.example\r\n"));
    assert!(allowed.contains(
        "\r\naccess-control-allow-origin: https://b.example\r\naccess-control-allow-credentials: true\r\nvary: origin\r\n"
    ));
    for (headers, status) in [
        ("", 200),
        ("Origin: http://a\r\n", 200),
        ("Origin: https://c.example\r\n", 403),
        ("Origin: null\r\n", 403),
    ] {
        let other = get(&settings, POLLING, headers);
        let answer = text(&other);
        assert!(answer.contains("\r\nvary: origin\r\n") && !answer.contains("access-control"), "{headers}");
        assert_eq!((other.status(), answer.contains("\"code\":4")), (status, status == 403), "{headers}");
    }
    let anybody = text(&get(&super::settings(), POLLING, "Origin: https://c.example\r\n"));
    assert!(anybody.contains("\r\naccess-control-allow-origin: *\r\n"));
}

#[test]
fn under_tls_the_own_page_is_one_that_came_so_too() {
    let settings = with(SocketIoSettings { origins: vec!["https://b.example".into()], ..<_>::default() });
    for (origin, status) in [("https://a", 200), ("http://a", 403), ("https://b.example", 200)] {
        let request = format!("GET {POLLING} HTTP/1.1\r\nHost: a\r\nOrigin: {origin}\r\n\r\n");
        assert_eq!(ask_securely(&settings, &request).status(), status, "{origin}");
    }
}

#[test]
fn a_page_may_send_headers_of_its_own() {
    let asked = ask_with(
        &settings(),
        &format!(
            "OPTIONS {POLLING} HTTP/1.1\r\nHost: a\r\nOrigin: https://c.example\r\n\
             Access-Control-Request-Headers: authorization,x-mine\r\n\r\n"
        ),
    );
    let answer = text(&asked);
    assert!(answer.starts_with("HTTP/1.1 204 ") && asked.out.then == Then::NextRequest);
    assert!(answer.contains("\r\naccess-control-allow-headers: authorization,x-mine\r\n"));
}

#[test]
fn a_cookie_tells_balancers_which_session_it_is() {
    let settings = with(SocketIoSettings { cookie: "io".into(), ..SocketIoSettings::default() });
    let opened = text(&get(&settings, POLLING, ""));
    let cookie = format!("\r\nset-cookie: io={}; Path=/; HttpOnly; SameSite=Lax\r\n", sid());
    assert!(opened.contains(&cookie), "{opened}");
    let securely = text(&ask_securely(&settings, &format!("GET {POLLING} HTTP/1.1\r\nHost: a\r\n\r\n")));
    assert!(securely.contains("; SameSite=Lax; Secure\r\n"), "{securely}");
    let mut polling = Polling::connected_with(&settings);
    polling.post("42[\"leaveRoom\"]");
    let plain = polling.poll().1;
    assert!(!plain.aside.iter().any(|aside| String::from_utf8_lossy(&aside.bytes).contains("set-cookie")));
}

#[test]
fn the_stock_client_is_served_where_it_was_given() {
    let client_file = Some(b"io()".as_slice().into());
    let settings = with(SocketIoSettings { client_file, ..SocketIoSettings::default() });
    let whole = get(&settings, "/socket.io/socket.io.js", "");
    assert_eq!((whole.gateway, whole.status(), body(&whole.out.bytes)), ("socketio", 200, "io()"));
    let answer = text(&whole);
    let (_, tag) = answer.split_once("\r\netag: ").expect("it has a tag");
    let (tag, _) = tag.split_once("\r\n").expect("the line ends");
    let known = get(&settings, "/socket.io/socket.io.js", &format!("If-None-Match: {tag}\r\n"));
    assert!(known.status() == 304 && answer.contains("\r\ncontent-type: text/javascript"));
    assert_eq!(get(&super::settings(), "/socket.io/socket.io.js", "").gateway, "page");
}
