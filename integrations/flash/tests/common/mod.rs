//! What the tests share: a strict flash, a model, a store between the two, and a shop that works on it.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    missing_debug_implementations,
    reason = "shared by several test programs, each of which uses a part"
)]

#[cfg(feature = "appliance")]
pub mod cases;
#[cfg(feature = "appliance")]
pub mod client;
pub mod model;
pub mod nor;
pub mod rig;
pub mod shop;
#[cfg(feature = "appliance")]
pub mod town;

use std::convert::Infallible;

use rand_core::{TryCryptoRng, TryRng};

/// SplitMix64, for tests only: what is random must be repeatable.
#[derive(Clone)]
pub struct TestRng(pub u64);

impl TestRng {
    pub fn below(&mut self, limit: u64) -> u64 {
        let Ok(random) = self.try_next_u64();
        random % limit
    }

    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.below(256) as u8).collect()
    }
}

impl TryRng for TestRng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok((self.try_next_u64()? >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Ok(z ^ (z >> 31))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for chunk in out.chunks_mut(8) {
            let bytes = self.try_next_u64()?.to_le_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
        Ok(())
    }
}

impl TryCryptoRng for TestRng {}
