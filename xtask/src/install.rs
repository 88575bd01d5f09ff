//! What xtask brings to a machine: never more than is missing, never without saying so.

use std::path::{Path, PathBuf};

use crate::program::Program;
use crate::step::{Failure, Outcome};

/// Where Debian keeps servers, which the path of an ordinary user leaves out.
const SERVERS: &str = "/usr/sbin";

/// While this forbids it, Debian does not start services that it installs (invoke-rc.d(8)).
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// `cargo NAME`, built from its source when it is not there. Built quickly: it runs for seconds.
pub(crate) fn cargo_tool(name: &str) -> Outcome {
    if Program::new("cargo").args([name, "--version"]).succeeds() {
        return Ok(());
    }
    println!("   cargo-{name} is missing: building it, which takes some minutes once");
    let package = format!("cargo-{name}");
    let install = Program::new("cargo").args(["install", "--locked", "--quiet", &package]);
    let quick = install.env("CARGO_PROFILE_RELEASE_LTO", "off").env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1");
    quick.env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16").run()
}

/// Programs that other packages of Debian have: installs those that are missing.
pub(crate) fn programs(needs: &[(&str, &str)]) -> Outcome {
    let (here, missing): (Vec<_>, Vec<_>) = needs.iter().partition(|(program, _)| find(program).is_some());
    let list = |needs: &[&(&str, &str)], pick: fn(&(&str, &str)) -> String| {
        needs.iter().map(|need| pick(need)).collect::<Vec<_>>().join(", ")
    };
    println!("   here: {}", list(&here, |(program, _)| (*program).to_owned()));
    if missing.is_empty() {
        return Ok(());
    }
    println!("   missing: {}", list(&missing, |(program, package)| format!("{program} (package {package})")));
    let packages: Vec<&str> = missing.iter().map(|(_, package)| *package).collect();
    debian_packages(&packages)
}

/// What `python3 -m venv` needs, which Debian keeps apart.
pub(crate) fn python_environments() -> Outcome {
    if Program::new("python3").args(["-c", "import ensurepip, venv"]).succeeds() {
        return Ok(());
    }
    println!("   missing: environments of Python (package python3-venv)");
    debian_packages(&["python3-venv"])
}

/// Asks for what packages there are today.
pub(crate) fn update_package_lists() -> Outcome {
    apt_get(&["update", "-qq"])
}

/// The services that come with packages are not started: what needs them starts its own.
fn debian_packages(packages: &[&str]) -> Outcome {
    update_package_lists()?;
    let has_policy = Path::new(POLICY).exists();
    if !has_policy {
        let forbid = format!("printf '#!/bin/sh\\nexit 101\\n' > {POLICY} && chmod 755 {POLICY}");
        as_root("sh")?.args(["-c", &forbid]).run()?;
    }
    let installed =
        apt_get(&[["install", "-qq", "--yes", "--no-install-recommends"].as_slice(), packages].concat());
    if !has_policy {
        as_root("rm")?.args([POLICY]).run()?;
    }
    installed
}

/// Where a program of the system is.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from(SERVERS)]);
    folders.map(|folder| folder.join(program)).find(|file| file.is_file())
}

fn apt_get(arguments: &[&str]) -> Outcome {
    let log = crate::tree::root().join("target/apt.log");
    as_root("apt-get")?.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").log_into(&log)
}

fn as_root(program: &str) -> Result<Program, Failure> {
    if is_root() {
        return Ok(Program::new(program));
    }
    if Program::new("sudo").args(["--non-interactive", "true"]).succeeds() {
        return Ok(Program::new("sudo").args(["--non-interactive", program]));
    }
    Err(Failure::new(format!(
        "{program} needs root, or sudo without a password; install the packages by hand"
    )))
}

fn is_root() -> bool {
    Program::new("id").args(["--user"]).capture().is_ok_and(|id| id.trim() == "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_that_are_here_are_not_installed_again() {
        assert!(find("cargo").is_some());
        assert!(find("no-such-program-anywhere").is_none());
        assert!(programs(&[("cargo", "no-such-package-anywhere")]).is_ok());
    }
}
