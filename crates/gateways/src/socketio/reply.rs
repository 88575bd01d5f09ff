//! Answers to the requests of sessions, and which pages may read them (Fetch Standard, "CORS protocol").

use wire::http::Head;

use crate::Outbox;
use crate::answer::{ANY_ORIGIN, Answer};

/// The origins whose pages may read answers.
#[derive(Debug)]
pub(super) struct Origins {
    /// None: any may, but without the credentials that browsers keep.
    allowed: Vec<String>,
}

/// Whose page asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    Any,
    /// By its place among those allowed.
    Allowed(u16),
    Other,
}

/// How a request is to be answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reply {
    answer: Answer,
    origin: Origin,
}

impl Origins {
    pub(super) fn new(allowed: &[String]) -> Self {
        Self { allowed: allowed.to_vec() }
    }

    /// Whether a request comes from a page that may not speak here. Without an origin it comes from no page, and the page of this very host
    /// need not be named; one that came insecurely is not it where the request came securely: anybody on the way can have written it.
    pub(super) fn bar(&self, head: &Head<'_>, is_secure: bool) -> bool {
        let Some(origin) = head.header("origin") else { return false };
        let own = origin.split_once("://").filter(|(scheme, _)| !is_secure || *scheme == "https");
        let host = own.map(|(_, host)| host);
        self.find(head) == Origin::Other && (host.is_none() || host != head.header("host"))
    }

    fn find(&self, head: &Head<'_>) -> Origin {
        if self.allowed.is_empty() {
            return Origin::Any;
        }
        let place = self.allowed.iter().position(|allowed| head.header("origin") == Some(allowed));
        place.map_or(Origin::Other, |place| Origin::Allowed(place as u16))
    }

    fn headers(&self, origin: Origin) -> Vec<(&str, &str)> {
        const VARY: (&str, &str) = ("vary", "origin");
        match origin {
            Origin::Any => vec![ANY_ORIGIN],
            Origin::Allowed(place) => vec![
                ("access-control-allow-origin", &*self.allowed[usize::from(place)]),
                ("access-control-allow-credentials", "true"),
                VARY,
            ],
            Origin::Other => vec![VARY],
        }
    }
}

impl Reply {
    /// To a request that is read to its end.
    pub(super) fn read(head: &Head<'_>, origins: &Origins) -> Self {
        Self { answer: Answer::read(head), origin: origins.find(head) }
    }

    /// To a request whose body, if there is one, is not read.
    pub(super) fn unread(head: &Head<'_>, origins: &Origins) -> Self {
        Self { answer: Answer::unread(head), ..Self::read(head, origins) }
    }

    /// The same, after which the stream is closed.
    pub(super) fn closing(self) -> Self {
        Self { answer: self.answer.closing(), ..self }
    }

    pub(super) fn write(
        self,
        origins: &Origins,
        status: u16,
        headers: &[(&str, &str)],
        body: &[u8],
        out: &mut Outbox,
    ) {
        let headers = [headers, &origins.headers(self.origin)].concat();
        self.answer.write(status, &headers, body, out);
    }

    /// Tells a page what it may ask. The headers that an application adds to its requests mean nothing here, and are let through.
    pub(super) fn allow(self, origins: &Origins, head: &Head<'_>, out: &mut Outbox) {
        let asked = head.header("access-control-request-headers").unwrap_or("content-type");
        self.answer.allow("GET, POST, OPTIONS", asked, &origins.headers(self.origin), out);
    }
}
