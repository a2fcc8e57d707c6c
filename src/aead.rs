//! ChaCha20-Poly1305 (RFC 8439 section 2.8) of everything that is sealed: by RustCrypto's crate or, with the feature `ring`, by ring, which write
//! the same bytes.

use zeroize::{Zeroize, Zeroizing};

use crate::{
    Error,
    prf::Key,
    token::{NONCE_LEN, TAG_LEN},
};

/// Seals `buffer` in place and returns the tag.
pub(crate) fn seal(key: &Key, nonce: &[u8; NONCE_LEN], aad: &[u8], buffer: &mut [u8]) -> Result<[u8; TAG_LEN], Error> {
    backend::seal(key.as_bytes(), nonce, aad, buffer).ok_or(Error::TooLong)
}

/// Opens `buffer` in place. Where the answer is false, it holds zeros: libraries differ in what they leave.
pub(crate) fn open(key: &Key, nonce: &[u8; NONCE_LEN], aad: &[u8], buffer: &mut [u8], tag: &[u8; TAG_LEN]) -> bool {
    let authentic = backend::open(key.as_bytes(), nonce, aad, buffer, tag);
    if !authentic {
        buffer.zeroize();
    }
    authentic
}

/// Seals with a key that is used once only, and so with a zero nonce. Returns the tag.
pub(crate) fn seal_once(key: &Key, aad: &[u8], buffer: &mut [u8]) -> Result<[u8; TAG_LEN], Error> {
    seal(key, &[0; NONCE_LEN], aad, buffer)
}

/// Opens what [`seal_once`] sealed; `buffer` holds zeros where the answer is false.
pub(crate) fn open_once(key: &Key, aad: &[u8], buffer: &mut [u8], tag: &[u8; TAG_LEN]) -> bool {
    open(key, &[0; NONCE_LEN], aad, buffer, tag)
}

/// The work that [`open_once`] saves where the tag is wrong; what is left in `buffer` is worth nothing.
pub(crate) fn spend_once(key: &Key, buffer: &mut [u8]) {
    if backend::CHECKS_FIRST {
        apply_stream(key, &[0; NONCE_LEN], buffer);
        core::hint::black_box(buffer);
    }
}

/// The authenticator's key under this key and a zero nonce: the beginning of block 0.
pub(crate) fn one_time_key(key: &Key) -> Key {
    let mut stream = Zeroizing::new([[0; 64]]);
    key_stream(key, stream.as_mut_slice());
    Key::new(stream.as_flattened().first_chunk().copied().unwrap_or_default())
}

/// The first blocks of ChaCha20's key stream under this key, with a zero nonce and from counter 0: STREAM of SPEC.md section 1.
pub(crate) fn key_stream(key: &Key, blocks: &mut [[u8; 64]]) {
    use chacha20::cipher::{Block, KeyIvInit, StreamCipherCore};
    type Core = chacha20::ChaChaCore<chacha20::R20, chacha20::variants::Ietf>;
    // Straight into the buffer: what would be laid over it comes by way of copies on the stack, which nobody wipes.
    let mut core = Core::new(key.as_bytes().into(), &[0; NONCE_LEN].into());
    core.write_keystream_blocks(Block::<Core>::cast_slice_from_core_mut(blocks));
}

/// Masks or unmasks `buffer` with the key stream that a sealed text under this key and nonce is encrypted with.
pub(crate) fn apply_stream(key: &Key, nonce: &[u8; NONCE_LEN], buffer: &mut [u8]) {
    use chacha20::cipher::{KeyIvInit, StreamCipher, StreamCipherSeek};
    let mut cipher = chacha20::ChaCha20::new(key.as_bytes().into(), nonce.into());
    // Block 0 makes the authenticator's key, the text begins at block 1. Neither call can fail within 2^32 blocks.
    let masked = cipher.try_seek(64_u32).is_ok() && cipher.try_apply_keystream(buffer).is_ok();
    if !masked {
        buffer.zeroize();
    }
}

