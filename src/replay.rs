//! The replay window: no proof is accepted twice. SPEC.md section 7.

use subtle::ConstantTimeEq;

use crate::{
    Time,
    entry::Reason,
    time::{MINUTE, SECOND},
};

/// A proof's time must be less than this much behind the vault's clock.
pub(crate) const MAX_AGE: u64 = MINUTE;
/// And this much ahead of it.
pub(crate) const MAX_AHEAD: u64 = 2 * SECOND;

/// Remembers `N` proofs, each until its time is out of the window.
///
/// A proof's MAC says which of the buckets of up to eight it belongs to: it is pseudo-random, so the buckets fill evenly. A live
/// proof is never evicted; where its bucket is full, a new one is refused as [`Error::Unavailable`](crate::Error::Unavailable).
/// Size it for four times the requests of a minute.
pub(crate) struct ReplayWindow<const N: usize> {
    slots: [Slot; N],
    start: Time,
}

#[derive(Clone, Copy)]
struct Slot {
    mac: [u8; MAC_LEN],
    /// From this time on the proof is refused for its age; 0: empty.
    until: Time,
}

pub(crate) const MAC_LEN: usize = 16;

impl<const N: usize> ReplayWindow<N> {
    const WAYS: usize = {
        assert!(N >= 1);
        if N < 8 { N } else { 8 }
    };

    /// An empty window, which therefore doesn't know what was accepted before `start`.
    pub(crate) const fn new(start: Time) -> Self {
        Self { slots: [Slot { mac: [0; MAC_LEN], until: Time::from_millis(0) }; N], start }
    }

    /// Whether a proof of this time may be taken at all.
    pub(crate) fn check_time(&self, time: Time, now: Time) -> Result<(), Reason> {
        if time.plus(MAX_AGE) <= now {
            Err(Reason::StaleProof)
        } else if time > now.plus(MAX_AHEAD) {
            Err(Reason::FutureProof)
        } else if time <= self.start.plus(MAX_AHEAD) {
            // The window before a restart could have accepted it.
            Err(Reason::ProofBeforeStart)
        } else {
            Ok(())
        }
    }

    /// Whether the proof is new and has a place. Takes none.
    pub(crate) fn check(&self, mac: &[u8; MAC_LEN], now: Time) -> Result<(), Reason> {
        let live = |slot: &&Slot| slot.until > now;
        let (mut known, mut full) = (0, true);
        for slot in self.slots.get(Self::bucket(mac)).unwrap_or_default() {
            let same = slot.mac.ct_eq(mac).unwrap_u8();
            known |= same & u8::from(live(&slot));
            full &= live(&slot);
        }
        match (known, full) {
            (0, false) => Ok(()),
            (0, true) => Err(Reason::WindowFull),
            _ => Err(Reason::Replayed),
        }
    }

    /// Takes the proof, which has been verified and [`check`](Self::check)ed.
    pub(crate) fn insert(&mut self, mac: &[u8; MAC_LEN], time: Time, now: Time) {
        let bucket = self.slots.get_mut(Self::bucket(mac)).unwrap_or_default();
        if let Some(slot) = bucket.iter_mut().find(|slot| slot.until <= now) {
            *slot = Slot { mac: *mac, until: time.plus(MAX_AGE) };
        }
    }

    fn bucket(mac: &[u8; MAC_LEN]) -> core::ops::Range<usize> {
        let buckets = const { N / Self::WAYS };
        let [a, b, c, d, ..] = *mac;
        let number = usize::try_from(u32::from_le_bytes([a, b, c, d])).unwrap_or_default();
        let start = number.checked_rem(buckets).unwrap_or_default().saturating_mul(Self::WAYS);
        start..start.saturating_add(Self::WAYS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Time = Time::from_secs(1_000_000);
    const NOW: Time = Time::from_secs(1_001_000);

    /// The edges of the window: 60 s behind is refused, a millisecond less is not; 2 s ahead is taken, more is not; and after a restart.
    #[test]
    fn the_edges_in_time() {
        let window = ReplayWindow::<4>::new(START);
        assert_eq!(window.check_time(NOW.minus(MAX_AGE - 1), NOW), Ok(()));
        assert_eq!(window.check_time(NOW.minus(MAX_AGE), NOW), Err(Reason::StaleProof));
        assert_eq!(window.check_time(NOW.plus(MAX_AHEAD), NOW), Ok(()));
        assert_eq!(window.check_time(NOW.plus(MAX_AHEAD + 1), NOW), Err(Reason::FutureProof));
        let now = START.plus(MAX_AHEAD);
        assert_eq!(window.check_time(START.plus(MAX_AHEAD), now), Err(Reason::ProofBeforeStart));
        assert_eq!(window.check_time(START.plus(MAX_AHEAD + 1), now), Ok(()));
    }

    /// One proof more than fits is refused, a live one is never evicted, and time makes room.
    #[test]
    fn full_is_a_state() {
        let mut window = ReplayWindow::<4>::new(START);
        for n in 0..4 {
            let mac = [n; MAC_LEN];
            assert_eq!(window.check(&mac, NOW), Ok(()));
            window.insert(&mac, NOW, NOW);
        }
        assert_eq!(window.check(&[4; MAC_LEN], NOW), Err(Reason::WindowFull));
        for n in 0..4 {
            assert_eq!(window.check(&[n; MAC_LEN], NOW.plus(MAX_AGE - 1)), Err(Reason::Replayed));
        }
        assert_eq!(window.check(&[4; MAC_LEN], NOW.plus(MAX_AGE)), Ok(()));
        window.insert(&[4; MAC_LEN], NOW.plus(MAX_AGE), NOW.plus(MAX_AGE));
        assert_eq!(window.check(&[4; MAC_LEN], NOW.plus(MAX_AGE)), Err(Reason::Replayed));
    }

    /// Every bucket lies within the slots, and the last slots are reachable.
    #[test]
    fn buckets_cover_the_slots() {
        fn covered<const N: usize>() -> usize {
            (0..=255_u8)
                .map(|n| ReplayWindow::<N>::bucket(&[n, n, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]).end)
                .max()
                .unwrap_or_default()
        }
        assert_eq!((covered::<1>(), covered::<7>(), covered::<8>(), covered::<64>()), (1, 7, 8, 64));
    }
}
