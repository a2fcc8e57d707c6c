//! The auditor, who has the audit key and knows who is who.

use symbolon::*;

use crate::{Result, shop::Who};

pub struct Auditor {
    reader: TrailReader,
    key: AuditKey,
    names: Vec<([u8; 16], &'static str)>,
    /// What was read so far, in words.
    pub told: String,
}

impl Auditor {
    pub fn new(key: AuditKey) -> Self {
        Self { reader: key.reader(), key, names: Vec::new(), told: String::new() }
    }

    pub fn knows(&mut self, who: &Who) {
        let tag = self.key.tag_of(&who.principal);
        if !self.names.iter().any(|(known, _)| *known == tag) {
            self.names.push((tag, who.name));
        }
    }

    /// Drains the trail: reads what is new, then lets the store forget it. What is alike is told once.
    pub fn read(&mut self, store: &mut impl Store) -> Result<()> {
        let mut recorded = Vec::new();
        let mut each = |sealed: &SealedEntry| self.reader.read(sealed).map(|entry| recorded.push(entry)).is_ok();
        store.entries(&mut each).map_err(|_| Error::Unavailable)?;
        let Some(last) = recorded.last() else { return Ok(()) };
        store.acknowledge(last.sequence).map_err(|_| Error::Unavailable)?;
        let mut lines = Vec::<(String, Vec<String>)>::new();
        let is_told = |recorded: &&Recorded| !matches!(recorded.entry.event, Event::Started | Event::Authenticate);
        for Recorded { entry, .. } in recorded.iter().filter(is_told) {
            let (what, how) = (self.what(entry), self.how(entry));
            match lines.iter_mut().find(|(known, _)| *known == what) {
                Some((_, hows)) => hows.push(how),
                None => lines.push((what, vec![how])),
            }
        }
        for (what, hows) in lines {
            self.told.push_str(&format!("    {what}  {}\n", counted(&hows)));
        }
        Ok(())
    }

    /// Who did what for which purpose.
    fn what(&self, entry: &Entry) -> String {
        use Event::{Detokenize, Grant, Reown, Reveal, Rewrap};
        let has_purpose = matches!(entry.event, Grant | Detokenize | Reveal | Rewrap | Reown);
        let purpose = u8::try_from(entry.purpose).ok().and_then(|code| Purpose::from_code(code).ok());
        let purpose = purpose.filter(|_| has_purpose).map_or("-".into(), |purpose| purpose.to_string());
        let event = format!("{:?}", entry.event);
        [(self.name(&entry.caller), 15), (&event, 14), (&purpose, 11)].map(|(text, width)| pad(text, width)).join("  ")
    }

    /// Whose it was, or why it was refused.
    fn how(&self, entry: &Entry) -> String {
        if let (Event::Keyring, Some(epochs)) = (entry.event, entry.epochs()) {
            return format!("epochs {:?}", epochs.into_iter().filter(|epoch| *epoch != 0).collect::<Vec<_>>());
        }
        if let Some((from, until, fields)) = entry.grant_scope() {
            let hours = until.as_millis().saturating_sub(from.as_millis()) / 3_600_000;
            return format!("{} fields, {hours} h", fields.into_iter().filter(|field| *field != 0).count());
        }
        match (entry.reason, entry.reason_given()) {
            (Reason::Done, Some(words)) => String::from_utf8_lossy(&words).trim_end_matches('\0').into(),
            (Reason::Done, None) => self.name(&entry.owner_or_commitment).into(),
            (reason, _) => format!("{reason:?}"),
        }
    }

    fn name(&self, tag: &[u8; 16]) -> &'static str {
        self.names.iter().find(|(known, _)| known == tag).map_or("-", |(_, name)| name)
    }
}

/// Each once, with how often it is there.
fn counted(words: &[String]) -> String {
    let mut told = Vec::new();
    for word in words {
        let times = words.iter().filter(|other| *other == word).count();
        let once = if times > 1 { format!("{word} ×{times}") } else { word.clone() };
        if !told.contains(&once) {
            told.push(once);
        }
    }
    told.join(", ")
}

/// Text in so many columns of a terminal, where a Japanese character takes two.
pub fn pad(text: &str, width: usize) -> String {
    let columns: usize = text.chars().map(|c| if ('\u{2e80}'..='\u{ffdc}').contains(&c) { 2 } else { 1 }).sum();
    format!("{text}{}", " ".repeat(width.saturating_sub(columns)))
}
