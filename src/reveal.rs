//! The sealed reveal: a batch of values for one client, which no hop between can read. SPEC.md section 7.

use core::{fmt, ops::Deref};

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{
    Access, Credential, Environment, Error, Held, Host, Proof, Session, SessionKey, Slot, Token, Vault, View,
    access::Asked,
    aead::{open_once, seal_once},
    bytes::{Filling, shift},
    held::Withheld,
    keys::SealKey,
    seal::apply_key_stream,
    token::{COMMITMENT_LEN, LENGTH_PREFIX, NONCE_LEN, TAG_LEN},
};

/// One thing that is asked for: a token, and the field that the place in the page is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item<'t> {
    /// What the place is for.
    pub slot: Slot<'t>,
    /// What stands there.
    pub token: Token<'t>,
}

impl<'t> Item<'t> {
    /// The most items of one reveal.
    pub const MAX: usize = MAX_ITEMS;

    /// This token in that place.
    #[must_use]
    pub fn new(slot: impl Into<Slot<'t>>, token: Token<'t>) -> Self {
        Self { slot: slot.into(), token }
    }

    /// A token that is asked for as what it says it is; not for bound fields, whose record it doesn't say.
    #[must_use]
    pub fn of(token: Token<'t>) -> Self {
        Self::new(token.field(), token)
    }

    /// Status and padded value.
    fn reply_len(&self) -> usize {
        self.token.class().len().saturating_add(STATUS_LEN)
    }
}

/// The most items of one reveal.
pub(crate) const MAX_ITEMS: usize = 1024;

/// Bytes of the sealed reply to these items. Opened or refused, each takes the room of its token's class.
#[must_use]
pub fn reply_len(items: &[Item<'_>]) -> usize {
    items.iter().fold(SALT_LEN.saturating_add(TAG_LEN), |sum, item| sum.saturating_add(item.reply_len()))
}

impl<V: Deref<Target = Vault>> Session<V> {
    /// Opens what is the caller's, or the grant's owner's, among `items` into a reply that only the caller's client can open: [`reply_len`] bytes, at the
    /// front of `out`. Commits with the environment's store.
    ///
    /// # Errors
    /// [`Error::Denied`]: the session is over, or has no right; [`Error::Unavailable`]; [`Error::TooLong`]: no item, more than
    /// [`Item::MAX`](crate::Item::MAX), or not fewer than the host's `ENTRIES`; [`Error::BufferTooSmall`].
    pub fn reveal<'o, E: Environment, const N: usize, const W: usize>(
        &self,
        access: &Access<'_>,
        items: &[Item<'_>],
        out: &'o mut [u8],
        host: &mut Host<E, N, W>,
    ) -> Result<SealedReply<'o>, Error> {
        host.commit_leftovers(self.vault())?;
        let held = self.reveal_held(access, items, out, host)?;
        host.settle(self.vault(), held)
    }

    /// The same for hosts that commit elsewhere: until release the reply is masked, and opens for nobody.
    ///
    /// # Errors
    /// As [`reveal`](Self::reveal); refusals come by way of [`Held::release`].
    pub fn reveal_held<'o, E: Environment, const N: usize, const W: usize>(
        &self,
        access: &Access<'_>,
        items: &[Item<'_>],
        out: &'o mut [u8],
        host: &mut Host<E, N, W>,
    ) -> Result<Held<SealedReply<'o>>, Error> {
        let entries = items.len().saturating_add(1);
        if items.is_empty() || items.len() > MAX_ITEMS || entries > N {
            return Err(Error::TooLong);
        }
        let out = out.get_mut(..reply_len(items)).ok_or(Error::BufferTooSmall)?;
        let mut filling = Filling::new(out);
        let (salt, tag, barred) = self.fill_reply(access, items, filling.bytes(), host)?;
        let mut reply = SealedReply { bytes: filling.leave(), withheld: None };
        reply.withhold(Withholding { mask: self.vault().mask_key(b"held", &salt), salt, tag });
        Ok(Held::new(if barred { Err(Error::Denied) } else { Ok(reply) }, host.last_staged()))
    }

    /// Fills `out` with the sealed answers, but for salt and tag, which are returned; and whether the whole request is barred.
    fn fill_reply<E: Environment, const N: usize, const W: usize>(
        &self,
        access: &Access<'_>,
        items: &[Item<'_>],
        out: &mut [u8],
        host: &mut Host<E, N, W>,
    ) -> Result<([u8; SALT_LEN], [u8; TAG_LEN], bool), Error> {
        out.fill(0);
        let mut request = self.request(access, items.len(), host)?;
        let barred = self.barred(access, Asked::Show(access.view()), host)?.1.reason().is_some();
        let (node, sequence) = host.next_entry();
        let salt = self.bound.salt(node, sequence);
        let mut rest = out.get_mut(SALT_LEN..).unwrap_or_default();
        for item in items {
            rest = answer(&mut request, item, rest, host)?;
        }
        request.finish(host)?;
        let key = self.bound.reply(&salt, &self.nonce, &self.bound.items(items));
        let end = out.len().saturating_sub(TAG_LEN);
        let tag = seal_once(&key, &salt, out.get_mut(SALT_LEN..end).unwrap_or_default())?;
        Ok((salt, tag, barred))
    }
}

