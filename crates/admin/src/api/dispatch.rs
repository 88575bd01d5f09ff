//! The way of a request: which operation is meant, who asks and may they, was it done before, do it, note it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get};
use chat::Tag;
use wire::url::decode_segment;

use super::answer::{Answer, Outcome};
use super::asked::Asked;
use super::idempotency::Retry;
use super::keys::{Grant, Scopes};
use super::problem::{self, Fault, Problem};
use super::table::{OPERATIONS, Operation, PREFIX};
use super::{Api, document};

/// The longest body: a message of the largest size, and what stands around it.
const BODY_BYTES_MAX: usize = 80 << 20;

/// The routes of the API.
pub(crate) fn routes(api: Arc<Api>) -> Router {
    Router::new().route("/openapi.json", get(show_document)).route("/api/{*rest}", any(take)).with_state(api)
}

async fn show_document() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], document::document().to_string()).into_response()
}

async fn take(State(api): State<Arc<Api>>, request: Request) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let address = peer.map_or(Ipv4Addr::UNSPECIFIED.into(), |ConnectInfo(peer)| peer.ip());
    let (method, target) = (request.method().clone(), request.uri().path().to_owned());
    let found = find(&method, &target);
    let outcome = match found {
        Ok((operation, ref names)) => {
            let grant = admit(&api, operation, request.headers(), address);
            let who = grant.as_ref().ok().and_then(|grant| grant.key.clone());
            let outcome = match grant {
                Ok(grant) => run(&api, operation, names.clone(), grant, request).await,
                Err(problem) => Err(problem),
            };
            let status = outcome.as_ref().map_or_else(|problem| problem.status, |answer| answer.status);
            if method != Method::GET {
                api.audit().note((who, address), (operation.name, &target), status);
            } else if operation.shows_messages() {
                api.audit().note_look((who, address), (operation.name, &target), status);
            }
            outcome
        }
        Err(problem) => Err(problem),
    };
    respond(outcome)
}

/// The operation that a request asks for, and the names in its path.
fn find(method: &Method, path: &str) -> Result<(&'static Operation, Vec<String>), Problem> {
    let Some(path) = path.strip_prefix(PREFIX) else { return Err(Fault::NotFound.into()) };
    let mut fitting =
        OPERATIONS.iter().filter_map(|operation| Some((operation, names_in(path, operation.path)?)));
    let Some(first) = fitting.next() else { return Err(Fault::NotFound.into()) };
    let found =
        std::iter::once(first).chain(fitting).find(|(operation, _)| operation.method == method.as_str());
    let (operation, names) = found.ok_or(Fault::MethodNotAllowed)?;
    Ok((operation, names.ok_or_else(|| Problem::bad("the path is malformed"))?))
}

/// What stands for the names in a pattern, if the path fits it; `Some(None)`: it fits, and is badly encoded.
#[expect(clippy::option_option, reason = "a path that fits is another thing than one that can be read")]
fn names_in(path: &str, pattern: &str) -> Option<Option<Vec<String>>> {
    let (mut segments, mut names) = (path.split('/'), Some(Vec::new()));
    for expected in pattern.split('/') {
        let segment = segments.next()?;
        if expected.starts_with('{') {
            let name = decode_segment(segment).ok();
            names = names.zip(name).map(|(names, name)| [names, vec![name.into_owned()]].concat());
        } else if segment != expected {
            return None;
        }
    }
    segments.next().is_none().then_some(names)
}

/// Who asks, if they may.
fn admit(api: &Api, operation: &Operation, headers: &HeaderMap, address: IpAddr) -> Result<Grant, Problem> {
    let keys = api.keys();
    if keys.is_empty() {
        return admit_neighbour(headers, address);
    }
    let shown = text(headers, "authorization").and_then(|shown| shown.split_once(' '));
    let secret =
        shown.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, secret)| secret.trim());
    let grant = secret.and_then(|secret| keys.find(secret)).ok_or(Fault::Unauthorized)?;
    match operation.scope {
        Some(scope) if !grant.scopes.cover(scope) => {
            Err(Problem::from(Fault::MissingScope).because(format!("it needs {}", scope.word())))
        }
        _ => Ok(grant),
    }
}

/// By which a proxy says that it asks for somebody else: it may be on this machine, whoever that is may not.
const PASSED_ON: [&str; 4] = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];

