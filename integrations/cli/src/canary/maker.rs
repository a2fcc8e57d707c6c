//! Makes canaries like given tokens, alone or wherever one stands in a text.

use anyhow::{Context, Result};
use symbolon::{CheckedRng, Format, Place, Scanner, Sink, Token, Vault};

use crate::state::{self, CliRng};

/// A canary that was made.
pub(super) struct Canary {
    /// Its field.
    pub(super) field: String,
    /// Its text.
    pub(super) token: String,
}

/// Makes the canaries of one export.
pub(super) struct Maker<'v> {
    vault: &'v Vault,
    tenant: &'v str,
    export: &'v str,
    now: String,
    rng: CheckedRng<CliRng>,
    choices: CliRng,
}

impl<'v> Maker<'v> {
    /// For this tenant and export.
    pub(super) fn new(vault: &'v Vault, tenant: &'v str, export: &'v str) -> Result<Self> {
        let (rng, choices) = (CheckedRng::new(state::rng()?), state::rng()?);
        Ok(Self { vault, tenant, export, now: super::now()?, rng, choices })
    }

    /// For what is chosen at random.
    pub(super) const fn rng(&mut self) -> &mut CliRng {
        &mut self.choices
    }

    /// When they are made.
    pub(super) fn now(&self) -> &str {
        &self.now
    }

    /// One like this token.
    pub(super) fn canary(&mut self, like: &Token<'_>) -> Result<Canary> {
        let mut out = [0; Token::MAX_LEN];
        let made = self.vault.canary(self.tenant, like, self.export.as_bytes(), &mut out, &mut self.rng);
        let made = made.with_context(|| format!("no canary can be made like a token of epoch {}", like.epoch()))?;
        Ok(Canary { field: made.field().to_string(), token: made.to_string() })
    }

    /// The JSON with a canary in the place of each token, and the canaries.
    pub(super) fn in_json(&mut self, json: &str) -> Result<(String, Vec<Canary>)> {
        let mut sink = Replace { maker: self, out: Vec::new(), made: Vec::new() };
        let mut scanner = Scanner::new(Format::Json);
        scanner.feed(json.as_bytes(), &mut sink)?;
        scanner.finish(&mut sink)?;
        let Replace { out, made, .. } = sink;
        Ok((String::from_utf8(out)?, made))
    }
}

struct Replace<'m, 'v> {
    maker: &'m mut Maker<'v>,
    out: Vec<u8>,
    made: Vec<Canary>,
}

impl Sink for Replace<'_, '_> {
    type Error = anyhow::Error;

    fn copy(&mut self, bytes: &[u8]) -> Result<()> {
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    fn token(&mut self, token: Token<'_>, _: Place) -> Result<()> {
        let canary = self.maker.canary(&token)?;
        self.out.extend_from_slice(canary.token.as_bytes());
        self.made.push(canary);
        Ok(())
    }
}
