//! The extension points: a folder and a name in the list, and nobody else knows.

use std::collections::BTreeSet;

use super::rust::{code, paths};
use super::{Checkout, Finding};

/// The crates whose folders hang on a list in their `lib.rs`.
const HOOKS: &[&str] = &["gateways", "access", "backplanes", "stores"];

pub(super) fn check(checkout: &Checkout) -> Vec<Finding> {
    HOOKS.iter().flat_map(|hook| check_hook(checkout, hook)).collect()
}

fn check_hook(checkout: &Checkout, hook: &str) -> Vec<Finding> {
    let folders = folders(checkout, hook);
    let mut findings = Vec::new();
    for folder in &folders {
        findings.extend(check_list(checkout, hook, folder));
        findings.extend(check_readme(checkout, hook, folder));
    }
    findings.extend(strangers(checkout, hook, &folders));
    findings
}

fn folders<'c>(checkout: &'c Checkout, hook: &str) -> BTreeSet<&'c str> {
    let source = format!("crates/{hook}/src/");
    let inside = checkout.files().filter_map(|(path, _)| path.strip_prefix(&source));
    inside.filter_map(|path| path.split_once('/')).map(|(folder, _)| folder).collect()
}

fn check_list(checkout: &Checkout, hook: &str, folder: &str) -> Option<Finding> {
    let path = format!("crates/{hook}/src/lib.rs");
    let code = code(checkout.text(&path));
    let declaration = format!("mod {folder};");
    let list: String =
        code.lines().filter(|line| !line.contains(&declaration)).map(|line| format!("{line}\n")).collect();
    let is_listed =
        paths(&list).iter().any(|(_, named)| named == folder || named.starts_with(&format!("{folder}::")));
    (!is_listed).then(|| Finding::new(&path, 1, format!("the folder {folder} is not in the list")))
}

fn check_readme(checkout: &Checkout, hook: &str, folder: &str) -> Option<Finding> {
    let path = format!("crates/{hook}/README.md");
    let mut rows = checkout.text(&path).lines().filter(|line| line.starts_with('|'));
    let has_row = rows.any(|row| row.contains(&format!("`{folder}`")));
    (!has_row).then(|| Finding::new(&path, 1, format!("no row for `{folder}`")))
}

/// Files that name a folder which is not their own.
fn strangers(checkout: &Checkout, hook: &str, folders: &BTreeSet<&str>) -> Vec<Finding> {
    let sources = checkout.sources().filter(|(path, _)| *path != format!("crates/{hook}/src/lib.rs"));
    let mut findings = Vec::new();
    for (path, text) in sources {
        for (line, named) in paths(&code(text)) {
            let folder = folder_in(&named, path, hook).filter(|folder| folders.contains(folder));
            let foreign = folder.filter(|folder| !path.starts_with(&format!("crates/{hook}/src/{folder}/")));
            findings.extend(
                foreign.map(|folder| Finding::new(path, line, format!("names the {hook} folder {folder}"))),
            );
        }
    }
    findings
}

/// The folder of a hook that a path leads into: `gateways::x::…` from anywhere, `crate::x::…` from inside.
fn folder_in<'n>(named: &'n str, path: &str, hook: &str) -> Option<&'n str> {
    let is_inside = path.starts_with(&format!("crates/{hook}/src/"));
    let root = if is_inside { "crate" } else { hook };
    let mut segments = named.split("::").skip_while(|&segment| segment == "super" && is_inside);
    let first = segments.next()?;
    if is_inside && named.starts_with("super::") {
        return Some(first);
    }
    (first == root).then(|| segments.next())?
}

#[cfg(test)]
mod tests {
    use super::super::sample::findings;

    const LIST: (&str, &str) =
        ("crates/gateways/src/lib.rs", "mod raw;\nmod sse;\nconst A: B = [raw::open, sse::open];\n");
    const README: (&str, &str) = ("crates/gateways/README.md", "| `raw` |\n| `sse` |\n");
    const SSE: (&str, &str) =
        ("crates/gateways/src/sse/mod.rs", "use crate::port::Gateway;\nuse super::Call;\n");

    fn with_raw(text: &str) -> Vec<String> {
        findings(super::check, &[LIST, README, SSE, ("crates/gateways/src/raw/mod.rs", text)])
    }

    #[test]
    fn a_list_may_be_a_macro_of_names() {
        let list = ("crates/gateways/src/lib.rs", "gateways![raw, sse];\n");
        let found = findings(super::check, &[list, README, SSE, ("crates/gateways/src/raw/mod.rs", "")]);
        assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn folders_that_keep_to_themselves_pass() {
        assert!(with_raw("use crate::raw::demo;\nmod demo;\n").is_empty());
    }

    #[test]
    fn a_folder_that_names_another_is_found() {
        let expected = ["crates/gateways/src/raw/mod.rs:1: names the gateways folder sse"];
        assert_eq!(with_raw("use crate::{port, sse::Line};\n"), expected);
        assert_eq!(with_raw("use super::sse;\n"), expected);
    }

    #[test]
    fn another_crate_that_names_a_folder_is_found() {
        let shard = ("crates/shard/src/lib.rs", "\nuse gateways::raw::open;\n");
        let found =
            findings(super::check, &[LIST, README, SSE, ("crates/gateways/src/raw/mod.rs", ""), shard]);
        assert_eq!(found, ["crates/shard/src/lib.rs:2: names the gateways folder raw"]);
    }

    #[test]
    fn a_folder_missing_from_list_or_readme_is_found() {
        let lone = ("crates/stores/src/sql/mod.rs", "");
        let found = findings(super::check, &[lone, ("crates/stores/src/lib.rs", "mod sql;\n")]);
        let expected = [
            "crates/stores/src/lib.rs:1: the folder sql is not in the list",
            "crates/stores/README.md:1: no row for `sql`",
        ];
        assert_eq!(found, expected);
    }
}
