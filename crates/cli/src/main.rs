//! `helio`: the composition root. Reads arguments, calls one command, turns its outcome into an
//! exit code: 0 done, 1 refused or failed, 2 wrong usage or configuration.

use std::process::ExitCode;

use clap::Parser;

mod admin;
mod arguments;
mod commands;
mod output;

use arguments::{Arguments, Command};

fn main() -> ExitCode {
    let Arguments {
        command,
        output,
        server,
    } = Arguments::parse();
    let outcome = match &command {
        Command::Serve => commands::serve::run(&server),
        Command::Setup => commands::setup::run(&server, output),
        Command::Devices { action } => commands::devices::run(&server, output, action.as_ref()),
        Command::Pairs { action } => commands::pairs::run(&server, output, action.as_ref()),
        Command::Keys { action } => commands::keys::run(&server, output, action.as_ref()),
        Command::Audit => commands::audit::run(&server, output),
        Command::Config { action } => commands::config::run(&server, action.as_ref()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
