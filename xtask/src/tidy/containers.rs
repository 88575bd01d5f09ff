//! What the containers name is there: they are built where there is a daemon, which is not everywhere that this is run.

use super::{Checkout, Finding};

const DOCKERFILE: &str = "deploy/Dockerfile";
const IGNORED: &str = "deploy/Dockerfile.dockerignore";
const COMPOSE: &str = "deploy/compose.yaml";
const KEYS: &str = "docs/reference/configuration.md";

pub(super) fn check(checkout: &Checkout) -> Vec<Finding> {
    check_image(checkout).into_iter().chain(check_topology(checkout)).collect()
}

fn check_image(checkout: &Checkout) -> Vec<Finding> {
    if checkout.text(DOCKERFILE).is_empty() {
        return Vec::new();
    }
    let mut image = Image::of(checkout);
    let mut findings = Vec::new();
    for (line, text) in numbered(checkout.text(DOCKERFILE)) {
        findings.extend(image.faults(text).into_iter().map(|fault| Finding::new(DOCKERFILE, line, fault)));
    }
    if !checkout.text(IGNORED).lines().any(|line| line == "rust-toolchain.toml") {
        findings.push(Finding::new(IGNORED, 1, "rust-toolchain.toml has the image fetch another compiler"));
    }
    findings
}

/// What is known of the image so far.
struct Image<'c> {
    checkout: &'c Checkout,
    folder: String,
    packages: Vec<String>,
    copied: Vec<String>,
    ports: Vec<String>,
}

impl<'c> Image<'c> {
    fn of(checkout: &'c Checkout) -> Self {
        let [packages, copied, ports] = [const { Vec::new() }; 3];
        Self { checkout, folder: String::new(), packages, copied, ports }
    }

    fn faults(&mut self, line: &str) -> Vec<String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["FROM", image, ..] => self.of_compiler(image).into_iter().collect(),
            ["WORKDIR", folder] => {
                self.folder = folder.to_owned();
                Vec::new()
            }
            ["COPY", "--from=build", from, to] => self.of_copy(from, to).into_iter().collect(),
            ["COPY", ref files @ .., _] => {
                missing(self.checkout, files.iter().map(|file| file.trim_matches('/')))
            }
            ["RUN", "cargo", "build", ..] => self.of_build(&words).into_iter().collect(),
            ["ENV", ref settings @ ..] => {
                settings.iter().filter_map(|setting| self.of_setting(setting)).collect()
            }
            ["EXPOSE", ref ports @ ..] => {
                let strange = ports.iter().filter(|port| !self.ports.iter().any(|own| own == *port));
                strange.map(|port| format!("nothing listens on port {port}")).collect()
            }
            ["ENTRYPOINT", ..] => {
                let program = line.split('"').nth(1).unwrap_or_default();
                let is_there = self.copied.iter().any(|path| path == &format!("/usr/local/bin/{program}"));
                (!is_there).then(|| format!("{program} is not in the image")).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    /// It is at least as new as the sources ask for.
    fn of_compiler(&self, image: &str) -> Option<String> {
        let version = image.strip_prefix("rust:")?.split('-').next()?;
        let wanted = format!("rust-version = \"{version}\"");
        let is_wanted = self.checkout.text("Cargo.toml").lines().any(|line| line == wanted);
        (!is_wanted).then(|| format!("the workspace asks for another Rust than {version}"))
    }

    fn of_build(&mut self, words: &[&str]) -> Option<String> {
        let package = words.iter().skip_while(|word| **word != "--package").nth(1)?;
        let manifest = format!("crates/{package}/Cargo.toml");
        let is_named = self.checkout.text(&manifest).contains(&format!("name = \"{package}\"\n"));
        let is_program = self.checkout.has(&format!("crates/{package}/src/main.rs"));
        self.packages.push((*package).to_owned());
        (!is_named || !is_program).then(|| format!("there is no program {package}"))
    }

    fn of_copy(&mut self, from: &str, to: &str) -> Option<String> {
        self.copied.push(to.to_owned());
        let built = from.strip_prefix(&self.folder).filter(|_| !self.folder.is_empty())?;
        let name = built.strip_prefix("/target/release/");
        let is_built = name.is_some_and(|name| self.packages.iter().any(|package| package == name));
        (!is_built).then(|| format!("{from} is not built"))
    }

    fn of_setting(&mut self, setting: &str) -> Option<String> {
        let (name, value) = setting.split_once('=')?;
        self.ports.extend(value.rsplit_once(':').map(|(_, port)| port.to_owned()));
        unknown_key(self.checkout, name)
    }
}

fn check_topology(checkout: &Checkout) -> Vec<Finding> {
    let text = checkout.text(COMPOSE);
    let services: Vec<&str> = numbered(text).filter_map(|(_, line)| service(line)).collect();
    let mut findings = Vec::new();
    for (line, text) in numbered(text) {
        findings.extend(
            topology_fault(checkout, text, &services).map(|fault| Finding::new(COMPOSE, line, fault)),
        );
    }
    findings
}

fn topology_fault(checkout: &Checkout, line: &str, services: &[&str]) -> Option<String> {
    let line = line.trim().trim_start_matches("- ");
    if let Some(file) = line.strip_prefix("dockerfile: ") {
        return missing(checkout, [file].into_iter()).pop();
    }
    if let Some(mounted) = line.strip_prefix("./") {
        let file = format!("deploy/{}", mounted.split(':').next().unwrap_or_default());
        let absent = missing(checkout, [file.as_str()].into_iter()).pop();
        return absent.or_else(|| strange_node(checkout.text(&file), services));
    }
    let (name, _) = line.split_once(": ")?;
    unknown_key(checkout, name)
}

/// A node that a balancer's configuration names and that is no service.
fn strange_node(configuration: &str, services: &[&str]) -> Option<String> {
    let servers =
        configuration.lines().filter_map(|line| line.trim().strip_prefix("server ")?.split(':').next());
    let mut strange = servers.filter(|server| !server.contains('{') && !services.contains(server));
    strange.next().map(|server| format!("there is no service {server}"))
}

/// Services, and whatever else is named at that depth, which harms nobody.
fn service(line: &str) -> Option<&str> {
    line.strip_prefix("  ").filter(|rest| !rest.starts_with(' '))?.strip_suffix(':')
}

/// A variable that no key of the configuration has.
fn unknown_key(checkout: &Checkout, variable: &str) -> Option<String> {
    let key = variable.strip_prefix("HEIMDALLR_")?.to_lowercase();
    (!checkout.text(KEYS).contains(&format!("`{key}`"))).then(|| format!("there is no key {key}"))
}

fn missing<'p>(checkout: &Checkout, paths: impl Iterator<Item = &'p str>) -> Vec<String> {
    let absent = paths.filter(|path| *path != "." && !checkout.has(path));
    absent.map(|path| format!("there is no {path}")).collect()
}

fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(index, line)| (index + 1, line))
}

#[cfg(test)]
mod tests {
    use super::super::sample::findings;

    const AROUND: [(&str, &str); 5] = [
        ("Cargo.toml", "rust-version = \"1.95\"\n"),
        ("crates/a/Cargo.toml", "name = \"a\"\n"),
        ("crates/a/src/main.rs", ""),
        ("docs/reference/configuration.md", "| `listen` |\n"),
        ("deploy/nodes.conf", "    server node1:80;\n"),
    ];

    fn of(dockerfile: &str, compose: &str) -> Vec<String> {
        let own = [
            ("deploy/Dockerfile", dockerfile),
            ("deploy/Dockerfile.dockerignore", "rust-toolchain.toml\n"),
            ("deploy/compose.yaml", compose),
        ];
        findings(super::check, &[&AROUND[..], &own].concat())
    }

    #[test]
    fn containers_that_name_what_is_there_pass() {
        let dockerfile = "FROM rust:1.95-bookworm AS build\nWORKDIR /w\nCOPY . .\nRUN cargo build --package a\n\
                          COPY --from=build /w/target/release/a /usr/local/bin/a\nENV HEIMDALLR_LISTEN=0.0.0.0:80\n\
                          EXPOSE 80\nENTRYPOINT [\"a\"]\n";
        let compose = "    dockerfile: deploy/Dockerfile\nservices:\n  node1:\n    HEIMDALLR_LISTEN: x\n      - ./nodes.conf:/etc/n:ro\n";
        assert_eq!(of(dockerfile, compose), Vec::<String>::new());
    }

    #[test]
    fn what_the_image_names_and_is_not_there_is_found() {
        let dockerfile = "FROM rust:1.90 AS build\nWORKDIR /w\nCOPY b c .\nRUN cargo build --package b\n\
                          COPY --from=build /w/target/release/c /usr/local/bin/c\nENV HEIMDALLR_LISTN=0.0.0.0:80\n\
                          EXPOSE 81\nENTRYPOINT [\"a\"]\n";
        let expected = [
            "1: the workspace asks for another Rust than 1.90",
            "3: there is no b",
            "3: there is no c",
            "4: there is no program b",
            "5: /w/target/release/c is not built",
            "6: there is no key listn",
            "7: nothing listens on port 81",
            "8: a is not in the image",
        ];
        assert_eq!(of(dockerfile, ""), expected.map(|fault| format!("deploy/Dockerfile:{fault}")));
    }

    #[test]
    fn what_the_topology_names_and_is_not_there_is_found() {
        let compose = "    dockerfile: deploy/Dockerfil\n  node2:\n    HEIMDALLR_LISTN: x\n      - ./nodes.conf:/n:ro\n      - ./none.conf:/n:ro\n";
        let expected = [
            "1: there is no deploy/Dockerfil",
            "3: there is no key listn",
            "4: there is no service node1",
            "5: there is no deploy/none.conf",
        ];
        assert_eq!(of("FROM x\n", compose), expected.map(|fault| format!("deploy/compose.yaml:{fault}")));
    }

    #[test]
    fn a_second_compiler_is_found() {
        let found = findings(super::check, &[("deploy/Dockerfile", "FROM x\n")]);
        assert_eq!(found.len(), 1, "{found:?}");
    }
}
