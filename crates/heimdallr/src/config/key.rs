//! A key of the configuration, and the macro that declares all of them at once.

use super::form::Form;

/// What there is to say about one key.
pub(super) struct Key {
    pub(super) name: &'static str,
    /// What the key is for, one line of text each.
    pub(super) about: &'static [&'static str],
    pub(super) default: &'static [&'static str],
    /// The placeholder of its flag, for the few keys that have one.
    pub(super) flag: Option<&'static str>,
    /// A change of it is taken over without a restart.
    pub(super) is_live: bool,
    pub(super) expected: String,
    pub(super) is_list: bool,
    /// Its flag stands alone.
    pub(super) is_switch: bool,
    pub(super) is_quoted: bool,
}

impl Key {
    /// The name as a flag of the command line.
    pub(super) fn as_flag(&self) -> String {
        format!("--{}", self.name.replace('_', "-"))
    }

    /// Its flag with what stands behind it, if it has one.
    pub(super) fn usage(&self) -> Option<String> {
        self.flag.map(|placeholder| format!("{} {placeholder}", self.as_flag()).trim_end().to_owned())
    }

    /// The name as a variable of the environment.
    pub(super) fn as_variable(&self) -> String {
        format!("{}{}", super::given::PREFIX, self.name.to_uppercase())
    }

    /// The default in words.
    pub(super) fn default_words(&self) -> String {
        if matches!(self.default, [] | [""]) { "none".to_owned() } else { self.default.join(", ") }
    }

    /// The default as TOML writes it.
    #[cfg(test)]
    pub(super) fn default_literal(&self) -> String {
        let quote = |text: &&str| if self.is_quoted { format!("\"{text}\"") } else { (*text).to_owned() };
        let items: Vec<String> = self.default.iter().map(quote).collect();
        if self.is_list { format!("[{}]", items.join(", ")) } else { items.join(", ") }
    }

    pub(super) fn described_by(mut self, form: &impl Form) -> Self {
        self.expected = form.expected();
        self.is_list = form.is_list();
        self.is_switch = form.is_switch();
        self.is_quoted = form.is_quoted();
        self
    }
}

/// Which keys have changed while a node works.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    /// Those that hold from now on.
    pub(crate) taken_over: Vec<&'static str>,
    /// Those that hold after a restart.
    pub(crate) left_alone: Vec<&'static str>,
}

/// Declares the keys: from each line its field of `Settings`, its entry in `keys()` and its parts of `Settings::read` and `changed`.
macro_rules! declare {
    ($(
        $(#[doc = $about:literal])+
        $name:ident: $value:ty = $form:expr, default $default:expr $(, flag $flag:literal)? $(=> $live:ident)?;
    )+) => {
        /// Everything a node can be told, as values.
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub struct Settings {
            $($(#[doc = $about])+ pub $name: $value,)+
        }

        impl Settings {
            /// What was given, and the defaults where nothing was.
            pub(super) fn read(given: &Given) -> Result<Self, ConfigError> {
                Ok(Self { $($name: given.read(stringify!($name), &$default, &$form)?,)+ })
            }

            /// These, with what has changed between two readings, as far as it can change while a node works.
            pub(super) fn changed(&self, before: &Self, now: &Self) -> (Self, Changes) {
                let (mut settings, mut changes) = (self.clone(), Changes::default());
                $(if before.$name != now.$name {
                    if false$(|| stringify!($live) == "live")? {
                        settings.$name = now.$name.clone();
                        changes.taken_over.push(stringify!($name));
                    } else {
                        changes.left_alone.push(stringify!($name));
                    }
                })+
                (settings, changes)
            }
        }

        /// Every key that has a setting, in the order of the reference.
        pub(super) fn keys() -> Vec<Key> {
            vec![$(
                Key {
                    name: stringify!($name),
                    about: &[$($about),+],
                    default: &$default,
                    flag: None$(.or(Some($flag)))?,
                    is_live: false$(|| stringify!($live) == "live")?,
                    expected: String::new(),
                    is_list: false,
                    is_switch: false,
                    is_quoted: false,
                }.described_by(&$form),
            )+]
        }
    };
}
pub(super) use declare;
