//! Nothing is left lying about: no notes to self, no tests that are off or wait by the clock, no `unsafe` but where it was decided.

use super::rust::{code, paths, tests};
use super::{Checkout, Finding};

/// Notes to self, in any text. Spelt in halves, so that this file passes.
const NOTES: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];

/// Names that no Rust code uses.
const NAMES: &[&str] = &["unsafe", "todo", "unimplemented", "dbg", "ignore", "should_panic"];

/// The one file that may say `unsafe`: docs/decisions/0008.
const UNSAFE_FILE: &str = "crates/heimdallr/src/heap.rs";

pub(super) fn check(checkout: &Checkout) -> Vec<Finding> {
    let notes = checkout.files().flat_map(|(path, text)| find_notes(path, text));
    let names = checkout.sources().flat_map(|(path, text)| find_names(path, text));
    notes.chain(names).collect()
}

fn find_notes(path: &str, text: &str) -> Vec<Finding> {
    let lines = text.lines().enumerate();
    let words = lines
        .flat_map(|(index, line)| line.split(|c: char| !c.is_alphanumeric()).map(move |word| (index, word)));
    let notes = words.filter(|(_, word)| NOTES.contains(word));
    notes.map(|(index, word)| Finding::new(path, index + 1, format!("a note to self: {word}"))).collect()
}

fn find_names(path: &str, text: &str) -> Vec<Finding> {
    let code = code(text);
    let lines_before_tests = code.lines().count() - tests(path, &code).lines().count();
    let named = paths(&code).into_iter();
    let is_bad = |line: usize, named: &str| {
        (NAMES.contains(&named) && !(named == "unsafe" && path == UNSAFE_FILE))
            || (line > lines_before_tests && named.ends_with("thread::sleep"))
    };
    named
        .filter(|(line, named)| is_bad(*line, named))
        .map(|(line, named)| Finding::new(path, line, named))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::sample::findings;

    fn of(text: &str) -> Vec<String> {
        findings(super::check, &[("crates/chat/src/lib.rs", text)])
    }

    #[test]
    fn every_note_is_found_in_comments_too() {
        for note in super::NOTES {
            assert_eq!(of(&format!("// {note}: later\n")).len(), 1, "{note}");
        }
    }

    #[test]
    fn every_name_is_found() {
        for line in ["unsafe { a }", "todo!()", "unimplemented!()", "dbg!(a)", "#[ignore]", "#[should_panic]"]
        {
            assert_eq!(of(&format!("fn a() {{}}\n{line}\n")).len(), 1, "{line}");
        }
    }

    #[test]
    fn unsafe_may_stand_in_one_file_only() {
        let text = "unsafe { a }\n";
        assert!(findings(super::check, &[(super::UNSAFE_FILE, text)]).is_empty());
        assert_eq!(findings(super::check, &[("crates/heimdallr/src/heaps.rs", text)]).len(), 1);
    }

    #[test]
    fn a_test_that_sleeps_is_found_and_code_that_sleeps_is_not() {
        let sleep = "fn a() { std::thread::sleep(b); }\n";
        assert!(of(sleep).is_empty());
        assert_eq!(
            of(&format!("#[cfg(test)]\nmod tests {{\n{sleep}}}\n")),
            ["crates/chat/src/lib.rs:3: std::thread::sleep"]
        );
        assert_eq!(findings(super::check, &[("crates/chat/tests/a.rs", sleep)]).len(), 1);
    }
}
