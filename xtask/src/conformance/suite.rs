//! Autobahn's suite: how it gets here, and how it is run.
//!
//! It is written for Python 2.7. Where none is installed, Debian's packages of it are unpacked into a folder of ours:
//! nothing of the system changes, and no special rights are needed.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::report::Report;
use crate::install;
use crate::program::Program;
use crate::step::{Failure, Outcome};

/// The release of the suite that we hold ourselves to.
const RELEASE: &str = "autobahntestsuite==25.10.1";

/// The last virtualenv that makes environments for Python 2.7.
const VIRTUALENV: &str = "virtualenv<20.22";

/// The last Debian with Python 2.7, and what the suite needs of it.
const DEBIAN: &str = "bullseye";
const PACKAGES: &[&str] = &[
    "python2.7",
    "python2.7-minimal",
    "libpython2.7",
    "libpython2.7-dev",
    "libpython2.7-minimal",
    "libpython2.7-stdlib",
    "libffi7",
    "libssl1.1",
];

/// The suite, ready to run.
pub(super) struct Suite {
    python: Python,
    program: PathBuf,
}

/// A Python 2.7, and the folder it was unpacked to when it is not the system's.
struct Python {
    program: PathBuf,
    unpacked: Option<PathBuf>,
}

/// Brings the suite into `folder`, unless it is there.
pub(super) fn install(folder: &Path) -> Result<Suite, Failure> {
    let python = find_python(folder)?;
    let environment = folder.join("python2.7");
    let suite = Suite { program: environment.join("bin/wstest"), python };
    if suite.is_ready() {
        println!("   {RELEASE} is here");
        return Ok(suite);
    }
    install::python_environments()?;
    let tools = folder.join("python3");
    Program::new("python3").args(["-m", "venv"]).args([&tools]).run()?;
    Program::new(tools.join("bin/pip")).args(["install", "--quiet", VIRTUALENV]).run()?;
    let make = Program::new(tools.join("bin/virtualenv")).args(["--quiet", "--clear", "--python"]);
    suite.python.at_home(make.args([&suite.python.program, &environment])).run()?;
    let pip =
        Program::new(environment.join("bin/pip")).args(["install", "--quiet", "--no-python-version-warning"]);
    suite.python.at_home(pip.args([RELEASE])).log_into(&folder.join("pip.log"))?;
    if suite.is_ready() { Ok(suite) } else { Err(Failure::new("the suite is installed but does not start")) }
}

impl Suite {
    fn is_ready(&self) -> bool {
        self.python.at_home(Program::new(&self.program).args(["--help"])).succeeds()
    }

    /// Runs some cases and reads what came of them.
    pub(super) fn run(&self, folder: &Path, url: &str, cases: &[String]) -> Result<Report, Failure> {
        let reports = folder.join("reports");
        if reports.exists() {
            fs::remove_dir_all(&reports)?;
        }
        let wish = json!({
            "outdir": reports, "servers": [{"agent": "server", "url": url}],
            "cases": cases, "exclude-cases": [], "exclude-agent-cases": {},
        });
        let path = folder.join("cases.json");
        fs::write(&path, wish.to_string())?;
        let run = Program::new(&self.program).args(["--mode", "fuzzingclient", "--spec"]).args([&path]);
        self.python.at_home(run.folder(folder)).log_into(&folder.join("suite.log"))?;
        Report::read(&fs::read_to_string(reports.join("index.json"))?)
    }
}

impl Python {
    /// Lets a program find the libraries and headers of this Python.
    fn at_home(&self, program: Program) -> Program {
        let Some(root) = &self.unpacked else { return program };
        let libraries = root.join(format!("usr/lib/{}-linux-gnu", std::env::consts::ARCH));
        let headers = format!("{0}/usr/include/python2.7:{0}/usr/include", root.display());
        program.env("LD_LIBRARY_PATH", libraries).env("CPATH", headers)
    }
}

fn find_python(folder: &Path) -> Result<Python, Failure> {
    if Program::new("python2.7").args(["--version"]).succeeds() {
        return Ok(Python { program: "python2.7".into(), unpacked: None });
    }
    let root = folder.join("debian/root");
    let python = Python { program: root.join("usr/bin/python2.7"), unpacked: Some(root) };
    let starts = || python.at_home(Program::new(&python.program).args(["--version"])).succeeds();
    if !starts() {
        unpack_debian(&folder.join("debian"))?;
    }
    if starts() { Ok(python) } else { Err(Failure::new("the unpacked Python 2.7 does not start")) }
}

fn unpack_debian(folder: &Path) -> Outcome {
    println!("   no python2.7 here: unpacking the packages of Debian {DEBIAN} into {}", folder.display());
    for needed in ["state/lists/partial", "cache/archives/partial", "root"] {
        fs::create_dir_all(folder.join(needed))?;
    }
    let key = "/usr/share/keyrings/debian-archive-keyring.gpg";
    let source = format!("deb [signed-by={key}] {} {DEBIAN} main\n", debian_archive()?);
    fs::write(folder.join("sources.list"), source)?;
    fs::write(folder.join("status"), "")?;
    apt(folder).args(["update"]).log_into(&folder.join("apt.log"))?;
    apt(folder).args(["download"]).args(PACKAGES).log_into(&folder.join("apt.log"))?;
    for package in fs::read_dir(folder)?.filter_map(Result::ok).map(|entry| entry.path()) {
        if package.extension().is_some_and(|extension| extension == "deb") {
            Program::new("dpkg").args(["-x"]).args([&package, &folder.join("root")]).run()?;
        }
    }
    Ok(())
}

/// Where this machine gets the packages of Debian from.
fn debian_archive() -> Result<String, Failure> {
    if let Some(archive) = configured_archive()? {
        return Ok(archive);
    }
    install::update_package_lists()?;
    configured_archive()?.ok_or_else(|| Failure::new("apt-get has no archive of Debian"))
}

/// apt-get knows which of its sources is Debian's only once it has read their lists.
fn configured_archive() -> Result<Option<String>, Failure> {
    let format = ["indextargets", "--format", "$(LABEL) $(REPO_URI)", "Created-By: Packages"];
    let targets = Program::new("apt-get").args(format).capture()?;
    Ok(targets.lines().find_map(|target| target.strip_prefix("Debian ")).map(str::to_owned))
}

/// apt with lists, caches and sources of its own.
fn apt(folder: &Path) -> Program {
    let ours = |option: &str, name: &str| format!("-oDir::{option}={}", folder.join(name).display());
    Program::new("apt-get")
        .folder(folder)
        .args(["-qq", "-oDir::Etc::sourceparts=-", "-oAPT::Sandbox::User="])
        .args([
            ours("Etc::sourcelist", "sources.list"),
            ours("State", "state"),
            ours("State::status", "status"),
            ours("Cache", "cache"),
        ])
}
