//! Writes down the files of each site as one table to be compiled in.

use std::env;
use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::io::Result;
use std::path::{Path, PathBuf};

/// The sites, and what each is made of: files, and folders without those in them.
const SITES: [(&str, &[&str]); 2] = [
    ("page", &["web", "web/ground", "clients/js/heimdallr.js"]),
    ("dashboard", &["web/dashboard", "web/ground"]),
];

fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo names a folder for what is built"));
    for (site, sources) in SITES {
        let mut rows = Vec::new();
        for source in sources {
            files_of(&root.join(source))?.iter().try_for_each(|file| row(file).map(|row| rows.push(row)))?;
            println!("cargo:rerun-if-changed={}", root.join(source).display());
        }
        rows.sort();
        fs::write(out.join(site).with_extension("rs"), format!("&[{}]", rows.concat()))?;
    }
    Ok(())
}

fn files_of(source: &Path) -> Result<Vec<PathBuf>> {
    if source.is_file() {
        return Ok(vec![source.to_owned()]);
    }
    let entries = fs::read_dir(source)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<PathBuf>>>()?;
    Ok(entries.into_iter().filter(|path| path.is_file() && !name_of(path).starts_with('.')).collect())
}

/// One row of the table: the path it is served at, its entity tag, its bytes.
fn row(file: &Path) -> Result<String> {
    let (path, file) = (format!("/{}", name_of(file)), file.canonicalize()?);
    let mut hasher = DefaultHasher::new();
    hasher.write(&fs::read(&file)?);
    let tag = format!("\"{:016x}\"", hasher.finish());
    Ok(format!("File {{ path: {path:?}, tag: {tag:?}, bytes: include_bytes!({file:?}) }},\n"))
}

fn name_of(file: &Path) -> &str {
    file.file_name().and_then(|name| name.to_str()).expect("our files have plain names")
}
