//! Host: the configuration in force, as one value that listeners and sessions share. A session keeps
//! the host that it began with, so a reload makes a new one and tears nothing that runs.

use std::rc::Rc;
use std::time::Duration;

#[cfg(feature = "testing")]
use super::faults::Faults;
use crate::config::{Config, SessionReuse, TlsClose};
use crate::net::Tls;
use crate::session::Settings;
use crate::users::Access;

/// Longest of timeouts, so that every deadline is a time that the clock can tell.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// Configuration in force.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) config: Config,
    /// Settings of sessions.
    pub(super) settings: Rc<Settings>,
    /// TLS of connections that begin with this host.
    pub(super) tls: Option<Tls>,
    /// Faults on demand.
    #[cfg(feature = "testing")]
    pub(super) faults: Rc<Faults>,
}

impl Host {
    pub(super) fn new(config: Config, tls: Option<Tls>) -> Host {
        let settings = Settings {
            banner: config.banner.clone(),
            login_timeout: config.login_timeout.min(LONGEST_TIMEOUT),
            idle_timeout: config.idle_timeout.min(LONGEST_TIMEOUT),
            data_timeout: config.data_timeout.min(LONGEST_TIMEOUT),
            stall_timeout: config.stall_timeout.min(LONGEST_TIMEOUT),
            handshake_timeout: config.handshake_timeout.min(LONGEST_TIMEOUT),
            passive_address: config.passive_address,
            host_name: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            umask: config.umask,
            strict_allo: config.strict_allo,
            replace_on_hangup: config.replace_on_hangup,
            recursive_lists: config.recursive_lists,
            set_id: config.allow_set_id,
            tls: config.tls.as_ref().map(|tls| tls.require),
            traces: log::log_enabled!(log::Level::Debug),
        };
        #[cfg(feature = "testing")]
        let faults = config.faults.clone();
        Host {
            config,
            settings: Rc::new(settings),
            tls,
            #[cfg(feature = "testing")]
            faults: Rc::new(Faults::new(faults)),
        }
    }

    /// Host that takes the place of this one, for connections to come.
    pub(super) fn follow(&self, config: Config, tls: Option<Tls>) -> Host {
        let next = Host::new(config, tls);
        #[cfg(feature = "testing")]
        let next = Host { faults: Rc::clone(&self.faults), ..next };
        next
    }

    /// Access of anonymous users; `None` lets none in.
    pub(super) fn anonymous(&self) -> Option<Access> {
        self.config.anonymous_access().access()
    }

    /// Time that transfers get at shutdown.
    pub(super) fn shutdown_grace(&self) -> Duration {
        self.config.shutdown_grace.min(LONGEST_TIMEOUT)
    }

    /// True if data connections must resume the TLS session of their control connection.
    pub(super) fn session_reuse(&self) -> SessionReuse {
        self.config.tls.as_ref().map_or(SessionReuse::Off, |tls| tls.session_reuse)
    }

    /// End that uploads under TLS must come to.
    pub(super) fn tls_close(&self) -> TlsClose {
        self.config.tls.as_ref().map_or(TlsClose::Auto, |tls| tls.close)
    }
}
