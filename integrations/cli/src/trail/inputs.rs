//! What every look at a trail begins with: audit keys, logs, checkpoints, and the auditor's memory.

use std::{
    ffi::OsString,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use base64ct::{Base64, Encoding};
use clap::Args;
use symbolon::{AuditKey, Checkpoint};
use symbolon_host::audit::{LogFile, NodeLog, Reading, Source, Verification, verify, words};
use zeroize::Zeroizing;

use crate::{
    error::Failure,
    private_file,
    progress::Progress,
    protect::input::open_file,
    state::{self, state_dir},
};

/// Whose trails, and where.
#[derive(Debug, Args)]
pub(super) struct TrailInputs {
    /// The audit key, that of each node
    #[arg(short, long, value_name = "FILE", required = true, num_args = 1..)]
    audit_key: Vec<PathBuf>,
    /// The log of each audit key, in the same order; without: trail.log beside the keyring that the audit key is named after
    #[arg(short, long, value_name = "FILE", num_args = 1..)]
    log: Vec<PathBuf>,
    /// Lines that symbolon trail checkpoint printed, which the logs must confirm
    #[arg(short, long, value_name = "FILE", num_args = 1..)]
    checkpoint: Vec<PathBuf>,
    /// The keyring: finds the log beside it, and tells whose refused tokens were
    #[arg(short, long, value_name = "FILE")]
    pub(super) keyring: Option<PathBuf>,
    /// Show no progress
    #[arg(short, long)]
    pub(super) quiet: bool,
}

/// Trails that are open.
pub(super) struct Trails {
    nodes: Vec<NodeLog<LogFile<File>>>,
    /// What the logs must confirm.
    said: Vec<(Checkpoint, Source)>,
    memories: Vec<PathBuf>,
    bytes: u64,
    quiet: bool,
    /// The first log, for messages.
    pub(super) first_log: PathBuf,
}

impl TrailInputs {
    /// Opens all of it.
    pub(super) fn open(&self) -> Result<Trails> {
        let keys = self.audit_key.iter().map(|path| read_audit_key(path)).collect::<Result<Vec<_>>>()?;
        let logs = self.logs()?;
        let mut trails = Trails {
            nodes: Vec::new(),
            said: Vec::new(),
            memories: Vec::new(),
            bytes: 0,
            quiet: self.quiet,
            first_log: PathBuf::new(),
        };
        for ((key_path, key), log_path) in self.audit_key.iter().zip(keys).zip(logs) {
            if trails.nodes.iter().any(|other| other.key.node() == key.node()) {
                let what = format!(
                    "{} is of node {}, as another one is: one trail for each node",
                    key_path.display(),
                    key.node()
                );
                return Err(Failure::Input.because(what));
            }
            let memory = memory_file(key_path);
            let remembered = read_checkpoints(&memory, true)?;
            trails.said.extend(remembered.into_iter().map(|checkpoint| (checkpoint, Source::Memory)));
            let beside = log_path.with_file_name(CHECKPOINT);
            let fetched = read_checkpoints(&beside, true)?;
            let name = beside.display().to_string();
            trails.said.extend(fetched.into_iter().map(|checkpoint| (checkpoint, Source::Given(name.clone()))));
            let file = open_file(&log_path)?;
            trails.bytes += file.metadata().map(|metadata| metadata.len()).unwrap_or_default();
            let log = LogFile::new(file).with_context(|| format!("can't read {}", log_path.display()))?;
            trails.nodes.push(NodeLog { key, log });
            trails.memories.push(memory);
            if trails.first_log.as_os_str().is_empty() {
                trails.first_log = log_path;
            }
        }
        for path in &self.checkpoint {
            let name = path.display().to_string();
            let given = read_checkpoints(path, false)?;
            trails.said.extend(given.into_iter().map(|checkpoint| (checkpoint, Source::Given(name.clone()))));
        }
        Ok(trails)
    }

    fn logs(&self) -> Result<Vec<PathBuf>> {
        let (keys, logs) = (self.audit_key.len(), self.log.len());
        if logs > 0 && logs != keys {
            let what = format!("there are {keys} audit keys and {logs} logs: one log for each key, in the same order");
            return Err(Failure::Input.because(what));
        }
        if logs > 0 {
            return Ok(self.log.clone());
        }
        match (&self.keyring, &self.audit_key[..]) {
            (Some(keyring), [_]) => Ok(vec![state_dir(keyring).join(TRAIL)]),
            (_, keys) => keys.iter().map(|key| beside(key)).collect(),
        }
    }
}

/// `shop.keyring.audit` is the key of `shop.keyring.state/trail.log`.
fn beside(audit_key: &Path) -> Result<PathBuf> {
    if audit_key.extension().is_some_and(|ending| ending == "audit") {
        return Ok(state_dir(&audit_key.with_extension("")).join(TRAIL));
    }
    let what = format!("which log {} is the key of can't be told by its name: say --log FILE", audit_key.display());
    Err(Failure::Input.because(what))
}

impl Trails {
    /// The key of the first node: tags are the same in all of them.
    pub(super) fn key(&self) -> Result<&AuditKey> {
        self.nodes.first().map(|node| &node.key).context("there is no audit key")
    }

    /// Reads and verifies all of it.
    pub(super) fn read(&mut self, mut sink: impl FnMut(&Reading)) -> Result<Verification> {
        let progress = Progress::new(Some(self.bytes), self.quiet);
        let now = state::now()?;
        let verification = verify(&mut self.nodes, &self.said, now, &mut |reading| {
            progress.advance(symbolon::SealedEntry::LEN as u64);
            sink(reading);
        });
        progress.finish();
        verification.with_context(|| format!("can't read {} to its end", self.first_log.display()))
    }

    /// Remembers how far each trail has come that is whole.
    pub(super) fn remember(&self, verification: &Verification) -> Result<()> {
        for (report, path) in verification.nodes.iter().zip(&self.memories) {
            if let Some(memory) = &report.memory {
                let line = words::checkpoint_text(memory) + "\n";
                private_file::write(path, line.as_bytes(), true)
                    .context("the trail was verified, but what a later run compares with can't be kept")?;
            }
        }
        Ok(())
    }
}

/// `shop.keyring.audit.seen`
fn memory_file(audit_key: &Path) -> PathBuf {
    let mut name = OsString::from(audit_key);
    name.push(".seen");
    name.into()
}

/// A line that says what it is, and the key in base64: as keygen wrote it.
pub(crate) fn read_audit_key(path: &Path) -> Result<AuditKey> {
    let text = private_file::read(path, "audit key")?;
    let wrong = || Failure::Input.because(format!("{} is not an audit key of symbolon keygen", path.display()));
    let mut lines = text.split(|byte| *byte == b'\n');
    let (Some(title), Some(body), Some([]), None) = (lines.next(), lines.next(), lines.next(), lines.next()) else {
        return Err(wrong());
    };
    let mut secret = Zeroizing::new([0; AuditKey::LEN]);
    let decoded = Base64::decode(body, secret.as_mut_slice()).map_err(|_| wrong())?.len();
    if !title.starts_with(TITLE) || decoded != AuditKey::LEN {
        return Err(wrong());
    }
    AuditKey::read_secret(&secret).map_err(|_| wrong())
}

/// The checkpoints of a file, one on each line. One that may be absent is empty.
pub(super) fn read_checkpoints(path: &Path, may_be_absent: bool) -> Result<Vec<Checkpoint>> {
    let name = path.display();
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && may_be_absent => return Ok(Vec::new()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Failure::Input.because(format!("there is no file {name}")));
        }
        read => read.with_context(|| format!("can't read {name}"))?,
    };
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    let read = |(number, line): (u64, &str)| {
        let wrong = || {
            Failure::Input.because(format!(
                "{name}, line {number}: this is not a line of symbolon trail checkpoint, or it was changed"
            ))
        };
        words::checkpoint_from_text(line.trim_end()).ok_or_else(wrong)
    };
    lines.map(read).collect()
}

const TITLE: &[u8] = b"symbolon audit key 1 ";

/// The log's name.
pub(super) const TRAIL: &str = "trail.log";

/// What an appliance said of its trail when it was last fetched, beside the log.
pub(super) const CHECKPOINT: &str = "checkpoint";
