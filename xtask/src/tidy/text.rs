//! Text is clean: no trailing blanks, tabs, carriage returns or missing last line end.

use super::{Checkout, Finding};

pub(super) fn check(checkout: &Checkout) -> Vec<Finding> {
    let files = checkout.files().filter(|(path, _)| is_ours(path));
    files.flat_map(|(path, text)| check_file(path, text)).collect()
}

/// Lock files are written by their tools; a licence is not ours to lay out.
fn is_ours(path: &str) -> bool {
    !(path.ends_with(".lock") || path.ends_with("package-lock.json") || path == "LICENSE")
}

fn check_file(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let line = line.strip_suffix('\n').unwrap_or(line);
        findings.extend(fault(line).map(|words| Finding::new(path, index + 1, words)));
    }
    if !text.is_empty() && !text.ends_with('\n') {
        findings.push(Finding::new(path, text.lines().count(), "the last line has no end"));
    }
    findings
}

fn fault(line: &str) -> Option<&'static str> {
    if line.ends_with('\r') {
        Some("carriage return")
    } else if line.contains('\t') {
        Some("tab")
    } else if line.ends_with(' ') {
        Some("trailing blank")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::findings;

    #[test]
    fn blanks_tabs_carriage_returns_and_open_ends_are_found() {
        let text = "a \nb\tc\nd\r\ne";
        let found = findings(super::check, &[("a.md", text)]);
        let expected = [
            "a.md:1: trailing blank",
            "a.md:2: tab",
            "a.md:3: carriage return",
            "a.md:4: the last line has no end",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn clean_text_and_lock_files_pass() {
        assert!(findings(super::check, &[("a.md", "a\nb\n"), ("Cargo.lock", "a \n")]).is_empty());
    }
}
