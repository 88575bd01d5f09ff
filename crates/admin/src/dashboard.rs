//! The dashboard, as the program brought it along. What it shows comes from the API, as for everybody.

use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use web::{DASHBOARD, File};

/// Where the files are; the index is at `/` and at `/dashboard` too.
pub(crate) fn routes() -> Router {
    let files = DASHBOARD.files();
    let index = DASHBOARD.find("/").map(|place| ["/", "/dashboard"].map(|path| (path, &files[place])));
    let all = files.iter().map(|file| (file.path, file)).chain(index.into_iter().flatten());
    all.fold(Router::new(), |router, (path, file)| {
        router.route(path, get(move |headers: HeaderMap| async move { show(file, &headers) }))
    })
}

fn show(file: &'static File, headers: &HeaderMap) -> Response {
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|tag| tag.as_bytes() == file.tag.as_bytes());
    let cached = [(header::ETAG, file.tag), (header::CACHE_CONTROL, "no-cache")];
    if known {
        return (StatusCode::NOT_MODIFIED, cached).into_response();
    }
    ([(header::CONTENT_TYPE, file.media_type())], cached, DASHBOARD.guards(), file.bytes).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_known_is_not_sent_again() {
        let index = &DASHBOARD.files()[DASHBOARD.find("/").expect("it is there")];
        let mut headers = HeaderMap::new();
        assert_eq!(show(index, &headers).status(), StatusCode::OK);
        headers.insert(header::IF_NONE_MATCH, index.tag.parse().expect("a tag is a header's value"));
        assert_eq!(show(index, &headers).status(), StatusCode::NOT_MODIFIED);
    }
}
