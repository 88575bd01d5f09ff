//! TLS to Redis, and Redis that lets only those in who say who they are.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::ROUND;
use crate::cluster::{Cluster, Plan, Rules};
use crate::masters::Masters;
use crate::server::{Server, free_port};

/// What a node does in Redis, as an ACL: docs/cluster.md.
const RIGHTS: &str = "~our:* &our:* +@connection +info +script|load +evalsha +wait +publish +subscribe +unsubscribe +set +get +del +exists \
                      +persist +pexpire +rename +time +hset +hsetnx +hget +hmget +hgetall +hdel +hlen +sadd +srem +smembers +srandmember +xadd +xrange \
                      +zadd +zrem +zscore +zrangebyscore";

/// And in a cluster.
const RIGHTS_IN_A_CLUSTER: &str = "+cluster|slots +asking +spublish +ssubscribe +sunsubscribe";

/// An authority of the test's own.
struct Authority {
    folder: PathBuf,
}

impl Authority {
    fn new() -> Self {
        let folder =
            std::env::temp_dir().join(format!("heimdallr-ca-{}-{}", std::process::id(), free_port()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let authority = Self { folder };
        authority.openssl("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.pem");
        authority
    }

    fn openssl(&self, arguments: &str) {
        let mut openssl = Command::new("openssl");
        openssl.args(arguments.split(' ')).current_dir(&self.folder).stderr(Stdio::null());
        let status = openssl.status().expect("openssl can be started: install the package openssl");
        assert!(status.success(), "openssl {arguments}");
    }

    fn certificate(&self) -> Vec<u8> {
        std::fs::read(self.folder.join("ca.pem")).expect("it was written")
    }

    /// A Redis whose certificate says that it is that one. Returns the port for TLS, too.
    fn sign(&self, name: &str) -> (Server, u16) {
        std::fs::write(self.folder.join("names"), format!("subjectAltName={name}\n")).expect("a file");
        self.openssl("req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=redis -keyout redis.key -out redis.csr");
        self.openssl("x509 -req -in redis.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out redis.pem");
        let port = free_port();
        let path = |name: &str| Path::display(&self.folder.join(name)).to_string();
        let server = Server::start_with(&format!(
            "tls-port {port}\ntls-cert-file {}\ntls-key-file {}\ntls-ca-cert-file {}\ntls-auth-clients no\n",
            path("redis.pem"),
            path("redis.key"),
            path("ca.pem")
        ));
        (server, port)
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn over_tls(port: u16, ca: Vec<u8>) -> Plan {
    Plan { ca, ..Plan::new(&format!("rediss://127.0.0.1:{port}")) }
}

/// What a node says of a Redis that it does not go to.
fn fault_of(plan: Plan) -> String {
    let mut cluster = Cluster::start(plan);
    cluster.until(|cluster| cluster.fault(0).contains("cannot be reached: "));
    cluster.fault(0)
}

#[test]
fn a_redis_whose_authority_is_known_is_spoken_to_over_tls() {
    let authority = Authority::new();
    let (server, port) = authority.sign("IP:127.0.0.1");
    let mut cluster = Cluster::of(over_tls(port, authority.certificate()));
    cluster.say(ROUND);
    server.tell("CLIENT KILL TYPE normal");
    cluster.say(ROUND);
    cluster.settle();
    cluster.check(Rules::NothingIsLost);
}

#[test]
fn a_redis_with_a_certificate_of_another_authority_is_refused() {
    let (authority, other) = (Authority::new(), Authority::new());
    let (_server, port) = authority.sign("IP:127.0.0.1");
    let fault = fault_of(over_tls(port, other.certificate()));
    assert!(fault.contains("invalid peer certificate"), "{fault}");
    let fault = fault_of(over_tls(port, Vec::new()));
    assert!(fault.contains("UnknownIssuer"), "nor is it one that the system knows: {fault}");
}

#[test]
fn a_redis_with_a_certificate_for_another_name_is_refused() {
    let authority = Authority::new();
    let (_server, port) = authority.sign("DNS:elsewhere.example");
    let fault = fault_of(over_tls(port, authority.certificate()));
    assert!(fault.contains("not valid for name"), "{fault}");
}

#[test]
fn a_file_that_holds_no_certificate_is_refused_at_the_start() {
    for ca in ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "no certificate"] {
        let plan = Plan { ca: ca.as_bytes().to_vec(), ..Plan::new("rediss://127.0.0.1:1") };
        let refusal = Cluster::refusal(&plan);
        assert_eq!(refusal.is_some_and(|reason| reason.contains("redis_ca")), !ca.is_empty(), "{ca}");
    }
}

#[test]
fn a_node_needs_no_more_rights_than_are_documented() {
    let server = Server::start();
    assert_eq!(server.tell(&format!("ACL SETUSER node on >secret {RIGHTS}")), "+OK");
    let url = format!("redis://node:secret@127.0.0.1:{}", server.port());
    let mut cluster = Cluster::of(Plan { prefix: "our:".to_owned(), ..Plan::new(&url) });
    cluster.here(1, 3);
    cluster.say(ROUND);
    cluster.settle();
    cluster.until(|cluster| cluster.elsewhere(0) == 3);
    cluster.check(Rules::NothingIsLost);
    cluster.end_last();
    cluster.until(|cluster| cluster.elsewhere(0) == 0);
    assert!(server.list("ACL LOG").is_empty(), "nothing was denied");
}

#[test]
fn a_node_needs_no_more_rights_in_a_cluster_than_are_documented() {
    let masters = Masters::start();
    for server in &masters.servers {
        let user = format!("ACL SETUSER node on >secret {RIGHTS} {RIGHTS_IN_A_CLUSTER}");
        assert_eq!(server.tell(&user), "+OK");
    }
    let url = masters.url().replace("://", "://node:secret@");
    let mut cluster = Cluster::of(Plan { prefix: "our:".to_owned(), ..Plan::new(&url) });
    cluster.say(ROUND);
    cluster.settle();
    cluster.check(Rules::NothingIsLost);
    cluster.end_last();
    assert!(masters.servers.iter().all(|server| server.list("ACL LOG").is_empty()), "nothing was denied");
}

#[test]
fn a_redis_that_does_not_let_a_node_in_says_why() {
    let server = Server::start();
    server.tell("ACL SETUSER node on >secret +@all ~* &*");
    let fault = fault_of(Plan::new(&format!("redis://node:wrong@127.0.0.1:{}", server.port())));
    assert!(fault.contains("WRONGPASS") || fault.contains("authentication failed"), "{fault}");
    assert!(!fault.contains("wrong@"), "{fault}");
}