/// Puts one item's answer to the front of `rest`, `status ‖ padded value`, and returns what is behind it.
fn answer<'r, V: Deref<Target = Vault>, E: Environment, const N: usize, const W: usize>(
    request: &mut crate::Request<'_, V>,
    item: &Item<'_>,
    rest: &'r mut [u8],
    host: &mut Host<E, N, W>,
) -> Result<&'r mut [u8], Error> {
    // Opening takes 15 bytes more than the answer: the next answers' room, or the tag's.
    let work_len = item.token.sealed().len();
    let work = rest.get_mut(..work_len).ok_or(Error::BufferTooSmall)?;
    let opened = if request.access().view() == View::Masked { MASK } else { VALUE };
    let status = if request.reveal_item(item, work, host)? { opened } else { 0 };
    shift(work, COMMITMENT_LEN..work_len, STATUS_LEN);
    let (answer, spent) = work.split_at_mut_checked(item.reply_len()).ok_or(Error::BufferTooSmall)?;
    if let Some(first) = answer.first_mut() {
        *first = status;
    }
    spent.zeroize();
    rest.get_mut(item.reply_len()..).ok_or(Error::BufferTooSmall)
}

/// A reply that only the client can open whose proof asked for it: `salt 16 ‖ ciphertext ‖ tag 16`.
pub struct SealedReply<'o> {
    bytes: &'o mut [u8],
    withheld: Option<Withholding>,
}

/// What is kept until release. Salt and tag would not be enough: the client could find the one and do without the other.
struct Withholding {
    mask: SealKey,
    salt: [u8; SALT_LEN],
    tag: [u8; TAG_LEN],
}

impl SealedReply<'_> {
    /// The bytes to send.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        self.bytes
    }

    fn withhold(&mut self, withholding: Withholding) {
        apply_key_stream(&withholding.mask, &[0; NONCE_LEN], self.bytes);
        self.withheld = Some(withholding);
    }
}

impl Withheld for SealedReply<'_> {
    fn restore(&mut self) {
        let Some(Withholding { mask, salt, tag }) = self.withheld.take() else { return };
        apply_key_stream(&mask, &[0; NONCE_LEN], self.bytes);
        if let Some(front) = self.bytes.first_chunk_mut() {
            *front = salt;
        }
        if let Some(back) = self.bytes.last_chunk_mut() {
            *back = tag;
        }
    }
}

/// What was never released is of no use, and is wiped. A released reply stays in its buffer to be sent.
impl Drop for SealedReply<'_> {
    fn drop(&mut self) {
        if self.withheld.is_some() {
            self.bytes.zeroize();
        }
    }
}

impl fmt::Debug for SealedReply<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedReply").field("len", &self.bytes.len()).finish_non_exhaustive()
    }
}