#[cfg(not(feature = "ring"))]
mod backend {
    use chacha20poly1305::{AeadInOut, ChaCha20Poly1305, KeyInit};

    /// What is not authentic is not decrypted.
    pub(super) const CHECKS_FIRST: bool = true;

    pub(super) fn seal(key: &[u8; 32], nonce: &[u8; 12], aad: &[u8], buffer: &mut [u8]) -> Option<[u8; 16]> {
        let tag = ChaCha20Poly1305::new(key.into()).encrypt_inout_detached(nonce.into(), aad, buffer.into());
        tag.ok().map(Into::into)
    }

    pub(super) fn open(key: &[u8; 32], nonce: &[u8; 12], aad: &[u8], buffer: &mut [u8], tag: &[u8; 16]) -> bool {
        let cipher = ChaCha20Poly1305::new(key.into());
        cipher.decrypt_inout_detached(nonce.into(), aad, buffer.into(), tag.into()).is_ok()
    }
}

#[cfg(feature = "ring")]
mod backend {
    use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, Tag, UnboundKey};

    /// It is decrypted while it is checked.
    pub(super) const CHECKS_FIRST: bool = false;

    fn cipher(key: &[u8; 32]) -> Option<LessSafeKey> {
        UnboundKey::new(&CHACHA20_POLY1305, key).ok().map(LessSafeKey::new)
    }

    pub(super) fn seal(key: &[u8; 32], nonce: &[u8; 12], aad: &[u8], buffer: &mut [u8]) -> Option<[u8; 16]> {
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let tag = cipher(key)?.seal_in_place_separate_tag(nonce, Aad::from(aad), buffer).ok()?;
        tag.as_ref().try_into().ok()
    }

    pub(super) fn open(key: &[u8; 32], nonce: &[u8; 12], aad: &[u8], buffer: &mut [u8], tag: &[u8; 16]) -> bool {
        let (nonce, tag) = (Nonce::assume_unique_for_key(*nonce), Tag::from(*tag));
        let opened = |key: LessSafeKey| key.open_in_place_separate_tag(nonce, Aad::from(aad), tag, buffer, 0..).is_ok();
        cipher(key).is_some_and(opened)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8439 section 2.8.2.
    #[test]
    fn it_is_the_aead_of_the_standard() {
        let key = Key::new(core::array::from_fn(|at| 0x80 + at as u8));
        let nonce = [7, 0, 0, 0, 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47];
        let aad = [0x50, 0x51, 0x52, 0x53, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7];
        let text = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.";
        let mut buffer = *text;
        let tag = seal(&key, &nonce, &aad, &mut buffer).unwrap();
        assert_eq!(buffer[..8], [0xd3, 0x1a, 0x8d, 0x34, 0x64, 0x8e, 0x60, 0xdb]);
        let expected = [0x1a, 0xe1, 0x0b, 0x59, 0x4f, 0x09, 0xe2, 0x6a, 0x7e, 0x90, 0x2e, 0xcb, 0xd0, 0x60, 0x06, 0x91];
        assert_eq!(tag, expected);
        let mut masked = *text;
        apply_stream(&key, &nonce, &mut masked);
        assert_eq!(masked, buffer);
        assert!(open(&key, &nonce, &aad, &mut buffer, &tag));
        assert_eq!(buffer, *text);
    }

    /// Nothing is left of what is not authentic, whatever the library leaves.
    #[test]
    fn what_is_refused_is_wiped() {
        let (key, mut sealed) = (Key::new([9; 32]), [7; 100]);
        let tag = seal_once(&key, b"one", &mut sealed).unwrap();
        for (aad, flipped) in [(b"two", None), (b"one", Some(0)), (b"one", Some(99))] {
            let mut buffer = sealed;
            if let Some(at) = flipped {
                buffer[at] ^= 1;
            }
            assert!(!open_once(&key, aad, &mut buffer, &tag));
            assert_eq!(buffer, [0; 100]);
        }
        assert!(open_once(&key, b"one", &mut sealed, &tag));
        assert_eq!(sealed, [7; 100]);
    }
}
