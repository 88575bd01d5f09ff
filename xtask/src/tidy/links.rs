//! Links between documents lead somewhere.

use std::path::{Component, Path, PathBuf};

use super::{Checkout, Finding};

pub(super) fn check(checkout: &Checkout) -> Vec<Finding> {
    let documents = checkout.files().filter(|(path, _)| path.ends_with(".md"));
    documents.flat_map(|(path, text)| check_document(checkout, path, text)).collect()
}

fn check_document(checkout: &Checkout, path: &str, text: &str) -> Vec<Finding> {
    let links = links(text).into_iter();
    let dead = links.filter_map(|(line, link)| Some((line, fault(checkout, path, text, link)?)));
    dead.map(|(line, fault)| Finding::new(path, line, fault)).collect()
}

/// The targets of `[text](target)` outside code, with their lines.
fn links(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut is_code = false;
    for (index, line) in text.lines().enumerate() {
        is_code ^= line.trim_start().starts_with("```");
        if !is_code {
            found.extend(targets(line).into_iter().map(|target| (index + 1, target)));
        }
    }
    found
}

/// Every other part between backquotes is code.
fn targets(line: &str) -> Vec<&str> {
    let opens = line.match_indices("](").map(|(at, _)| at);
    let outside_code = opens.filter(|&at| line[..at].matches('`').count().is_multiple_of(2));
    outside_code.filter_map(|at| line[at + 2..].split(')').next()).collect()
}

fn fault(checkout: &Checkout, path: &str, text: &str, link: &str) -> Option<String> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (file, heading) = link.split_once('#').map_or((link, None), |(file, heading)| (file, Some(heading)));
    let target = if file.is_empty() { path.to_owned() } else { resolve(path, file) };
    if !checkout.has(&target) {
        return Some(format!("{link} leads nowhere"));
    }
    let text = if file.is_empty() { text } else { checkout.text(&target) };
    let heading = heading.filter(|heading| !headings(text).iter().any(|one| one == heading))?;
    Some(format!("{target} has no heading #{heading}"))
}

/// A link relative to the folder of the document it stands in.
fn resolve(path: &str, link: &str) -> String {
    let mut resolved = PathBuf::new();
    let folder = Path::new(path).parent().unwrap_or(Path::new(""));
    for component in folder.join(link.trim_end_matches('/')).components() {
        match component {
            Component::ParentDir => {
                resolved.pop();
            }
            Component::Normal(name) => resolved.push(name),
            _ => {}
        }
    }
    resolved.to_string_lossy().into_owned()
}

/// The anchors of a document: its headings in lower case, blanks as hyphens, other signs left out.
fn headings(text: &str) -> Vec<String> {
    let headings =
        text.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    headings.map(anchor).collect()
}

fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::super::sample::findings;

    const OTHER: (&str, &str) = ("docs/b.md", "# Close codes, all\n");

    fn of(text: &str) -> Vec<String> {
        findings(super::check, &[("docs/a/a.md", text), OTHER])
    }

    #[test]
    fn links_that_lead_somewhere_pass() {
        assert!(
            of("# Top\n[b](../b.md#close-codes-all) [top](#top) [docs](..) [web](https://a.example/b)\n")
                .is_empty()
        );
        assert!(of("`[a](b)`\n```\n[a](b)\n```\n").is_empty());
    }

    #[test]
    fn links_that_lead_nowhere_are_found() {
        let expected =
            ["docs/a/a.md:1: b.md leads nowhere", "docs/a/a.md:2: docs/b.md has no heading #codes"];
        assert_eq!(of("[b](b.md)\n[b](../b.md#codes)\n"), expected);
        assert_eq!(of("[a](#nowhere)\n").len(), 1);
    }
}
