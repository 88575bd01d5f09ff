//! The scripts that Redis carries out, each in one piece.

use sha1::{Digest as _, Sha1};

/// A script, and the name Redis knows it by once it was loaded.
#[derive(Debug)]
pub(super) struct Script {
    pub(super) text: String,
    pub(super) sha: String,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Scripts {
    pub(super) post: Script,
    pub(super) attend: Script,
    pub(super) forsake: Script,
    pub(super) here: Script,
    pub(super) renew: Script,
    pub(super) bury: Script,
}

impl Scripts {
    /// Those that publish by that command.
    pub(super) fn new(publish: &str) -> Self {
        let head = include_str!("../scripts/head.lua");
        let script =
            |parts: &[&str]| Script::new(parts.concat().replace("'PUBLISH'", &format!("'{publish}'")));
        Self {
            post: script(&[head, include_str!("../scripts/post.lua")]),
            attend: script(&[head, include_str!("../scripts/attend.lua")]),
            forsake: script(&[head, include_str!("../scripts/forsake.lua")]),
            here: script(&[include_str!("../scripts/here.lua")]),
            renew: script(&[include_str!("../scripts/renew.lua")]),
            bury: script(&[include_str!("../scripts/bury.lua")]),
        }
    }

    pub(super) fn all(&self) -> [&Script; 6] {
        [&self.post, &self.attend, &self.forsake, &self.here, &self.renew, &self.bury]
    }
}

impl Script {
    fn new(text: String) -> Self {
        let sha = Sha1::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        Self { text, sha }
    }
}
