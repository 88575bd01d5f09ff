//! The reference of codes has a row for each refusal and each farewell, in their order, and no other.

use chat::{Farewell, Refusal};

const REFERENCE: &str = include_str!("../../../docs/reference/codes.md");

/// The cells of the rows of the table below a heading, as many of the first ones as are asked for.
fn rows(heading: &str, cells: usize) -> Vec<String> {
    let (_, section) = REFERENCE.split_once(&format!("## {heading}\n")).expect("the reference has it");
    let section = section.split("\n## ").next().unwrap_or(section);
    let rows = section.lines().filter(|line| line.starts_with("| ")).skip(1);
    rows.map(|row| row.split(" | ").take(cells).collect::<Vec<_>>().join(" | ")).collect()
}

fn word(is_so: bool) -> &'static str {
    if is_so { "yes" } else { "no" }
}

#[test]
fn the_reference_has_every_refusal() {
    let told = Refusal::ALL.map(|refusal| {
        format!("| `{}` | {} | {}", refusal.code(), word(refusal.may_retry()), refusal.http_status())
    });
    assert_eq!(rows("Refusals", 3), told);
}

#[test]
fn the_reference_has_every_farewell_by_its_code() {
    let mut farewells = Farewell::ALL;
    farewells.sort_by_key(|farewell| farewell.code());
    let told = farewells.map(|farewell| {
        format!("| {} | `{}` | {}", farewell.code(), farewell.reason(), word(farewell.may_reconnect()))
    });
    assert_eq!(rows("Close codes", 3), told);
}
