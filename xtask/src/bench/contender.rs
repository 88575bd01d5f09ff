//! The servers that are measured: how each is made ready and how it is started.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::program::Program;
use crate::step::{Failure, Outcome};
use crate::tree;

/// A server, by name.
pub(super) struct Contender {
    pub(super) name: &'static str,
    /// What the generator speaks with it.
    pub(super) protocol: &'static str,
    /// Builds or installs it; does nothing when that was done.
    pub(super) prepare: fn() -> Outcome,
    /// The program and its arguments up to where it listens.
    command: fn() -> Vec<String>,
    /// Whether it takes the options of ours beside `--listen`.
    is_ours: bool,
}

pub(super) const CONTENDERS: &[Contender] = &[
    Contender { name: "ours", protocol: "raw", prepare: prepare_ours, command: ours, is_ours: true },
    Contender { name: "floor", protocol: "raw", prepare: prepare_floor, command: floor, is_ours: false },
    Contender {
        name: "Socket.IO",
        protocol: "socketio",
        prepare: prepare_socketio,
        command: socketio,
        is_ours: false,
    },
    Contender {
        name: "socketioxide",
        protocol: "socketio",
        prepare: prepare_socketioxide,
        command: socketioxide,
        is_ours: false,
    },
    Contender { name: "axum", protocol: "raw", prepare: prepare_axum, command: axum, is_ours: false },
    Contender { name: "Node http", protocol: "", prepare: || Ok(()), command: node_http, is_ours: false },
];

/// The contender of that name.
pub(super) fn named(name: &str) -> Result<&'static Contender, Failure> {
    let found = CONTENDERS.iter().find(|contender| contender.name == name);
    found.ok_or_else(|| Failure::new(format!("there is no server `{name}`")))
}

impl Contender {
    /// Where its program is, once it is built.
    pub(super) fn built(&self) -> Result<PathBuf, Failure> {
        (self.prepare)()?;
        (self.command)()
            .into_iter()
            .next()
            .map(PathBuf::from)
            .ok_or_else(|| Failure::new("it has no program"))
    }

    /// The command line: program first. `options` are for ours alone; others have none.
    pub(super) fn command_line(
        &self,
        listen: SocketAddr,
        admin: SocketAddr,
        options: &[&str],
    ) -> Vec<String> {
        let mut line = (self.command)();
        line.extend(["--listen".to_owned(), listen.to_string()]);
        if self.is_ours {
            line.extend(["--admin".to_owned(), admin.to_string()]);
            line.extend(options.iter().map(ToString::to_string));
        }
        line
    }
}

fn ours() -> Vec<String> {
    vec![in_target("heimdallr")]
}

fn prepare_ours() -> Outcome {
    cargo_build(&["--package", "heimdallr"])
}

/// Builds the generator, without which nothing is measured.
pub(super) fn prepare_generator() -> Outcome {
    cargo_build(&["--package", "heimdallr-loadgen"])
}

/// Where the generator is, once it is built.
pub(super) fn built_generator() -> Result<PathBuf, Failure> {
    prepare_generator()?;
    Ok(generator().into())
}

/// Where the generator is.
pub(super) fn generator() -> String {
    in_target("heimdallr-loadgen")
}

fn floor() -> Vec<String> {
    vec![path("bench/floor/target/release/floor")]
}

fn prepare_floor() -> Outcome {
    cargo_build(&["--manifest-path", "bench/floor/Cargo.toml", "--target-dir", "bench/floor/target"])
}

fn socketio() -> Vec<String> {
    vec!["node".to_owned(), path("bench/peers/socketio/server.js")]
}

fn prepare_socketio() -> Outcome {
    let folder = tree::root().join("bench/peers/socketio");
    if folder.join("node_modules/@socket.io/redis-adapter").is_dir() {
        return Ok(());
    }
    Program::new("npm").args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]).folder(&folder).run()
}

fn socketioxide() -> Vec<String> {
    vec![path("bench/peers/socketioxide/target/release/peer-socketioxide")]
}

fn prepare_socketioxide() -> Outcome {
    let manifest = "bench/peers/socketioxide/Cargo.toml";
    cargo_build(&["--manifest-path", manifest, "--target-dir", "bench/peers/socketioxide/target"])
}

fn axum() -> Vec<String> {
    vec![path("bench/peers/axum/target/release/peer-axum")]
}

fn prepare_axum() -> Outcome {
    cargo_build(&[
        "--manifest-path",
        "bench/peers/axum/Cargo.toml",
        "--target-dir",
        "bench/peers/axum/target",
    ])
}

fn node_http() -> Vec<String> {
    vec!["node".to_owned(), path("bench/peers/node-http/server.js")]
}

fn cargo_build(arguments: &[&str]) -> Outcome {
    Program::new("cargo").args(["build", "--release", "--locked", "--quiet"]).args(arguments).run()
}

fn in_target(name: &str) -> String {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| tree::root().join("target"), PathBuf::from);
    target.join("release").join(name).to_string_lossy().into_owned()
}

fn path(path: &str) -> String {
    tree::root().join(path).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ours_is_given_the_options_of_ours() {
        let [listen, admin] =
            ["127.0.0.1:1", "127.0.0.1:2"].map(|text| text.parse().expect("it is an address"));
        let line = |name| named(name).expect("it is listed").command_line(listen, admin, &["--threads", "2"]);
        assert!(
            line("ours")
                .join(" ")
                .ends_with("heimdallr --listen 127.0.0.1:1 --admin 127.0.0.1:2 --threads 2")
        );
        assert!(line("floor").join(" ").ends_with("floor --listen 127.0.0.1:1"));
        assert!(named("nobody").is_err());
    }
}
