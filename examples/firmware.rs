//! symbolon as firmware uses it: one thread, one loop, `&Vault`, fixed memory, no allocator anywhere in what would run on the device.
//!
//! `cargo run --example firmware`. Printing stands for the device's transport, and a counter for its clock and its entropy source.

use rand_core::{TryCryptoRng, TryRng};
use symbolon::{
    AuditKey, Config, Environment, Error, Event, Field, Host, Keyring, Kind, MemoryStore, Principal, SessionKey, Store,
    Terms, Time, Token, Vault,
};

/// What the board provides.
struct Board {
    uptime: u64,
    entropy: Entropy,
    /// The trail lives as long as the power does: 64 entries, to be drained by the auditor's host.
    store: MemoryStore<64, 4>,
}

impl Environment for Board {
    type Rng = Entropy;
    type Store = MemoryStore<64, 4>;

    fn now(&mut self) -> Option<Time> {
        self.uptime += 1000;
        Some(Time::from_millis(1_800_000_000_000 + self.uptime))
    }

    fn rng(&mut self) -> &mut Entropy {
        &mut self.entropy
    }

    fn store(&mut self) -> &mut Self::Store {
        &mut self.store
    }
}

/// Stands for the hardware's generator. **Not random**: an example.
struct Entropy(u64);

impl TryRng for Entropy {
    type Error = core::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        self.try_next_u64().map(|word| (word >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Ok(self.0)
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
        for chunk in out.chunks_mut(8) {
            let word = self.try_next_u64()?.to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
        Ok(())
    }
}

impl TryCryptoRng for Entropy {}

fn main() -> Result<(), Error> {
    // Once, when the device is provisioned.
    let mut board = Board { uptime: 0, entropy: Entropy(1), store: MemoryStore::new() };
    let vault = Vault::new(Keyring::generate(&mut board.entropy)?, &Config::new(b"appliance-1"))?;
    let audit_key = AuditKey::create(&vault, &mut board.store, &mut board.entropy)?;

    // At every power-up.
    let mut host: Host<Board, 8, 16> = Host::open(&vault, board)?;

    let alice = Principal::person("shop-17", "alice")?;
    let mut token_bytes = [0; Token::MAX_LEN];
    let token = vault.tokenize(&alice, Field::PHONE, b"+81-3-0000-0101", &mut token_bytes, &mut host)?;
    println!("the host stores   {token}");

    for name in ["alice", "bob"] {
        let who = Principal::person("shop-17", name)?;
        // The log-in service, and the client, which are elsewhere.
        let now = host.environment().now().ok_or(Error::Unavailable)?.plus(2000);
        let key = SessionKey::generate(&mut host.environment().entropy)?;
        let issuer = vault.issuer("shop-17", Kind::Person, now.period())?;
        let credential = issuer.issue(&who, &key, &Terms::default(), now, &mut host.environment().entropy)?;
        let proof = key.prove(&credential, &[b"open"], now, &mut host.environment().entropy)?;
        // The device.
        let session = vault.authenticate(&credential, &proof, &[b"open"], &mut host)?;
        let mut work = [0; Token::MAX_OPEN_LEN];
        match session.detokenize(Field::PHONE, &token, &mut work, &mut host) {
            Ok(value) => println!("{name:<5} reads       {}", core::str::from_utf8(value.expose()).unwrap_or("?")),
            Err(Error::Denied) => println!("{name:<5} reads       {}", Field::PHONE.placeholder()),
            Err(error) => return Err(error),
        }
    }

    // The auditor drains in two steps: read, then acknowledge.
    let mut reader = audit_key.reader();
    let mut last = 0;
    let store = host.environment().store();
    store
        .entries(&mut |sealed| match reader.read(sealed) {
            Ok(recorded) => {
                if recorded.entry.event != Event::Started {
                    println!(
                        "trail {:>3}         {:?}: {:?}",
                        recorded.sequence, recorded.entry.event, recorded.entry.reason
                    );
                }
                last = recorded.sequence;
                true
            }
            Err(_) => false,
        })
        .map_err(|_| Error::Unavailable)?;
    store.acknowledge(last).map_err(|_| Error::Unavailable)?;
    println!("host and vault    {} and {} bytes", size_of_val(&host), size_of_val(&vault));
    Ok(())
}
