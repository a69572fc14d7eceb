//! What the commands that use a paired device's language model share.

use llm::chatting::Chats;
use peer::LinkOptions;

use super::linking::{Linked, over_link, until_ctrl_c};
use crate::arguments::{DeviceArguments, LinkArguments, OutputArguments};
use crate::output::Failure;

/// Does some work with chats over a link until it is done or somebody presses Ctrl-C; what is still
/// being answered then is stopped.
pub(super) fn over_chats(
    device: &DeviceArguments,
    output: OutputArguments,
    arguments: &LinkArguments,
    work: impl AsyncFnOnce(&mut Linked, &Chats) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let options = LinkOptions {
        has_llm: true,
        ..LinkOptions::default()
    };
    over_link(device, output, arguments, options, async |linked| {
        let chats = Chats::start(linked.link.take_llm().expect("it is taken once"));
        let outcome = until_ctrl_c(work(linked, &chats)).await;
        chats.finish().await;
        outcome
    })
}
