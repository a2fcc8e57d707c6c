//! Sealing a value into a token and opening it again. SPEC.md section 4.

use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use crate::{
    Error, Field, MAX_ID_LEN, Slot, aead,
    bytes::put,
    keys::{MarkKey, OwnerKey, SealKey},
    token::{
        CLEAR_LEN, COMMITMENT_LEN, Class, LENGTH_PREFIX, Mode, NONCE_LEN, OVERHEAD, TAG_LEN, Token, VERSION_SUITE,
    },
};

/// Bytes of work space that opening the largest token needs: commitment and class.
pub(crate) const MAX_OPEN_LEN: usize = COMMITMENT_LEN + Class::LARGEST.len();

/// The class that a value of this field gets: the smallest that holds it, but not below the field's.
pub(crate) fn class_for(field: Field, len: usize) -> Option<Class> {
    Class::of_value(len).map(|class| class.max(field.smallest_class()))
}

/// What one token is sealed under, besides the random bytes.
pub(crate) struct Under<'k> {
    /// The owner's key, or for erasable tokens the one that the owner's secret gives.
    pub(crate) owner: &'k OwnerKey,
    pub(crate) mark: &'k MarkKey,
    pub(crate) epoch: u16,
    pub(crate) erasable: bool,
}

/// Writes the token of `value` into `out` and returns its length. `out` holds nothing but the token, or zeros on an error.
pub(crate) fn seal(
    under: &Under<'_>,
    slot: Slot<'_>,
    random: &[u8; 16],
    value: &[u8],
    out: &mut [u8],
) -> Result<usize, Error> {
    let class = class_for(slot.field(), value.len()).ok_or(Error::TooLong)?;
    let len = OVERHEAD.saturating_add(class.len());
    let out = out.get_mut(..len).ok_or(Error::BufferTooSmall)?;
    out.fill(0);
    let padded = out.get_mut(CLEAR_LEN.saturating_add(COMMITMENT_LEN)..).and_then(|rest| rest.get_mut(..class.len()));
    pad(value, padded.ok_or(Error::BufferTooSmall)?)?;
    seal_in_place(under, slot, class, random, out)?;
    Ok(len)
}

/// Makes a token of `out`, in whose sealed part stands `zeros 16 ‖ P` already. `out` is zeros on an error.
fn seal_in_place(
    under: &Under<'_>,
    slot: Slot<'_>,
    class: Class,
    random: &[u8; 16],
    out: &mut [u8],
) -> Result<(), Error> {
    let (clear, rest) = out.split_first_chunk_mut::<CLEAR_LEN>().ok_or(Error::BufferTooSmall)?;
    let (sealed, tag) = rest.split_last_chunk_mut::<TAG_LEN>().ok_or(Error::BufferTooSmall)?;
    let field = slot.field();
    let mode = Mode::of(field, under.erasable);
    let [field_low, field_high] = field.code().to_le_bytes();
    let [epoch_low, epoch_high] = under.epoch.to_le_bytes();
    let header = [VERSION_SUITE, mode.with(class), field_low, field_high, epoch_low, epoch_high];
    let padded = sealed.get(COMMITMENT_LEN..).unwrap_or_default();
    let nonce = under.owner.nonce(&header, random, slot.record(), padded);
    let mark = under.mark.mark(&nonce);
    put(clear, &[&header, &mark, &nonce]);
    // What is encrypted begins with 16 zero bytes: their ciphertext is the commitment, key stream and nothing else.
    let key = under.owner.seal(field, mode);
    match aead::seal(&key.0, &nonce, Associated::of(clear, slot).as_bytes(), sealed) {
        Ok(computed) => *tag = computed,
        Err(error) => {
            out.zeroize();
            return Err(error);
        }
    }
    Ok(())
}

/// Opens `token` under one key and seals what is in it under another, in `out`, which needs the token's length: the value appears
/// nowhere else. False, and zeros in `out`, where it does not open.
pub(crate) fn reseal(
    key: &SealKey,
    token: &Token<'_>,
    under: &Under<'_>,
    slot: Slot<'_>,
    random: &[u8; 16],
    out: &mut [u8],
) -> Result<bool, Error> {
    let work = out.get_mut(CLEAR_LEN..).and_then(|rest| rest.get_mut(..token.sealed().len()));
    if open(key, token, slot, work.ok_or(Error::BufferTooSmall)?).is_none() {
        return Ok(false);
    }
    seal_in_place(under, slot, token.class(), random, out).map(|()| true)
}

