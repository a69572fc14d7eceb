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
    let arguments = Arguments::parse();
    let outcome = match arguments.command {
        Command::Serve(command) => commands::serve::run(&command),
        Command::Setup(command) => commands::setup::run(&command),
        Command::Devices(command) => commands::devices::run(&command),
        Command::Pairs(command) => commands::pairs::run(&command),
        Command::Keys(command) => commands::keys::run(&command),
        Command::Audit(command) => commands::audit::run(&command),
        Command::Config(command) => commands::config::run(&command),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
