//! The core as a small device uses it: seals, authenticates, opens. What it is larger than the empty image is the core's flash.
#![no_std]
#![no_main]

use core::hint::black_box;
use core::panic::PanicInfo;

use images::{FIELD, VALUE};
use symbolon::{Credential, Error, Proof, Token};

#[cortex_m_rt::entry]
fn main() -> ! {
    match work() {
        Ok(()) => board::host::exit(),
        Err(_) => board::host::fail(),
    }
}

/// The credential and the proof are zeros, so authentication refuses where this runs. What runs is the image `measure`.
fn work() -> Result<(), Error> {
    let (vault, host) = images::device()?;
    let mut out = [0; Token::MAX_LEN];
    let token = vault.tokenize(&images::alice()?, black_box(FIELD), black_box(VALUE), &mut out, host)?;
    let credential = Credential::from_bytes(black_box(&[0; 200]))?;
    let proof = Proof::from_bytes(black_box(&[0; Proof::LEN]))?;
    let session = vault.authenticate(&credential, &proof, black_box(&[b"open"]), host)?;
    let mut work = [0; Token::MAX_OPEN_LEN];
    let value = session.detokenize(black_box(FIELD), &token, &mut work, host)?;
    black_box(value.expose());
    Ok(())
}

#[panic_handler]
fn panicked(_: &PanicInfo<'_>) -> ! {
    board::host::fail()
}
