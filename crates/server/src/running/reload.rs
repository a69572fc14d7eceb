//! SIGHUP: takes over what can change while serving, and says what cannot.

use crate::config::{self, Sources};
use crate::names::MachineNames;
use crate::secrets;
use crate::settings::Settings;
use crate::tls::{ALPN_HTTP, ALPN_TURN, TlsIdentity};

use super::Running;

impl Running {
    /// Reads the configuration again. A faulty one changes nothing.
    pub(super) fn reload(&self, sources: &Sources) {
        let settings = match Settings::prove(config::read(sources)) {
            Ok(settings) => settings,
            Err(faults) => {
                for fault in faults.iter() {
                    tracing::error!(fault, "configuration not reloaded");
                }
                return;
            }
        };
        self.reload_certificate(&settings);
        self.reload_relays(&settings);
        tracing::info!(
            "reloaded certificates, turn.secrets, turn.external and ice.stun_urls; \
             everything else needs a restart"
        );
    }

    fn reload_certificate(&self, settings: &Settings) {
        let Some(switch) = &self.tls else { return };
        let names = MachineNames::read();
        let loaded = TlsIdentity::load(&settings.http.tls, &settings.data_dir, &names).and_then(
            |identity| {
                identity
                    .map(|identity| identity.server_config(&[ALPN_HTTP, ALPN_TURN]))
                    .transpose()
            },
        );
        match loaded {
            Ok(Some(config)) => switch.replace(config),
            Ok(None) => tracing::error!("http.tls cannot be turned off without a restart"),
            Err(error) => tracing::error!(%error, "certificate not reloaded"),
        }
    }

    fn reload_relays(&self, settings: &Settings) {
        let secrets = match secrets::turn_secrets(&settings.turn.secrets, &settings.data_dir) {
            Ok(secrets) => secrets,
            Err(error) => {
                tracing::error!(%error, "turn.secrets not reloaded");
                return;
            }
        };
        self.turn.replace_secrets(secrets.clone());
        let mut ice = self.site.ice.write().expect("no holder of the list panics");
        ice.secrets = secrets;
        ice.external = settings.turn.external.clone();
        ice.stun_urls = settings.stun_urls.clone();
    }
}