/// Without keys, whoever is on this machine may do anything; pages that somebody there looks at may not.
fn admit_neighbour(headers: &HeaderMap, address: IpAddr) -> Result<Grant, Problem> {
    if !address.to_canonical().is_loopback() {
        return Err(
            Problem::from(Fault::Unauthorized).because("without keys the API answers only on this machine")
        );
    }
    if PASSED_ON.iter().any(|name| headers.contains_key(*name)) {
        return Err(Problem::from(Fault::Unauthorized)
            .because("without keys the API answers nobody who comes through a proxy"));
    }
    let host = text(headers, "host").unwrap_or_default();
    let origin = text(headers, "origin");
    let is_own = origin.is_none_or(|origin| origin.split_once("://").is_some_and(|(_, of)| of == host));
    let site = text(headers, "sec-fetch-site");
    let is_asked_here = site.is_none_or(|site| matches!(site, "same-origin" | "none"));
    // A name of somebody else's that leads here would make their pages ours.
    if !is_own || !is_asked_here || !is_this_machine(host) {
        return Err(Fault::CrossOrigin.into());
    }
    Ok(Grant { key: None, scopes: Scopes::ALL })
}

fn is_this_machine(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next(),
        None => host.split(':').next(),
    };
    let name = name.unwrap_or_default();
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Does what is asked for, unless it was done before.
async fn run(
    api: &Arc<Api>,
    operation: &'static Operation,
    names: Vec<String>,
    grant: Grant,
    request: Request,
) -> Outcome {
    let (parts, body) = request.into_parts();
    let body = read(operation, &parts.headers, body).await?;
    let key = text(&parts.headers, "idempotency-key").map(|key| key.trim_matches('"'));
    let idempotency_key = match key.filter(|_| operation.method == "POST") {
        Some(key) => Some(Tag::new(key).ok_or_else(|| Problem::bad("an Idempotency-Key has 1 to 64 bytes"))?),
        None => None,
    };
    let retry = idempotency_key.as_ref().map(|key| Retry {
        who: grant.key.clone(),
        target: parts.uri.path().to_owned(),
        key: key.as_str().to_owned(),
    });
    if let Some(retry) = &retry
        && let Some(answer) = api.done().begin(retry, &body, Instant::now())?
    {
        return Ok(answer);
    }
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let asked = Asked { api: api.clone(), names, query, body, grant, idempotency_key };
    let outcome = (operation.run)(asked).await;
    if let Some(retry) = &retry {
        api.done().end(retry, outcome.as_ref().ok());
    }
    outcome
}

async fn read(operation: &Operation, headers: &HeaderMap, body: Body) -> Result<Bytes, Problem> {
    let body = to_bytes(body, BODY_BYTES_MAX).await.map_err(|_| Fault::TooLarge)?;
    let media_type = text(headers, "content-type").and_then(|value| value.split(';').next());
    // Nothing else can be sent by a page of another origin without being asked for leave.
    let is_json = media_type.is_some_and(|value| value.trim().eq_ignore_ascii_case("application/json"));
    if operation.body.is_some() && !is_json {
        return Err(Fault::UnsupportedType.into());
    }
    Ok(body)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn respond(outcome: Outcome) -> Response {
    let (status, media_type, body) = match outcome {
        Ok(Answer { status, body }) => (status, "application/json", body),
        Err(problem) => (problem.status, problem::MEDIA_TYPE, problem.to_json()),
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    if status != 204 {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    }
    if status == 401 {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(method: Method, path: &str) -> Result<(&'static str, Vec<String>), &'static str> {
        find(&method, path).map(|(operation, names)| (operation.name, names)).map_err(|problem| problem.code)
    }

    #[test]
    fn an_operation_is_found_by_its_path_and_its_method() {
        assert_eq!(found(Method::GET, "/api/v1/rooms"), Ok(("list_rooms", vec![])));
        let names = vec!["a/b é".to_owned()];
        assert_eq!(found(Method::GET, "/api/v1/rooms/a%2Fb%20%C3%A9/members"), Ok(("list_members", names)));
        assert_eq!(found(Method::PUT, "/api/v1/audit"), Err("method_not_allowed"));
        assert_eq!(found(Method::GET, "/api/v1/rooms/a/b/c"), Err("not_found"));
        assert_eq!(found(Method::GET, "/api/v1/rooms/%zz"), Err("bad_request"));
        assert_eq!(found(Method::GET, "/api/v2/rooms"), Err("not_found"));
    }

    #[test]
    fn names_of_this_machine_are_known_and_no_others() {
        for host in ["localhost", "localhost:8081", "127.0.0.1:1", "127.9.9.9", "[::1]:8081", "[::1]"] {
            assert!(is_this_machine(host), "{host}");
        }
        for host in
            ["", "evil.example", "localhost.evil.example:80", "10.0.0.1:8081", "127.0.0.1.evil.example"]
        {
            assert!(!is_this_machine(host), "{host}");
        }
    }
}
