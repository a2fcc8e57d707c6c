//! The list of canaries: which token was put where, so that a leak tells which export it is of.

use std::{
    collections::HashMap,
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use symbolon::Token;

use crate::error::Failure;

/// Where a canary was put.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Canary {
    #[serde(skip_serializing)]
    token: String,
    /// What the data was handed out as.
    pub(crate) export: String,
    /// Its file, if it was put into one.
    #[serde(default)]
    pub(crate) file: Option<String>,
    /// Its row.
    #[serde(default)]
    pub(crate) row: Option<u64>,
    /// Its column.
    #[serde(default)]
    pub(crate) field: String,
    /// When.
    #[serde(default)]
    pub(crate) placed: String,
}

/// All canaries, by their tokens' nonces: one that was altered elsewhere is recognised still.
#[derive(Debug, Default)]
pub(crate) struct Canaries(HashMap<[u8; NONCE_LEN], Canary>);

impl Canaries {
    /// Reads a list.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let file = File::open(path).with_context(|| format!("can't read the list of canaries {}", path.display()))?;
        let mut canaries = Self::default();
        for (number, line) in BufReader::new(file).lines().enumerate() {
            let line = line.with_context(|| format!("can't read the list of canaries {}", path.display()))?;
            if !line.trim().is_empty() {
                canaries.add(&line).ok_or_else(|| {
                    Failure::Input.because(format!("{} line {}: this is no canary", path.display(), number + 1))
                })?;
            }
        }
        Ok(canaries)
    }

    fn add(&mut self, line: &str) -> Option<()> {
        let canary: Canary = serde_json::from_str(line).ok()?;
        let mut bytes = [0; Token::MAX_LEN];
        let token = Token::from_text(canary.token.as_bytes(), &mut bytes).ok()?;
        self.0.insert(nonce(&token)?, canary);
        Some(())
    }

    /// The canary that a token is, if it is one.
    pub(crate) fn of(&self, token: &Token<'_>) -> Option<&Canary> {
        self.0.get(&nonce(token)?)
    }
}

/// SPEC.md section 4.
pub(crate) fn nonce(token: &Token<'_>) -> Option<[u8; NONCE_LEN]> {
    token.as_bytes().get(10..)?.first_chunk().copied()
}

pub(crate) const NONCE_LEN: usize = 12;
