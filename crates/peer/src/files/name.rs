//! File names of strangers, made fit for a disk.
//!
//! What is left is one component of a path on every system that people use: no separator, no
//! leading dot, no control or direction-changing character, none of the names that Windows keeps
//! for devices.

/// The longest name that is left, in bytes of UTF-8.
pub const MAX_FILE_NAME_BYTES: usize = 255;
/// What a name becomes of which nothing is left.
const NAMELESS: &str = "file";
/// The longest ending that a shortened name keeps, with its dot, in bytes.
const MAX_ENDING_BYTES: usize = 32;

/// The name as a file of this machine may have it, of at most `limit` bytes, never empty. `limit`
/// is at least 64.
pub fn sanitise(name: &str, limit: usize) -> String {
    let last = name
        .rsplit(['/', '\\'])
        .find(|part| !part.trim().is_empty());
    let kept: String = last
        .unwrap_or_default()
        .chars()
        .filter(|character| !is_unwanted(*character))
        .map(|character| {
            if is_reserved(character) {
                '_'
            } else {
                character
            }
        })
        .collect();
    let trimmed = kept.trim_start_matches(is_edge).trim_end_matches(is_edge);
    let named = if trimmed.is_empty() {
        NAMELESS
    } else {
        trimmed
    };
    let named = if is_device(named) {
        format!("_{named}")
    } else {
        named.to_owned()
    };
    shortened(&named, limit)
}

/// The name with a number before its ending: `a (2).txt`, of at most `limit` bytes.
#[cfg(any(feature = "tokio", test))]
pub(super) fn numbered(name: &str, number: u32, limit: usize) -> String {
    let (stem, ending) = split(name);
    let tail = format!(" ({number}){ending}");
    format!("{}{tail}", cut(stem, limit.saturating_sub(tail.len())))
}

/// Control characters and those that change the direction of what follows, or are invisible.
fn is_unwanted(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Characters that a name neither begins nor ends with.
fn is_edge(character: char) -> bool {
    character == '.' || character.is_whitespace()
}

/// Characters that Windows takes in no name.
fn is_reserved(character: char) -> bool {
    matches!(character, '<' | '>' | ':' | '"' | '|' | '?' | '*')
}

/// Names that open a device on Windows, with whatever ending.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end();
    let stem = stem.to_uppercase();
    let numbered = |device: &str| {
        let number = stem.strip_prefix(device);
        number.is_some_and(|number| matches!(number, "¹" | "²" | "³") || is_digit(number))
    };
    matches!(
        stem.as_str(),
        "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$"
    ) || numbered("COM")
        || numbered("LPT")
}

fn is_digit(text: &str) -> bool {
    text.len() == 1 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Stem and ending (with its dot); a long ending is none.
fn split(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(dot) if dot > 0 && name.len() - dot <= MAX_ENDING_BYTES => name.split_at(dot),
        _ => (name, ""),
    }
}

fn shortened(name: &str, limit: usize) -> String {
    if name.len() <= limit {
        return name.to_owned();
    }
    let (stem, ending) = split(name);
    format!("{}{ending}", cut(stem, limit - ending.len()))
}

/// At most so many bytes, whole characters, none of them an edge at the end.
fn cut(text: &str, limit: usize) -> &str {
    let mut end = limit.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].trim_end_matches(is_edge)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_is_one_harmless_component() {
        for (given, kept) in [
            ("photo.jpg", "photo.jpg"),
            ("Grüße 😀.txt", "Grüße 😀.txt"),
            ("../../x", "x"),
            ("/etc/passwd", "passwd"),
            ("C:\\Windows\\a.exe", "a.exe"),
            ("a/", "a"),
            ("..", "file"),
            ("", "file"),
            ("/", "file"),
            (" . . ", "file"),
            (".bashrc", "bashrc"),
            ("...x", "x"),
            (" ..x", "x"),
            ("a\0b\n\u{7f}\u{85}c", "abc"),
            ("\u{202e}gpj.exe", "gpj.exe"),
            ("a\u{200b}\u{2066}\u{feff}b", "ab"),
            ("a:b*c?d\"e<f>g|h", "a_b_c_d_e_f_g_h"),
            ("trailing. ", "trailing"),
            ("CON", "_CON"),
            ("con.txt", "_con.txt"),
            ("aux .c", "_aux .c"),
            ("COM1", "_COM1"),
            ("lpt9.log", "_lpt9.log"),
            ("COM¹", "_COM¹"),
            ("COM10", "COM10"),
            ("CONSOLE", "CONSOLE"),
        ] {
            assert_eq!(sanitise(given, MAX_FILE_NAME_BYTES), kept, "{given:?}");
        }
    }

    #[test]
    fn a_name_of_256_bytes_loses_its_middle_and_keeps_its_ending() {
        let fits = format!("{}.jpeg", "a".repeat(250));
        assert_eq!(sanitise(&fits, 255), fits);
        let long = format!("{}.jpeg", "a".repeat(251));
        assert_eq!(sanitise(&long, 255), fits);
        let wide = format!("{}.jpeg", "é".repeat(126));
        assert_eq!(sanitise(&wide, 255), format!("{}.jpeg", "é".repeat(125)));
        assert_eq!(sanitise(&".x".repeat(200), 255).len(), 255);
        let unended = format!("{}. {}", "a".repeat(62), "b".repeat(40));
        assert_eq!(sanitise(&unended, 64), "a".repeat(62));
    }

    #[test]
    fn a_number_goes_before_the_ending_and_fits() {
        assert_eq!(numbered("a.txt", 2, 255), "a (2).txt");
        assert_eq!(numbered("a", 10, 255), "a (10)");
        let long = format!("{}.txt", "a".repeat(251));
        let numbered = numbered(&long, 2, 255);
        assert_eq!((numbered.len(), &numbered[247..]), (255, " (2).txt"));
    }

    proptest! {
        #[test]
        fn whatever_is_given_is_one_component_within_the_limit(
            name in "[./\\\\ \\PC\\x00-\\x20]{0,300}",
            limit in 64_usize..=255,
        ) {
            let kept = sanitise(&name, limit);
            prop_assert!((1..=limit).contains(&kept.len()));
            prop_assert!(!kept.contains(['/', '\\', '\0']), "{:?}", kept);
            prop_assert!(!kept.starts_with('.') && !kept.ends_with('.'));
            let joined = std::path::Path::new("dir").join(&kept);
            prop_assert_eq!(joined.parent(), Some(std::path::Path::new("dir")));
        }
    }
}
