//! The shape of files: each opens with its purpose, is short, and has a name that says something.

use super::{Checkout, Finding};

/// More lines of code than this want a split, or a reason below.
const LINES_MAX: usize = 500;

/// Files that are longer, and why.
const LONG: &[(&str, &str)] = &[];

/// Words that say nothing about what is inside.
const EMPTY_NAMES: &[&str] =
    &["util", "utils", "helper", "helpers", "manager", "common", "misc", "base", "data"];

pub(super) fn check(checkout: &Checkout) -> Vec<Finding> {
    let purpose = checkout.sources().filter_map(|(path, text)| check_purpose(path, text));
    let length = checkout.files().filter_map(|(path, text)| check_length(path, text));
    let name = checkout.files().filter_map(|(path, _)| check_name(path));
    let functions = checkout.sources().flat_map(|(path, text)| check_functions(path, text));
    purpose.chain(length).chain(name).chain(functions).collect()
}

fn check_purpose(path: &str, text: &str) -> Option<Finding> {
    let opens_well = text.starts_with("//! ") || text.starts_with("#!");
    (!opens_well).then(|| Finding::new(path, 1, "does not open with what it is for (`//!`)"))
}

fn check_length(path: &str, text: &str) -> Option<Finding> {
    let is_program = [".rs", ".js", ".mjs", ".ts", ".py", ".css"].iter().any(|ending| path.ends_with(ending));
    let is_excused = LONG.iter().any(|(excused, _)| *excused == path);
    let lines = lines_of_code(text);
    let words = || format!("{lines} lines of code: split it by idea, or give tidy the reason");
    (is_program && !is_excused && lines > LINES_MAX).then(|| Finding::new(path, 1, words()))
}

/// Lines that are neither blank nor only a comment.
pub(super) fn lines_of_code(text: &str) -> usize {
    let is_code = |line: &&str| !line.is_empty() && !line.starts_with("//") && !line.starts_with('*');
    text.lines().map(str::trim).filter(is_code).count()
}

fn check_name(path: &str) -> Option<Finding> {
    let mut words = path.split(['/', '.', '_', '-']);
    let empty = words.find(|word| EMPTY_NAMES.contains(word))?;
    Some(Finding::new(path, 1, format!("`{empty}` does not say what is inside")))
}

fn check_functions(path: &str, text: &str) -> Vec<Finding> {
    let code = super::rust::code(text);
    let lines = code.lines().enumerate().filter(|(_, line)| line.contains(concat!("fn handle", "_")));
    lines.map(|(index, _)| Finding::new(path, index + 1, "`handle_` does not say what is done")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::sample::findings;
    use super::*;

    #[test]
    fn a_file_without_its_purpose_is_found() {
        let found =
            findings(check, &[("crates/chat/src/a.rs", "fn a() {}\n"), ("crates/chat/src/b.rs", "//! B.\n")]);
        assert_eq!(found, ["crates/chat/src/a.rs:1: does not open with what it is for (`//!`)"]);
    }

    #[test]
    fn a_long_file_is_found_and_comments_do_not_count() {
        let long = format!("//! A.\n{}", "a();\n".repeat(LINES_MAX + 1));
        let chatty = format!("//! A.\n{}{}", "// b\n\n".repeat(LINES_MAX), "a();\n".repeat(LINES_MAX));
        assert_eq!(findings(check, &[("crates/chat/src/a.rs", &long)]).len(), 1);
        assert!(findings(check, &[("crates/chat/src/a.rs", &chatty)]).is_empty());
    }

    #[test]
    fn names_that_say_nothing_are_found() {
        assert_eq!(findings(check, &[("crates/chat/src/room_utils.rs", "//! A.\n")]).len(), 1);
        assert_eq!(findings(check, &[("web/helpers/a.js", "")]).len(), 1);
        let function = format!("//! A.\nfn handle{}(a: A) {{}}\n", "_message");
        assert_eq!(findings(check, &[("crates/chat/src/a.rs", &function)]).len(), 1);
        assert!(findings(check, &[("crates/chat/src/database.rs", "//! A.\n")]).is_empty());
    }

    #[test]
    fn every_excuse_has_a_reason() {
        assert!(LONG.iter().all(|(path, reason)| !path.is_empty() && reason.len() > 10));
    }
}
