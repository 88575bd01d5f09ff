//! A transcript as a script for a shard: everybody in it is a stranger.

use sim::scenario::Deed;
use sim::transcript::{Line, Piece, PieceKind, Script, said};

use super::talks::{filled, said_bytes, with_holes};
use crate::shard::{Step, longest_wait_ms, steps_of, write_terms};
use crate::words::Told;

/// The script, for a node of so many shards.
pub(super) fn write(script: &Script, shards: u16) -> Vec<u8> {
    let steps =
        Scribe { script, shards: shards.into(), strangers: vec![None; script.cast.len()], steps: Vec::new() };
    let steps = steps.write_all();
    let mut bytes = write_terms(shards, &script.settings, &script.weather);
    steps.iter().for_each(|step| step.write(&mut bytes));
    assert_eq!(steps_of(&bytes), steps, "a script is read as it was written");
    bytes
}

/// Longer ones are sent in parts.
const SAY_BYTES_MAX: usize = u8::MAX as usize;

struct Scribe<'a> {
    script: &'a Script,
    shards: usize,
    /// Which stranger somebody is at the moment.
    strangers: Vec<Option<usize>>,
    steps: Vec<Step>,
}

impl Scribe<'_> {
    fn write_all(mut self) -> Vec<Step> {
        let script = self.script;
        for (_, line) in &script.lines {
            self.write(line);
        }
        self.steps
    }

    fn write(&mut self, line: &Line) {
        match line {
            Line::Connect(who) => drop(self.connect(*who)),
            Line::Say { who, what, at_once } => {
                self.say(*who, what);
                if *at_once {
                    return;
                }
            }
            // There is one node.
            Line::Hear { .. } | Line::Move { .. } | Line::Befall(_) => return,
            Line::Wait { ms } => return self.wait(*ms),
            Line::Cut(who) => {
                let who = self.strangers[*who].take();
                self.steps.extend(who.map(|who| Step::Cut { who }));
            }
            Line::HangUp(who) => self.steps.extend(self.strangers[*who].map(|who| Step::HangUp { who })),
            Line::Stall(who) => self.steps.extend(self.strangers[*who].map(|who| Step::Stall { who })),
            Line::Resume(who) => self.steps.extend(self.strangers[*who].map(|who| Step::ReadOn { who })),
            Line::Drain => self.steps.push(Step::Deed { chance: 0, deed: Deed::Drain }),
        }
        self.steps.push(Step::Deed { chance: 0, deed: Deed::Settle });
    }

    fn connect(&mut self, role: usize) -> usize {
        let who = self.steps.iter().filter(|step| matches!(step, Step::Dial { .. })).count();
        self.steps.push(Step::Dial { shard: role % self.shards, opening: None });
        self.strangers[role] = Some(who);
        self.send(who, &said::opening(&self.script.cast[role]).unwrap_or_default());
        who
    }

    fn say(&mut self, role: usize, what: &Piece) {
        let who = self.strangers[role].unwrap_or_else(|| self.connect(role));
        let role = &self.script.cast[role];
        let has_frames = said::opening(role).is_some();
        let holed = with_holes(what);
        if has_frames && what.kind == PieceKind::Text && holed.text.len() <= SAY_BYTES_MAX {
            self.steps.push(Step::Say { who, text: holed.text.into_bytes() });
        } else {
            // In a masked frame no hole is found any more.
            let piece = if has_frames { filled(what, &Told::something()) } else { holed };
            self.send(who, &said_bytes(role, &piece));
        }
    }

    fn send(&mut self, who: usize, bytes: &[u8]) {
        let parts = bytes.chunks(SAY_BYTES_MAX);
        self.steps.extend(parts.map(|bytes| Step::Send { who, bytes: bytes.to_vec() }));
    }

    fn wait(&mut self, ms: u64) {
        /// Longer ones show nothing more.
        const WAITS_MAX: usize = 8;
        let mut left = ms;
        for _ in 0..WAITS_MAX {
            let ms = longest_wait_ms(left);
            if ms > left {
                break;
            }
            left -= ms;
            self.steps.push(Step::Deed { chance: 0, deed: Deed::Wait { ms } });
        }
    }
}
