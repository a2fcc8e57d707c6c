//! What can be told of tokens without any key.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    fs::File,
    io::{self, IsTerminal, Read, Write},
    path::Path,
};

use anyhow::{Context, Result};
use clap::Args;
use symbolon::{Class, Format, Place, Scanner, Sink, Token};

use crate::error::Failure;

/// symbolon inspect
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  symbolon inspect sym_EQABAAEA...
  symbolon inspect customers.protected.csv
  pg_dump shop | symbolon inspect

Needs no key. Whose a token is, and what is in it, nobody can tell without the keyring.")]
pub(crate) struct InspectArgs {
    /// A token, or a file in which tokens are counted; - or nothing: what comes in by a pipe
    #[arg(value_name = "TOKEN | FILE")]
    input: Option<String>,
}

/// Tells of one token, or counts those in a file.
pub(crate) fn run(args: &InspectArgs) -> Result<()> {
    match args.input.as_deref() {
        None if io::stdin().is_terminal() => {
            Err(Failure::Input.because("give a token or a file, or pipe something in"))
        }
        None | Some("-") => report(&mut io::stdout().lock(), "the input", count(io::stdin().lock())?),
        Some(text) if text.starts_with(Token::TEXT_PREFIX) && !Path::new(text).exists() => {
            one(&mut io::stdout().lock(), text)
        }
        Some(path) => {
            let counted = File::open(path).map_err(Into::into).and_then(count);
            report(&mut io::stdout().lock(), path, counted.with_context(|| format!("can't read {path}"))?)
        }
    }
}

/// All that a token says.
fn one(out: &mut impl Write, text: &str) -> Result<()> {
    let mut bytes = [0; Token::MAX_LEN];
    let token = Token::from_text(text.as_bytes(), &mut bytes).map_err(|error| broken(text, error))?;
    let (class, first) = (token.class(), token.as_bytes().first().copied().unwrap_or_default());
    writeln!(out, "A token of {} characters ({} bytes)", text.len(), token.as_bytes().len())?;
    writeln!(out, "  version  {}", first >> 4)?;
    writeln!(out, "  suite    {} (ChaCha20-Poly1305 and HChaCha20)", first & 15)?;
    writeln!(out, "  field    {}", token.field())?;
    writeln!(out, "  class    {} bytes, for values of up to {}", class.len(), class.capacity())?;
    writeln!(out, "  epoch    {} (of the keyring's root key)", token.epoch())?;
    writeln!(
        out,
        "Whose it is, and what is in it, it does not say. Whether it is genuine, only its owner's session finds out."
    )?;
    Ok(())
}

/// What looked like a token, and why it is none.
fn broken(text: &str, error: symbolon::Error) -> anyhow::Error {
    let why = match Token::text_len_from_start(text.as_bytes()) {
        Some(len) if text.len() < len => {
            format!("it is cut: a token that begins so has {len} characters, not {}", text.len())
        }
        Some(len) if text.len() > len => {
            format!("there is more behind it: a token that begins so has {len} characters")
        }
        Some(_) => "a character in it is not of its alphabet".into(),
        None => "its beginning is that of no token".into(),
    };
    anyhow::Error::new(error).context(format!("this is not a token; {why}"))
}

/// Tokens that are alike, and how many there are.
type Counts = BTreeMap<(u16, u16, u8), Alike>;

struct Alike {
    field: symbolon::Field,
    class: Class,
    tokens: u64,
}

/// Counts tokens, and lets everything else pass.
struct Counter(Counts);

impl Sink for Counter {
    type Error = Infallible;

    fn copy(&mut self, _: &[u8]) -> Result<(), Infallible> {
        Ok(())
    }

    fn token(&mut self, token: Token<'_>, _: Place) -> Result<(), Infallible> {
        let (field, class) = (token.field(), token.class());
        let key = (field.code(), token.epoch(), class.index());
        self.0.entry(key).or_insert(Alike { field, class, tokens: 0 }).tokens += 1;
        Ok(())
    }
}

