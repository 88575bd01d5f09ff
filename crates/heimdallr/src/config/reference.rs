//! The reference and the example file, made from the keys and held against the checkout.
//!
//! `UPDATE_DOCS=1 cargo test -p heimdallr` writes them anew.

use std::fmt::Write as _;
use std::path::PathBuf;

use super::given::Given;
use super::key::Key;
use super::keys::{Settings, keys};

const REFERENCE: &str = "docs/reference/configuration.md";
const EXAMPLE: &str = "deploy/heimdallr.toml";

#[test]
fn the_reference_says_what_the_keys_say() {
    hold(REFERENCE, &reference());
}

#[test]
fn the_example_file_says_what_the_keys_say() {
    hold(EXAMPLE, &example());
}

#[test]
fn the_example_file_is_the_defaults() {
    let given = Given::from_toml(&example(), EXAMPLE).expect("the example loads");
    let defaults = Settings::read(&Given::default()).expect("defaults are right");
    assert_eq!(Settings::read(&given), Ok(defaults));
}

#[test]
fn the_keys_with_flags_are_those_that_are_worth_one() {
    let flags: Vec<String> = keys().iter().filter(|key| key.flag.is_some()).map(Key::as_flag).collect();
    assert_eq!(
        flags,
        [
            "--listen",
            "--admin",
            "--dev-tls",
            "--threads",
            "--redis",
            "--max-message-bytes",
            "--ping-interval",
            "--data"
        ]
    );
}

fn reference() -> String {
    let mut text = "# Configuration\n\n\
        Every key can stand in a TOML file (`heimdallr --config FILE`, an example is `deploy/heimdallr.toml`) and in the\n\
        environment as `HEIMDALLR_` and the key in capitals; eight have a flag. Flags win over the environment, the\n\
        environment over the file. An unknown key, or a value of another form, is refused by name and nothing starts. In\n\
        the environment the items of a list stand between commas. On `SIGHUP` a node reads all of it again: keys marked\n\
        with * hold at once, others after a restart, which the log says; what cannot be followed changes nothing.\n\n\
        | key | flag | form | default | meaning |\n|---|---|---|---|---|\n"
        .to_owned();
    for key in keys() {
        let flag = key.usage().map_or(String::new(), |usage| format!("`{usage}`"));
        let default = format!("`{}`", key.default_literal());
        let name = format!("`{}`{}", key.name, if key.is_live { " *" } else { "" });
        let row = [name, flag, key.expected.clone(), default, about(&key)];
        writeln!(text, "| {} |", row.join(" | ")).expect("a string takes any text");
    }
    text
}

fn example() -> String {
    let mut text =
        "# Every key of Heimdallr with its default. docs/reference/configuration.md says more.\n".to_owned();
    for key in keys() {
        text += "\n";
        key.about.iter().for_each(|line| text += &format!("#{line}\n"));
        text += &format!("# Takes {}.\n{} = {}\n", key.expected, key.name, key.default_literal());
    }
    text
}

fn about(key: &Key) -> String {
    let lines: Vec<&str> = key.about.iter().map(|line| line.trim()).collect();
    lines.join(" ")
}

/// Fails when a file of the checkout differs from what it should be.
fn hold(path: &str, expected: &str) {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&file, expected).expect("the checkout can be written");
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        found == expected,
        "{path} is behind the keys: UPDATE_DOCS=1 cargo test -p heimdallr writes it anew"
    );
}