/// `header ‖ mark ‖ n ‖ record id`
struct Associated {
    bytes: [u8; CLEAR_LEN + MAX_ID_LEN],
    len: usize,
}

impl Associated {
    fn of(clear: &[u8], slot: Slot<'_>) -> Self {
        let mut bytes = [0; CLEAR_LEN + MAX_ID_LEN];
        put(&mut bytes, &[clear, slot.record()]);
        Self { bytes, len: clear.len().saturating_add(slot.record().len()) }
    }

    fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

/// Opens `token` in `work`, which needs the token's sealed length. On success the answer says where in `work` the value stands.
/// On failure `work` holds no plaintext.
///
/// Tag, commitment, length, padding and class are all checked, and all failures are one.
pub(crate) fn open(
    key: &SealKey,
    token: &Token<'_>,
    slot: Slot<'_>,
    work: &mut [u8],
) -> Option<core::ops::Range<usize>> {
    let work = work.get_mut(..token.sealed().len())?;
    work.copy_from_slice(token.sealed());
    let authentic =
        aead::open(&key.0, &token.nonce(), Associated::of(token.clear(), slot).as_bytes(), work, &token.tag());
    let place = value_range(work, slot.field(), token.class());
    if authentic && place.is_some() {
        return place;
    }
    work.zeroize();
    None
}

/// Where the value stands in `commitment ‖ LE16 length ‖ value ‖ zeros`, if that is what `opened` is, in the class that its length asks for.
///
/// The length is a secret as the value is: every byte of the class is looked at, whatever the length, and only the verdict branches.
fn value_range(opened: &[u8], field: Field, class: Class) -> Option<core::ops::Range<usize>> {
    let (commitment, padded) = opened.split_first_chunk::<COMMITMENT_LEN>()?;
    let (length, rest) = padded.split_first_chunk::<LENGTH_PREFIX>()?;
    let length = u16::from_le_bytes(*length);
    let (shortest, longest) = lengths(field, class)?;
    let padding = (0_u16..).zip(rest).map(|(at, byte)| byte & !is_less(at, length));
    let stray = padding.chain(commitment.iter().copied()).fold(0, |seen, byte| seen | byte);
    let wrong = stray | is_less(length, shortest) | is_less(longest, length);
    let start = COMMITMENT_LEN.saturating_add(LENGTH_PREFIX);
    bool::from(wrong.ct_eq(&0)).then(|| start..start.saturating_add(length.into()))
}

/// The lengths of the shortest and the longest value that [`class_for`] gives this class; the shortest is the longer where it gives it to none.
fn lengths(field: Field, class: Class) -> Option<(u16, u16)> {
    let smallest = field.smallest_class();
    let below = class.index().checked_sub(1).and_then(Class::from_index);
    let shortest = match below {
        _ if class < smallest => usize::from(u16::MAX),
        Some(below) if class > smallest => below.capacity().saturating_add(1),
        _ => 0,
    };
    Some((u16::try_from(shortest).ok()?, u16::try_from(class.capacity()).ok()?))
}

/// 0xff where `a < b`, 0 elsewhere: the sign of their difference, so that nothing branches.
fn is_less(a: u16, b: u16) -> u8 {
    let [.., sign] = u32::from(a).wrapping_sub(b.into()).to_le_bytes();
    sign
}

/// The commitment that `key` gives for `nonce`: key stream block 1, bytes 0 to 15. Finds out, without opening, whose token it is.
pub(crate) fn commitment(key: &SealKey, nonce: &[u8; NONCE_LEN]) -> [u8; COMMITMENT_LEN] {
    let mut stream = [0; COMMITMENT_LEN];
    apply_key_stream(key, nonce, &mut stream);
    stream
}

/// Masks or unmasks `buffer` with the key stream that the token's sealed part is encrypted with.
pub(crate) fn apply_key_stream(key: &SealKey, nonce: &[u8; NONCE_LEN], buffer: &mut [u8]) {
    aead::apply_stream(&key.0, nonce, buffer);
}

/// `LE16 len ‖ value ‖ zeros`
fn pad(value: &[u8], padded: &mut [u8]) -> Result<(), Error> {
    let length = u16::try_from(value.len()).map_err(|_| Error::TooLong)?;
    let (prefix, rest) = padded.split_first_chunk_mut().ok_or(Error::BufferTooSmall)?;
    *prefix = length.to_le_bytes();
    rest.get_mut(..value.len()).ok_or(Error::TooLong)?.copy_from_slice(value);
    Ok(())
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;

    /// What `value_range` finds, in the words of SPEC.md, in a time that depends on the length.
    fn found_plainly(opened: &[u8], field: Field, class: Class) -> Option<core::ops::Range<usize>> {
        let (commitment, padded) = opened.split_at(COMMITMENT_LEN);
        let length = usize::from(u16::from_le_bytes([padded[0], padded[1]]));
        let padding = padded.get(LENGTH_PREFIX + length..)?;
        let nothing_else = commitment.iter().chain(padding).all(|byte| *byte == 0);
        (nothing_else && class_for(field, length) == Some(class)).then_some(18..18 + length)
    }

    fn classes() -> impl Iterator<Item = Class> {
        (0..6).filter_map(Class::from_index)
    }

    /// Every length up to well above the longest, and some far above, in every class, for fields of every smallest class.
    #[test]
    fn every_length_is_judged_as_the_specification_says() {
        let mut accepted = 0;
        for smallest in classes() {
            let field = Field::custom(1, smallest).unwrap();
            for class in classes() {
                let mut opened = [0; MAX_OPEN_LEN];
                let opened = &mut opened[..COMMITMENT_LEN + class.len()];
                for length in (0..=1100).chain((1100..=u16::MAX).step_by(251)).chain([u16::MAX]) {
                    opened[16..18].copy_from_slice(&length.to_le_bytes());
                    let found = value_range(opened, field, class);
                    assert_eq!(found, found_plainly(opened, field, class), "{length} in {class:?} of {field}");
                    accepted += u32::from(found.is_some());
                }
            }
        }
        assert_eq!(accepted, 6 * 1023, "each length from 0 to 1,022 has one class in each field");
    }

    /// One stray bit anywhere: it is refused before the value and behind it, and nowhere in it.
    #[test]
    fn every_stray_byte_is_judged_as_the_specification_says() {
        for class in classes() {
            let field = Field::custom(1, class).unwrap();
            let mut opened = [0; MAX_OPEN_LEN];
            let opened = &mut opened[..COMMITMENT_LEN + class.len()];
            for length in [0, 1, class.capacity() / 2, class.capacity() - 1, class.capacity()] {
                opened[16..18].copy_from_slice(&u16::try_from(length).unwrap().to_le_bytes());
                for at in (0..16).chain(18..opened.len()) {
                    opened[at] = 1 << (at % 8);
                    let found = value_range(opened, field, class);
                    assert_eq!(found, found_plainly(opened, field, class), "byte {at}, length {length} in {class:?}");
                    assert_eq!(found.is_some(), (18..18 + length).contains(&at));
                    opened[at] = 0;
                }
            }
        }
    }

    /// What is wrong twice, in the same way, is wrong; and a length that is wrong beside a byte that is.
    #[test]
    fn stray_bytes_do_not_cancel() {
        let (class, field) = (Class::SMALLEST, Field::custom(1, Class::SMALLEST).unwrap());
        let judge = |length: u16, strays: [usize; 2]| {
            let mut opened = [0; COMMITMENT_LEN + Class::SMALLEST.len()];
            opened[16..18].copy_from_slice(&length.to_le_bytes());
            for at in strays {
                opened[at] = 0xff;
            }
            value_range(&opened, field, class)
        };
        let places: std::vec::Vec<usize> = (0..16).chain(23..48).collect();
        for (first, second) in places.iter().flat_map(|one| places.iter().map(move |other| (*one, *other))) {
            assert_eq!(judge(5, [first, second]), None, "{first} and {second}");
            assert_eq!(judge(31, [first, second]), None, "{first}, {second} and a length");
        }
        assert_eq!(judge(5, [18, 22]), Some(18..23), "the control");
        let mut opened = [0; COMMITMENT_LEN + 64];
        opened[16] = 5;
        opened[60] = 0xff;
        assert_eq!(value_range(&opened, field, Class::from_index(1).unwrap()), None, "too short for its class");
    }

    #[test]
    fn less_is_less() {
        for (a, b) in
            [(0, 0), (0, 1), (1, 0), (255, 256), (256, 255), (0, u16::MAX), (u16::MAX, 0), (u16::MAX, u16::MAX)]
        {
            assert_eq!(is_less(a, b), if a < b { 0xff } else { 0 }, "{a} {b}");
        }
    }
}
