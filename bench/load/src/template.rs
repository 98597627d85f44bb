//! Texts with places for numbers: paths and bodies of requests, packets of clients.

/// Replaces `{seq}` and `{id}` by `number`, `{mod:K}` by `number` modulo K, and `{pad:K}` by K letters. Other
/// braces stay as they are, so that JSON needs no escaping.
pub fn expand(template: &str, number: u64) -> String {
    let mut out = String::with_capacity(template.len() + 64);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let replaced = after.split_once('}').and_then(|(name, rest)| Some((replacement(name, number)?, rest)));
        match replaced {
            Some((text, tail)) => {
                out.push_str(&text);
                rest = tail;
            }
            None => {
                out.push('{');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

fn replacement(name: &str, number: u64) -> Option<String> {
    match name.split_once(':') {
        None if name == "seq" || name == "id" => Some(number.to_string()),
        Some(("mod", modulus)) => Some((number % modulus.parse::<u64>().ok()?.max(1)).to_string()),
        Some(("pad", length)) => Some(('a'..='z').cycle().take(length.parse().ok()?).collect()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled_and_other_braces_stay() {
        let text = expand(r#"{"n":{seq},"m":{mod:10},"x":{"y":"{pad:3}"},"z":"{what}"}"#, 42);
        assert_eq!(text, r#"{"n":42,"m":2,"x":{"y":"abc"},"z":"{what}"}"#);
    }
}
