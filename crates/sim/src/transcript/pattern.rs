//! Patterns: what must be heard, with holes for what cannot be known beforehand.

use std::collections::BTreeMap;

/// What holes were found to be filled with, by their names.
pub(super) type Found = BTreeMap<String, String>;

/// What must be heard. `*` stands for anything; `{kind}` for a value of a kind, and `{kind:name}` for the same value wherever it stands.
#[derive(Clone, Debug)]
pub(super) struct Pattern(Vec<Part>);

#[derive(Clone, Debug)]
enum Part {
    Literal(String),
    Anything,
    Hole { kind: &'static Kind, name: Option<String> },
}

/// A kind of values.
#[derive(Debug)]
struct Kind {
    name: &'static str,
    holds: fn(char) -> bool,
}

const KINDS: &[Kind] = &[
    Kind { name: "epoch", holds: |c| c.is_ascii_lowercase() || c.is_ascii_digit() },
    Kind { name: "time", holds: |c| c.is_ascii_digit() },
    Kind { name: "number", holds: |c| c.is_ascii_digit() },
    Kind { name: "id", holds: |c| c.is_ascii_alphanumeric() || c == '-' || c == '_' },
];

impl Pattern {
    pub(super) fn read(text: &str) -> Self {
        let mut parts: Vec<Part> = Vec::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let (part, length) = match first {
                '*' => (Part::Anything, 1),
                // In escapes a star is a star.
                '\\' => (
                    Part::Literal(rest.chars().take(2).collect()),
                    rest.chars().take(2).map(char::len_utf8).sum(),
                ),
                '{' => read_hole(rest).unwrap_or((Part::Literal("{".into()), 1)),
                c => (Part::Literal(c.into()), c.len_utf8()),
            };
            match (parts.last_mut(), part) {
                (Some(Part::Literal(before)), Part::Literal(more)) => before.push_str(&more),
                (_, part) => parts.push(part),
            }
            rest = &rest[length..];
        }
        Self(parts)
    }

    /// How much of the beginning of a text fits. Notes what was found where nothing is known yet.
    pub(super) fn find(&self, text: &str, found: &mut Found) -> Option<usize> {
        fit(&self.0, text, found)
    }

    /// Whether a text fits to its end.
    pub(super) fn fits(&self, text: &str, found: &mut Found) -> bool {
        let mut whole = found.clone();
        let fits = fit_all(&self.0, text, &mut whole);
        if fits {
            *found = whole;
        }
        fits
    }
}

/// A text to be said, its holes filled with what was found; `None` when something was not.
pub(super) fn fill(text: &str, found: &Found) -> Option<String> {
    Pattern::read_holes(text).into_iter().map(|part| filled(part, found)).collect()
}

fn filled(part: Part, found: &Found) -> Option<String> {
    match part {
        Part::Literal(text) => Some(text),
        Part::Hole { name, .. } => found.get(&name?).cloned(),
        Part::Anything => Some("*".into()),
    }
}

impl Pattern {
    /// As [`Pattern::read`], but nothing other than holes means anything.
    fn read_holes(text: &str) -> Vec<Part> {
        let mut parts = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (part, length) = read_hole(rest).unwrap_or_else(|| {
                let end = rest[1..].find('{').map_or(rest.len(), |at| at + 1);
                let end = if rest.is_char_boundary(end) { end } else { rest.len() };
                (Part::Literal(rest[..end].into()), end)
            });
            parts.push(part);
            rest = &rest[length..];
        }
        parts
    }
}

fn read_hole(text: &str) -> Option<(Part, usize)> {
    let inside = text.strip_prefix('{')?.split_once('}')?.0;
    let (kind, name) = match inside.split_once(':') {
        Some((kind, name)) => (kind, Some(name.to_owned())),
        None => (inside, None),
    };
    let kind = KINDS.iter().find(|known| known.name == kind)?;
    Some((Part::Hole { kind, name }, inside.len() + 2))
}

fn fit_all(parts: &[Part], text: &str, found: &mut Found) -> bool {
    match parts.split_last() {
        // What stands at the end is looked for at the end.
        Some((Part::Literal(end), before)) if before.iter().any(|part| matches!(part, Part::Anything)) => {
            text.strip_suffix(end.as_str()).is_some_and(|text| fit_all(before, text, found))
        }
        Some((Part::Anything, before)) => fit(before, text, found).is_some(),
        _ => fit(parts, text, found) == Some(text.len()),
    }
}

fn fit(parts: &[Part], text: &str, found: &mut Found) -> Option<usize> {
    let Some((part, after)) = parts.split_first() else { return Some(0) };
    let length = match part {
        Part::Literal(literal) => text.starts_with(literal.as_str()).then_some(literal.len())?,
        Part::Hole { kind, name } => fit_hole(kind, name.as_deref(), text, found)?,
        Part::Anything => {
            let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            return ends.into_iter().find_map(|at| Some(at + fit(after, &text[at..], found)?));
        }
    };
    Some(length + fit(after, &text[length..], found)?)
}

fn fit_hole(kind: &Kind, name: Option<&str>, text: &str, found: &mut Found) -> Option<usize> {
    if let Some(known) = name.and_then(|name| found.get(name)) {
        return text.starts_with(known.as_str()).then_some(known.len());
    }
    let length = text.find(|c| !(kind.holds)(c)).unwrap_or(text.len());
    if length == 0 {
        return None;
    }
    if let Some(name) = name {
        found.insert(name.to_owned(), text[..length].to_owned());
    }
    Some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(pattern: &str, text: &str, found: &mut Found) -> bool {
        Pattern::read(pattern).fits(text, found)
    }

    #[test]
    fn a_star_stands_for_anything() {
        let found = &mut Found::new();
        assert!(fits("a*c", "abbc", found) && fits("a*c*e", "abcde", found) && fits("*", "", found));
        assert!(!fits("a*c", "abb", found) && !fits("a", "ab", found) && fits("a\\*", "a\\*", found));
    }

    #[test]
    fn a_name_stands_for_the_same_everywhere() {
        let mut found = Found::new();
        assert!(fits(r#"{"at":"{epoch:e}:1"}"#, r#"{"at":"k3x:1"}"#, &mut found));
        assert!(fits("{epoch:e}:2", "k3x:2", &mut found) && !fits("{epoch:e}:2", "k4x:2", &mut found));
        assert_eq!(fill(r#"{"since":"{epoch:e}:1"}"#, &found).as_deref(), Some(r#"{"since":"k3x:1"}"#));
        assert_eq!(fill("{epoch:f}", &found), None);
    }

    #[test]
    fn a_beginning_says_how_long_it_is() {
        let pattern = Pattern::read("id: {epoch:e}:1\\n");
        assert_eq!(pattern.find("id: abc:1\\ndata", &mut Found::new()), Some(11));
    }
}
