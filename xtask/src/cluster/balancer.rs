//! The balancers, and how each is run by an ordinary user from a folder of its own. To add one, add its line in [`BALANCERS`].

use std::path::Path;

use nix::unistd::{Uid, User};

use super::deploy;
use super::node::Node;
use crate::install;
use crate::program::Program;
use crate::step::{Failure, Outcome};

/// A balancer with one of its configurations.
pub(crate) struct Balancer {
    pub(super) name: &'static str,
    /// The file of deploy/ that names the nodes.
    nodes: &'static str,
    /// What nodes behind it have to be told.
    pub(super) settings: &'static [(&'static str, &'static str)],
    /// Writes its files and says how it is started.
    pub(crate) prepare: fn(&Balancer, &[Node], u16, &Path) -> Result<Program, Failure>,
}

pub(super) const BALANCERS: &[Balancer] = &[
    Balancer { name: "haproxy", nodes: "haproxy/nodes.cfg", settings: &[], prepare: haproxy },
    Balancer {
        name: "haproxy-weighted",
        nodes: "haproxy/nodes-weighted.cfg",
        settings: &[],
        prepare: haproxy,
    },
    Balancer { name: "haproxy-cookie", nodes: "haproxy/nodes-cookie.cfg", settings: &[], prepare: haproxy },
    Balancer {
        name: "haproxy-proxy-protocol",
        nodes: "haproxy/nodes-proxy-protocol.cfg",
        settings: &[("HEIMDALLR_PROXY_PROTOCOL", "true")],
        prepare: haproxy,
    },
    Balancer { name: "nginx", nodes: "nginx/nodes.conf", settings: &[], prepare: nginx },
    Balancer { name: "nginx-ip-hash", nodes: "nginx/nodes-ip-hash.conf", settings: &[], prepare: nginx },
    Balancer { name: "apache", nodes: "apache/heimdallr.conf", settings: &[], prepare: apache },
];

/// Whose rights a balancer has that root starts.
const NOBODY: &str = "nobody";

/// Where nginx keeps what does not fit into memory: folders of the system that an ordinary user may not write to.
const NGINX_FOLDERS: &[&str] =
    &["client_body_temp_path", "proxy_temp_path", "fastcgi_temp_path", "uwsgi_temp_path", "scgi_temp_path"];

/// Where Debian has the modules of Apache httpd.
const APACHE_MODULES: &str = "/usr/lib/apache2/modules";
const APACHE_NEEDS: &[&str] = &[
    "mpm_event",
    "authz_core",
    "headers",
    "rewrite",
    "slotmem_shm",
    "proxy",
    "proxy_http",
    "proxy_wstunnel",
    "proxy_balancer",
    "proxy_hcheck",
    "lbmethod_byrequests",
];

pub(crate) fn named(name: &str) -> Result<&'static Balancer, Failure> {
    let names = || BALANCERS.iter().map(|balancer| balancer.name).collect::<Vec<_>>().join(", ");
    let found = BALANCERS.iter().find(|balancer| balancer.name == name);
    found.ok_or_else(|| Failure::new(format!("no balancer is called {name}; there are {}", names())))
}

fn haproxy(balancer: &Balancer, nodes: &[Node], port: u16, folder: &Path) -> Result<Program, Failure> {
    let (clients, backend) = (folder.join("haproxy.cfg"), folder.join("nodes.cfg"));
    deploy::write("haproxy/haproxy.cfg", nodes, port, "", &clients)?;
    deploy::write(balancer.nodes, nodes, port, "", &backend)?;
    as_ordinary_user(
        installed("haproxy")?.args(["-db", "-f"]).args([&clients]).args(["-f"]).args([&backend]),
        folder,
    )
}

fn nginx(balancer: &Balancer, nodes: &[Node], port: u16, folder: &Path) -> Result<Program, Failure> {
    let own_folders: String =
        NGINX_FOLDERS.iter().map(|key| format!("{key} {};\n", folder.join(key).display())).collect();
    let configuration = folder.join("nginx.conf");
    deploy::write("nginx/nginx.conf", nodes, port, "", &configuration)?;
    deploy::write(balancer.nodes, nodes, port, &own_folders, &folder.join("nodes.conf"))?;
    let globals = format!("daemon off; error_log stderr; pid {};", folder.join("nginx.pid").display());
    let nginx = installed("nginx")?.args(["-e", "stderr", "-g", &globals, "-p"]).args([folder]);
    as_ordinary_user(nginx.args(["-c"]).args([&configuration]), folder)
}

fn apache(balancer: &Balancer, nodes: &[Node], port: u16, folder: &Path) -> Result<Program, Failure> {
    let (server, site) = (folder.join("apache2.conf"), folder.join("heimdallr.conf"));
    deploy::write(balancer.nodes, nodes, port, "", &site)?;
    let modules =
        APACHE_NEEDS.iter().map(|name| format!("LoadModule {name}_module {APACHE_MODULES}/mod_{name}.so\n"));
    let own = format!(
        "ServerName localhost\nServerRoot {0}\nDefaultRuntimeDir {0}\nPidFile {0}/apache2.pid\nErrorLog {0}/apache2.log\nThreadsPerChild 64\nInclude {1}\n",
        folder.display(),
        site.display(),
    );
    std::fs::write(&server, modules.collect::<String>() + &own)?;
    as_ordinary_user(installed("apache2")?.args(["-DFOREGROUND", "-f"]).args([&server]), folder)
}

fn installed(name: &str) -> Result<Program, Failure> {
    let missing = || Failure::new(format!("{name} is not installed"));
    install::find(name).map(Program::new).ok_or_else(missing)
}

/// The rights of root are given up, with the folder in which something may then be written.
fn as_ordinary_user(program: Program, folder: &Path) -> Result<Program, Failure> {
    if !Uid::effective().is_root() {
        return Ok(program);
    }
    let unknown = || Failure::new(format!("there is no user {NOBODY}"));
    let nobody = User::from_name(NOBODY).ok().flatten().ok_or_else(unknown)?;
    give(folder, &nobody)?;
    for entry in std::fs::read_dir(folder)? {
        give(&entry?.path(), &nobody)?;
    }
    Ok(program.user(nobody.uid.as_raw(), nobody.gid.as_raw()))
}

fn give(path: &Path, user: &User) -> Outcome {
    Ok(std::os::unix::fs::chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw()))?)
}
