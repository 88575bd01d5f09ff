//! Where things are in the checkout.

use std::path::{Path, PathBuf};

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    let by_cargo = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let here = by_cargo.or_else(|| std::env::current_dir().ok()).unwrap_or_else(|| PathBuf::from("."));
    let above = here.ancestors().find(|folder| folder.join("Cargo.lock").is_file());
    above.map_or_else(|| here.clone(), Path::to_path_buf)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_holds_the_workspace_manifest() {
        assert!(root().join("Cargo.toml").is_file());
    }
}
