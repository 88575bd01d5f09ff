//! `cargo xtask chaos [--quick] [--server FILE] [--generator FILE]`: a cluster to which everything happens, and what its members missed of it.
//!
//! Four nodes behind HAProxy, a Redis with a replica and three Sentinels, and members who stay whatever happens. While they talk, nodes are
//! killed, Redis is restarted, its replica takes over, listeners are cut off, and all nodes are stopped and started one after the other. The
//! ledger of the members decides how this ends: nothing that was accepted may be missed, and no gap may go untold.

mod brokers;
mod nodes;
mod plan;
mod scene;
pub(super) mod stay;
mod verdict;

use std::path::PathBuf;

use self::plan::Plan;
use self::scene::Scene;
use self::stay::Stay;
use super::contender;
use super::page;
use super::result::Measured;
use crate::cluster::running::Folder;
use crate::install;
use crate::step::{Failure, Outcome};

const USAGE: &str = "usage: cargo xtask chaos [--quick] [--server FILE] [--generator FILE]";

/// What is started, and the packages of Debian that have it.
const NEEDS: &[(&str, &str)] = &[
    ("haproxy", "haproxy"),
    ("redis-cli", "redis-tools"),
    ("redis-sentinel", "redis-sentinel"),
    ("redis-server", "redis-server"),
];

/// What the command line asks for.
struct Wish {
    is_quick: bool,
    server: Option<PathBuf>,
    generator: Option<PathBuf>,
}

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let wish = read(arguments)?;
    install::programs(NEEDS)?;
    let server = match wish.server {
        Some(server) => server,
        None => contender::named("ours")?.built()?,
    };
    let generator = match wish.generator {
        Some(generator) => generator,
        None => contender::built_generator()?,
    };
    let plan = if wish.is_quick { Plan::quick() } else { Plan::full() };
    let mut folder = Folder::new()?;
    let mut scene = Scene::set(&plan, &server, folder.path())?;
    let mut stay = Stay::begin(&plan.options(scene.address()), &generator, folder.path())?;
    scene.await_all_in(&mut stay)?;
    scene.play(&plan, &mut stay)?;
    let account = stay.finish()?;
    drop(scene);
    let result = Measured::now(plan.name, &plan.about(), 1, verdict::finding(account)?);
    print!("{}", page::section(&result));
    let missed = result.missed();
    if !wish.is_quick {
        result.save()?;
    }
    if missed.is_empty() {
        return Ok(());
    }
    folder.keep();
    Err(Failure::new(format!("{}\n  logs are in {}", missed.join("\n  "), folder.path().display())))
}

fn read(arguments: &[String]) -> Result<Wish, Failure> {
    let mut wish = Wish { is_quick: false, server: None, generator: None };
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let file = |words: &mut std::slice::Iter<'_, String>| {
            words
                .next()
                .map(PathBuf::from)
                .ok_or_else(|| Failure::new(format!("{word} needs a file\n{USAGE}")))
        };
        match word.as_str() {
            "--quick" => wish.is_quick = true,
            "--server" => wish.server = Some(file(&mut words)?),
            "--generator" => wish.generator = Some(file(&mut words)?),
            _ => return Err(Failure::new(format!("{word} is not known\n{USAGE}"))),
        }
    }
    Ok(wish)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn a_command_line_is_read() {
        let wish = read(&words("--quick --server a/b --generator c")).expect("it is one");
        assert!(wish.is_quick);
        assert_eq!((wish.server, wish.generator), (Some(PathBuf::from("a/b")), Some(PathBuf::from("c"))));
    }

    #[test]
    fn what_is_no_command_line_is_refused_by_name() {
        for (line, part) in [("--server", "--server"), ("slow", "slow")] {
            let told = read(&words(line)).err().map(|failure| failure.to_string()).unwrap_or_default();
            assert!(told.contains(part), "{line}: {told}");
        }
    }
}
