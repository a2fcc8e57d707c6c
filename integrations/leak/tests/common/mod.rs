//! What the tests share: tokens of real keyrings, and scans that collect what they find.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    reason = "shared by test programs that use parts"
)]

use getrandom::SysRng;
use symbolon::{CheckedRng, Config, Field, Keyring, Principal, Token, Vault};
use symbolon_leak::{Event, Look, Options, Place, Scan};

pub fn vault() -> Vault {
    Vault::new(Keyring::generate(&mut SysRng).unwrap(), &Config::new(b"leak")).unwrap()
}

/// Tokens of a tenant: names, and every third one a long line.
pub fn tokens(vault: &Vault, tenant: &str, count: usize) -> Vec<String> {
    let sealer = vault.sealer(&Principal::person(tenant, "p").unwrap());
    let (mut rng, mut out) = (CheckedRng::new(SysRng), [0; Token::MAX_LEN]);
    let one = |number: usize| {
        let long = number % 3 == 2;
        let (field, value) = if long { (Field::ORDER_LINE, "x".repeat(300)) } else { (Field::PERSON_NAME, "x".into()) };
        sealer.tokenize(field, value.as_bytes(), &mut out, &mut rng).unwrap().to_string()
    };
    (0..count).map(one).collect()
}

/// Something found: what, where, at which byte.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Seen<I> {
    pub item: I,
    pub place: String,
    pub offset: u64,
    pub codings: String,
    pub in_name: bool,
}

/// What a scan says: what it found, and what it could not look into.
pub struct Said<I> {
    pub seen: Vec<Seen<I>>,
    pub problems: Vec<String>,
    pub skipped: Vec<String>,
}

pub fn scan<L: Look>(look: &L, options: Options, job: impl FnOnce(&mut dyn Scanner)) -> Said<L::Item> {
    let mut said = Said { seen: Vec::new(), problems: Vec::new(), skipped: Vec::new() };
    let mut scan = Scan::new(look, options, |event: Event<'_, L::Item>| match event {
        Event::Found(found) => said.seen.push(Seen {
            item: found.item.clone(),
            place: found.place.to_string(),
            offset: found.offset,
            codings: found.codings.iter().map(|coding| coding.name()).collect::<Vec<_>>().join(","),
            in_name: found.in_name,
        }),
        Event::Problem(problem) => said.problems.push(format!("{}: {}", problem.place, problem.cause)),
        Event::Skipped(place, why) => said.skipped.push(format!("{place}: {why}")),
        _ => {}
    });
    job(&mut scan);
    said
}

/// A scan of any kind.
pub trait Scanner {
    fn bytes(&mut self, bytes: &[u8]);
    fn path(&mut self, path: &std::path::Path);
    fn process(&mut self, pid: u32) -> std::io::Result<()>;
}

impl<L: Look, T: FnMut(Event<'_, L::Item>)> Scanner for Scan<'_, L, T> {
    fn bytes(&mut self, mut bytes: &[u8]) {
        self.stream(&mut bytes, &Place::of("x"));
    }

    fn path(&mut self, path: &std::path::Path) {
        Scan::path(self, path);
    }

    fn process(&mut self, pid: u32) -> std::io::Result<()> {
        Scan::process(self, pid)
    }
}

/// Small windows, so that a test of a few kilobytes goes through many.
pub fn small() -> Options {
    Options { chunk: 4096, overlap: 8192, lead: 512, ..Options::default() }
}
