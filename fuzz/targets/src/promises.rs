//! What several targets assert. Each takes what is to be tried as an argument, so that the tests can show that a broken one is caught.

use arbitrary::Unstructured;

/// Only what `again` writes byte for byte as it was read is accepted, and with nothing behind it or cut off.
///
/// `again` reads bytes and writes what it read; `None` where it refuses them.
pub fn written_back(data: &[u8], again: impl Fn(&[u8]) -> Option<Vec<u8>>) -> bool {
    let Some(written) = again(data) else { return false };
    assert!(written == data, "read {} and wrote {}", data.escape_ascii(), written.escape_ascii());
    let mut longer = data.to_vec();
    longer.push(0);
    if let Some(written) = again(&longer) {
        assert!(written == longer, "a byte behind {} was passed over", data.escape_ascii());
    }
    if let Some((_, shorter)) = data.split_last()
        && let Some(written) = again(shorter)
    {
        assert!(written == shorter, "{} was made up for", shorter.escape_ascii());
    }
    true
}

/// What is genuine is taken, and everything else refused, of which the input chooses some.
pub fn only_genuine(genuine: &[u8], data: &[u8], mut takes: impl FnMut(&[u8]) -> bool) {
    let altered = altered(genuine, data);
    let taken = takes(&altered);
    assert!(taken == (altered == genuine), "taken: {taken}; {} of {}", altered.escape_ascii(), genuine.escape_ascii());
    assert!(takes(genuine), "what is genuine is refused after {}", altered.escape_ascii());
}

/// `genuine` with the changes that `data` asks for; the same where it asks for none.
pub fn altered(genuine: &[u8], data: &[u8]) -> Vec<u8> {
    let (mut bytes, mut data) = (genuine.to_vec(), Unstructured::new(data));
    while !data.is_empty() && bytes.len() < 4 * genuine.len() + 64 {
        alter(&mut bytes, &mut data);
    }
    bytes
}

/// One change.
fn alter(bytes: &mut Vec<u8>, data: &mut Unstructured<'_>) {
    let mut number = |most: usize| data.int_in_range(0..=most).unwrap_or_default();
    let (what, at) = (number(6), number(bytes.len()));
    let len = number((bytes.len() - at).min(40));
    match what {
        0 | 1 if at < bytes.len() => bytes[at] ^= u8::try_from(number(255)).unwrap_or_default(),
        2 => bytes.insert(at, u8::try_from(number(255)).unwrap_or_default()),
        3 => drop(bytes.drain(at..at + len)),
        4 => bytes.truncate(at),
        5 => {
            let copied = bytes[at..at + len].to_vec();
            let to = number(bytes.len());
            bytes.splice(to..to, copied);
        }
        _ => bytes[at..at + len].fill(u8::try_from(number(255)).unwrap_or_default()),
    }
}

/// What is shown has none of these secrets in it: not as text, in hexadecimal, base64, or as the numbers of an array.
///
/// Short ones, and those that are nearly one byte over and over, would be found by accident; so would be what the input itself chose, which is
/// no secret.
pub fn tells_nothing(shown: &str, secrets: &[&[u8]]) {
    for secret in secrets.iter().filter(|secret| is_telling(secret)) {
        let numbers = |width: &str| {
            let each = secret.iter().map(|byte| if width == "x" { format!("{byte:02x}") } else { byte.to_string() });
            each.collect::<Vec<_>>()
        };
        let forms = [
            String::from_utf8_lossy(secret).into_owned(),
            numbers("x").concat(),
            numbers("x").concat().to_uppercase(),
            numbers("").join(", "),
            numbers("").join(","),
            secret.escape_ascii().to_string(),
        ];
        for form in forms {
            assert!(!shown.contains(&form), "{shown} shows {form}");
        }
    }
}

fn is_telling(secret: &[u8]) -> bool {
    let mut bytes = secret.to_vec();
    bytes.sort_unstable();
    bytes.dedup();
    secret.len() >= 8 && bytes.len() >= 4
}
