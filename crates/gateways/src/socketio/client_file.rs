//! The stock client, for pages that load it from the node that they chat with.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use sha1::{Digest as _, Sha1};
use wire::http::Head;

use crate::Outbox;
use crate::answer::{ANY_ORIGIN, Answer, Prepared, is_known};

/// What it is called below the path of the gateway.
pub(super) const NAME: &str = "socket.io.js";

/// The answers that the file makes.
pub(super) struct ClientFile {
    /// Its entity tag (RFC 9110 §8.8.3), quotes included.
    tag: String,
    whole: Prepared,
    unchanged: Prepared,
}

impl ClientFile {
    pub(super) fn new(bytes: &Arc<[u8]>) -> Self {
        let tag = format!("\"{}\"", BASE64_URL_SAFE_NO_PAD.encode(Sha1::digest(bytes)));
        let cached = [("etag", &*tag), ("cache-control", "no-cache"), ANY_ORIGIN];
        let typed =
            [("content-type", "text/javascript; charset=utf-8"), ("x-content-type-options", "nosniff")];
        let whole = Prepared::new(200, &[&typed[..], &cached].concat(), Bytes::from_owner(bytes.clone()));
        let unchanged = Prepared::without_content(304, &cached);
        Self { tag, whole, unchanged }
    }

    pub(super) fn answer(&self, head: &Head<'_>, out: &mut Outbox) {
        let answer = Answer::unread(head);
        match head.method {
            "GET" | "HEAD" if is_known(head, &self.tag) => self.unchanged.write(answer, out),
            "GET" | "HEAD" => self.whole.write(answer, out),
            _ => answer.refuse_method("GET, HEAD", out),
        }
    }
}
