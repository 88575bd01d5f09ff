//! The doctor before a pretend machine.

use std::path::PathBuf;

use super::*;

/// A machine that shows what a test has it show; it is gone at the end of its test.
struct Machine(PathBuf);

impl Machine {
    fn showing(name: &str, files: &[(&str, &str)]) -> Self {
        let folder = std::env::temp_dir().join(format!("heimdallr-doctor-{name}-{}", std::process::id()));
        for (file, text) in files {
            let path = folder.join(file);
            std::fs::create_dir_all(path.parent().expect("it has a folder")).expect("there is room");
            std::fs::write(path, text).expect("there is room");
        }
        Self(folder)
    }

    fn examined(&self, balancers: &[&str]) -> Vec<Finding> {
        let nothing: [(OsString, OsString); 0] = [];
        let Ok(Wish::Start(settings)) = config::load([], nothing) else { panic!("defaults are right") };
        let balancers = balancers.iter().map(|file| self.0.join(file)).collect();
        let patient = Patient { settings: *settings, proc: self.0.clone(), balancers };
        [files::examine(&patient), network::examine(&patient), balancers::examine(&patient)].concat()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn bad(findings: &[Finding]) -> Vec<&str> {
    let is_bad = |finding: &&Finding| finding.verdict == Verdict::Bad;
    findings.iter().filter(is_bad).map(|finding| finding.text.as_str()).collect()
}

const LIMITS: &str = "Limit                     Soft Limit           Hard Limit           Units\n";

#[test]
fn a_machine_with_room_is_well() {
    let machine = Machine::showing(
        "well",
        &[
            ("self/limits", &format!("{LIMITS}Max open files            1024   1048576   files\n")),
            ("sys/fs/file-max", "9223372036854775807\n"),
            ("sys/net/core/somaxconn", "4096\n"),
            ("sys/net/ipv4/tcp_max_syn_backlog", "4096\n"),
            ("sys/net/ipv4/ip_local_port_range", "32768\t60999\n"),
            ("sys/net/netfilter/nf_conntrack_max", "1048576\n"),
            ("sys/net/netfilter/nf_conntrack_count", "12\n"),
            ("haproxy.cfg", "defaults\n  timeout client 75s\n  timeout tunnel 75s\n"),
        ],
    );
    let findings = machine.examined(&["haproxy.cfg"]);
    assert_eq!(bad(&findings), [""; 0]);
    assert_eq!(findings.len(), 8);
    assert!(report(&findings).ends_with("Nothing stands in the way of a node.\n"));
}

#[test]
fn what_is_too_small_is_named_with_what_to_do() {
    let machine = Machine::showing(
        "small",
        &[
            ("self/limits", &format!("{LIMITS}Max open files            1024   4096   files\n")),
            ("sys/fs/file-max", "10000\n"),
            ("sys/net/core/somaxconn", "128\n"),
            ("sys/net/ipv4/ip_local_port_range", "50000\t60999\n"),
            ("sys/net/netfilter/nf_conntrack_max", "100000\n"),
            ("sys/net/netfilter/nf_conntrack_count", "90000\n"),
            ("nginx.conf", "proxy_read_timeout 20s;\n"),
        ],
    );
    let findings = machine.examined(&["nginx.conf", "missing.conf"]);
    let wrong = bad(&findings);
    let named =
        ["LimitNOFILE", "fs.file-max", "net.core.somaxconn", "ip_local_port_range", "nf_conntrack_max"];
    for words in named.iter().chain(&["proxy_read_timeout 20 s", "missing.conf"]) {
        assert!(wrong.iter().any(|text| text.contains(words)), "{words} in {wrong:#?}");
    }
    assert_eq!(wrong.len(), 7, "{wrong:#?}");
    assert!(report(&findings).ends_with("7 things should be mended.\n"));
}

#[test]
fn what_cannot_be_read_is_no_fault() {
    let machine = Machine::showing("blind", &[("empty.conf", "")]);
    assert_eq!(bad(&machine.examined(&["empty.conf"])), [""; 0]);
}

#[test]
fn files_of_balancers_are_taken_out_of_the_words() {
    let mut words: Vec<OsString> =
        ["--threads", "1", "--balancer", "a", "--balancer", "b"].iter().map(OsString::from).collect();
    let files = take_balancers(&mut words).unwrap_or_else(|_| panic!("both have a file"));
    assert_eq!(files, [PathBuf::from("a"), PathBuf::from("b")]);
    assert_eq!(words, ["--threads", "1"]);
    assert!(take_balancers(&mut vec!["--balancer".into()]).is_err());
}
