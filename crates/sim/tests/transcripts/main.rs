//! Every transcript is replayed on one, two and four shards, its bytes whole, one by one, and cut by chance.

use std::fs;
use std::path::{Path, PathBuf};

use sim::transcript::{Manner, Script, replay};

const SHARDS: [u16; 3] = [1, 2, 4];

/// Pieces of at most so many bytes, by the seeds.
const PIECES: [(usize, u64); 5] = [(usize::MAX, 0), (1, 1), (3, 2), (17, 3), (100, 4)];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../transcripts")
}

/// The transcripts, by name.
fn transcripts() -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = fs::read_dir(folder())
        .expect("there is a folder of transcripts")
        .map(|entry| entry.expect("a folder can be read").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "txt"))
        .map(|path| {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
            (name.unwrap_or_default(), fs::read_to_string(&path).expect("a transcript is text"))
        })
        .collect();
    found.sort();
    found
}

/// What went wrong with one transcript, in any manner.
fn faults(name: &str, text: &str) -> Vec<String> {
    let script = match Script::read(text) {
        Ok(script) => script,
        Err(fault) => return vec![format!("transcripts/{name}: {fault}")],
    };
    let mut faults = Vec::new();
    for shards in SHARDS {
        for (piece_bytes, seed) in PIECES {
            let manner = Manner { shards, piece_bytes, seed };
            if let Err(mismatch) = replay(&script, manner) {
                faults.push(format!("transcripts/{name}, {mismatch}\n    {manner:?}"));
            }
        }
    }
    faults
}

#[test]
fn every_transcript_is_what_happens() {
    let transcripts = transcripts();
    assert!(!transcripts.is_empty());
    let faults: Vec<String> = transcripts.iter().flat_map(|(name, text)| faults(name, text)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
