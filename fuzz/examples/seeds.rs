//! Writes what fuzzing begins with: `cargo run --no-default-features --example seeds`, from every transcript into the corpus of every target,
//! and some scripts drawn by chance.

use std::fs;
use std::path::Path;

use heimdallr_fuzz::{made_seeds, seeds};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = made_seeds();
    for entry in fs::read_dir(here.join("../transcripts"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "txt") {
            let name = path.file_stem().map(|name| name.to_string_lossy()).unwrap_or_default();
            all.extend(seeds(&name, &fs::read_to_string(&path)?)?);
        }
    }
    for seed in &all {
        let folder = here.join("corpus").join(seed.target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(&seed.name), &seed.bytes)?;
    }
    println!("{} seeds", all.len());
    Ok(())
}
