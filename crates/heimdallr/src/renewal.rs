//! Reading the configuration again while the node works.

use admin::Api;
use backplanes::NodeId;
use gateways::handlers::Application;
use reactor::Node;
use sd_notify::NotifyState;

use crate::config::{self, Changes, ConfigError, Settings, Wish};
use crate::log::SetLevel;
use crate::{settings, supervisor};

/// What a node is for as long as it lives.
#[derive(Clone, Copy)]
pub(crate) struct Identity {
    /// Which start of which node it is.
    pub(crate) node: NodeId,
    /// What names of its sessions are made with.
    pub(crate) secret: [u8; 16],
}

impl Identity {
    /// What one of its shards may know of the settings.
    pub(crate) fn settings_of_shard(
        self,
        settings: &Settings,
        application: &Application,
        index: usize,
    ) -> shard::Settings {
        settings::of_shard(settings, application, self.secret, (self.node, index as u16))
    }
}

/// The settings that a node runs with, and what they were read from.
pub(crate) struct Renewal<'a> {
    pub(crate) settings: Settings,
    /// What the last reading said. An application may have set more.
    read: Option<Settings>,
    application: &'a Application,
    identity: Identity,
    set_level: &'a SetLevel,
    api: &'a Api,
}

impl<'a> Renewal<'a> {
    pub(crate) fn new(
        settings: Settings,
        application: &'a Application,
        identity: Identity,
        (set_level, api): (&'a SetLevel, &'a Api),
    ) -> Self {
        Self { settings, read: read().ok(), application, identity, set_level, api }
    }

    /// Reads the configuration again and has the node go by what has changed, as far as it can.
    pub(crate) fn read_again(&mut self, node: &Node) {
        let clock = NotifyState::monotonic_usec_now().ok();
        supervisor::tell(&[Some(NotifyState::Reloading), clock].into_iter().flatten().collect::<Vec<_>>());
        match read() {
            Ok(now) => self.take_over(now, node),
            Err(error) => tracing::error!(%error, "the configuration cannot be followed; the old one holds"),
        }
        supervisor::tell(&[NotifyState::Ready]);
    }

    fn take_over(&mut self, now: Settings, node: &Node) {
        let before = self.read.as_ref().unwrap_or(&self.settings);
        let (settings, Changes { taken_over, left_alone }) = config::renew(&self.settings, before, &now);
        let (settings, application) = (&settings, self.application);
        node.renew(|index| self.identity.settings_of_shard(settings, application, index));
        (self.set_level)(settings.log_level);
        self.api.renew(settings.api_keys.clone());
        tracing::info!(?taken_over, "the configuration was read again");
        if !left_alone.is_empty() {
            tracing::warn!(?left_alone, "these keys have changed, and hold after a restart");
        }
        self.settings = settings.clone();
        self.read = Some(now);
    }
}

/// What the command line, the environment and the file say now.
fn read() -> Result<Settings, ConfigError> {
    match config::load(std::env::args_os().skip(1), std::env::vars_os())? {
        Wish::Start(settings) => Ok(*settings),
        Wish::Print(_) => Err(ConfigError::asks_for_no_start()),
    }
}
