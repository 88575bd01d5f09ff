//! Writes down the files of the page: everything in `web/` but the dashboard, and the JavaScript client, as one table to be compiled in.

use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::io::Result;
use std::path::{Path, PathBuf};

/// For operators, on an address of their own.
const DASHBOARD: &str = "dashboard";

fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let client = root.join("clients/js/heimdallr.js");
    let web = root.join("web");
    let mut files = vec![("/heimdallr.js".to_owned(), client)];
    if web.is_dir() {
        gather(&web, "/", &mut files)?;
    }
    files.sort();
    let rows: Vec<String> = files.iter().map(|(path, file)| row(path, file)).collect::<Result<_>>()?;
    let table = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo names a folder for what is built"));
    fs::write(table.join("files.rs"), format!("&[{}]", rows.concat()))?;
    // A folder that is not there yet is looked for at every build.
    for watched in [web, root.join("clients/js/heimdallr.js")] {
        println!("cargo:rerun-if-changed={}", watched.display());
    }
    Ok(())
}

fn gather(folder: &Path, prefix: &str, files: &mut Vec<(String, PathBuf)>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let (path, name) =
            (entry.as_ref().map(fs::DirEntry::path), entry.as_ref().map(fs::DirEntry::file_name));
        let (Ok(path), Ok(name)) = (path, name) else { continue };
        let Some(name) = name.to_str().filter(|name| !name.starts_with('.')) else { continue };
        if prefix == "/" && name == DASHBOARD {
            continue;
        }
        if path.is_dir() {
            gather(&path, &format!("{prefix}{name}/"), files)?;
        } else {
            files.push((format!("{prefix}{name}"), path));
        }
    }
    Ok(())
}

/// One row of the table: the path it is served at, its entity tag, its bytes.
fn row(path: &str, file: &Path) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    hasher.write(&fs::read(file)?);
    let tag = format!("\"{:016x}\"", hasher.finish());
    let file = file.canonicalize()?;
    Ok(format!("File {{ path: {path:?}, tag: {tag:?}, bytes: include_bytes!({file:?}) }},\n"))
}
