//! The page at `/`: the files of `web/` and the JavaScript client, as they were when the program was built.
//!
//! It is asked last: what no gateway knows is not found.

use bytes::Bytes;
use chat::Event;

use crate::answer::{Answer, Prepared, is_known};
use crate::{Admission, Call, Client, Gateway, Login, Outbox, Settings, Variant};

/// One file of the page.
struct File {
    path: &'static str,
    /// Its entity tag (RFC 9110 §8.8.3), quotes included: other bytes, another tag.
    tag: &'static str,
    bytes: &'static [u8],
}

/// Sorted by path.
const FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/files.rs"));

const INDEX: &str = "/index.html";

/// Nothing from elsewhere, nothing inline, in nobody's frame (W3C Content Security Policy Level 3).
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self' ws: wss:; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const GUARDS: [(&str, &str); 3] = [
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
];

/// Opens the gateway.
pub(crate) fn open(_: &Settings) -> Box<dyn Gateway> {
    let not_found = [&[("content-type", "text/plain; charset=utf-8")][..], &GUARDS].concat();
    Box::new(Page {
        leaves: FILES.iter().map(Leaf::of).collect(),
        not_found: Prepared::new(404, &not_found, Bytes::from_static(b"not found\n")),
    })
}

/// Nobody chats through it.
pub(crate) fn client(_: &Login) -> Option<Box<dyn Client>> {
    None
}

struct Page {
    /// In the order of [`FILES`].
    leaves: Vec<Leaf>,
    not_found: Prepared,
}

/// The answers that a file makes.
struct Leaf {
    whole: Prepared,
    unchanged: Prepared,
}

impl Gateway for Page {
    fn admit(&mut self, call: &Call<'_, '_>, out: &mut Outbox) -> Admission {
        let head = call.head;
        let answer = Answer::unread(head);
        match (find(head.path), head.method) {
            (None, _) => self.not_found.write(answer, out),
            (Some(index), "GET" | "HEAD") => {
                let Leaf { whole, unchanged } = &self.leaves[index];
                let known = is_known(head, FILES[index].tag);
                if known { unchanged } else { whole }.write(answer, out);
            }
            (Some(_), _) => answer.refuse_method("GET, HEAD", out),
        }
        Admission::Answered
    }

    fn encode(&mut self, _: Variant, _: &Event, _: &mut Vec<u8>) {}
}

impl Leaf {
    fn of(file: &File) -> Self {
        let cached = [("etag", file.tag), ("cache-control", "no-cache")];
        let typed = [&[("content-type", media_type(file.path))], &cached[..], &GUARDS].concat();
        Self {
            whole: Prepared::new(200, &typed, Bytes::from_static(file.bytes)),
            // RFC 9110 §15.4.5: what a 200 would say of the cache, and no more.
            unchanged: Prepared::without_content(304, &cached),
        }
    }
}

fn find(path: &str) -> Option<usize> {
    let path = if path == "/" { INDEX } else { path };
    FILES.binary_search_by_key(&path, |file| file.path).ok()
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "webp" => "image/webp",
        "webmanifest" => "application/manifest+json",
        "json" => "application/json",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_is_served_and_every_file_has_a_type() {
        let client = &FILES[find("/heimdallr.js").expect("it is always there")];
        assert_eq!(client.bytes, include_bytes!("../../../../clients/js/heimdallr.js"));
        for file in FILES {
            assert_ne!(media_type(file.path), "application/octet-stream", "{}", file.path);
        }
    }

    #[test]
    fn the_files_are_those_of_the_folder_in_the_order_of_their_paths() {
        assert!(FILES.is_sorted_by_key(|file| file.path));
        assert_eq!(find("/heimdallr.js/"), None);
        assert_eq!(find("/../Cargo.toml"), None);
    }
}
