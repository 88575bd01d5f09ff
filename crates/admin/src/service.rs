//! The HTTP service: one thread with a runtime of its own, which no shard ever waits for.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::sync::oneshot;
use tokio::time::MissedTickBehavior;

use crate::api::{self, Api};
use crate::pages::{IsLoopback, keep_out};
use crate::recent::STEP_MS;
use crate::vitals::{Stage, Vitals};
use crate::{dashboard, exposition, process};

/// How often other nodes are told how this one is.
const IN_TOUCH: Duration = Duration::from_secs(2);

/// The running service. Dropping it stops it too, without waiting.
#[derive(Debug)]
pub struct Service {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<io::Result<()>>,
}

impl Service {
    /// The address it answers on, its port filled in.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops answering and waits until the thread is gone. Answers under way are cut: they are small and can be asked
    /// for again.
    ///
    /// # Errors
    ///
    /// When the service had failed before.
    pub fn stop(self) -> io::Result<()> {
        drop(self.stop);
        self.thread.join().unwrap_or_else(|_| Err(io::Error::other("the admin service panicked")))
    }
}

/// Answers on `listener` from a thread of its own until it is stopped.
///
/// # Errors
///
/// When the listener has no address, or the system gives no thread.
pub fn serve(listener: TcpListener, vitals: Arc<Vitals>, api: Arc<Api>) -> io::Result<Service> {
    let address = listener.local_addr()?;
    let (stop, stopped) = oneshot::channel();
    let thread = thread::Builder::new()
        .name("admin".to_owned())
        .spawn(move || run(listener, &vitals, api, stopped))?;
    Ok(Service { address, stop, thread })
}

fn run(
    listener: TcpListener,
    vitals: &Arc<Vitals>,
    api: Arc<Api>,
    stopped: oneshot::Receiver<()>,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    listener.set_nonblocking(true)?;
    let is_loopback = IsLoopback(listener.local_addr()?.ip().is_loopback());
    let in_touch = api.clone();
    let routes = routes(vitals.clone(), api).layer(from_fn_with_state(is_loopback, keep_out));
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let service = routes.into_make_service_with_connect_info::<SocketAddr>();
        tokio::select! {
            outcome = axum::serve(listener, service) => outcome,
            () = keep_rows(vitals) => Ok(()),
            () = keep_in_touch(&in_touch) => Ok(()),
            _ = stopped => Ok(()),
        }
    })
}

/// Takes a row of the last five minutes each second.
async fn keep_rows(vitals: &Vitals) {
    let mut steps = tokio::time::interval(Duration::from_millis(STEP_MS));
    steps.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        steps.tick().await;
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        vitals.take_row(process::resident_bytes(), wall.as_millis() as u64);
    }
}

/// Tells other nodes how this one is.
async fn keep_in_touch(api: &Api) {
    let mut times = tokio::time::interval(IN_TOUCH);
    times.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        times.tick().await;
        api::exchange_cards(api).await;
    }
}

fn routes(vitals: Arc<Vitals>, api: Arc<Api>) -> Router {
    Router::new()
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .route("/metrics", get(metrics))
        .with_state(vitals)
        .merge(api::routes(api))
        .merge(dashboard::routes())
}

async fn live(State(vitals): State<Arc<Vitals>>) -> Response {
    match vitals.stuck_shard(Instant::now()) {
        None => (StatusCode::OK, "live\n").into_response(),
        Some(shard) => (StatusCode::SERVICE_UNAVAILABLE, format!("shard {shard} is stuck\n")).into_response(),
    }
}

async fn ready(State(vitals): State<Arc<Vitals>>) -> Response {
    match vitals.stage() {
        Stage::Ready => match vitals.fault() {
            None => (
                StatusCode::OK,
                vitals
                    .remark()
                    .map_or_else(|| "ready\n".to_owned(), |remark| format!("ready, but {remark}\n")),
            )
                .into_response(),
            Some(fault) => (StatusCode::SERVICE_UNAVAILABLE, format!("{fault}\n")).into_response(),
        },
        Stage::Starting => (StatusCode::SERVICE_UNAVAILABLE, "starting\n").into_response(),
        Stage::Draining => (StatusCode::SERVICE_UNAVAILABLE, "draining\n").into_response(),
    }
}

