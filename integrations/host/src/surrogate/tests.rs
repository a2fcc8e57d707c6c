//! What surrogates look like, and what becomes of those that are taken.

use std::collections::HashSet;

use chacha20::ChaCha20Rng;
use getrandom::SysRng;
use rand_core::{SeedableRng, TryCryptoRng, TryRng};
use symbolon::{AuditKey, Config, Environment, Field, Keyring, MemoryStore, Parts, Store, Time, Token};

use super::*;

fn vault() -> Vault {
    Vault::new(Keyring::generate(&mut SysRng).unwrap(), &Config::new(b"test")).unwrap()
}

fn host(vault: &Vault) -> Host<impl Environment<Store = impl Store>> {
    let mut store = MemoryStore::<64, 32>::new();
    AuditKey::create(vault, &mut store, &mut SysRng).unwrap();
    Host::open(vault, Parts { clock: || Some(Time::from_secs(1_800_000_000)), rng: SysRng, store }).unwrap()
}

fn alice() -> Principal {
    Principal::person("shop-17", "alice").unwrap()
}

fn token<E: Environment>(vault: &Vault, field: Field, value: &str, host: &mut Host<E>) -> TokenBuf {
    let mut out = [0; Token::MAX_LEN];
    TokenBuf::new(&vault.tokenize(&alice(), field, value.as_bytes(), &mut out, host).unwrap())
}

fn seeded() -> ChaCha20Rng {
    ChaCha20Rng::from_seed([7; 32])
}

/// Gives the same bytes again and again, from a given list.
struct Repeats(Vec<u8>, usize);

impl TryRng for Repeats {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        unreachable!("only bytes are drawn")
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        unreachable!("only bytes are drawn")
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
        for slot in out {
            *slot = self.0[self.1 % self.0.len()];
            self.1 += 1;
        }
        Ok(())
    }
}

impl TryCryptoRng for Repeats {}

/// 100,000 of them: begin with 99, no duplicate, none passes Luhn, the kept digits are kept.
#[test]
fn form_of_many() {
    let (mut rng, mut seen, mut redrawn) = (seeded(), HashSet::new(), 0);
    while seen.len() < 100_000 {
        let last4 = (seen.len() % 2 == 0).then_some(*b"4242");
        let Some(surrogate) = draw(last4, &mut rng).unwrap() else {
            redrawn += 1;
            continue;
        };
        assert!(surrogate.as_str().starts_with("99") && !passes_luhn(&surrogate.0));
        assert!(last4.is_none_or(|last4| surrogate.0.ends_with(&last4)));
        assert_eq!(surrogate.to_string().parse(), Ok(surrogate));
        assert!(seen.insert(surrogate));
    }
    // One in ten passes Luhn, and is not given out: the detector above sees what it should.
    assert!((9_000..14_000).contains(&redrawn), "{redrawn}");
}

/// Every digit stands about as often in every free place. (A byte modulo ten, without rejection, would favour 0 to 5 by 4 %.)
#[test]
fn digits_are_even() {
    let mut rng = seeded();
    let mut counts = [0_u32; 10];
    for _ in 0..1_000_000 {
        counts[usize::from(draw_digit(&mut rng).unwrap() - b'0')] += 1;
    }
    for count in counts {
        // Five standard deviations of a binomial distribution are 1,500.
        assert!((98_500..=101_500).contains(&count), "{counts:?}");
    }
}

/// Luhn, against numbers that are published for tests, and one digit off.
#[test]
fn luhn() {
    for good in ["4242424242424242", "5555555555554444", "4111111111111111", "79927398713"] {
        assert!(passes_luhn(good.as_bytes()), "{good}");
        let bad = [&good[..good.len() - 1], "0"].concat();
        assert!(!passes_luhn(bad.as_bytes()) || good.ends_with('0'));
    }
}

/// Taken numbers are passed over, whether they are stored or only staged; a generator that gives nothing else is told.
#[test]
fn collisions() {
    let vault = vault();
    let mut host = host(&vault);
    let token = token(&vault, Field::CARD_NUMBER, "4242424242424242", &mut host);
    let first = [vec![1; 14], vec![3; 14]].concat();
    let draw = |bytes: &[u8], host: &mut _| {
        stage(&vault, &alice(), &token.as_token(), None, &mut Repeats(bytes.into(), 0), host)
    };
    let one = draw(&first, &mut host).unwrap();
    assert_eq!(one.as_str(), "9911111111111111");
    // Staged, not stored.
    let two = draw(&first, &mut host).unwrap();
    assert_eq!(two.as_str(), "9933333333333333");
    assert_eq!(draw(&first, &mut host), Err(SurrogateError::Exhausted));
    let _receipt = host.commit(&vault).unwrap();
    assert_eq!(draw(&first, &mut host), Err(SurrogateError::Exhausted));
    assert_eq!(resolve(&one, &mut host).unwrap(), token);
    // Only what can't be used: bytes above 249.
    assert_eq!(draw(&[250, 255], &mut host), Err(SurrogateError::Core(Error::RngFailed)));
}

/// Longer tokens, kept digits that are none, unknown and malformed surrogates: each has its error.
#[test]
fn refusals() {
    let vault = vault();
    let mut host = host(&vault);
    let name = token(&vault, Field::PERSON_NAME, "Alice", &mut host);
    let card = token(&vault, Field::CARD_NUMBER, "4242424242424242", &mut host);
    let mut rng = seeded();
    let issued = issue(&vault, &alice(), &name.as_token(), None, &mut rng, &mut host);
    assert_eq!(issued, Err(SurrogateError::TokenTooLong));
    let issued = issue(&vault, &alice(), &card.as_token(), Some(*b"42a2"), &mut rng, &mut host);
    assert_eq!(issued, Err(SurrogateError::NotDigits));
    let unknown: Surrogate = "9911111111111111".parse().unwrap();
    assert_eq!(resolve(&unknown, &mut host), Err(SurrogateError::Unknown));
    for malformed in
        ["", "991111111111111", "99111111111111111", "9911111111 11111", "9811111111111111", "99１11111111111"]
    {
        assert_eq!(malformed.parse::<Surrogate>(), Err(SurrogateError::Malformed), "{malformed}");
    }
    // Of the ten last digits, one passes Luhn.
    let passing = (0..10).filter(|digit| format!("991111111111111{digit}").parse::<Surrogate>().is_err());
    assert_eq!(passing.count(), 1);
}
