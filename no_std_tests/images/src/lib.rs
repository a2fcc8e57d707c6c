//! What the images share: the keys and names they work with, and a device around them.
//!
//! All input is opaque to the compiler (`black_box`), so that nothing is computed while compiling, and nothing that a device needs is left out.
#![no_std]
#![forbid(unsafe_code)]

use core::convert::Infallible;
use core::hint::black_box;

use rand_core::{TryCryptoRng, TryRng};
use static_cell::{ConstStaticCell, StaticCell};
use symbolon::{AuditKey, Config, Environment, Error, Field, Host, Keyring, MemoryStore, Principal, Time, Vault};

/// Room for 64 entries until they are drained.
pub type Store = MemoryStore<64, 8>;

/// The host of the images: batches of up to 8 entries, 16 proofs remembered.
pub type Device = Host<Parts, 8, 16>;

/// What the images' host sees of the outside: no part of the board, so that the core alone is measured.
#[derive(Debug)]
pub struct Parts {
    /// Milliseconds; every look takes one.
    now: u64,
    random: Counting,
    store: &'static mut Store,
}

impl Parts {
    /// A clock, a generator that counts, and this store.
    pub fn new(store: &'static mut Store) -> Self {
        Self { now: black_box(1_800_000_000_000), random: Counting::new(), store }
    }

    /// Lets so many milliseconds pass.
    pub fn wait(&mut self, milliseconds: u64) {
        self.now += milliseconds;
    }
}

impl Environment for Parts {
    type Rng = Counting;
    type Store = Store;

    fn now(&mut self) -> Option<Time> {
        self.now += 1;
        Some(Time::from_millis(self.now))
    }

    fn rng(&mut self) -> &mut Counting {
        &mut self.random
    }

    fn store(&mut self) -> &mut Store {
        self.store
    }
}

/// A generator that repeats nothing and costs nothing. **Not random**: what is measured is the core, not the generator of a device.
#[derive(Debug)]
pub struct Counting(u64);

impl Counting {
    /// From the beginning.
    #[must_use]
    pub fn new() -> Self {
        Self(black_box(1))
    }
}

impl Default for Counting {
    fn default() -> Self {
        Self::new()
    }
}

impl TryRng for Counting {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.try_next_u64().map(|word| word as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        Ok(self.0)
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for chunk in out.chunks_mut(8) {
            let word = self.try_next_u64()?.to_le_bytes();
            for (slot, byte) in chunk.iter_mut().zip(word) {
                *slot = byte;
            }
        }
        Ok(())
    }
}

impl TryCryptoRng for Counting {}

/// A vault with one root key.
///
/// # Errors
/// [`Error`]: the keyring's, or the vault's.
fn vault() -> Result<Vault, Error> {
    let mut secret = [7; 2 + 32 + 2 + 32];
    let [format, count, ..] = &mut secret;
    (*format, *count) = (1, 1);
    Vault::new(Keyring::read_secret(black_box(&secret))?, &Config::new(black_box(b"appliance-1")))
}

/// The owner of what is sealed.
///
/// # Errors
/// [`Error::InvalidPrincipal`], which these aren't.
pub fn alice() -> Result<Principal, Error> {
    Principal::person(black_box("shop-17"), black_box("alice"))
}

/// The vault in its place, and the host on its trail, which is made here: once, as a device does when it is provisioned.
///
/// # Errors
/// [`Error::Unavailable`] where this was done before; otherwise the core's.
pub fn device() -> Result<(&'static Vault, &'static mut Device), Error> {
    static VAULT: StaticCell<Vault> = StaticCell::new();
    static STORE: ConstStaticCell<Store> = ConstStaticCell::new(Store::new());
    static DEVICE: StaticCell<Device> = StaticCell::new();
    let vault = VAULT.try_init(vault()?).ok_or(Error::Unavailable)?;
    let mut parts = Parts::new(STORE.try_take().ok_or(Error::Unavailable)?);
    AuditKey::create(vault, parts.store, &mut parts.random)?;
    let device = DEVICE.try_init(Host::open(vault, parts)?).ok_or(Error::Unavailable)?;
    Ok((vault, device))
}

/// A value of 20 bytes.
pub const VALUE: &[u8; 20] = b"Yamada Taro Yamadaya";

/// What the value is.
pub const FIELD: Field = Field::PERSON_NAME;
