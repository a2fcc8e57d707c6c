//! The program's session file.

use base64ct::{Base64, Encoding};
use symbolon_cli::fuzzing;

use crate::world::{World, alice};

/// What is read is the key and the credential that the text names, and what the program writes of them is read as the same. What is refused is
/// told without any of it.
pub fn run(text: &[u8]) {
    let _taken = taken(text);
}

/// The same, and what the text was taken as.
pub fn taken(text: &[u8]) -> Vec<&'static str> {
    match fuzzing::session_file(text) {
        Ok(read) => {
            let says: serde_json::Value = serde_json::from_slice(text).expect("JSON");
            let part = |name: &str| Base64::decode_vec(says[name].as_str().expect("a string")).expect("base64");
            assert_eq!(*read.key, *part("session_key"));
            assert_eq!(read.credential.as_bytes(), part("credential"));
            let again = fuzzing::session_file(&read.written).expect("its own text");
            assert_eq!((&*again.key, &again.credential), (&*read.key, &read.credential));
            assert!(*again.written == *read.written);
            vec!["session"]
        }
        Err(told) => {
            assert!(MESSAGES.contains(&told.as_str()), "{told}");
            Vec::new()
        }
    }
}

/// All that is ever said: nothing of the text.
const MESSAGES: [&str; 2] =
    ["it is damaged, or something else", "malformed: not the bytes or the text of what was expected"];

/// A session file, and what is none.
pub fn seeds() -> Vec<Vec<u8>> {
    let client = World::new().log_in(&alice());
    let key = Base64::encode_string(&*client.key.write_secret());
    let credential = Base64::encode_string(client.credential.as_bytes());
    let text = |more: &str, key: &str, credential: &str| {
        let head = r#""comment":"c","kind":"person","tenant":"shop-17","subject":"alice","valid_until":"2027""#;
        format!(r#"{{{head},{more}"session_key":"{key}","credential":"{credential}"}}"#).into_bytes()
    };
    vec![
        text("", &key, &credential),
        text(r#""purposes":["own-use"],"rights":["own"],"#, &key, &credential),
        text("", &key[..40], &credential),
        text("", &key, &credential[..80]),
        text("", &format!("\\u0041{}", &key[1..]), &credential),
        text(r#""other":1,"#, &key, &credential),
        format!(r#"["c","person","shop-17","alice","2027",null,null,"{key}","{credential}"]"#).into_bytes(),
        b"{}".to_vec(),
    ]
}
