//! Speaks with another implementation: one command a line on standard input, one answer a line on standard output, bytes in hex
//! (`-` for none). The second implementation in `tests/second/` drives it. Keys come in as arguments: a tool for tests.
//!
//! ```text
//! tokenize   KEYRING TENANT KIND SUBJECT FIELD VALUE                          -> TOKEN
//! detokenize KEYRING TENANT KIND SUBJECT FIELD TOKEN                          -> VALUE | denied
//! issue      KEYRING AUDIENCE TENANT KIND SUBJECT SESSIONKEY NOW LIFE RIGHTS PROOF(0|1)   -> CREDENTIAL
//! prove      SESSIONKEY CREDENTIAL NOW PART,PART,...                          -> PROOF
//! reveal     KEYRING AUDIENCE CREDENTIAL PROOF NOW PART,PART,... FIELD:TOKEN,...   -> REPLY AUDITKEY ENTRY,ENTRY,... | denied
//! open-reply SESSIONKEY CREDENTIAL PROOF FIELD:TOKEN,... REPLY                -> VALUE,VALUE,... (! where refused) | denied
//! check      FIELD VALUE                                                      -> ok | invalid | forbidden | too-long
//! mask       FIELD VALUE                                                      -> MASK
//! text       TOKEN                                                            -> the text, not in hex
//! parse      TEXT (in hex)                                                    -> TOKEN | malformed
//! ```

use std::io::{BufRead, Write};

use chacha20::ChaCha20Rng;
use rand_core::SeedableRng;
use symbolon::{
    Access, AuditKey, Config, Credential, Error, Field, Host, Item, Keyring, Kind, MASK_LEN, MAX_OPEN_LEN,
    MAX_TOKEN_LEN, MemoryStore, Parts, Principal, Proof, Rights, SessionKey, Store, Terms, Time, Token, Vault,
    reply_len,
};

type Answer = Result<String, Error>;
type Environment = Parts<Box<dyn FnMut() -> Option<Time>>, ChaCha20Rng, MemoryStore<256, 8>>;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut output = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        let answer = match words.split_first() {
            Some((command, arguments)) => run(command, arguments),
            None => continue,
        };
        match answer {
            Ok(text) => writeln!(output, "{text}")?,
            Err(Error::Denied) => writeln!(output, "denied")?,
            Err(Error::Malformed) => writeln!(output, "malformed")?,
            Err(error) => writeln!(output, "error: {error}")?,
        }
        output.flush()?;
    }
    Ok(())
}

fn run(command: &str, arguments: &[&str]) -> Answer {
    match (command, arguments) {
        ("tokenize", [keyring, tenant, kind, subject, field, value]) => {
            let (vault, mut host) = open(keyring, b"interop", Time::from_secs(1_000))?.parts();
            let owner = principal(tenant, kind, subject)?;
            let mut out = [0; MAX_TOKEN_LEN];
            let token = vault.tokenize(&owner, parse_field(field)?, &bytes(value)?, &mut out, &mut host)?;
            Ok(hex(token.as_bytes()))
        }
        ("detokenize", [keyring, tenant, kind, subject, field, token]) => {
            detokenize(keyring, tenant, kind, subject, field, token)
        }
        ("issue", [keyring, audience, tenant, kind, subject, key, now, life, rights, proof]) => {
            let vault = vault(keyring, &bytes(audience)?)?;
            let who = principal(tenant, kind, subject)?;
            let now = Time::from_millis(number(now)?);
            let issuer = vault.issuer(who.tenant(), who.kind(), now.period())?;
            let rights = if *rights == "1" { Rights::OWN } else { Rights::NONE };
            let terms = Terms { rights, life: number(life)?, proof_required: *proof == "1", ..Terms::default() };
            Ok(hex(issuer.issue(&who, &session_key(key)?, &terms, now, &mut rng())?.as_bytes()))
        }
        ("prove", [key, credential, now, context]) => {
            let credential = Credential::from_bytes(&bytes(credential)?)?;
            let context = list(context)?;
            let parts: Vec<&[u8]> = context.iter().map(Vec::as_slice).collect();
            let proof = session_key(key)?.prove(&credential, &parts, Time::from_millis(number(now)?), &mut rng())?;
            Ok(hex(&proof.to_bytes()))
        }
        ("reveal", [keyring, audience, credential, proof, now, context, items]) => {
            reveal(keyring, audience, credential, proof, now, context, items)
        }
        ("open-reply", [key, credential, proof, items, reply]) => open_reply(key, credential, proof, items, reply),
        ("check", [field, value]) => Ok(match parse_field(field)?.check(&bytes(value)?) {
            Ok(()) => "ok".into(),
            Err(Error::ForbiddenValue) => "forbidden".into(),
            Err(Error::TooLong) => "too-long".into(),
            Err(_) => "invalid".into(),
        }),
        ("mask", [field, value]) => {
            let mut out = [0; MASK_LEN];
            Ok(hex(parse_field(field)?.mask(&bytes(value)?, &mut out)?.as_bytes()))
        }
        ("text", [token]) => Ok(Token::from_bytes(&bytes(token)?)?.to_string()),
        ("parse", [text]) => {
            let mut out = [0; MAX_TOKEN_LEN];
            Ok(hex(Token::from_text(&bytes(text)?, &mut out)?.as_bytes()))
        }
        _ => Ok(format!("error: no command '{command}' with {} arguments", arguments.len())),
    }
}

