//! JSON Web Tokens (RFC 7519): somebody else has looked at who the client is, and has signed it. Judged on a thread of their own.

mod claims;
mod keys;
mod revoked;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use chat::{Credentials, Refusal, Secret, Time};

pub use claims::{Terms, judge_token};
pub use keys::{Algorithm, Keys, NoKeys};

use claims::judge;
use revoked::Struck;

use crate::desk::{Clerk, Sign, seat};
use crate::file::Watched;
use crate::{Fault, Herald, Link, OpenError, Opening, Revocation, Revoked, Verdict, Wish};

/// How tokens are judged.
#[derive(Clone, Debug)]
pub struct TokenSettings {
    /// The file of the keys.
    pub keys: PathBuf,
    /// How tokens may be signed.
    pub algorithms: Vec<Algorithm>,
    /// What they must say.
    pub terms: Terms,
    /// The file of what is believed no more, if there is one.
    pub revoked: Option<PathBuf>,
}

/// A thousand signatures are looked at in a tenth of a second.
const SIGN: Sign = Sign { name: "tokens", questions_max: 1024, takes: is_token };

/// Opens it where there are keys.
pub(crate) fn open(opening: &Opening<'_>) -> Result<Option<Box<dyn Link>>, OpenError> {
    let Some(settings) = &opening.settings.tokens else { return Ok(None) };
    let judge = Judge::new(settings, opening.herald.clone())?;
    seat(SIGN, judge, opening.wakes).map(Some)
}

/// Whether tokens could be judged as these settings say, without doing it. `Err`: why not.
pub fn check_keys(settings: &TokenSettings) -> Result<(), OpenError> {
    read_first(settings).map(drop)
}

fn is_token(credentials: &Credentials) -> bool {
    matches!(credentials, Credentials::Token(_))
}

/// Judges tokens.
struct Judge {
    settings: TokenSettings,
    key_file: Watched,
    keys: Keys,
    revoked_file: Option<Watched>,
    revoked: Struck,
    herald: Herald,
    /// What was revoked and not every shard was told of yet.
    untold: Vec<Revocation>,
    /// Why a file could not be read again, of the keys and of what was revoked.
    unread: [Option<String>; 2],
}

impl Judge {
    fn new(settings: &TokenSettings, herald: Herald) -> Result<Self, OpenError> {
        let (key_file, keys) = read_first(settings)?;
        let mut judge = Self {
            settings: settings.clone(),
            key_file,
            keys,
            revoked_file: settings.revoked.clone().map(Watched::new),
            revoked: Struck::default(),
            herald,
            untold: Vec::new(),
            unread: [None, None],
        };
        judge.read_revoked();
        judge.untold.clear();
        Ok(judge)
    }

    fn judge(&self, token: &Secret, now: Time) -> Verdict {
        let believed = judge(token.reveal(), &self.keys, &self.settings.terms, now)?;
        if self.revoked.covers(&believed) {
            return Err(Refusal::Revoked);
        }
        Ok(believed.pass())
    }

    /// Keys that cannot be read leave those in force that were read last.
    fn read_keys(&mut self) {
        let Some(read) = self.key_file.read() else { return };
        let keys = read.map_err(|error| NoKeys(error.to_string()));
        match keys.and_then(|bytes| Keys::read(&bytes, &self.settings.algorithms)) {
            Ok(keys) => {
                tracing::info!(file = self.key_file.path(), ?keys, "keys of tokens read");
                self.keys = keys;
                self.unread[0] = None;
            }
            Err(NoKeys(reason)) => {
                tracing::error!(
                    file = self.key_file.path(),
                    reason,
                    "keys of tokens not read, the former ones stay"
                );
                self.unread[0] = Some(format!(
                    "{} cannot be read, the former keys of tokens stay: {reason}",
                    self.key_file.path()
                ));
            }
        }
    }

    fn read_revoked(&mut self) {
        let Some(file) = &mut self.revoked_file else { return };
        let Some(read) = file.read() else { return };
        match read.map(String::from_utf8) {
            Ok(Ok(text)) => {
                self.untold.extend(self.revoked.list(&text));
                self.unread[1] = None;
            }
            _ => {
                tracing::error!(file = file.path(), "revoked tokens not read, what was read last stays");
                self.unread[1] =
                    Some(format!("{} cannot be read, what was revoked before stays so", file.path()));
            }
        }
    }
}

impl Clerk for Judge {
    fn decide(&mut self, wish: Wish) -> Verdict {
        match wish {
            Wish::Identify(Credentials::Token(token)) => self.judge(&token, now()),
            _ => Err(Refusal::BadToken),
        }
    }

    fn look(&mut self) {
        self.read_keys();
        self.read_revoked();
        if !self.untold.is_empty() {
            let revoked = Revoked { what: std::mem::take(&mut self.untold).into(), is_news: true };
            if !self.herald.tell(&revoked) {
                self.untold = revoked.what.to_vec();
            }
        }
    }

    fn revoke(&mut self, revocation: &Revocation) {
        self.revoked.tell(revocation);
    }

    fn fault(&self) -> Option<Fault> {
        let reason = self.unread.iter().flatten().next()?;
        Some(Fault { reason: reason.clone(), bars: false })
    }
}

fn read_first(settings: &TokenSettings) -> Result<(Watched, Keys), OpenError> {
    let mut file = Watched::new(settings.keys.clone());
    let bytes = file.read_first().map_err(|error| refused("jwt_keys", &file, &error.to_string()))?;
    let keys = Keys::read(&bytes, &settings.algorithms);
    let keys = keys.map_err(|NoKeys(reason)| refused("jwt_keys", &file, &reason))?;
    Ok((file, keys))
}

fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time(since.as_millis() as u64)
}

fn refused(key: &str, file: &Watched, reason: &str) -> OpenError {
    OpenError(format!("{key} = {}: expected a file with keys ({reason})", file.path()))
}
