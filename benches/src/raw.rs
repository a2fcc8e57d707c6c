//! The raw limit: ChaCha20-Poly1305 of the bytes that a token of such a value seals, with as much associated data, each time under a fresh key.

use std::cell::Cell;
use std::hint::black_box;

use crate::frame::Row;

/// Seal and open of one size, by one library.
struct Aead {
    by: &'static str,
    seal: fn(&[u8; 32], &mut Vec<u8>),
    open: fn(&[u8; 32], &mut [u8]) -> bool,
}

const AEADS: [Aead; 3] = [
    Aead { by: RING, seal: ring_seal, open: ring_open },
    Aead { by: "aws-lc-rs", seal: aws_lc_seal, open: aws_lc_open },
    Aead { by: RUST_CRYPTO, seal: rust_crypto_seal, open: rust_crypto_open },
];

/// Whose open is the limit.
pub(crate) const RING: &str = "ring";
/// What the core has underneath by default.
pub(crate) const RUST_CRYPTO: &str = "RustCrypto";

/// The rows of these sizes of the value.
pub(crate) fn rows(sizes: &[usize]) -> Vec<Row> {
    AEADS.iter().flat_map(|aead| sizes.iter().flat_map(move |size| pair(aead, *size))).collect()
}

fn pair(Aead { by, seal, open }: &'static Aead, size: usize) -> [Row; 2] {
    let text = vec![7; sealed_len(size)];
    let mut sealed = text.clone();
    seal(&fresh(0), &mut sealed);
    let (keys, mut buffer) = (Cell::new(0), Vec::with_capacity(sealed.len()));
    let sealing = move || {
        keys.set(keys.get() + 1);
        buffer.clear();
        buffer.extend_from_slice(&text);
        seal(black_box(&fresh(keys.get())), &mut buffer);
    };
    // Opening sets up a key each time, too; it has to be the right one.
    let mut buffer = sealed.clone();
    let opening = move || {
        buffer.copy_from_slice(&sealed);
        assert!(open(black_box(&fresh(0)), &mut buffer));
    };
    [Row::new("raw", format!("seal {size} B"), *by, sealing), Row::new("raw", format!("open {size} B"), *by, opening)]
}

/// What a token seals for a value of this size: the commitment, and the value padded to its class, 64 at least as a name is.
pub(crate) fn sealed_len(size: usize) -> usize {
    16 + (size + 2).next_power_of_two().max(64)
}

fn fresh(count: u64) -> [u8; 32] {
    let mut key = [9; 32];
    key[..8].copy_from_slice(&count.to_le_bytes());
    key
}

/// As long as a token's.
const AAD: [u8; 22] = [3; 22];
const TAG_LEN: usize = 16;

macro_rules! like_ring {
    ($library:ident, $seal:ident, $open:ident) => {
        fn $seal(key: &[u8; 32], buffer: &mut Vec<u8>) {
            use $library::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
            let key = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, key).expect("32 bytes"));
            let nonce = Nonce::assume_unique_for_key([0; 12]);
            let tag = key.seal_in_place_separate_tag(nonce, Aad::from(AAD), buffer).expect("it fits");
            buffer.extend_from_slice(tag.as_ref());
        }

        fn $open(key: &[u8; 32], buffer: &mut [u8]) -> bool {
            use $library::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
            let key = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, key).expect("32 bytes"));
            key.open_in_place(Nonce::assume_unique_for_key([0; 12]), Aad::from(AAD), buffer).is_ok()
        }
    };
}

like_ring!(ring, ring_seal, ring_open);
like_ring!(aws_lc_rs, aws_lc_seal, aws_lc_open);

fn rust_crypto_seal(key: &[u8; 32], buffer: &mut Vec<u8>) {
    use chacha20poly1305::{AeadInOut, ChaCha20Poly1305, KeyInit};
    let cipher = ChaCha20Poly1305::new(key.into());
    let tag = cipher.encrypt_inout_detached(&[0; 12].into(), &AAD, buffer.as_mut_slice().into()).expect("it fits");
    buffer.extend_from_slice(&tag);
}

fn rust_crypto_open(key: &[u8; 32], buffer: &mut [u8]) -> bool {
    use chacha20poly1305::{AeadInOut, ChaCha20Poly1305, KeyInit};
    let (text, tag) = buffer.split_at_mut(buffer.len() - TAG_LEN);
    let tag: &[u8; TAG_LEN] = (&*tag).try_into().expect("16 bytes");
    ChaCha20Poly1305::new(key.into()).decrypt_inout_detached(&[0; 12].into(), &AAD, text.into(), tag.into()).is_ok()
}
