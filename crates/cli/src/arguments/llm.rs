//! Arguments of the commands about language models.

use std::net::SocketAddr;

use clap::{Args, ValueEnum};

use super::{LinkArguments, PathsArgument};

#[derive(Debug, Args)]
pub(crate) struct HostArguments {
    /// Address of the model server: Ollama, or any that speaks OpenAI's API
    #[arg(
        long = "llm",
        value_name = "URL",
        default_value = "http://127.0.0.1:11434"
    )]
    pub(crate) upstream: String,
    /// What the model server speaks (default: it is asked)
    #[arg(long, value_name = "API")]
    pub(crate) api: Option<ApiArgument>,
    /// File whose first line is the model server's key
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<std::path::PathBuf>,
    /// Let a device use this model and no other, for example --allow phone=qwen2.5:3b; may be
    /// repeated. Devices that are not named use every model
    #[arg(long, value_name = "DEVICE=MODEL", allow_hyphen_values = true)]
    #[arg(value_parser = device_and_model)]
    pub(crate) allow: Vec<(String, String)>,
    /// Paths that links may take
    #[arg(long, default_value = "all")]
    pub(crate) paths: PathsArgument,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ApiArgument {
    /// /api/chat and /api/tags
    Ollama,
    /// /v1/chat/completions and /v1/models
    Openai,
}

#[derive(Debug, Args)]
#[command(mut_arg("pair", |pair| {
    pair.required(false)
        .index(1)
        .help("Pair id, or the name of the paired device (default: the only one)")
}))]
pub(crate) struct ChatArguments {
    #[command(flatten)]
    pub(crate) link: LinkArguments,
    /// What to ask; `-` asks what standard input holds; without it, each line that is typed is
    /// asked, until its end
    #[arg(index = 2, allow_hyphen_values = true)]
    pub(crate) prompt: Option<String>,
    /// Who is to answer (default: the first model that the other device has)
    #[arg(long)]
    pub(crate) model: Option<String>,
    /// How the model is to behave
    #[arg(long, value_name = "TEXT")]
    pub(crate) system: Option<String>,
    /// List the models that may be used, and ask nothing
    #[arg(long, conflicts_with_all = ["prompt", "model", "system"])]
    pub(crate) models: bool,
}

#[derive(Debug, Args)]
#[command(mut_arg("pair", |pair| {
    pair.required(false)
        .help("Pair id, or the name of the paired device (default: the only one)")
}))]
pub(crate) struct ProxyArguments {
    #[command(flatten)]
    pub(crate) link: LinkArguments,
    /// Address of this machine alone that programs ask
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:11435")]
    #[arg(value_parser = on_loopback)]
    pub(crate) listen: SocketAddr,
}

fn device_and_model(text: &str) -> Result<(String, String), String> {
    let (device, model) = text.split_once('=').ok_or("needs the form device=model")?;
    if device.is_empty() || model.is_empty() {
        return Err("needs the form device=model".to_owned());
    }
    Ok((device.to_owned(), model.to_owned()))
}

/// The proxy asks nobody who they are.
fn on_loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text
        .parse()
        .map_err(|_| "needs an address and a port, like 127.0.0.1:11435")?;
    if !address.ip().is_loopback() {
        let why = "the proxy asks nobody who they are, so it listens on 127.0.0.1 or [::1]";
        return Err(format!("{address} is open to others; {why}"));
    }
    Ok(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proxy_listens_on_loopback_alone() {
        for own in ["127.0.0.1:1", "127.9.9.9:0", "[::1]:11435"] {
            assert!(on_loopback(own).is_ok(), "{own}");
        }
        for (other, why) in [
            ("0.0.0.0:1", "open to others"),
            ("[::]:1", "open to others"),
            ("192.0.2.1:1", "open to others"),
            ("127.0.0.1", "a port"),
            ("localhost:1", "an address"),
        ] {
            let told = on_loopback(other).expect_err("it is refused");
            assert!(told.contains(why), "{told}");
        }
    }
}
