//! The program's grant file.

use base64ct::{Base64, Encoding};
use symbolon_cli::fuzzing;

/// What is read is a grant of the right form, and what the program writes of it is read as the same.
pub fn run(text: &[u8]) {
    let Some((grant, tenant, written)) = fuzzing::grant_file(text) else { return };
    assert!(text.starts_with(b"# symbolon grant 1:"));
    let again = fuzzing::grant_file(written.as_bytes()).expect("its own text");
    assert!(again.0 == grant && again.1 == tenant && again.2 == written);
    let inside = Base64::encode_string(grant.as_bytes());
    assert!(written.contains(&inside));
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
        "# symbolon grant 1:\n".into(),
    ];
    texts.into_iter().map(String::into_bytes).collect()
}
