//! Keeps pages of the web from operators' addresses. A browser reaches what its machine reaches, loopback too, and sends there what any page has it
//! send: so what a page of elsewhere asks for is not done, whatever it is.

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Whether the service is on loopback, where only this machine's own programs should come from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IsLoopback(pub(crate) bool);

/// Answers 403 to requests of pages that are not the service's own.
pub(crate) async fn keep_out(
    State(IsLoopback(is_loopback)): State<IsLoopback>,
    request: Request,
    next: Next,
) -> Response {
    let headers = request.headers();
    let host = text(headers, header::HOST);
    if is_foreign(request.method(), headers, host) {
        return (StatusCode::FORBIDDEN, "pages of elsewhere may not ask here\n").into_response();
    }
    if is_loopback && !host.is_none_or(is_this_machine) {
        return (StatusCode::FORBIDDEN, "this address has no such name\n").into_response();
    }
    next.run(request).await
}

/// Whether a page of another origin asks (Fetch Standard, "`Origin` header"; W3C Fetch Metadata §2). Who follows a link is let through: that shows no
/// page anything.
fn is_foreign(method: &Method, headers: &HeaderMap, host: Option<&str>) -> bool {
    if headers.contains_key(header::ORIGIN) {
        let origin = text(headers, header::ORIGIN).and_then(|origin| origin.split_once("://"));
        return origin.map(|(_, origin)| origin) != host || host.is_none();
    }
    let is_link =
        *method == Method::GET && headers.get("sec-fetch-mode").is_some_and(|mode| mode == "navigate");
    let is_from_here = |site: &str| site == "same-origin" || site == "none";
    !is_link && headers.get("sec-fetch-site").is_some_and(|site| !site.to_str().is_ok_and(is_from_here))
}

/// Whether a `Host` means this machine: an address, or a name without a dot. Any other name is somebody's who can have it lead here, so that their page
/// is on the same host as this service (DNS rebinding).
fn is_this_machine(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let name = authority.host();
    let address = name.trim_start_matches('[').trim_end_matches(']');
    address.parse::<std::net::IpAddr>().is_ok() || !name.contains('.') || name.ends_with(".localhost")
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let value = |text| header::HeaderValue::from_static(text);
        lines.iter().map(|(name, text)| (header::HeaderName::from_static(name), value(text))).collect()
    }

    fn is_foreign_with(method: &Method, lines: &[(&'static str, &'static str)]) -> bool {
        is_foreign(method, &headers(lines), Some("127.0.0.1:8081"))
    }

    #[test]
    fn only_the_services_own_page_may_ask() {
        assert!(!is_foreign_with(&Method::POST, &[]), "no page");
        assert!(!is_foreign_with(&Method::POST, &[("origin", "http://127.0.0.1:8081")]));
        for origin in
            ["http://evil.example", "http://127.0.0.1:8080", "http://127.0.0.1", "null", "", "127.0.0.1:8081"]
        {
            assert!(is_foreign_with(&Method::POST, &[("origin", origin)]), "{origin}");
        }
        assert!(is_foreign(&Method::POST, &headers(&[("origin", "null")]), None));
    }

    #[test]
    fn what_a_page_of_elsewhere_embeds_is_not_given_but_a_link_is_followed() {
        let site = |site, mode| [("sec-fetch-site", site), ("sec-fetch-mode", mode)];
        assert!(is_foreign_with(&Method::GET, &site("cross-site", "no-cors")));
        assert!(is_foreign_with(&Method::GET, &site("same-site", "cors")));
        assert!(is_foreign_with(&Method::POST, &site("cross-site", "navigate")));
        assert!(!is_foreign_with(&Method::GET, &site("cross-site", "navigate")));
        assert!(!is_foreign_with(&Method::GET, &site("same-origin", "cors")));
        assert!(!is_foreign_with(&Method::GET, &site("none", "navigate")));
    }

    #[test]
    fn a_name_that_somebody_may_have_is_not_this_machine() {
        for host in
            ["127.0.0.1", "127.0.0.1:8081", "[::1]:8081", "localhost:8081", "localhost", "a.localhost", "a"]
        {
            assert!(is_this_machine(host), "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:8081",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "",
            "evil.example.",
        ] {
            assert!(!is_this_machine(host), "{host}");
        }
    }
}