fn detokenize(keyring: &str, tenant: &str, kind: &str, subject: &str, field: &str, token: &str) -> Answer {
    let now = Time::from_secs(1_000_000);
    let (vault, mut host) = open(keyring, b"interop", now)?.parts();
    let who = principal(tenant, kind, subject)?;
    let key = SessionKey::generate(&mut rng())?;
    let terms = Terms { proof_required: false, ..Terms::default() };
    let credential =
        vault.issuer(who.tenant(), who.kind(), now.period())?.issue(&who, &key, &terms, now, &mut rng())?;
    let session = vault.authenticate_bearer(&credential, &mut host)?;
    let mut work = [0; MAX_OPEN_LEN];
    let token = bytes(token)?;
    let value = session.detokenize(parse_field(field)?, &Token::from_bytes(&token)?, &mut work, &mut host)?;
    Ok(hex(value.expose()))
}

fn reveal(
    keyring: &str,
    audience: &str,
    credential: &str,
    proof: &str,
    now: &str,
    context: &str,
    items: &str,
) -> Answer {
    let opened = open(keyring, &bytes(audience)?, Time::from_millis(number(now)?))?;
    let audit = hex(opened.audit.write_secret().as_slice());
    let (vault, mut host) = opened.parts();
    let context = list(context)?;
    let context: Vec<&[u8]> = context.iter().map(Vec::as_slice).collect();
    let (credential, proof) = (Credential::from_bytes(&bytes(credential)?)?, Proof::from_bytes(&bytes(proof)?)?);
    let session = vault.authenticate(&credential, &proof, &context, &mut host)?;
    let tokens = parse_items(items)?;
    let items = items_of(&tokens)?;
    let mut out = vec![0; reply_len(&items)];
    let reply = hex(session.reveal(&Access::OWN, &items, &mut out, &mut host)?.as_bytes());
    let mut entries = Vec::new();
    let collect = &mut |entry: &symbolon::SealedEntry| {
        entries.push(hex(entry.as_bytes()));
        true
    };
    host.environment().store.entries(collect).map_err(|_| Error::Unavailable)?;
    Ok(format!("{reply} {audit} {}", entries.join(",")))
}

fn open_reply(key: &str, credential: &str, proof: &str, items: &str, reply: &str) -> Answer {
    let (credential, proof) = (Credential::from_bytes(&bytes(credential)?)?, Proof::from_bytes(&bytes(proof)?)?);
    let tokens = parse_items(items)?;
    let items = items_of(&tokens)?;
    let mut reply = bytes(reply)?;
    let key = session_key(key)?;
    let opened = key.open_reply(&credential, Some(&proof), &items, &mut reply)?;
    let values: Vec<String> = opened.values().map(|value| value.map_or("!".into(), hex)).collect();
    Ok(values.join(","))
}

/// A vault with a fresh trail, whose replay window began long enough ago for the proofs to come.
struct Opened {
    vault: Vault,
    host: Host<Environment, 256, 8>,
    audit: AuditKey,
}

impl Opened {
    fn parts(self) -> (Vault, Host<Environment, 256, 8>) {
        (self.vault, self.host)
    }
}

fn open(keyring: &str, audience: &[u8], now: Time) -> Result<Opened, Error> {
    let vault = vault(keyring, audience)?;
    let mut store = MemoryStore::new();
    let audit = AuditKey::create(&vault, &mut store, &mut rng())?;
    let mut first = true;
    let clock = move || Some(if core::mem::take(&mut first) { now.minus(600_000) } else { now });
    let host = Host::open(&vault, Parts { clock: Box::new(clock) as Box<_>, rng: rng(), store })?;
    Ok(Opened { vault, host, audit })
}

fn vault(keyring: &str, audience: &[u8]) -> Result<Vault, Error> {
    Vault::new(Keyring::read_secret(&bytes(keyring)?)?, &Config::new(audience))
}

fn principal(tenant: &str, kind: &str, subject: &str) -> Result<Principal, Error> {
    let kind = match kind {
        "1" => Kind::Person,
        "2" => Kind::Staff,
        "3" => Kind::Service,
        _ => return Err(Error::InvalidPrincipal),
    };
    Principal::new(&bytes(tenant)?, kind, &bytes(subject)?)
}

fn session_key(hex: &str) -> Result<SessionKey, Error> {
    let bytes: [u8; 32] = bytes(hex)?.try_into().map_err(|_| Error::Malformed)?;
    Ok(SessionKey::read_secret(&bytes))
}

fn parse_field(code: &str) -> Result<Field, Error> {
    Field::from_code(code.parse().map_err(|_| Error::InvalidField)?)
}

fn parse_items(items: &str) -> Result<Vec<(Field, Vec<u8>)>, Error> {
    items
        .split(',')
        .map(|item| {
            let (field, token) = item.split_once(':').ok_or(Error::Malformed)?;
            Ok((parse_field(field)?, bytes(token)?))
        })
        .collect()
}

fn items_of(tokens: &[(Field, Vec<u8>)]) -> Result<Vec<Item<'_>>, Error> {
    tokens.iter().map(|(field, token)| Ok(Item::new(*field, Token::from_bytes(token)?))).collect()
}

fn rng() -> ChaCha20Rng {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).expect("the operating system has random numbers");
    ChaCha20Rng::from_seed(seed)
}

fn number(text: &str) -> Result<u64, Error> {
    text.parse().map_err(|_| Error::Malformed)
}

fn list(text: &str) -> Result<Vec<Vec<u8>>, Error> {
    text.split(',').map(bytes).collect()
}

fn bytes(hex: &str) -> Result<Vec<u8>, Error> {
    if hex == "-" {
        return Ok(Vec::new());
    }
    let digits = hex.as_bytes();
    if !digits.len().is_multiple_of(2) || !hex.is_ascii() {
        return Err(Error::Malformed);
    }
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).map_err(|_| Error::Malformed))
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    if bytes.is_empty() { "-".into() } else { bytes.iter().map(|byte| format!("{byte:02x}")).collect() }
}
