//! What xtask brings to a machine: never more than is missing, never without saying so.

use crate::program::Program;
use crate::step::{Failure, Outcome};

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
    let (here, missing): (Vec<_>, Vec<_>) = needs.iter().partition(|(program, _)| is_on_path(program));
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

fn debian_packages(packages: &[&str]) -> Outcome {
    update_package_lists()?;
    apt_get(&[["install", "-qq", "--yes", "--no-install-recommends"].as_slice(), packages].concat())
}

fn is_on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

fn apt_get(arguments: &[&str]) -> Outcome {
    let log = crate::tree::root().join("target/apt.log");
    let program = if is_root() {
        Program::new("apt-get")
    } else if Program::new("sudo").args(["--non-interactive", "true"]).succeeds() {
        Program::new("sudo").args(["--non-interactive", "apt-get"])
    } else {
        return Err(Failure::new(
            "apt-get needs root, or sudo without a password; install the packages by hand",
        ));
    };
    program.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").log_into(&log)
}

fn is_root() -> bool {
    Program::new("id").args(["--user"]).capture().is_ok_and(|id| id.trim() == "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_that_are_here_are_not_installed_again() {
        assert!(is_on_path("cargo"));
        assert!(!is_on_path("no-such-program-anywhere"));
        assert!(programs(&[("cargo", "no-such-package-anywhere")]).is_ok());
    }
}
