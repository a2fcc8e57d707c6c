//! Runs each operation of the core on the board, and prints how many instructions it takes and how deep the stack goes.
//!
//! One line each: `operation | instructions | bytes of stack`. Each operation runs twice, once for each figure, in the same state of things.
#![no_std]
#![no_main]

use core::hint::black_box;
use core::panic::PanicInfo;

use board::{count, host, stack};
use chacha20poly1305::{AeadInOut, ChaCha20Poly1305, KeyInit};
use images::{Counting, Device, FIELD, VALUE};
use symbolon::{
    Credential, Environment, Error, Field, Kind, Principal, Proof, Session, SessionKey, Terms, Token, Vault,
};

#[cortex_m_rt::entry]
fn main() -> ! {
    if !count::calibrate() {
        host::line(format_args!("the instruction counter is wrong: start QEMU with -icount shift=6"));
        host::fail()
    }
    match work() {
        Ok(()) => host::exit(),
        Err(error) => {
            host::line(format_args!("{error}"));
            host::fail()
        }
    }
}

/// What is measured needs no more than this.
type Measured<T = ()> = Result<T, Error>;

fn work() -> Measured {
    let (vault, host) = start()?;
    let owner = images::alice()?;
    // Buffers are the caller's, and none of the stack that is measured.
    let (mut out, mut work) = ([0; Token::MAX_LEN], [0; Token::MAX_OPEN_LEN]);
    measure("tokenize 20 B", || tokenize(vault, &owner, &mut out, host).map(drop))?;
    let token = Token::from_bytes(tokenize(vault, &owner, &mut out, host)?)?;
    // Proofs from before the start are refused, for they may have been used.
    host.environment().wait(5000);
    let mut log_in = LogIn::new(vault, &owner, host)?;
    let (first, instructions) = count::instructions_of(|| log_in.authenticate(vault, host));
    drop(first?);
    log_in.prove(host)?;
    let (alice, stack) = stack::depth_of(|| log_in.authenticate(vault, host));
    let alice = alice?;
    print("authenticate, 4 B of context", instructions, stack);
    measure("detokenize 20 B", || detokenize(&alice, FIELD, &token, &mut work, host))?;
    let refused = || Err(Error::Unavailable);
    measure("refuse: another field's token", || match detokenize(&alice, Field::EMAIL, &token, &mut work, host) {
        Err(Error::Denied) => Ok(()),
        _ => refused(),
    })?;
    let bob = LogIn::new(vault, &Principal::person("shop-17", "bob")?, host)?.authenticate(vault, host)?;
    measure("refuse: another owner's token", || match detokenize(&bob, FIELD, &token, &mut work, host) {
        Err(Error::Denied) => Ok(()),
        _ => refused(),
    })?;
    measure("log out", || vault.log_out(alice.id(), host))?;
    reference()
}

/// The device, whose start is measured too; it happens once, so with the counter only.
fn start() -> Measured<(&'static Vault, &'static mut Device)> {
    let (started, stack) = stack::depth_of(images::device);
    print("start, with the trail's making", None, stack);
    started
}

/// The raw AEAD on as many bytes as opening the 20-byte value takes, and as an entry of the trail takes.
fn reference() -> Measured {
    let mut value = [0; 16 + 32];
    let mut entry = [0; 78];
    let tag = seal(&mut value, &[0; 22])?;
    let sealed = value;
    measure("reference: AEAD opens 48 B with 22 B associated", || {
        value = sealed;
        open(&mut value, &[0; 22], &tag)
    })?;
    measure("reference: AEAD seals 78 B with 36 B associated", || seal(&mut entry, &[0; 36]).map(drop))
}

fn measure(what: &str, mut operation: impl FnMut() -> Measured) -> Measured {
    let (first, instructions) = count::instructions_of(&mut operation);
    first?;
    let (second, stack) = stack::depth_of(&mut operation);
    second?;
    print(what, instructions, stack);
    Ok(())
}

fn print(what: &str, instructions: Option<u32>, stack: usize) {
    host::line(format_args!("{what} | {} | {stack}", instructions.unwrap_or_default()));
}

#[inline(never)]
fn tokenize<'o>(vault: &Vault, owner: &Principal, out: &'o mut [u8], host: &mut Device) -> Measured<&'o [u8]> {
    vault.tokenize(owner, FIELD, black_box(VALUE), out, host).map(|token| token.as_bytes())
}

#[inline(never)]
fn detokenize(
    session: &Session<&Vault>,
    field: Field,
    token: &Token<'_>,
    work: &mut [u8],
    host: &mut Device,
) -> Measured {
    session.detokenize(field, token, work, host).map(|value| drop(black_box(value)))
}

/// What comes from outside when somebody logs in: a credential; and a proof for each request.
struct LogIn {
    key: SessionKey,
    credential: Credential,
    next: Proof,
}

impl LogIn {
    fn new(vault: &Vault, who: &Principal, host: &mut Device) -> Measured<Self> {
        let now = host.environment().now().ok_or(Error::Unavailable)?;
        let key = SessionKey::generate(&mut Counting::new())?;
        let issuer = vault.issuer("shop-17", Kind::Person, now.period())?;
        let credential = issuer.issue(who, &key, &Terms::default(), now, host.environment().rng())?;
        let next = key.prove(&credential, CONTEXT, now, host.environment().rng())?;
        Ok(Self { key, credential, next })
    }

    /// Uses the proof up; the one for the next time is not made here, so that it isn't measured.
    #[inline(never)]
    fn authenticate<'v>(&mut self, vault: &'v Vault, host: &mut Device) -> Measured<Session<&'v Vault>> {
        vault.authenticate(&self.credential, &self.next, black_box(CONTEXT), host)
    }

    fn prove(&mut self, host: &mut Device) -> Measured {
        let now = host.environment().now().ok_or(Error::Unavailable)?;
        self.next = self.key.prove(&self.credential, CONTEXT, now, host.environment().rng())?;
        Ok(())
    }
}

/// The request that the proofs are for.
const CONTEXT: &[&[u8]] = &[b"open"];

#[inline(never)]
fn seal(buffer: &mut [u8], associated: &[u8]) -> Measured<[u8; 16]> {
    let cipher = ChaCha20Poly1305::new(black_box(&[7; 32]).into());
    let tag = cipher.encrypt_inout_detached(&[0; 12].into(), associated, buffer.into());
    tag.map(Into::into).map_err(|_| Error::TooLong)
}

#[inline(never)]
fn open(buffer: &mut [u8], associated: &[u8], tag: &[u8; 16]) -> Measured {
    let cipher = ChaCha20Poly1305::new(black_box(&[7; 32]).into());
    let opened = cipher.decrypt_inout_detached(&[0; 12].into(), associated, buffer.into(), tag.into());
    opened.map_err(|_| Error::Denied)
}

#[panic_handler]
fn panicked(info: &PanicInfo<'_>) -> ! {
    host::line(format_args!("{info}"));
    host::fail()
}
