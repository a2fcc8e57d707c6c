//! The self-test: known answers of the primitives, and what is around them. SPEC.md section 17, "Self-test".

use subtle::ConstantTimeEq;

use crate::{
    Environment, Host, Store,
    aead::{open_once, seal_once},
    label::Label,
    prf::{Key, Part::Raw},
};

/// All parts passed: the PRF, the AEAD, the random numbers, the store.
pub const SELF_TEST: u8 = PRF | AEAD | RANDOM | STORE;

const PRF: u8 = 1;
const AEAD: u8 = 2;
const RANDOM: u8 = 4;
const STORE: u8 = 8;

/// The parts that passed.
pub(super) fn run<E: Environment, const N: usize, const W: usize>(host: &mut Host<E, N, W>) -> u8 {
    let passed = |part: u8, holds: bool| if holds { part } else { 0 };
    let random = host.random16().is_ok() && host.random16().is_ok();
    let store = host.environment().store().last_entry().is_ok();
    known_answers() | passed(RANDOM, random) | passed(STORE, store)
}

/// The two parts that need nothing but the code.
pub(super) fn known_answers() -> u8 {
    let prf = Key::new(KEY).derive(Label::Identity, &[Raw(&KEY)]);
    let prf_holds = bool::from(prf.as_bytes().ct_eq(&PRF_ANSWER));
    let mut text = KEY;
    let tag = seal_once(&Key::new(KEY), &AAD, &mut text).unwrap_or_default();
    let mut altered = tag;
    let [first, ..] = &mut altered;
    *first ^= 1;
    let sealed = text == SEALED && tag == TAG;
    let refuses = !open_once(&Key::new(KEY), &AAD, &mut text.clone(), &altered);
    let opens = open_once(&Key::new(KEY), &AAD, &mut text, &tag) && text == KEY;
    (if prf_holds { PRF } else { 0 }) | (if sealed && refuses && opens { AEAD } else { 0 })
}

/// Not a secret: what the known answers are of.
const KEY: [u8; 32] = *b"symbolon's self-test, 32 bytes..";
const AAD: [u8; 5] = *b"known";

// The second implementation's answers (tests/second): F(KEY, IDENTITY, KEY), and AEAD1(KEY, AAD, KEY).
const PRF_ANSWER: [u8; 32] = [
    0x04, 0x0a, 0xca, 0x5a, 0xf4, 0x0e, 0x4e, 0xec, 0x73, 0x75, 0xd7, 0x1d, 0x1d, 0xdf, 0xee, 0x92, 0xa9, 0xb7, 0xac,
    0x86, 0x4c, 0x88, 0xfc, 0xae, 0x07, 0x39, 0x9f, 0x52, 0x17, 0xb2, 0x99, 0x99,
];
const SEALED: [u8; 32] = [
    0x42, 0x36, 0xfd, 0x6b, 0x10, 0x25, 0x66, 0xb6, 0xda, 0x26, 0x57, 0xa9, 0x02, 0x3a, 0xc8, 0x40, 0xe4, 0x33, 0xb9,
    0xf3, 0x9e, 0xf8, 0xbf, 0x87, 0xd3, 0x7c, 0x8f, 0x2d, 0xd3, 0x91, 0x38, 0xb9,
];
const TAG: [u8; 16] = [0x0a, 0xab, 0x32, 0x21, 0x7c, 0x2c, 0xa6, 0x49, 0x92, 0xba, 0xb7, 0x9b, 0xe4, 0x52, 0x13, 0xde];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AuditKey, Config, Keyring, MemoryStore, Parts, Time, Vault};
    use rand_core::{TryCryptoRng, TryRng};

    /// Always the same.
    struct Stuck;

    impl TryRng for Stuck {
        type Error = core::convert::Infallible;

        fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
            Ok(7)
        }

        fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
            Ok(7)
        }

        fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
            out.fill(7);
            Ok(())
        }
    }

    impl TryCryptoRng for Stuck {}

    /// A generator that gives the same again shows at its second time.
    #[test]
    fn a_stuck_generator_is_found() {
        let mut secret = [9; 68];
        secret[..2].copy_from_slice(&[1, 1]);
        secret[34..37].copy_from_slice(&[1, 0, 4]);
        let vault = Vault::new(Keyring::read_secret(&secret).unwrap(), &Config::new(b"a")).unwrap();
        let mut store = MemoryStore::<8, 8>::new();
        let (_, record) = AuditKey::begin(&vault, &store, Key::new([3; 32])).unwrap();
        let batch = crate::Batch { records: &[record], entries: (&[], &[]), now: Time::default() };
        store.commit(&batch).unwrap();
        let parts = Parts { clock: || Some(Time::from_secs(1)), rng: Stuck, store };
        let mut host: Host<_, 8, 8> = Host::open(&vault, parts).unwrap();
        assert_eq!(run(&mut host), PRF | AEAD | STORE);
    }

    #[test]
    fn known_answers_hold() {
        assert_eq!(known_answers(), PRF | AEAD);
    }
}
