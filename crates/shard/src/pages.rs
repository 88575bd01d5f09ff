//! Which pages of the web may speak to the node. Browsers say of every request that a page makes whose page that is, and let no page say otherwise;
//! whoever is no browser need not say anything, and is not kept away by this.

use wire::http::Head;

/// Origins whose pages may ask (RFC 6454 §6.2); none: any may. The node's own page has to be named as well, since whoever holds a name of the
/// domain name system can have it lead here, and then their page is on the same host.
#[derive(Clone, Debug, Default)]
pub struct Pages(pub Vec<String>);

impl Pages {
    /// Whether a request comes from a page that may not speak here (RFC 6455 §10.2; Fetch Standard, "`Origin` header").
    pub(crate) fn bar(&self, head: &Head<'_>) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let mut origins = head.header_values("origin");
        match (origins.next(), origins.next()) {
            (None, _) => is_embedded(head),
            (Some(origin), None) => !self.0.iter().any(|allowed| allowed.as_bytes() == origin),
            (Some(_), Some(_)) => true,
        }
    }
}

/// Whether a page of elsewhere has this fetched as a script, an image or the like, which browsers do without an origin (W3C Fetch Metadata §2). Who
/// follows a link is let through: that shows no page anything.
fn is_embedded(head: &Head<'_>) -> bool {
    let is_from_here =
        head.header("sec-fetch-site").is_none_or(|site| site == "same-origin" || site == "none");
    !is_from_here && head.header("sec-fetch-mode") != Some("navigate")
}

#[cfg(test)]
mod tests {
    use wire::http::read_head;

    use super::*;

    fn is_barred(allowed: &[&str], headers: &str) -> bool {
        let request = format!("GET /lobby HTTP/1.1\r\nHost: chat.example\r\n{headers}\r\n");
        let (head, _) = read_head(request.as_bytes()).expect("a head").expect("a whole one");
        Pages(allowed.iter().map(|origin| (*origin).to_owned()).collect()).bar(&head)
    }

    #[test]
    fn where_none_is_named_any_page_may_ask() {
        assert!(!is_barred(&[], "Origin: https://evil.example\r\n"));
    }

    #[test]
    fn only_pages_that_are_named_may_ask() {
        const OURS: &[&str] = &["https://app.example", "https://chat.example:8443"];
        for headers in ["", "Origin: https://app.example\r\n", "ORIGIN: https://chat.example:8443\r\n"] {
            assert!(!is_barred(OURS, headers), "{headers}");
        }
        for origin in [
            "https://evil.example",
            "http://app.example",
            "https://app.example.evil.example",
            "https://app.example:444",
            "https://app.example/",
            "https://chat.example",
            "http://chat.example",
            "null",
            "",
            "https://app.example, https://evil.example",
            "https://app.example https://evil.example",
        ] {
            assert!(is_barred(OURS, &format!("Origin: {origin}\r\n")), "{origin}");
        }
        assert!(is_barred(OURS, "Origin: https://app.example\r\nOrigin: https://evil.example\r\n"));
    }

    #[test]
    fn what_a_page_of_elsewhere_embeds_is_not_given_but_a_link_is_followed() {
        const OURS: &[&str] = &["https://app.example"];
        for (site, mode, expected) in [
            ("cross-site", "no-cors", true),
            ("same-site", "no-cors", true),
            ("cross-site", "navigate", false),
            ("same-origin", "no-cors", false),
            ("none", "navigate", false),
        ] {
            let headers = format!("Sec-Fetch-Site: {site}\r\nSec-Fetch-Mode: {mode}\r\n");
            assert_eq!(is_barred(OURS, &headers), expected, "{headers}");
        }
    }
}
