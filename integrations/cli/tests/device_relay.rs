//! What a relay between client and appliance has in its memory: no key, and no value that was revealed. Linux shows a process's memory.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod appliance;
mod common;

use std::{
    fs::{self, File},
    io::{BufRead, Write},
    os::unix::fs::FileExt,
    process::Stdio,
};

use appliance::{Appliance, Running};
use base64ct::{Base64, Encoding};
use common::{CANARY, PLAN, Place, cells, table};
use symbolon::{Item, TokenBuf};
use symbolon_device::{Address, Device, OWN};

/// Which of these stand somewhere in a process's memory: every map that can be read, byte for byte.
fn found(process: u32, needles: &[(&'static str, Vec<u8>)]) -> Vec<&'static str> {
    let maps = fs::read_to_string(format!("/proc/{process}/maps")).unwrap();
    let memory = File::open(format!("/proc/{process}/mem")).unwrap();
    let (mut seen, mut read) = (Vec::new(), 0);
    let begins: [bool; 256] =
        std::array::from_fn(|byte| needles.iter().any(|(_, needle)| usize::from(needle[0]) == byte));
    for line in maps.lines() {
        let mut words = line.split_whitespace();
        let (range, rights) = (words.next().unwrap(), words.next().unwrap());
        if !rights.starts_with('r') || line.contains("[vvar") || line.contains("[vsyscall]") {
            continue;
        }
        let (from, to) = range.split_once('-').unwrap();
        let (from, to) = (u64::from_str_radix(from, 16).unwrap(), u64::from_str_radix(to, 16).unwrap());
        let mut bytes = vec![0; (to - from) as usize];
        if memory.read_exact_at(&mut bytes, from).is_err() {
            // Reserved, and never used.
            continue;
        }
        read += bytes.len();
        // Once through for all of them.
        for at in (0..bytes.len()).filter(|at| begins[usize::from(bytes[*at])]) {
            for (name, needle) in needles {
                if bytes[at..].starts_with(needle) && !seen.contains(name) {
                    seen.push(*name);
                }
            }
        }
    }
    assert!(read > 1 << 20, "the memory of {process} can't be read");
    seen.sort_unstable();
    seen
}

/// The bytes of a string of a JSON file.
fn secret(place: &Place, file: &str, key: &str) -> Vec<u8> {
    let json: serde_json::Value = serde_json::from_slice(&place.read(file)).unwrap();
    Base64::decode_vec(json[key].as_str().unwrap()).unwrap()
}

/// A sealed reveal through a relay leaves there nothing but noise. The same scanner finds what is there: the tokens that it carried, a value that somebody had
/// sent in clear, and the keys in the memories of those who have them.
#[test]
fn a_relay_knows_nothing() {
    let (place, appliance) = (Place::new(), Appliance::blank());
    place.ok(&["keygen", "shop.roles", "--device", &appliance.address(), "--import", "k"]);
    place.write("in.csv", table(20));
    place.protect("in.csv", "out.csv");
    let mut relay =
        Running::start(&mut place.command(&["relay", "--device", &appliance.address(), "--listen", "127.0.0.1:0"]));
    let at = format!("tcp:{}", relay.says("listening at ").split_once(' ').unwrap().0);

    // The log-in goes through it, too; then a client that stays, so that nothing of its connection is cleared away.
    let with_roles = ["--device", &at, "--roles", "shop.roles", "--tenant", "shop-17"];
    place.ok(&[&["login", "--person", "alice", "-o", "alice.session"], &with_roles[..]].concat());
    let session = ["--device", &at, "--session", "alice.session"];
    let mut command = place.command(&[&["reveal", "-q", "--format", "csv", "-"], &session[..]].concat());
    let mut client = Running::start(command.stdin(Stdio::piped()));
    client.child.stdin.as_mut().unwrap().write_all(&place.read("out.csv")).unwrap();
    let mut seen = String::new();
    while seen.lines().count() < 21 {
        assert!(client.out.read_line(&mut seen).unwrap() > 0, "{seen}");
    }
    assert_eq!(seen.matches(CANARY).count(), 4, "Alice's two rows: {seen}");

    let sealed = cells(&place.read("out.csv"));
    let [token, last] = [1, 20].map(|row: usize| TokenBuf::from_text(sealed[row][2].as_bytes()).unwrap());
    let keyring = Base64::decode_vec(place.text("k").lines().nth(2).unwrap()).unwrap();
    let (root, key) = (&keyring[keyring.len() - 32..], secret(&place, "alice.session", "session_key"));
    let needles = [
        ("root key, first half", root[..16].to_vec()),
        ("root key, second half", root[16..].to_vec()),
        ("tag key", keyring[2..18].to_vec()),
        ("session key, first half", key[..16].to_vec()),
        ("session key, second half", key[16..].to_vec()),
        ("issuer's key", secret(&place, "shop.roles", "issuer")[8..24].to_vec()),
        ("value: address", format!("{CANARY}0@example").into()),
        ("value: name", format!("{CANARY} 10").into()),
        // Of the last request, whose bytes nothing has been written over.
        ("token", last.as_token().as_bytes()[24..56].to_vec()),
    ];
    assert_eq!(found(relay.child.id(), &needles), ["token"], "what it carries, and nothing else");
    let of_client = found(client.child.id(), &needles);
    assert!(
        of_client.contains(&"session key, first half") && !of_client.contains(&"root key, first half"),
        "{of_client:?}"
    );
    let of_appliance = found(appliance.process.child.id(), &needles);
    assert!(
        of_appliance.contains(&"root key, first half") && of_appliance.contains(&"root key, second half"),
        "{of_appliance:?}"
    );

    // In clear, the same value does stand there.
    let (credential, key) = place.session("alice.session");
    let mut device = Device::connect(&Address::parse(&at).unwrap()).unwrap();
    let value = device.in_session(&credential, &key).detokenize(&OWN, &Item::of(token.as_token())).unwrap();
    assert_eq!(value.as_slice(), format!("{CANARY}0@example.com").as_bytes());
    assert!(found(relay.child.id(), &needles).contains(&"value: address"));
    drop(device);

    // Whoever protects through it shows it the values: that is said in its help.
    place.ok(&[&["protect", "in.csv", "-o", "again.csv", "--owner", "id"], &PLAN[4..], &with_roles[..]].concat());
}