async fn metrics(State(vitals): State<Arc<Vitals>>) -> Response {
    ([(header::CONTENT_TYPE, exposition::MEDIA_TYPE)], exposition::expose(&vitals)).into_response()
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{Ipv4Addr, TcpStream};

    use super::*;
    use crate::metric::POSTS;
    use crate::vitals::Health;

    struct Node {
        vitals: Arc<Vitals>,
        service: Service,
    }

    fn start() -> Node {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
        let vitals = Arc::new(Vitals::new(1));
        let api = Arc::new(Api::new(Arc::clone(&vitals), Vec::new()));
        let service = serve(listener, Arc::clone(&vitals), api).expect("the system gives a thread");
        Node { vitals, service }
    }

    /// The status and the whole answer.
    fn ask(node: &Node, method: &str, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(node.service.address()).expect("the service accepts");
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers in text");
        let status = answer.split(' ').nth(1).expect("a status line").parse().expect("a number");
        (status, answer)
    }

    #[test]
    fn readiness_is_red_before_and_after_and_green_between() {
        let node = start();
        assert_eq!(ask(&node, "GET", "/health/ready").0, 503);
        node.vitals.enter(Stage::Ready);
        assert_eq!(ask(&node, "GET", "/health/ready").0, 200);
        node.vitals
            .note_cluster(Health { fault: Some("the broker is gone".to_owned()), samples: Vec::new() });
        let (status, answer) = ask(&node, "GET", "/health/ready");
        assert!(status == 503 && answer.ends_with("\r\n\r\ncut off: the broker is gone\n"), "{answer}");
        node.vitals.note_cluster(Health { fault: None, samples: Vec::new() });
        node.vitals.note_store(Health { fault: Some("the disk is full".to_owned()), samples: Vec::new() });
        let (status, answer) = ask(&node, "GET", "/health/ready");
        assert!(
            status == 503 && answer.ends_with("what is said is not kept: the disk is full\n"),
            "{answer}"
        );
        node.vitals.note_store(Health { fault: None, samples: Vec::new() });
        node.vitals
            .note_access(Health { fault: Some("the backend is gone".to_owned()), samples: Vec::new() });
        let (status, answer) = ask(&node, "GET", "/health/ready");
        assert!(
            status == 503 && answer.ends_with("who comes is not let in: the backend is gone\n"),
            "{answer}"
        );
        node.vitals.note_access(Health { fault: None, samples: Vec::new() });
        node.vitals.note_remark(Some("a certificate is wrong".to_owned()));
        let (status, answer) = ask(&node, "GET", "/health/ready");
        assert!(status == 200 && answer.ends_with("\r\n\r\nready, but a certificate is wrong\n"), "{answer}");
        node.vitals.note_crowding(true);
        let (status, answer) = ask(&node, "GET", "/health/ready");
        assert!(status == 503 && answer.ends_with("more waits for clients than may\n"), "{answer}");
        node.vitals.note_crowding(false);
        assert_eq!(ask(&node, "GET", "/health/ready").0, 200);
        node.vitals.enter(Stage::Draining);
        let (status, answer) = ask(&node, "GET", "/health/ready");
        assert_eq!(status, 503);
        assert!(answer.ends_with("\r\n\r\ndraining\n"), "{answer}");
    }

    #[test]
    fn a_node_is_live_whatever_its_stage() {
        let node = start();
        for stage in [Stage::Starting, Stage::Ready, Stage::Draining] {
            node.vitals.enter(stage);
            assert_eq!(ask(&node, "GET", "/health/live").0, 200);
        }
    }

    #[test]
    fn metrics_are_text_that_scrapers_read() {
        let node = start();
        node.vitals.publish(0, vec![POSTS.is(42)]);
        let (status, answer) = ask(&node, "GET", "/metrics");
        assert_eq!(status, 200);
        assert!(answer.contains("content-type: text/plain; version=0.0.4; charset=utf-8\r\n"), "{answer}");
        assert!(answer.contains("\nheimdallr_posts_total{shard=\"0\"} 42\n"), "{answer}");
    }

    #[test]
    fn the_dashboard_is_where_who_opens_the_address_finds_it_and_is_guarded() {
        let node = start();
        for path in ["/", "/dashboard"] {
            let (status, answer) = ask(&node, "GET", path);
            assert_eq!(status, 200);
            assert!(
                answer.contains("content-security-policy: default-src 'none'; script-src 'self'"),
                "{answer}"
            );
        }
        assert!(ask(&node, "GET", "/main.js").1.contains("content-type: text/javascript"));
        assert_eq!(ask(&node, "GET", "/../Cargo.toml").0, 404);
    }

    #[test]
    fn other_paths_and_methods_are_turned_away() {
        let node = start();
        assert_eq!(ask(&node, "GET", "/nothing").0, 404);
        assert_eq!(ask(&node, "POST", "/metrics").0, 405);
    }

    #[test]
    fn pages_of_elsewhere_are_kept_out_whatever_they_ask_for() {
        let node = start();
        let status = |headers: &str| {
            let mut stream = TcpStream::connect(node.service.address()).expect("the service accepts");
            write!(stream, "GET /metrics HTTP/1.1\r\n{headers}\r\nConnection: close\r\n\r\n")
                .expect("it reads");
            let mut answer = String::new();
            stream.read_to_string(&mut answer).expect("it answers in text");
            answer.split(' ').nth(1).expect("a status line").to_owned()
        };
        let own = node.service.address();
        assert_eq!(status(&format!("Host: {own}\r\nOrigin: http://{own}")), "200");
        assert_eq!(status(&format!("Host: {own}\r\nOrigin: http://evil.example")), "403");
        assert_eq!(status(&format!("Host: {own}\r\nSec-Fetch-Site: cross-site")), "403");
        assert_eq!(status("Host: evil.example\r\nOrigin: http://evil.example"), "403");
        assert_eq!(status("Host: evil.example"), "403");
    }

    #[test]
    fn stopping_frees_the_address_even_while_a_client_lingers() {
        let node = start();
        let address = node.service.address();
        let lingering = TcpStream::connect(address).expect("the service accepts");
        node.service.stop().expect("it had not failed");
        assert!(TcpStream::connect(address).is_err());
        drop(lingering);
    }
}
