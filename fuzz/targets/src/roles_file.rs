//! The program's roles file.

use base64ct::{Base64, Encoding};
use symbolon_cli::fuzzing;

/// What is read are the keys that the text names, none of them all zeros, and what the program writes of them is read as the same. What is refused
/// is told without any of it.
pub fn run(text: &[u8]) {
    let _taken = taken(text);
}

/// The same, and what the text was taken as.
pub fn taken(text: &[u8]) -> Vec<&'static str> {
    match fuzzing::roles_file(text) {
        Ok((keys, written)) => {
            let says: serde_json::Value = serde_json::from_slice(text).expect("JSON");
            for (name, key) in NAMES.into_iter().zip(&keys) {
                let named =
                    says.get(name).and_then(|key| key.as_str()).map(|key| Base64::decode_vec(key).expect("base64"));
                assert_eq!(key.as_ref().map(|key| key.to_vec()), named, "{name}");
                assert!(key.as_ref().is_none_or(|key| **key != [0; 32]), "everybody's key");
            }
            let (again, written_again) = fuzzing::roles_file(&written).expect("its own text");
            assert!(again == keys && *written_again == *written);
            vec!["roles"]
        }
        Err(told) => {
            assert_eq!(told, "roles is not a roles file of symbolon keygen: it is damaged, or something else");
            Vec::new()
        }
    }
}

const NAMES: [&str; 4] = ["officer", "issuer", "auditor", "transport"];

/// Roles files, and what is none.
pub fn seeds() -> Vec<Vec<u8>> {
    let key = |byte: u8| format!("\"{}\"", Base64::encode_string(&[byte; 32]));
    let all = format!(
        "{{\"comment\":\"c\",\"officer\":{},\"issuer\":{},\"auditor\":{},\"transport\":{}}}",
        key(1),
        key(2),
        key(3),
        key(4)
    );
    let texts = [
        all,
        format!("{{\"issuer\":{}}}", key(9)),
        format!("{{\"issuer\":{},\"officer\":null}}", key(9)),
        format!("{{\"issuer\":{}}}", key(0)),
        format!("[\"c\",{},{}]", key(1), key(2)),
        "{\"isuer\":\"\"}".into(),
        "{\"officer\":\"AAAA\"}".into(),
        "{}".into(),
    ];
    texts.into_iter().map(String::into_bytes).collect()
}
