//! A crate uses only crates on lower floors.

use super::manifest::{crate_of, dependencies};
use super::{Checkout, Finding};

/// The floors, the lowest first. ARCHITECTURE.md says what each crate must not know.
pub(super) const FLOORS: &[&[&str]] = &[
    &["chat", "wire", "web"],
    &["gateways", "access", "backplanes", "stores"],
    &["shard"],
    &["reactor", "admin", "beside", "sim"],
    &["heimdallr", "loadgen"],
];

pub(super) fn check(checkout: &Checkout) -> Vec<Finding> {
    let manifests = checkout.files().filter_map(|(path, text)| Some((crate_of(path)?, path, text)));
    manifests.flat_map(|(name, path, text)| check_crate(name, path, text)).collect()
}

fn check_crate(name: &str, path: &str, manifest: &str) -> Vec<Finding> {
    let Some(own) = floor(name) else {
        return vec![Finding::new(path, 1, format!("{name} has no floor"))];
    };
    let uses = dependencies(manifest).into_iter();
    let ours = uses.filter_map(|used| Some((floor(used.name)?, used)));
    let above = ours.filter(|(floor, used)| *floor >= own && used.name != name);
    above
        .map(|(_, used)| {
            Finding::new(path, used.line, format!("{name} uses {}, which is not below it", used.name))
        })
        .collect()
}

/// The floor of one of our crates, by its folder or its package name.
pub(super) fn floor(name: &str) -> Option<usize> {
    let folder = name.strip_prefix("heimdallr-").unwrap_or(name);
    FLOORS.iter().position(|floor| floor.contains(&folder))
}

#[cfg(test)]
mod tests {
    use super::super::sample::findings;

    fn of(name: &str, dependency: &str) -> Vec<String> {
        let path = format!("crates/{name}/Cargo.toml");
        findings(super::check, &[(&path, &format!("[dependencies]\n{dependency}.workspace = true\n"))])
    }

    #[test]
    fn a_crate_may_use_what_is_below_it() {
        assert!(of("shard", "chat").is_empty());
        assert!(of("heimdallr", "reactor").is_empty());
        assert!(of("wire", "memchr").is_empty());
    }

    #[test]
    fn a_crate_may_not_use_its_own_floor_or_one_above() {
        assert_eq!(of("chat", "wire"), ["crates/chat/Cargo.toml:2: chat uses wire, which is not below it"]);
        assert_eq!(of("gateways", "shard").len(), 1);
        assert_eq!(of("reactor", "heimdallr-admin").len(), 1);
    }

    #[test]
    fn a_crate_without_a_floor_is_found() {
        assert_eq!(of("attic", "chat"), ["crates/attic/Cargo.toml:1: attic has no floor"]);
    }
}
