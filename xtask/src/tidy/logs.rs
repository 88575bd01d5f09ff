//! The reference of the log says what the log says: every line that a crate writes has its row, and every row its line.

use super::rust::{code, without_tests};
use super::{Checkout, Finding};

const REFERENCE: &str = "docs/reference/log.md";
const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

/// A line of the log, as it stands in a source.
struct Line {
    path: String,
    number: usize,
    level: &'static str,
    message: String,
}

pub(super) fn check(checkout: &Checkout) -> Vec<Finding> {
    let reference = checkout.text(REFERENCE);
    let crates = checkout.sources().filter(|(path, _)| path.starts_with("crates/"));
    let lines: Vec<Line> = crates.flat_map(|(path, text)| lines_of(path, text)).collect();
    let row = |line: &Line| format!("| `{}` | {} |", line.message, line.level);
    let untold = lines.iter().filter(|line| !reference.contains(&row(line)));
    let untold = untold
        .map(|line| Finding::new(&line.path, line.number, format!("not in {REFERENCE}: {}", row(line))));
    let rows = reference.lines().enumerate().filter(|(_, text)| text.starts_with("| `"));
    let idle = rows.filter(|(_, text)| !lines.iter().any(|line| text.starts_with(&row(line))));
    let idle = idle.map(|(index, _)| Finding::new(REFERENCE, index + 1, "no crate writes this line"));
    untold.chain(idle).collect()
}

fn lines_of(path: &str, text: &str) -> Vec<Line> {
    let code = code(text);
    let code: Vec<char> = without_tests(path, &code).chars().collect();
    let text: Vec<char> = text.chars().collect();
    let mut lines = Vec::new();
    for level in LEVELS {
        let call: Vec<char> = format!("{level}!(").chars().collect();
        for start in (0..code.len().saturating_sub(call.len())).filter(|&at| code[at..].starts_with(&call)) {
            let is_inside_a_word = start > 0 && (code[start - 1].is_alphanumeric() || code[start - 1] == '_');
            let Some(message) = message_of(&code, &text, start + call.len()).filter(|_| !is_inside_a_word)
            else {
                continue;
            };
            let number = text[..start].iter().filter(|&&c| c == '\n').count() + 1;
            lines.push(Line { path: path.to_owned(), number, level, message });
        }
    }
    lines
}

/// The literal that ends the arguments which begin at `start`.
fn message_of(code: &[char], text: &[char], start: usize) -> Option<String> {
    let mut depth = 1;
    let end = (start..code.len()).find(|&at| {
        match code[at] {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        depth == 0
    })?;
    let arguments: String = text.get(start..end)?.iter().collect();
    let literal = arguments.trim_end().trim_end_matches(',').strip_suffix('"')?;
    literal.rsplit_once('"').map(|(_, message)| message.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::sample::findings;

    const SOURCE: (&str, &str) = (
        "crates/a/src/lib.rs",
        "fn a() { tracing::warn!(%b, c = d(\"e\"), \"it is late\"); xinfo!(\"f\"); }\n",
    );

    fn of(reference: &str) -> Vec<String> {
        findings(super::check, &[SOURCE, (super::REFERENCE, reference)])
    }

    #[test]
    fn a_line_with_its_row_is_well() {
        assert!(of("| line | level |\n| `it is late` | warn | what to do |\n").is_empty());
    }

    #[test]
    fn a_line_without_a_row_or_with_another_level_is_found() {
        assert_eq!(of("").len(), 1);
        assert_eq!(of("| `it is late` | info | what to do |\n").len(), 2);
    }

    #[test]
    fn a_row_without_a_line_is_found() {
        let reference = "| `it is late` | warn | a |\n| `it is early` | warn | b |\n";
        assert_eq!(of(reference), ["docs/reference/log.md:2: no crate writes this line"]);
    }
}
