//! What was found, summed up for people or told one by one for programs.

use std::{
    collections::{BTreeMap, HashSet},
    io::{self, Write},
};

use anyhow::Result;
use serde_json::json;
use symbolon::{ScannerKey, Token};
use symbolon_leak::Found;

use super::{
    canaries::{Canaries, Canary, NONCE_LEN, nonce},
    sources::{Looked, places},
};
use crate::progress::Count;

/// What has been found so far.
pub(super) struct Report<'r> {
    keys: &'r [ScannerKey],
    canaries: &'r Canaries,
    json: bool,
    /// Of each key; and of none, at the end.
    tenants: Vec<Tenant>,
    exports: BTreeMap<String, BTreeMap<Canary, u64>>,
    spots: BTreeMap<String, Spot>,
}

#[derive(Default)]
struct Tenant {
    tokens: u64,
    different: HashSet<[u8; NONCE_LEN]>,
    /// By field and epoch.
    kinds: BTreeMap<(String, u16), u64>,
}

/// A place, and what is there.
struct Spot {
    ours: u64,
    others: u64,
    first: String,
}

impl<'r> Report<'r> {
    pub(super) fn new(keys: &'r [ScannerKey], canaries: &'r Canaries, json: bool) -> Self {
        let tenants = (0..=keys.len()).map(|_| Tenant::default()).collect();
        Self { keys, canaries, json, tenants, exports: BTreeMap::new(), spots: BTreeMap::new() }
    }

    /// How many tokens of the tenants there are, or canaries that once were.
    pub(super) fn found(&self) -> u64 {
        let ours: u64 = self.tenants.iter().take(self.keys.len()).map(|tenant| tenant.tokens).sum();
        ours.max(self.exports.values().flat_map(BTreeMap::values).sum())
    }

    /// Takes in one token.
    pub(super) fn add(&mut self, found: &Found<'_, Box<[u8]>>) -> Result<()> {
        let token = Token::from_bytes(found.item)?;
        let whose = self.keys.iter().position(|key| key.recognises(&token));
        let canary = self.canaries.of(&token);
        if self.json {
            tell(found, &token, whose.map(|whose| name(&self.keys[whose])), canary)?;
        }
        let tenant = &mut self.tenants[whose.unwrap_or(self.keys.len())];
        tenant.tokens += 1;
        tenant.different.extend(nonce(&token));
        *tenant.kinds.entry((token.field().to_string(), token.epoch())).or_default() += 1;
        if let Some(canary) = canary {
            *self.exports.entry(canary.export.clone()).or_default().entry(canary.clone()).or_default() += 1;
        }
        let spot = || Spot { ours: 0, others: 0, first: position(found) };
        let spot = self.spots.entry(found.place.to_string()).or_insert_with(spot);
        *(if whose.is_some() { &mut spot.ours } else { &mut spot.others }) += 1;
        Ok(())
    }

    /// Says all of it.
    pub(super) fn finish(&self, looked: &Looked) -> Result<()> {
        let out = &mut io::stdout().lock();
        if self.json { self.sum_up(out, looked) } else { self.print(out, looked) }
    }

    fn print(&self, out: &mut impl Write, looked: &Looked) -> Result<()> {
        for (tenant, key) in self.tenants.iter().zip(self.keys) {
            let spots = self.spots.values().filter(|spot| spot.ours > 0).count();
            write!(out, "{} of {}", tokens(tenant.tokens), name(key))?;
            match tenant.different.len() as u64 {
                0 => writeln!(out)?,
                different if self.keys.len() > 1 => writeln!(out, ", {} of them different", Count(different))?,
                different => {
                    writeln!(out, ", {} of them different, in {}", Count(different), places(spots as u64))?;
                }
            }
            for ((field, epoch), count) in &tenant.kinds {
                writeln!(out, "  {:>10}  {field:20}  epoch {epoch}", Count(*count).to_string())?;
            }
        }
        if let Some(others) = self.tenants.last().filter(|others| others.tokens > 0) {
            let whom = if self.keys.len() == 1 { "this tenant's" } else { "of these tenants" };
            writeln!(out, "{} that look like symbolon's, not {whom}", tokens(others.tokens))?;
        }
        for (export, canaries) in &self.exports {
            writeln!(out, "Canaries of the export \"{export}\":")?;
            for (canary, count) in canaries {
                let (file, row) =
                    (canary.file.as_deref().unwrap_or("by hand"), canary.row.map(|row| format!(" row {row}")));
                let row = row.unwrap_or_default();
                let (count, Canary { field, placed, .. }) = (Count(*count).to_string(), canary);
                writeln!(out, "  {count:>10}  {file}{row}, {field}; placed {placed}")?;
            }
        }
        self.print_places(out)?;
        let (found, all) = looked.controls;
        let (sources, bytes) = (Count(looked.sources), Count(looked.bytes));
        writeln!(out, "Looked at: {sources} files and streams of {bytes} bytes. Controls: {found} of {all} found")?;
        Ok(())
    }

