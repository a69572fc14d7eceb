//! `helio`: the composition root. Reads arguments, calls one command, turns its outcome into an
//! exit code: 0 done, 1 failed, 2 wrong usage or configuration; of a device 3 refused, 4 not reachable.

use std::process::ExitCode;

use clap::Parser;

mod admin;
mod arguments;
mod commands;
mod device_home;
mod output;

use arguments::{Arguments, Command};

fn main() -> ExitCode {
    let Arguments {
        command,
        output,
        device,
        server,
    } = Arguments::parse();
    let outcome = match &command {
        Command::Serve => commands::serve::run(&server),
        Command::Setup => commands::setup::run(&server, output),
        Command::Pair(arguments) => commands::pair::run(&device, output, arguments),
        Command::File { action } => commands::file::run(&device, output, action),
        Command::Message(arguments) => commands::message::run(&device, output, arguments),
        Command::Send(arguments) => commands::send::run(&device, output, arguments),
        Command::Receive(arguments) => commands::receive::run(&device, output, arguments),
        Command::Host(arguments) => commands::host::run(&device, output, arguments),
        Command::Chat(arguments) => commands::chat::run(&device, output, arguments),
        Command::Proxy(arguments) => commands::proxy::run(&device, output, arguments),
        Command::Doctor(arguments) => commands::doctor::run(&device, output, arguments),
        Command::Devices { action } => {
            commands::devices::run(&device, &server, output, action.as_ref())
        }
        Command::Pairs { action } => {
            commands::pairs::run(&device, &server, output, action.as_ref())
        }
        Command::Streams { action } => commands::streams::run(&server, output, action.as_ref()),
        Command::Recordings { action } => commands::recordings::run(&server, output, action),
        Command::Publish(arguments) => commands::publish::run(&device, output, arguments),
        Command::Watch(arguments) => commands::watch::run(&device, output, arguments),
        Command::Bench { action } => commands::bench::run(&device, output, action),
        Command::Conform(arguments) => commands::conform::run(&device, output, arguments),
        Command::Keys { action } => commands::keys::run(&device, &server, output, action.as_ref()),
        Command::Audit => commands::audit::run(&server, output),
        Command::Config { action } => commands::config::run(&server, action.as_ref()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
