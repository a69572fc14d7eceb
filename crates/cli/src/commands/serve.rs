//! `helio serve`: runs until SIGTERM or SIGINT.

use crate::admin;
use crate::arguments::ServerArguments;
use crate::output::Failure;

pub(crate) fn run(arguments: &ServerArguments) -> Result<(), Failure> {
    let settings = admin::settings(arguments)?;
    let sources = arguments.sources();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(Failure::because)?;
    runtime
        .block_on(server::run(settings, sources))
        .map_err(Failure::because)
}
