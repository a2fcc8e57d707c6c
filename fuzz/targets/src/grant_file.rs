//! The program's grant file.

use base64ct::{Base64, Encoding};
use symbolon_cli::fuzzing;
use toml::{Table, Value};

/// What is read is the grant and the tenant that the text names, and what the program writes of them is read as the same.
pub fn run(text: &[u8]) {
    let _taken = taken(text);
}

/// The same, and what the text was taken as.
pub fn taken(text: &[u8]) -> Vec<&'static str> {
    let Some((grant, tenant, written)) = fuzzing::grant_file(text) else { return Vec::new() };
    assert!(text.starts_with(b"# symbolon grant 1:"));
    let says: Table = std::str::from_utf8(text).expect("UTF-8").parse().expect("TOML");
    assert!(says.values().all(Value::is_str), "nothing but words");
    let part = |name: &str| says[name].as_str().expect("a string");
    assert_eq!(tenant, part("tenant"));
    assert_eq!(grant.as_bytes().as_slice(), Base64::decode_vec(part("grant")).expect("base64"));
    let again = fuzzing::grant_file(written.as_bytes()).expect("its own text");
    assert!(again.0 == grant && again.1 == tenant && again.2 == written);
    let inside = Base64::encode_string(grant.as_bytes());
    assert!(written.contains(&inside));
    vec!["grant"]
}

/// Grant files, and what is none.
pub fn seeds() -> Vec<Vec<u8>> {
    let grant = crate::grant::seeds().into_iter().find(|seed| seed.len() == symbolon::Grant::LEN).expect("a grant");
    let grant = Base64::encode_string(&grant);
    let texts = [
        format!("# symbolon grant 1: words\ntenant = \"shop-17\"\nowner = \"alice\"\ngrant = \"{grant}\"\n"),
        format!("# symbolon grant 1:\ntenant = '''\na\"b'''\ngrant = \"{grant}\"\n"),
        format!("# symbolon grant 1:\ntenant = \"\\u007f山\"\r\ngrant = \"{}\"\n", &grant[..100]),
        format!("# symbolon grant 2:\ntenant = \"t\"\ngrant = \"{grant}\"\n"),
        format!("# symbolon grant 1:\nn = 1\ntenant = \"t\"\ngrant = \"{grant}\"\n"),
        "# symbolon grant 1:\n".into(),
    ];
    texts.into_iter().map(String::into_bytes).collect()
}
