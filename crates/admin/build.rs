//! Writes down the files of the dashboard, and what it has in common with the page, as one table to be compiled in.

use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::io::Result;
use std::path::{Path, PathBuf};

/// Files of the page that the dashboard goes by too.
const SHARED: [&str; 3] = ["elements.js", "icon.svg", "memory.js"];

fn main() -> Result<()> {
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web");
    let folder = web.join("dashboard");
    let mut files: Vec<PathBuf> = SHARED.iter().map(|name| web.join(name)).collect();
    for entry in fs::read_dir(&folder)? {
        files.push(entry?.path());
    }
    let mut rows = files.iter().map(|file| row(file)).collect::<Result<Vec<String>>>()?;
    rows.sort();
    let table = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo names a folder for what is built"));
    fs::write(table.join("files.rs"), format!("&[{}]", rows.concat()))?;
    println!("cargo:rerun-if-changed={}", folder.display());
    SHARED.iter().for_each(|name| println!("cargo:rerun-if-changed={}", web.join(name).display()));
    Ok(())
}

/// One row of the table: the path it is served at, its entity tag, its bytes.
fn row(file: &Path) -> Result<String> {
    let name = file.file_name().and_then(|name| name.to_str()).expect("our files have plain names");
    let (path, file) = (format!("/{name}"), file.canonicalize()?);
    let mut hasher = DefaultHasher::new();
    hasher.write(&fs::read(&file)?);
    let tag = format!("\"{:016x}\"", hasher.finish());
    Ok(format!("File {{ path: {path:?}, tag: {tag:?}, bytes: include_bytes!({file:?}) }},\n"))
}
