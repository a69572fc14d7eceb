//! What an offer says of the layers of its picture (RFC 8853 §5, RFC 8851 §4).

use str0m::media::Rid;

/// Layers of one picture.
pub(crate) const MAX_LAYERS: usize = 4;
/// A name of RFC 8851 may be longer; this is what the packets' numbers are kept by.
const MAX_RID_CHARS: usize = 8;

/// The names of the layers that an `m=` section offers to send, in its order; none where it offers
/// one encoding without a name.
///
/// # Errors
/// What is wrong with them.
pub(crate) fn layers_of(lines: &[&str]) -> Result<Vec<Rid>, String> {
    let value = |name: &str| lines.iter().find_map(|line| line.strip_prefix(name));
    let Some(simulcast) = value("a=simulcast:") else {
        return Ok(Vec::new());
    };
    let mut words = simulcast.split_ascii_whitespace();
    let mut sent = None;
    while let (Some(direction), Some(streams)) = (words.next(), words.next()) {
        if direction == "send" {
            sent = Some(streams);
        }
    }
    // Of alternatives the first; a layer may begin paused (`~`).
    let names = sent.ok_or("a=simulcast sends nothing")?.split(';');
    let names = names.filter_map(|streams| streams.split(',').next());
    let names: Vec<_> = names.map(|name| name.trim_start_matches('~')).collect();
    if names.len() > MAX_LAYERS {
        return Err(format!("more than {MAX_LAYERS} layers"));
    }
    for (index, name) in names.iter().enumerate() {
        let is_named = lines.iter().any(|line| {
            let rest = line.strip_prefix("a=rid:");
            let rest = rest.and_then(|rest| rest.strip_prefix(name));
            rest.is_some_and(|rest| rest == " send" || rest.starts_with(" send "))
        });
        let is_short = (1..=MAX_RID_CHARS).contains(&name.len());
        if !is_short || !name.chars().all(|c| c.is_ascii_alphanumeric()) {
            return Err(format!(
                "a layer's name is not 1 to {MAX_RID_CHARS} letters and digits"
            ));
        }
        if !is_named || names[..index].contains(name) {
            return Err(format!("layer {name} needs an a=rid of its own"));
        }
    }
    Ok(names.into_iter().map(Rid::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(simulcast: &str, rids: &[&str]) -> Result<Vec<String>, String> {
        let rids = rids.iter().map(|rid| format!("a=rid:{rid} send"));
        let lines: Vec<_> = [format!("a=simulcast:{simulcast}")]
            .into_iter()
            .chain(rids)
            .collect();
        let lines: Vec<_> = lines.iter().map(String::as_str).collect();
        let layers = layers_of(&lines)?;
        Ok(layers.iter().map(|rid| rid.to_string()).collect())
    }

    #[test]
    fn layers_are_named_in_the_order_of_the_offer() {
        let three = ["q", "h", "f"];
        let named = |simulcast: &str| named(simulcast, &three).expect("layers");
        assert_eq!(named("send q;h;f"), three);
        assert_eq!(named("recv f send ~q,h;f"), ["q", "f"]);
        assert_eq!(layers_of(&["a=mid:0"]), Ok(Vec::new()));
    }

    #[test]
    fn layers_that_make_no_sense_are_refused() {
        for simulcast in [
            "recv q",
            "send",
            "send q;q",
            "send q;x",
            "send ;",
            "send lang-name",
        ] {
            assert!(named(simulcast, &["q"]).is_err(), "{simulcast}");
        }
        assert!(named("send 123456789", &["123456789"]).is_err());
    }

    #[test]
    fn there_are_no_more_layers_than_the_limit() {
        let names = ["a", "b", "c", "d", "e"];
        let offer = |count: usize| format!("send {}", names[..count].join(";"));
        assert!(named(&offer(MAX_LAYERS), &names).is_ok());
        assert!(named(&offer(MAX_LAYERS + 1), &names).is_err());
    }
}