impl SessionKey {
    /// The client's half: opens, in place, the reply to the request that `proof` was made for and that asked for `items`.
    ///
    /// `proof` is `None` for a bearer session.
    ///
    /// # Errors
    /// [`Error::Denied`]: not the reply to this request of this client, or altered.
    pub fn open_reply<'r>(
        &self,
        credential: &Credential,
        proof: Option<&Proof>,
        items: &'r [Item<'r>],
        reply: &'r mut [u8],
    ) -> Result<Reply<'r>, Error> {
        let bound = self.bind(credential)?;
        let nonce = proof.map_or([0; 16], |proof| proof.nonce);
        if items.is_empty() || reply.len() != reply_len(items) {
            return Err(Error::Denied);
        }
        let (salt, rest) = reply.split_first_chunk_mut::<SALT_LEN>().ok_or(Error::Denied)?;
        let (sealed, tag) = rest.split_last_chunk_mut::<TAG_LEN>().ok_or(Error::Denied)?;
        let key = bound.reply(salt, &nonce, &bound.items(items));
        if !open_once(&key, salt, sealed, tag) {
            return Err(Error::Denied);
        }
        Ok(Reply { items, opened: sealed })
    }
}

/// An opened reply. Wiped on drop.
pub struct Reply<'r> {
    items: &'r [Item<'r>],
    opened: &'r mut [u8],
}

impl Reply<'_> {
    /// What each answer shows, in the order of the items: the whole value or its mask; `None` for what was refused.
    pub fn views(&self) -> impl Iterator<Item = Option<View>> {
        self.answers().map(|answer| match *answer?.first()? {
            VALUE => Some(View::Full),
            MASK => Some(View::Masked),
            _ => None,
        })
    }

    /// The answers, in the order of the items: the bytes of the value or of its mask, or `None` for what was refused.
    pub fn values(&self) -> impl Iterator<Item = Option<&[u8]>> {
        self.answers().map(|answer| value_of(answer?))
    }

    fn answers(&self) -> impl Iterator<Item = Option<&[u8]>> {
        let mut rest: &[u8] = self.opened;
        self.items.iter().map(move |item| {
            let (answer, behind) = rest.split_at_checked(item.reply_len())?;
            rest = behind;
            Some(answer)
        })
    }
}

/// The value in `status ‖ LE16 length ‖ value ‖ zeros`.
fn value_of(answer: &[u8]) -> Option<&[u8]> {
    let ([status], padded) = answer.split_first_chunk::<STATUS_LEN>()?;
    let (length, value) = padded.split_first_chunk::<LENGTH_PREFIX>()?;
    value.get(..usize::from(u16::from_le_bytes(*length))).filter(|_| matches!(*status, VALUE | MASK))
}

impl Drop for Reply<'_> {
    fn drop(&mut self) {
        self.opened.zeroize();
    }
}

impl ZeroizeOnDrop for Reply<'_> {}

impl fmt::Debug for Reply<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").field("items", &self.items.len()).finish_non_exhaustive()
    }
}

