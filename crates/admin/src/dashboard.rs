//! The files of the dashboard, as they were when the program was built. What it shows comes from the API, as for everybody.

use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

/// One file.
struct File {
    path: &'static str,
    /// Its entity tag (RFC 9110 §8.8.3), quotes included: other bytes, another tag.
    tag: &'static str,
    bytes: &'static [u8],
}

const FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/files.rs"));

const INDEX: &str = "/index.html";

/// Nothing from elsewhere, nothing inline, in nobody's frame (W3C Content Security Policy Level 3).
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const GUARDS: [(header::HeaderName, &str); 3] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
];

/// Where the files are.
pub(crate) fn routes() -> Router {
    let index =
        FILES.iter().filter(|file| file.path == INDEX).flat_map(|file| [("/", file), ("/dashboard", file)]);
    let all = FILES.iter().map(|file| (file.path, file));
    all.chain(index).fold(Router::new(), |router, (path, file)| {
        router.route(path, get(move |headers: HeaderMap| async move { show(file, &headers) }))
    })
}

fn show(file: &'static File, headers: &HeaderMap) -> Response {
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|tag| tag.as_bytes() == file.tag.as_bytes());
    let cached = [(header::ETAG, file.tag), (header::CACHE_CONTROL, "no-cache")];
    if known {
        return (StatusCode::NOT_MODIFIED, cached).into_response();
    }
    ([(header::CONTENT_TYPE, media_type(file.path))], cached, GUARDS, file.bytes).into_response()
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_has_a_type_and_one_is_the_first() {
        for file in FILES {
            assert_ne!(media_type(file.path), "application/octet-stream", "{}", file.path);
        }
        assert_eq!(FILES.iter().filter(|file| file.path == INDEX).count(), 1);
    }

    #[test]
    fn a_file_that_is_known_is_not_sent_again() {
        let index = FILES.iter().find(|file| file.path == INDEX).expect("it is there");
        let mut headers = HeaderMap::new();
        assert_eq!(show(index, &headers).status(), StatusCode::OK);
        headers.insert(header::IF_NONE_MATCH, index.tag.parse().expect("a tag is a header's value"));
        assert_eq!(show(index, &headers).status(), StatusCode::NOT_MODIFIED);
    }
}
