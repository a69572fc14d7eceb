//! `helio config`: what the server would run with.

use server::settings::Settings;

use crate::arguments::{ConfigAction, ServerArguments};
use crate::output::{self, Failure};

pub(crate) fn run(
    arguments: &ServerArguments,
    action: Option<&ConfigAction>,
) -> Result<(), Failure> {
    let reader = server::config::read(&arguments.sources());
    match action {
        Some(ConfigAction::Example) => output::line(server::config::EXAMPLE.trim_end()),
        None | Some(ConfigAction::Show) => output::line(reader.to_redacted_toml().trim_end()),
        Some(ConfigAction::Check) => {
            Settings::prove(reader).map_err(|faults| Failure::Configuration(faults.to_string()))?;
            output::line("the configuration is sound");
        }
    }
    Ok(())
}