const SALT_LEN: usize = 16;
const STATUS_LEN: usize = 1;
/// An answer's status where its token opened to the whole value, or to its mask; 0 where it was refused.
const VALUE: u8 = 1;
const MASK: u8 = 2;

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::{
        Field,
        credential::Sealed,
        vectors::{array, cases, hex},
    };
    use std::vec::Vec;

    /// tests/vectors/reveal.txt: the reply of the second implementation opens to the same values, and sealing them gives the same reply.
    #[test]
    fn vectors() {
        for case in cases(include_str!("../tests/vectors/reveal.txt")) {
            let [session_key, serial, tag, nonce, node, sequence, items, values, reply] = &case[..] else {
                panic!("{case:?}")
            };
            let sealed = Sealed { serial: array(serial), session_key: [0; 32], tag: array(tag) };
            let bound = SessionKey::read_secret(&array(session_key)).bind_to(&sealed);
            let tokens: Vec<(Field, Vec<u8>)> = items
                .split(',')
                .map(|item| {
                    item.trim()
                        .split_once(':')
                        .map(|(field, token)| (Field::from_name(field).unwrap(), hex(token)))
                        .unwrap()
                })
                .collect();
            let items: Vec<Item<'_>> =
                tokens.iter().map(|(field, token)| Item::new(*field, Token::from_bytes(token).unwrap())).collect();
            let salt = bound.salt(node.parse().unwrap(), sequence.parse().unwrap());
            let key = bound.reply(&salt, &array(nonce), &bound.items(&items));
            let reply = hex(reply);
            assert_eq!(reply[..SALT_LEN], salt);
            assert_eq!(reply.len(), reply_len(&items));
            let mut opened = reply[SALT_LEN..reply.len() - TAG_LEN].to_vec();
            let tag: [u8; TAG_LEN] = reply[reply.len() - TAG_LEN..].try_into().unwrap();
            assert!(open_once(&key, &salt, &mut opened, &tag));
            let mut again = opened.clone();
            assert_eq!(seal_once(&key, &salt, &mut again), Ok(tag));
            let answers = Reply { items: &items, opened: &mut opened };
            for (found, expected) in answers.values().zip(values.split(',')) {
                let expected = Some(expected.trim()).filter(|expected| *expected != "!").map(hex);
                assert_eq!(found, expected.as_deref());
            }
            assert_eq!(answers.values().count(), values.split(',').count());
        }
    }

    /// The client could find the salt (it has K_s, and the rest are small numbers) and do without the tag. So what is held is masked
    /// besides: no salt gives a key stream that opens it.
    #[test]
    fn held_replies_do_not_open_with_a_guessed_salt() {
        use crate::{
            AuditKey, Config, Keyring, MAX_TOKEN_LEN, MemoryStore, Parts, Principal, Terms, Time, keys::SealKey,
        };
        const NOW: Time = Time::from_secs(1_800_000_000);
        let secret = [&[1, 1][..], &[9; 32], &1_u16.to_le_bytes(), &[4; 32]].concat();
        let vault = Vault::new(Keyring::read_secret(&secret).unwrap(), &Config::new(b"a")).unwrap();
        let mut store = MemoryStore::<32, 8>::new();
        let mut rng = chacha20::ChaCha20Rng::from_seed([1; 32]);
        use rand_core::SeedableRng;
        AuditKey::create(&vault, &mut store, &mut rng).unwrap();
        let parts = Parts { clock: || Some(NOW), rng, store };
        let mut host: Host<_, 16, 8> = Host::open(&vault, parts).unwrap();
        let alice = Principal::person("shop", "alice").unwrap();
        let mut bytes = [0; MAX_TOKEN_LEN];
        let token = vault.tokenize(&alice, Field::EMAIL, b"alice@example.com", &mut bytes, &mut host).unwrap();
        let key = SessionKey::read_secret(&[7; 32]);
        let terms = Terms { proof_required: false, ..Terms::default() };
        let issuer = vault.issuer("shop", crate::Kind::Person, NOW.period()).unwrap();
        let mut other = chacha20::ChaCha20Rng::from_seed([2; 32]);
        let credential = issuer.issue(&alice, &key, &terms, NOW, &mut other).unwrap();
        let session = vault.authenticate_bearer(&credential, &mut host).unwrap();
        let items = [Item::of(token)];
        let bound = key.bind(&credential).unwrap();
        let opens = |out: &[u8]| {
            (0..1000).any(|sequence| {
                let salt = bound.salt(0, sequence);
                let reply = SealKey(bound.reply(&salt, &[0; 16], &bound.items(&items)));
                let mut guess = out[SALT_LEN..].to_vec();
                apply_key_stream(&reply, &[0; NONCE_LEN], &mut guess);
                guess.windows(5).any(|window| window == b"alice")
            })
        };
        let mut out = std::vec![0; reply_len(&items)];
        core::mem::forget(session.reveal_held(&Access::OWN, &items, &mut out, &mut host).unwrap());
        assert!(!opens(&out));
        drop(session.reveal(&Access::OWN, &items, &mut out, &mut host).unwrap());
        assert!(opens(&out), "the control: once it is released, that works");
    }
}
