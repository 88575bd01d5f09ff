//! Makes a key of the HTTP API: a secret for who asks, and what a node knows it by.

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

use admin::{Key, Scopes};

use super::{Command, Complaint};

pub(super) const COMMAND: Command = Command {
    word: "key",
    takes: "NAME --scopes SCOPE,…",
    about: "Make a key of the HTTP API: print its secret, which is kept nowhere, and what to add to `api_keys`. The scopes are read, post, moderate and operate.",
    run,
};

const USAGE: &str = "\
usage: heimdallr key NAME --scopes read,post,moderate,operate
NAME has up to 64 letters, digits and - _ . in it; of the scopes, name those that the key is good for.";

fn run(words: Vec<OsString>) -> Result<ExitCode, Complaint> {
    let words: Option<Vec<String>> = words.into_iter().map(|word| word.into_string().ok()).collect();
    let misspelt = || Complaint::misspelt(USAGE);
    let (name, scopes) = words.as_deref().and_then(read).ok_or_else(misspelt)?;
    let mut chance = [0; 32];
    getrandom::fill(&mut chance).map_err(Complaint::failed)?;
    let (key, secret) = Key::make(&name, scopes, chance).map_err(|_| misspelt())?;
    let text = format!("secret: {secret}\nadd to api_keys: \"{key}\"\n");
    std::io::stdout().write_all(text.as_bytes()).map_err(Complaint::failed)?;
    Ok(ExitCode::SUCCESS)
}

fn read(words: &[String]) -> Option<(String, Scopes)> {
    match words {
        [name, flag, scopes] if flag == "--scopes" && !name.starts_with('-') => {
            Some((name.clone(), Scopes::read(scopes).ok()?))
        }
        [flag, scopes, name] if flag == "--scopes" => Some((name.clone(), Scopes::read(scopes).ok()?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_a_name_and_scopes() {
        let words =
            |line: &str| read(&line.split(' ').map(str::to_owned).collect::<Vec<_>>()).map(|(name, _)| name);
        assert_eq!(words("ops --scopes read,post"), Some("ops".to_owned()));
        assert_eq!(words("--scopes read ops"), Some("ops".to_owned()));
        for line in ["ops", "ops --scopes", "ops --scopes fly", "--scopes read", "ops --scopes read more"] {
            assert_eq!(words(line), None, "{line}");
        }
    }
}
