//! What wins over what, and what is refused how.

use super::given::Given;
use super::value::{RoomSlowPolicy, SlowPolicy};
use super::*;

fn words(line: &str) -> Vec<OsString> {
    line.split_whitespace().map(OsString::from).collect()
}

fn variables(pairs: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    pairs.iter().map(|&(name, value)| (name.into(), value.into())).collect()
}

fn started(line: &str, environment: &[(&str, &str)]) -> Settings {
    match load(words(line), variables(environment)).expect("it is accepted") {
        Wish::Start(settings) => *settings,
        Wish::Print(text) => panic!("it prints instead: {text}"),
    }
}

fn refused(line: &str, environment: &[(&str, &str)]) -> String {
    load(words(line), variables(environment)).expect_err("it is refused").to_string()
}

fn refused_in_file(text: &str) -> String {
    let read = |given: Given| Settings::read(&given);
    Given::from_toml(text, "node.toml").and_then(read).expect_err("it is refused").to_string()
}

/// A file that is gone at the end of its test.
struct File(std::path::PathBuf);

impl File {
    fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("heimdallr-{name}-{}.toml", std::process::id()));
        std::fs::write(&path, text).expect("the temporary folder can be written");
        Self(path)
    }

    fn flag(&self) -> String {
        format!("--config {}", self.0.display())
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn nothing_given_listens_on_loopback_only() {
    let settings = started("", &[("PATH", "/bin")]);
    assert!(settings.listen.iter().chain([&settings.admin]).all(|address| address.ip().is_loopback()));
    assert!(settings.threads >= 1);
    assert_eq!(settings.max_message_bytes, 65536);
    assert_eq!(settings.ping_interval.as_secs(), 25);
}

#[test]
fn flags_win_over_the_environment_and_the_environment_over_the_file() {
    let file = File::new("precedence", "threads = 1\nmax_message_bytes = 1\nrooms_per_session = 1\n");
    let line = format!("{} --threads 3", file.flag());
    let environment = [("HEIMDALLR_THREADS", "2"), ("HEIMDALLR_MAX_MESSAGE_BYTES", "2")];
    let settings = started(&line, &environment);
    assert_eq!((settings.threads, settings.max_message_bytes, settings.rooms_per_session), (3, 2, 1));
}

#[test]
fn a_flag_with_nothing_to_choose_stands_alone() {
    let settings = started("--dev-tls --threads 3", &[]);
    assert!(settings.dev_tls && settings.threads == 3);
    assert!(!started("--dev-tls=false", &[("HEIMDALLR_DEV_TLS", "true")]).dev_tls);
}

#[test]
fn tls_is_asked_for_whole_and_once() {
    let pairs = [("HEIMDALLR_TLS_CERTIFICATE", "a.pem, b.pem"), ("HEIMDALLR_TLS_KEY", "a.key, b.key")];
    let settings = started("", &pairs);
    assert_eq!((settings.tls_certificate.len(), settings.tls_key[1].as_str()), (2, "b.key"));
    assert!(refused("", &pairs[..1]).starts_with("tls_key"));
    assert!(refused("--dev-tls", &pairs).starts_with("dev_tls"));
    assert!(refused("", &[("HEIMDALLR_TLS_ONLY", "true")]).starts_with("tls_only"));
    assert!(started("--dev-tls", &[("HEIMDALLR_TLS_ONLY", "true")]).tls_only);
}

#[test]
fn the_environment_may_name_the_file() {
    let file = File::new("environment", "listen = [\"[::1]:9\"]\n");
    let path = file.0.display().to_string();
    let settings = started("", &[("HEIMDALLR_CONFIG", &path)]);
    assert_eq!(settings.listen, ["[::1]:9".parse().expect("an address")]);
}

#[test]
fn listen_may_be_given_several_times_and_in_both_spellings() {
    let settings = started("--listen 127.0.0.1:1 --listen=127.0.0.1:2", &[]);
    assert_eq!(settings.listen.len(), 2);
    let settings = started("", &[("HEIMDALLR_LISTEN", "127.0.0.1:1, 127.0.0.1:2,127.0.0.1:3")]);
    assert_eq!(settings.listen.len(), 3);
}

#[test]
fn a_list_from_above_replaces_the_one_below() {
    let settings = started("--listen 127.0.0.1:1", &[("HEIMDALLR_LISTEN", "127.0.0.1:2,127.0.0.1:3")]);
    assert_eq!(settings.listen, ["127.0.0.1:1".parse().expect("an address")]);
}

#[test]
fn rooms_may_have_their_own_policy() {
    let settings = started("", &[("HEIMDALLR_ROOM_SLOW_POLICIES", "a=b/*=latest_only")]);
    let expected = RoomSlowPolicy { pattern: "a=b/*".to_owned(), policy: SlowPolicy::LatestOnly };
    assert_eq!(settings.room_slow_policies, [expected]);
}

#[test]
fn trusted_proxies_are_networks_and_announce_only_where_there_are_any() {
    let settings = started(
        "",
        &[("HEIMDALLR_TRUSTED_PROXIES", "10.0.0.0/8, ::1"), ("HEIMDALLR_PROXY_PROTOCOL", "true")],
    );
    let trusted: Vec<String> = settings.trusted_proxies.iter().map(ToString::to_string).collect();
    assert_eq!(trusted, ["10.0.0.0/8", "::1/128"]);
    assert!(
        refused_in_file("trusted_proxies = [\"10.0.0.1/8\"]").contains("expected addresses such as 10.0.0.1")
    );
    assert!(
        refused("", &[("HEIMDALLR_PROXY_PROTOCOL", "true")]).contains("expected trusted_proxies beside it")
    );
}

#[test]
fn the_queue_of_a_session_takes_the_largest_message() {
    assert_eq!(started("--max-message-bytes 16777216", &[]).session_queue_bytes, 2 * 16777216);
    assert_eq!(started("", &[]).session_queue_bytes, 1048576);
}

#[test]
fn help_and_version_are_printed() {
    let printed = |line| match load(words(line), []) {
        Ok(Wish::Print(text)) => text,
        other => panic!("{other:?}"),
    };
    assert!(printed("--threads 1 --help").contains("--ping-interval SECONDS"));
    assert!(printed("--version").starts_with("heimdallr "));
}

#[test]
fn unknown_keys_are_refused_by_name() {
    assert!(refused("--thread 1", &[]).starts_with("--thread: expected a known key: --listen, "));
    assert!(
        refused("", &[("HEIMDALLR_THREAD", "1")]).starts_with("HEIMDALLR_THREAD: expected a known key: ")
    );
    assert!(refused_in_file("thread = 1").starts_with("thread in node.toml: expected a known key: "));
    assert!(refused_in_file("config = \"x\"").starts_with("config in node.toml: expected a known key: "));
    assert!(refused("lobby", &[]).starts_with("lobby: "));
}

#[test]
fn values_of_another_form_are_refused_with_what_is_expected() {
    let threads = "expected auto (one for each core), or a whole number from 1 to 256";
    assert_eq!(refused("--threads many", &[]), format!("--threads = \"many\": {threads}"));
    assert_eq!(refused("--threads 0", &[]), format!("--threads = \"0\": {threads}"));
    assert_eq!(refused("--threads 1 --threads 2", &[]), format!("--threads = \"1, 2\": {threads}"));
    assert_eq!(refused("", &[("HEIMDALLR_THREADS", "")]), format!("HEIMDALLR_THREADS = \"\": {threads}"));
    assert_eq!(refused_in_file("threads = -1"), format!("threads in node.toml = \"-1\": {threads}"));
    assert_eq!(refused_in_file("threads = [1]"), format!("threads in node.toml = \"[1]\": {threads}"));
    assert!(refused_in_file("[threads]\n").contains(threads));
    assert_eq!(
        refused("", &[("HEIMDALLR_DEFLATE", "1")]),
        "HEIMDALLR_DEFLATE = \"1\": expected true or false"
    );
    assert!(refused_in_file("listen = []").contains("expected different addresses"));
    assert!(refused_in_file("listen = \"127.0.0.1:1\"").contains("expected different addresses"));
    assert!(
        refused("--listen 127.0.0.1:1 --listen 127.0.0.1:1", &[]).contains("expected different addresses")
    );
    for policy in ["=disconnect", "a*b=disconnect", "a=never", "a"] {
        assert!(
            refused("", &[("HEIMDALLR_ROOM_SLOW_POLICIES", policy)]).contains("PATTERN=POLICY"),
            "{policy}"
        );
    }
}

#[test]
fn two_events_of_one_name_are_refused() {
    let twins = [("HEIMDALLR_SOCKETIO_EVENT_MESSAGE", "say"), ("HEIMDALLR_SOCKETIO_RELAY", "typing,say")];
    assert_eq!(
        refused("", &twins),
        "socketio_relay = \"say\": expected a name that no other event of clients has"
    );
    let none = [("HEIMDALLR_SOCKETIO_EVENT_MESSAGE", ""), ("HEIMDALLR_SOCKETIO_EVENT_ALL", "")];
    assert_eq!(started("", &none).socketio_event_all, "");
}

#[test]
fn a_flag_without_its_value_is_refused() {
    assert_eq!(refused("--threads", &[]), "--threads: expected a value after it");
}

#[test]
fn a_file_that_cannot_be_read_is_refused() {
    assert!(
        refused("--config /nowhere/node.toml", &[])
            .starts_with("config = \"/nowhere/node.toml\": expected a file")
    );
    assert!(refused_in_file("threads = = 1").starts_with("node.toml: expected TOML"));
}

#[cfg(unix)]
#[test]
fn what_is_not_text_is_refused() {
    use std::os::unix::ffi::OsStringExt as _;
    let broken = OsString::from_vec(vec![0xff]);
    let error = load([], [("HEIMDALLR_THREADS".into(), broken.clone())]).expect_err("it is refused");
    assert_eq!(error.expected, "UTF-8");
    assert!(load([broken], []).is_err());
}
