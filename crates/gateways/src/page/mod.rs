//! The page at `/`, as the program brought it along.
//!
//! It is asked last: what no gateway knows is not found.

use bytes::Bytes;
use chat::Event;
use web::{File, PAGE};

use crate::answer::{Answer, Prepared, is_known};
use crate::{Admission, Call, Client, Gateway, Login, Outbox, Settings, Variant};

/// Opens the gateway.
pub(crate) fn open(_: &Settings) -> Box<dyn Gateway> {
    let not_found = [&[("content-type", "text/plain; charset=utf-8")][..], &PAGE.guards()].concat();
    Box::new(Page {
        leaves: PAGE.files().iter().map(Leaf::of).collect(),
        not_found: Prepared::new(404, &not_found, Bytes::from_static(b"not found\n")),
    })
}

/// Nobody chats through it.
pub(crate) fn client(_: &Login) -> Option<Box<dyn Client>> {
    None
}

struct Page {
    /// In the order of the files.
    leaves: Vec<Leaf>,
    not_found: Prepared,
}

/// The answers that a file makes.
struct Leaf {
    tag: &'static str,
    whole: Prepared,
    unchanged: Prepared,
}

impl Gateway for Page {
    fn admit(&mut self, call: &Call<'_, '_>, out: &mut Outbox) -> Admission {
        let head = call.head;
        let answer = Answer::unread(head);
        match (PAGE.find(head.path), head.method) {
            (None, _) => self.not_found.write(answer, out),
            (Some(place), "GET" | "HEAD") => {
                let Leaf { tag, whole, unchanged } = &self.leaves[place];
                if is_known(head, tag) { unchanged } else { whole }.write(answer, out);
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
        let typed = [&[("content-type", file.media_type())], &cached[..], &PAGE.guards()].concat();
        Self {
            tag: file.tag,
            whole: Prepared::new(200, &typed, Bytes::from_static(file.bytes)),
            // RFC 9110 §15.4.5: what a 200 would say of the cache, and no more.
            unchanged: Prepared::without_content(304, &cached),
        }
    }
}
