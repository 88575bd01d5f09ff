//! Where fuzzing begins: with what is said in the transcripts, and with what none of them can show.

mod made;
mod packets;
mod scribe;
mod talks;

use sim::transcript::{Line, PieceKind, Script, ScriptFault};
use wire::deflate::Deflater;

pub use self::made::made_seeds;

/// One input to begin with.
pub struct Seed {
    /// For which target.
    pub target: &'static str,
    /// From where.
    pub name: String,
    /// What the target is given.
    pub bytes: Vec<u8>,
}

/// A target, and what it is given.
type Given = (&'static str, Vec<u8>);

/// All that a transcript gives.
pub fn seeds(name: &str, text: &str) -> Result<Vec<Seed>, ScriptFault> {
    let script = Script::read(text)?;
    let mut given: Vec<Given> = [1, 2].map(|shards| ("shard", scribe::write(&script, shards))).into();
    talks::of(&script).into_iter().for_each(|talk| talk.write(&mut given));
    given.extend(packets::of(&script));
    for (_, line) in &script.lines {
        if let Line::Say { what, .. } | Line::Hear { what, .. } = line
            && what.kind == PieceKind::Deflated
        {
            given.push(("inflate", deflated(&what.text)));
        }
    }
    Ok(number(name, given))
}

fn number(name: &str, given: Vec<Given>) -> Vec<Seed> {
    let numbered = given.into_iter().enumerate();
    numbered
        .map(|(number, (target, bytes))| Seed { target, name: format!("{name}-{number}"), bytes })
        .collect()
}

/// As [`crate::input::Input`] reads it, in one piece.
fn input(choice: u8, stream: &[u8]) -> Vec<u8> {
    [&[choice, 0], stream].concat()
}

fn deflated(text: &str) -> Vec<u8> {
    const WINDOW_BITS: u8 = 15;
    let mut compressed = Vec::new();
    Deflater::new().compress(WINDOW_BITS, text.as_bytes(), &mut compressed);
    input(WINDOW_BITS - 9, &compressed)
}
