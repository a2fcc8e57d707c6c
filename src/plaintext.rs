//! An opened value: readable by one named method, wiped when it goes.

use core::{fmt, ops::Range};

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{bytes::put, held::Withheld, keys::SealKey, seal::apply_key_stream, token::NONCE_LEN};

/// An opened value. It lives in the caller's buffer (a moved array would leave copies on the stack), and is wiped on drop.
///
/// No `Clone`, no `Display`, no serde; `Debug` prints no part of it.
pub struct Plaintext<'buf> {
    work: &'buf mut [u8],
    value: Range<usize>,
    mask: Option<Mask>,
}

/// What a value that is held is masked with: the key stream that it was encrypted with, so that the buffer holds ciphertext.
pub(crate) struct Mask {
    pub(crate) key: SealKey,
    pub(crate) nonce: [u8; NONCE_LEN],
}

impl<'buf> Plaintext<'buf> {
    /// The whole of `work` is wiped on drop; the value is `work[value]`.
    pub(crate) const fn new(work: &'buf mut [u8], value: Range<usize>) -> Self {
        Self { work, value, mask: None }
    }

    /// The value's bytes, exactly as they were sealed.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.work.get(self.value.clone()).unwrap_or_default()
    }

    /// Moves the value to the front of its buffer, where it stays, and wipes the rest: its length.
    #[cfg(feature = "appliance")]
    pub(crate) fn leave_at_front(mut self) -> usize {
        let work = core::mem::take(&mut self.work);
        crate::bytes::shift(work, self.value.clone(), 0);
        work.get_mut(self.value.len()..).unwrap_or_default().zeroize();
        self.value.len()
    }

    /// Makes the value unreadable until [`Withheld::restore`], even to one who forgets this and looks at the buffer. Where the mask is
    /// what the value was `sealed` with, these bytes are what it becomes.
    pub(crate) fn withhold(&mut self, mask: Mask, sealed: Option<&[u8]>) {
        match sealed {
            Some(sealed) if sealed.len() == self.work.len() => put(self.work, &[sealed]),
            _ => apply_key_stream(&mask.key, &mask.nonce, self.work),
        }
        self.mask = Some(mask);
    }
}

impl Withheld for Plaintext<'_> {
    fn restore(&mut self) {
        if let Some(mask) = self.mask.take() {
            apply_key_stream(&mask.key, &mask.nonce, self.work);
        }
    }
}

impl Drop for Plaintext<'_> {
    fn drop(&mut self) {
        self.work.zeroize();
    }
}

impl ZeroizeOnDrop for Plaintext<'_> {}

impl fmt::Debug for Plaintext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Plaintext(redacted)")
    }
}
