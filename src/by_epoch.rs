//! Secrets by epoch, in places of which none keeps what nobody wipes.

use core::mem;

use crate::keyring::MAX_EPOCHS;

/// What there is for each epoch, rising.
///
/// The free places hold a blank value, so that a drop wipes all. In a vector's there may be what a move left (a key, where one was removed, or
/// where the vector itself was moved), and its drop passes over them.
pub(crate) struct ByEpoch<T> {
    places: [(u16, T); MAX_EPOCHS],
    len: usize,
}

/// A secret that can be none.
pub(crate) trait Blank {
    const BLANK: Self;
}

impl<T: Blank> ByEpoch<T> {
    pub(crate) const fn new() -> Self {
        Self { places: [const { (0, T::BLANK) }; MAX_EPOCHS], len: 0 }
    }

    /// Returns false where the epoch is not above all others, or there is no room.
    pub(crate) fn push(&mut self, epoch: u16, secret: T) -> bool {
        if epoch <= self.newest() {
            return false;
        }
        let Some(place) = self.places.get_mut(self.len) else { return false };
        *place = (epoch, secret);
        self.len = self.len.saturating_add(1);
        true
    }

    /// Wipes this epoch's; returns false where there is none.
    pub(crate) fn remove(&mut self, epoch: u16) -> bool {
        let Some(at) = self.iter().position(|(known, _)| known == epoch) else { return false };
        let mut from_here = self.places.get_mut(at..self.len).unwrap_or_default();
        while let Some((place, later)) = from_here.split_first_mut() {
            match later.first_mut() {
                Some(next) => mem::swap(place, next),
                None => *place = (0, T::BLANK),
            }
            from_here = later;
        }
        self.len = self.len.saturating_sub(1);
        true
    }
}

impl<T> ByEpoch<T> {
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (u16, &T)> {
        self.places.iter().take(self.len).map(|(epoch, secret)| (*epoch, secret))
    }

    pub(crate) fn get(&self, epoch: u16) -> Option<&T> {
        self.iter().find(|(known, _)| *known == epoch).map(|(_, secret)| secret)
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// The newest epoch; 0 where there is none.
    pub(crate) fn newest(&self) -> u16 {
        self.iter().next_back().map_or(0, |(epoch, _)| epoch)
    }
}

/// Of what comes from another of these, nothing is left out.
impl<T: Blank> FromIterator<(u16, T)> for ByEpoch<T> {
    fn from_iter<I: IntoIterator<Item = (u16, T)>>(secrets: I) -> Self {
        let mut all = Self::new();
        for (epoch, secret) in secrets {
            let _is_above_the_last = all.push(epoch, secret);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;

    impl Blank for char {
        const BLANK: Self = '-';
    }

    fn of(epochs: &[u16]) -> ByEpoch<char> {
        epochs.iter().map(|&epoch| (epoch, char::from(b'0' + epoch as u8))).collect()
    }

    /// Epochs rise; eight fit.
    #[test]
    fn what_is_taken() {
        let mut all = of(&[1, 3]);
        assert!(!all.push(3, 'x') && !all.push(2, 'x') && all.push(4, 'y'));
        assert_eq!((all.newest(), all.len(), all.get(4), all.get(2)), (4, 3, Some(&'y'), None));
        let mut full = of(&[1, 2, 3, 4, 5, 6, 7, 8]);
        assert!(!full.push(9, 'x') && !of(&[]).push(0, 'x'));
        assert_eq!((full.len(), of(&[]).newest()), (8, 0));
    }

    /// What is removed leaves a blank behind, and the others in order.
    #[test]
    fn what_is_removed() {
        let mut all = of(&[1, 2, 3]);
        assert!(all.remove(2) && !all.remove(2) && !all.remove(0));
        assert_eq!(all.iter().collect::<std::vec::Vec<_>>(), [(1, &'1'), (3, &'3')]);
        assert!(all.places[2..].iter().all(|place| *place == (0, '-')));
    }
}
