//! Every dependency on others' code has its reason beside it and its version in the workspace's table.

use super::floors::floor;
use super::manifest::dependencies;
use super::{Checkout, Finding};

pub(super) fn check(checkout: &Checkout) -> Vec<Finding> {
    let is_member = |path: &str| {
        path == "xtask/Cargo.toml" || (path.starts_with("crates/") && path.ends_with("/Cargo.toml"))
    };
    let manifests = checkout.files().filter(|(path, _)| is_member(path));
    manifests.flat_map(|(path, text)| check_manifest(path, text)).collect()
}

fn check_manifest(path: &str, manifest: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for used in dependencies(manifest).into_iter().filter(|used| floor(used.name).is_none()) {
        if !used.has_reason {
            findings.push(Finding::new(
                path,
                used.line,
                format!("no comment says why {} is needed", used.name),
            ));
        }
        if !used.is_of_workspace {
            findings.push(Finding::new(path, used.line, format!("{} has a version of its own", used.name)));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::sample::findings;

    fn of(lines: &str) -> Vec<String> {
        findings(super::check, &[("crates/wire/Cargo.toml", &format!("[dependencies]\n{lines}"))])
    }

    #[test]
    fn a_dependency_without_a_reason_or_with_its_own_version_is_found() {
        let expected = [
            "crates/wire/Cargo.toml:2: no comment says why memchr is needed",
            "crates/wire/Cargo.toml:2: memchr has a version of its own",
        ];
        assert_eq!(of("memchr = \"2\"\n"), expected);
    }

    #[test]
    fn our_own_crates_need_no_reason() {
        assert!(of("chat.workspace = true\n# Finds bytes.\nmemchr.workspace = true\n").is_empty());
    }
}