fn count(mut input: impl Read) -> Result<Counts> {
    let (mut counter, mut scanner) = (Counter(Counts::new()), Scanner::new(Format::AnywhereInPlainText));
    let mut chunk = vec![0; 64 << 10];
    loop {
        let len = input.read(&mut chunk)?;
        if len == 0 {
            break;
        }
        let Ok(()) = scanner.feed(&chunk[..len], &mut counter);
    }
    let Ok(()) = scanner.finish(&mut counter);
    Ok(counter.0)
}

fn report(out: &mut impl Write, name: &str, counts: Counts) -> Result<()> {
    let total: u64 = counts.values().map(|alike| alike.tokens).sum();
    writeln!(out, "{total} {} in {name}", if total == 1 { "token" } else { "tokens" })?;
    if total > 0 {
        writeln!(out, "  {:>10}  {:16}  {:>5}  class", "tokens", "field", "epoch")?;
    }
    for ((_, epoch, _), Alike { field, class, tokens }) in counts {
        let (len, most) = (class.len(), class.capacity());
        writeln!(out, "  {tokens:>10}  {:16}  {epoch:>5}  {len} bytes, values of up to {most}", field.to_string())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use symbolon::{CheckedRng, Field, Keyring, Principal};

    use super::*;
    use crate::state;

    fn tokens(values: &[(Field, &str)]) -> Vec<String> {
        let mut rng = CheckedRng::new(state::rng().unwrap());
        let vault = state::vault_of(Keyring::generate(&mut state::rng().unwrap()).unwrap()).unwrap();
        let sealer = vault.sealer(&Principal::person("t", "p").unwrap());
        let mut out = [0; Token::MAX_LEN];
        let seal = |(field, value): &(Field, &str)| {
            sealer.tokenize(*field, value.as_bytes(), &mut out, &mut rng).unwrap().to_string()
        };
        values.iter().map(seal).collect()
    }

    fn said(write: impl FnOnce(&mut Vec<u8>) -> Result<()>) -> String {
        let mut out = Vec::new();
        write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    /// A token tells its public header, and what is cut, longer or mistyped is told as that.
    #[test]
    fn one_token() {
        let token = tokens(&[(Field::CARD_NUMBER, "4242424242424242")]).remove(0);
        let told = said(|out| one(out, &token));
        assert!(told.contains("field    card-number\n") && told.contains("epoch    1 "), "{told}");
        assert!(!told.contains("4242"));
        let cut = &token[..token.len() - 1];
        let mistyped = format!("{}!{}", &token[..60], &token[61..]);
        for (bad, why) in [(cut, "it is cut"), (&(token.clone() + "A"), "more behind it"), (&mistyped, "its alphabet")]
        {
            let error = one(&mut Vec::new(), bad).unwrap_err();
            assert!(format!("{error:#}").contains(why), "{error:#}");
            assert_eq!(crate::error::code(&error), 5);
        }
    }

    /// Tokens are counted by field and class, wherever they stand in the text.
    #[test]
    fn many_tokens() {
        let [name, long, email] =
            [(Field::PERSON_NAME, "A"), (Field::ORDER_LINE, "x".repeat(200).as_str()), (Field::EMAIL, "a@b.example")]
                .map(|value| tokens(&[value]).remove(0));
        let text = format!("id,{name}\n<{name}> {long} \"{email}\" sym_nothing");
        let counts = count(text.as_bytes()).unwrap();
        let told = said(|out| report(out, "x.csv", counts));
        assert!(told.starts_with("4 tokens in x.csv\n"), "{told}");
        for line in ["2  person-name           1  64 bytes", "1  order-line            1  256 bytes", "1  email"] {
            assert!(told.contains(line), "{told}");
        }
        let none = count(b"nothing here".as_slice()).unwrap();
        assert_eq!(said(|out| report(out, "x", none)), "0 tokens in x\n");
    }
}