    fn print_places(&self, out: &mut impl Write) -> Result<()> {
        if !self.spots.is_empty() {
            writeln!(out, "Where:")?;
        }
        for (place, spot) in self.spots.iter().take(MOST_TOLD) {
            let others = if spot.others > 0 { format!(" and {} of others", Count(spot.others)) } else { String::new() };
            writeln!(out, "  {place}: {}{others}, the first at {}", Count(spot.ours), spot.first)?;
        }
        if let Some(more) = self.spots.len().checked_sub(MOST_TOLD).filter(|more| *more > 0) {
            writeln!(out, "  and in {} more; --json tells all", places(more as u64))?;
        }
        Ok(())
    }

    fn sum_up(&self, out: &mut impl Write, looked: &Looked) -> Result<()> {
        let kinds = |tenant: &Tenant| -> Vec<_> {
            let kind = |((field, epoch), tokens): (&(String, u16), &u64)| json!({"field": field, "epoch": epoch, "tokens": tokens});
            tenant.kinds.iter().map(kind).collect()
        };
        let sum = |tenant: &Tenant| json!({"tokens": tenant.tokens, "different": tenant.different.len(), "kinds": kinds(tenant)});
        let tenants: serde_json::Map<_, _> =
            self.keys.iter().zip(&self.tenants).map(|(key, tenant)| (name(key), sum(tenant))).collect();
        let exports: serde_json::Map<_, _> = self
            .exports
            .iter()
            .map(|(export, canaries)| (export.clone(), canaries.values().sum::<u64>().into()))
            .collect();
        let sum = json!({
            "type": "sum",
            "found": self.found(),
            "tenants": tenants,
            "others": self.tenants.last().map_or(0, |others| others.tokens),
            "exports": exports,
            "sources": looked.sources,
            "bytes": looked.bytes,
            "skipped": looked.skipped,
            "problems": looked.problem_count,
            "controls": {"found": looked.controls.0, "of": looked.controls.1},
        });
        Ok(writeln!(out, "{sum}")?)
    }
}

/// One token, for programs.
fn tell(
    found: &Found<'_, Box<[u8]>>,
    token: &Token<'_>,
    tenant: Option<String>,
    canary: Option<&Canary>,
) -> Result<()> {
    let codings: Vec<_> = found.codings.iter().map(|coding| coding.name()).collect();
    let line = json!({
        "type": "token",
        "token": token.to_string(),
        "tenant": tenant,
        "field": token.field().to_string(),
        "epoch": token.epoch(),
        "canary": canary,
        "source": found.place.source,
        "layers": found.place.layers,
        "offset": found.offset,
        "codings": codings,
        "in_name": found.in_name,
    });
    Ok(writeln!(io::stdout().lock(), "{line}")?)
}

/// Where in its place something is: `1,204, in base64 of percent`.
pub(crate) fn position<I>(found: &Found<'_, I>) -> String {
    let at = if found.in_name { "its name".to_owned() } else { Count(found.offset).to_string() };
    let codings: Vec<_> = found.codings.iter().map(|coding| coding.name()).collect();
    if codings.is_empty() { at } else { format!("{at}, in {}", codings.join(" of ")) }
}

fn name(key: &ScannerKey) -> String {
    String::from_utf8_lossy(key.tenant()).into_owned()
}

fn tokens(count: u64) -> String {
    format!("{} {}", Count(count), if count == 1 { "token" } else { "tokens" })
}

/// So many places are told one by one.
const MOST_TOLD: usize = 50;
