//! The dependencies that a `Cargo.toml` names, and where.

/// One dependency line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Dependency<'t> {
    pub(super) name: &'t str,
    pub(super) line: usize,
    /// A comment above it or behind it.
    pub(super) has_reason: bool,
    /// Its version stands in the table of the workspace.
    pub(super) is_of_workspace: bool,
}

/// Every dependency in `[dependencies]`, `[dev-dependencies]` and their kin.
pub(super) fn dependencies(text: &str) -> Vec<Dependency<'_>> {
    let mut found = Vec::new();
    let mut is_in_table = false;
    let mut line_before = "";
    for (index, line) in text.lines().enumerate() {
        if let Some(table) = line.strip_prefix('[') {
            is_in_table = table.trim_end_matches(']').ends_with("dependencies");
        } else if is_in_table && line.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            found.push(dependency(index + 1, line, line_before));
        }
        line_before = line;
    }
    found
}

fn dependency<'t>(number: usize, line: &'t str, line_before: &str) -> Dependency<'t> {
    let name = line.split(['.', '=', ' ']).next().unwrap_or(line);
    let has_reason = line_before.starts_with('#') || line.contains(" # ");
    Dependency { name, line: number, has_reason, is_of_workspace: line.contains("workspace = true") }
}

/// Whether a path is the manifest of a crate, and of which.
pub(super) fn crate_of(path: &str) -> Option<&str> {
    path.strip_prefix("crates/")?.strip_suffix("/Cargo.toml").filter(|name| !name.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_of_dependencies_is_read_and_no_other() {
        let text = "[package]\nname = \"a\"\n[dependencies]\n# why\nb.workspace = true\nc = \"1\"\n\
                    [dev-dependencies]\nd.workspace = true # why\n[lints]\nworkspace = true\n";
        let found: Vec<(&str, usize, bool, bool)> =
            dependencies(text).iter().map(|d| (d.name, d.line, d.has_reason, d.is_of_workspace)).collect();
        assert_eq!(found, [("b", 5, true, true), ("c", 6, false, false), ("d", 8, true, true)]);
    }
}
