//! Pure code owns nothing that another thread, the system or chance could change.

use super::rust::{code, paths, without_tests};
use super::{Checkout, Finding};

/// Where code is pure.
const PURE: &[&str] = &[
    "crates/chat/src/",
    "crates/wire/src/",
    "crates/web/src/",
    "crates/gateways/src/",
    "crates/access/src/accounts/scram.rs",
    "crates/access/src/guests/",
    "crates/access/src/docket.rs",
    "crates/access/src/pattern.rs",
    "crates/access/src/rules.rs",
    "crates/access/src/webhook/breaker.rs",
    "crates/access/src/webhook/words.rs",
    "crates/access/src/tokens/claims.rs",
    "crates/access/src/tokens/keys.rs",
    "crates/access/src/tokens/revoked.rs",
    "crates/backplanes/src/loopback/",
    "crates/backplanes/src/redis/broker/",
    "crates/backplanes/src/redis/machine/",
    "crates/stores/src/memory/",
    "crates/stores/src/tails.rs",
    "crates/shard/src/",
];

/// Modules that pure code does not enter.
const MODULES: &[&str] = &[
    "std::net",
    "std::thread",
    "std::fs",
    "std::env",
    "std::process",
    "std::os",
    "rand",
    "getrandom",
    "tokio",
    "mio",
    "rustix",
    "libc",
    "tracing",
];

/// Names that pure code does not use, wherever they come from.
const NAMES: &[&str] = &[
    "Instant",
    "SystemTime",
    "Mutex",
    "RwLock",
    "Condvar",
    "Barrier",
    "OnceLock",
    "LazyLock",
    "atomic",
    "mpsc",
    "thread_local",
    "println",
    "print",
    "eprintln",
    "eprint",
    "dbg",
    "RandomState",
];

pub(super) fn check(checkout: &Checkout) -> Vec<Finding> {
    let pure = checkout.sources().filter(|(path, _)| PURE.iter().any(|folder| path.starts_with(folder)));
    pure.flat_map(|(path, text)| check_file(path, text)).collect()
}

fn check_file(path: &str, text: &str) -> Vec<Finding> {
    let code = code(text);
    let named = paths(without_tests(path, &code)).into_iter();
    let impure = named.filter(|(_, named)| is_impure(named));
    impure.map(|(line, named)| Finding::new(path, line, format!("pure code names {named}"))).collect()
}

fn is_impure(named: &str) -> bool {
    let enters = |module: &&str| named == *module || named.starts_with(&format!("{module}::"));
    let is_forbidden = |segment: &str| NAMES.contains(&segment) || segment.starts_with("Atomic");
    MODULES.iter().any(enters) || named.split("::").any(is_forbidden)
}

#[cfg(test)]
mod tests {
    use super::super::sample::findings;

    fn of(text: &str) -> Vec<String> {
        findings(super::check, &[("crates/shard/src/lib.rs", text)])
    }

    #[test]
    fn every_forbidden_module_and_name_is_found() {
        for module in super::MODULES {
            assert_eq!(of(&format!("use {module}::x;\n")).len(), 1, "{module}");
        }
        for name in super::NAMES.iter().chain(&["AtomicU64"]) {
            assert_eq!(of(&format!("fn a() {{ {name}; }}\n")).len(), 1, "{name}");
        }
    }

    #[test]
    fn forbidden_modules_are_found_in_groups() {
        let expected = ["crates/shard/src/lib.rs:1: pure code names std::net::IpAddr"];
        assert_eq!(of("use std::{fmt, net::IpAddr};\n"), expected);
    }

    #[test]
    fn comments_strings_tests_and_impure_crates_pass() {
        assert!(
            of("// std::net\nconst A: &str = \"Mutex\";\n#[cfg(test)]\nmod tests {\n use std::fs;\n}\n")
                .is_empty()
        );
        assert!(
            findings(super::check, &[("crates/reactor/src/lib.rs", "use std::net::TcpStream;\n")]).is_empty()
        );
        assert!(findings(super::check, &[("crates/stores/src/sql/mod.rs", "use std::fs;\n")]).is_empty());
    }
}
