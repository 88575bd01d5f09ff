//! As much of Rust's grammar as the rules need: code without comments and literals, and the paths it names.

/// The code of a source file: comments and the insides of literals are blanks, lines stay where they were.
pub(super) fn code(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let (kept, blanked) = next_piece(rest);
        code.push_str(&rest[..kept]);
        code.extend(rest[kept..kept + blanked].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        rest = &rest[kept + blanked..];
    }
    code
}

/// How many bytes at the start of `rest` are code to keep, and how many after them are to be blanked.
fn next_piece(rest: &str) -> (usize, usize) {
    if rest.starts_with("//") {
        return (0, rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return (0, block_comment_length(rest));
    }
    if let Some(length) = raw_string_length(rest) {
        return (0, length);
    }
    if rest.starts_with('"') {
        return (0, quoted_length(rest, '"'));
    }
    if rest.starts_with('\'') && is_character(rest) {
        return (0, quoted_length(rest, '\''));
    }
    let word = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
    let one = rest.chars().next().map_or(0, char::len_utf8);
    (word.max(one), 0)
}

fn block_comment_length(rest: &str) -> usize {
    let mut depth = 0;
    for (index, _) in rest.char_indices() {
        if rest[index..].starts_with("/*") {
            depth += 1;
        } else if rest[..index].ends_with("*/") && index > 3 {
            depth -= 1;
            if depth == 0 {
                return index;
            }
        }
    }
    rest.len()
}

/// The length of `r"…"`, `r#"…"#`, with or without a leading `b`.
fn raw_string_length(rest: &str) -> Option<usize> {
    let after_r = rest.strip_prefix("br").or_else(|| rest.strip_prefix('r'))?;
    let hashes = after_r.bytes().take_while(|&byte| byte == b'#').count();
    let inside = after_r[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let opening = rest.len() - inside.len();
    Some(inside.find(&end).map_or(rest.len(), |at| opening + at + end.len()))
}

fn quoted_length(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (index, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return index + 1,
            _ => {}
        }
    }
    rest.len()
}

/// Whether a quote opens a character and not the name of a lifetime.
fn is_character(rest: &str) -> bool {
    let mut after = rest.chars().skip(1);
    let first = after.next();
    first == Some('\\') || after.next() == Some('\'')
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The code before the tests at the end of a file; nothing of a file that is all tests.
pub(super) fn without_tests<'c>(path: &str, code: &'c str) -> &'c str {
    if is_test_file(path) { "" } else { &code[..start_of_tests(code)] }
}

/// The tests at the end of a file; everything of a file that is all tests.
pub(super) fn tests<'c>(path: &str, code: &'c str) -> &'c str {
    if is_test_file(path) { code } else { &code[start_of_tests(code)..] }
}

fn is_test_file(path: &str) -> bool {
    path.contains("/tests/") || path.ends_with("/tests.rs") || path.contains("/benches/")
}

fn start_of_tests(code: &str) -> usize {
    let opens = |at: usize| {
        code[at..].lines().nth(1).is_some_and(|line| line.contains("mod ") && line.ends_with('{'))
    };
    code.match_indices("#[cfg(test)]").map(|(at, _)| at).find(|&at| opens(at)).unwrap_or(code.len())
}

/// Every path that code names, with its line; the groups of a `use` are spelt out.
pub(super) fn paths(code: &str) -> Vec<(usize, String)> {
    let mut reader = PathReader::default();
    for (index, line) in code.lines().enumerate() {
        reader.line = index + 1;
        split_into_tokens(line).into_iter().for_each(|token| reader.take(token));
    }
    reader.end_path();
    reader.found
}

/// Reads tokens into paths. A group keeps the path that stands before it.
#[derive(Default)]
struct PathReader {
    line: usize,
    path: Vec<String>,
    is_open: bool,
    groups: Vec<Vec<String>>,
    found: Vec<(usize, String)>,
}

impl PathReader {
    fn take(&mut self, token: &str) {
        match token {
            "::" => self.is_open = true,
            "{" if self.is_open => {
                self.groups.push(std::mem::take(&mut self.path));
                self.is_open = false;
            }
            "{" => {
                self.end_path();
                self.groups.push(Vec::new());
            }
            "}" => {
                self.end_path();
                self.groups.pop();
            }
            word if word.starts_with(is_word) => self.take_word(word),
            _ => self.end_path(),
        }
    }

    fn take_word(&mut self, word: &str) {
        if !self.is_open {
            self.end_path();
            self.path = self.groups.last().cloned().unwrap_or_default();
        }
        self.path.push(word.to_owned());
        self.is_open = false;
    }

    fn end_path(&mut self) {
        if !self.path.is_empty() {
            self.found.push((self.line, self.path.join("::")));
        }
        self.path.clear();
        self.is_open = false;
    }
}

fn split_into_tokens(line: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            _ if is_word(first) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            ':' if rest.starts_with("::") => 2,
            _ => first.len_utf8(),
        };
        if !first.is_whitespace() {
            tokens.push(&rest[..length]);
        }
        rest = &rest[length..];
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::{code, paths, tests, without_tests};

    #[test]
    fn comments_and_literals_are_not_code() {
        let text = "a // b\n/* c /* d */ e */ f \"g\\\"h\" 'i' '\\'' r#\"j\"k\"# l<'m>(b\"n\") br\"o\" p";
        let words: Vec<String> = code(text).split_whitespace().map(str::to_owned).collect();
        assert_eq!(words, ["a", "f", "l<'m>(b", ")", "p"]);
    }

    #[test]
    fn lines_stay_where_they_were() {
        let text = "\"one\ntwo\"\n/* three\n*/ four";
        assert_eq!(code(text).lines().count(), text.lines().count());
        assert!(code(text).ends_with("four"));
    }

    #[test]
    fn groups_are_spelt_out() {
        let found: Vec<String> = paths("use std::{fs, net::{self, TcpStream}};\nfn a() { b::c::<d>(); }")
            .into_iter()
            .map(|(_, p)| p)
            .collect();
        for path in ["std::fs", "std::net::self", "std::net::TcpStream", "b::c", "d"] {
            assert!(found.iter().any(|one| one == path), "{path} in {found:?}");
        }
    }

    #[test]
    fn tests_end_a_file_or_are_a_file() {
        let code = "#[cfg(test)]\nmod sample;\nfn a() {}\n#[cfg(test)]\nmod tests {\n b\n}\n";
        assert!(without_tests("a.rs", code).ends_with("fn a() {}\n"));
        assert!(tests("a.rs", code).contains(" b\n"));
        assert!(without_tests("crates/a/tests/b.rs", code).is_empty());
    }
}
