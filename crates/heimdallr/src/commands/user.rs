//! What operators do with the users of a data directory, whether a node works on it or not.

use std::ffi::OsString;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use access::{AccountError, Accounts};
use chat::UserId;

use super::{Command, Complaint};

pub(super) const COMMAND: Command = Command {
    word: "user",
    takes: "add|passwd|remove NAME | list, --data DIR [--password PASSWORD | --password-file FILE]",
    about: "Make, change, remove or list the users of a data directory (`accounts`), whether a node works on it or not. The first line of FILE is the password; the file - is standard input.",
    run,
};

const USAGE: &str = "\
usage: heimdallr user add NAME --data DIR (--password PASSWORD | --password-file FILE)
       heimdallr user passwd NAME --data DIR (--password PASSWORD | --password-file FILE)
       heimdallr user list --data DIR
       heimdallr user remove NAME --data DIR
The first line of FILE is the password; the file - is standard input. HEIMDALLR_DATA does for --data.";

/// Longer than anybody types.
const PASSWORD_BYTES_MAX: u64 = 4096;

/// What somebody wants done.
#[derive(Debug, PartialEq)]
struct Errand {
    deed: Deed,
    data: PathBuf,
}

#[derive(Debug, PartialEq)]
enum Deed {
    Add(UserId, Password),
    ChangePassword(UserId, Password),
    List,
    Remove(UserId),
}

#[derive(Debug, PartialEq)]
enum Password {
    Given(String),
    In(PathBuf),
}

fn run(words: Vec<OsString>) -> Result<ExitCode, Complaint> {
    let data = std::env::var_os("HEIMDALLR_DATA").map(PathBuf::from);
    let words: Option<Vec<String>> = words.into_iter().map(|word| word.into_string().ok()).collect();
    let errand = words.and_then(|words| read(&words, data)).ok_or_else(|| Complaint::misspelt(USAGE))?;
    let text = errand.run().map_err(Complaint::failed)?;
    io::stdout().write_all(text.as_bytes()).map_err(Complaint::failed)?;
    Ok(ExitCode::SUCCESS)
}

fn read(words: &[String], mut data: Option<PathBuf>) -> Option<Errand> {
    let (mut names, mut password) = (Vec::new(), None);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--data" => data = Some(words.next()?.into()),
            "--password" if password.is_none() => password = Some(Password::Given(words.next()?.clone())),
            "--password-file" if password.is_none() => password = Some(Password::In(words.next()?.into())),
            flag if flag.starts_with("--") => return None,
            name => names.push(name),
        }
    }
    let user = |name| UserId::new(name).ok();
    let deed = match (&names[..], password) {
        (["add", name], Some(password)) => Deed::Add(user(name)?, password),
        (["passwd", name], Some(password)) => Deed::ChangePassword(user(name)?, password),
        (["list"], None) => Deed::List,
        (["remove", name], None) => Deed::Remove(user(name)?),
        _ => return None,
    };
    Some(Errand { deed, data: data? })
}

impl Errand {
    fn run(self) -> Result<String, String> {
        let mut accounts = Accounts::open(&self.data).map_err(|error| self.refused(&error))?;
        let done = match &self.deed {
            Deed::Add(user, password) => accounts.add(user, &password.read()?).map(|()| String::new()),
            Deed::ChangePassword(user, password) => {
                accounts.change_password(user, &password.read()?).map(|()| String::new())
            }
            Deed::List => {
                accounts.list().map(|users| users.iter().map(|(name, _)| format!("{name}\n")).collect())
            }
            Deed::Remove(user) => accounts.remove(user).map(|()| String::new()),
        };
        done.map_err(|error| self.refused(&error))
    }

    fn refused(&self, error: &AccountError) -> String {
        match error {
            AccountError::File(_) => format!("the users in {} cannot be used: {error}", self.data.display()),
            error => error.to_string(),
        }
    }
}

impl Password {
    fn read(&self) -> Result<String, String> {
        match self {
            Self::Given(password) => Ok(password.clone()),
            Self::In(path) => read_line(path).map_err(|error| format!("{}: {error}", path.display())),
        }
    }
}

fn read_line(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    match path.to_str() {
        Some("-") => io::stdin().take(PASSWORD_BYTES_MAX).read_to_string(&mut text)?,
        _ => std::fs::File::open(path)?.take(PASSWORD_BYTES_MAX).read_to_string(&mut text)?,
    };
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errand(line: &str) -> Option<Errand> {
        read(&line.split(' ').map(str::to_owned).collect::<Vec<_>>(), None)
    }

    #[test]
    fn an_errand_says_what_with_whom_and_where() {
        let ann = UserId::new("ann").expect("a valid name");
        let data = PathBuf::from("d");
        for line in ["add ann --password p --data d", "--data d add --password p ann"] {
            let deed = Deed::Add(ann.clone(), Password::Given("p".to_owned()));
            assert_eq!(errand(line), Some(Errand { deed, data: data.clone() }), "{line}");
        }
        let deed = Deed::ChangePassword(ann.clone(), Password::In("-".into()));
        assert_eq!(
            errand("passwd ann --password-file - --data d"),
            Some(Errand { deed, data: data.clone() })
        );
        assert_eq!(errand("list --data d"), Some(Errand { deed: Deed::List, data: data.clone() }));
        assert_eq!(errand("remove ann --data d"), Some(Errand { deed: Deed::Remove(ann), data }));
    }

    #[test]
    fn what_is_no_errand_is_answered_with_the_usage() {
        for line in [
            "",
            "add",
            "add ann --data d",
            "add ann --password p",
            "add ann bob --password p --data d",
            "list",
            "remove --data d",
            "remove ann --password p --data d",
            "list --data",
            "fly ann --data d",
            "add ann --password p --password-file f --data d",
            "list --data d --all",
        ] {
            assert_eq!(errand(line), None, "{line}");
        }
    }
}
