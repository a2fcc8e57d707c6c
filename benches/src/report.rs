//! What a run says: the tables of docs/performance.md and of the README.

use crate::frame::{Results, Spread};
use crate::peers::{self, Peer};
use crate::plot::PLOTS;
use crate::protect::{self, Protected};
use crate::table::Table;
use crate::{DEFAULT, NAME, RING, SIZES, raw};

/// All that was measured.
pub(crate) struct Report<'a> {
    pub(crate) results: &'a Results,
    pub(crate) peers: &'a [Peer],
    pub(crate) protected: Option<&'a Protected>,
    /// What the core's own measurement of its trail printed.
    pub(crate) trail: Option<&'a str>,
}

/// What for, how much, and what came of it.
type Aim = (String, Limit, Option<f64>);

#[derive(Clone, Copy)]
enum Limit {
    AtMost(f64),
    AtLeast(f64),
}
use Limit::{AtLeast, AtMost};

const BUILDS: [&str; 2] = [DEFAULT, RING];

impl Report<'_> {
    /// The tables by the names of their markers, those that have rows.
    pub(crate) fn tables(&self) -> Vec<(&'static str, Table)> {
        let all = vec![
            ("job", self.job()),
            ("seal", self.sizes("job", "seal")),
            ("open", self.sizes("job", "open")),
            ("lengths", self.lengths()),
            ("raw", self.raw()),
            ("core", self.builds("core")),
            ("refusals", self.refusals()),
            ("credentials", self.credentials()),
            ("rewriter", self.rewriter()),
            ("protect", self.protect()),
            ("flat", self.flat()),
            ("aims", self.aims()),
        ];
        all.into_iter().filter(|(_, table)| !table.is_empty()).collect()
    }

    /// The name of 32 bytes: ours and the peers'.
    fn job(&self) -> Table {
        let mut table = Table::new([
            "32-byte name, to text and back",
            "seal, µs",
            "open, µs",
            "seal : Tink",
            "open : Tink",
            "characters",
        ]);
        for by in self.results.bys("job") {
            let ratio = |verb: &str| self.ratio(("job", &at_name(verb), by), ("job", &at_name(verb), peers::TINK));
            table.push([
                by.to_owned(),
                self.micros("job", &at_name("seal"), by),
                self.micros("job", &at_name("open"), by),
                ratio("seal"),
                ratio("open"),
                self.text_len(by, NAME),
            ]);
        }
        table
    }

    /// The README's.
    pub(crate) fn readme(&self) -> Table {
        let mut table =
            Table::new(["32-byte name", "seal, µs", "open, µs", "characters", "bound to its owner's session"]);
        let binding = [
            (DEFAULT, "yes"),
            (RING, "yes"),
            (peers::TINK, "no: associated data, an argument"),
            ("AES-SIV (RustCrypto)", "no: associated data, an argument"),
            ("Alloy, deterministic", "no: a path, an argument"),
            ("Fernet", "no"),
            ("Branca", "no"),
            ("PASETO v4.local", "no: an assertion, an argument"),
        ];
        let medians = |group: &str, by: &str| ["seal", "open"].map(|verb| self.median(group, &at_name(verb), by));
        for (by, bound) in binding {
            let [seal, open] = medians("job", by);
            table.push([by.to_owned(), seal, open, self.text_len(by, NAME), bound.to_owned()]);
        }
        let [seal, open] = medians("raw", raw::RING);
        table.push(["ring's raw ChaCha20-Poly1305, not as text".to_owned(), seal, open, "–".into(), "no".into()]);
        table
    }

    /// Of a run with the portable backend: what changes.
    pub(crate) fn soft(&self) -> Table {
        let mut table = Table::new(["32-byte name, `poly1305_backend=\"soft\"`", "seal, µs", "open, µs"]);
        let rows = [("job", DEFAULT), ("job", RING), ("raw", raw::RUST_CRYPTO), ("raw", raw::RING)];
        for (group, by) in rows {
            let raw = if group == "raw" { ", raw" } else { "" };
            let [seal, open] = ["seal", "open"].map(|verb| self.micros(group, &at_name(verb), by));
            table.push([format!("{by}{raw}"), seal, open]);
        }
        table
    }

    /// Medians over the sizes.
    fn sizes(&self, group: &str, verb: &str) -> Table {
        let head = SIZES.iter().map(|size| format!("{size} B"));
        let mut table = Table::new(std::iter::once(format!("{verb}, µs")).chain(head));
        for by in self.results.bys(group) {
            let cells = SIZES.iter().map(|size| self.median(group, &format!("{verb} {size} B"), by));
            table.push(std::iter::once(by.to_owned()).chain(cells));
        }
        table
    }

    fn raw(&self) -> Table {
        let head = SIZES.iter().map(|size| format!("{} B", raw::sealed_len(*size)));
        let mut table = Table::new(std::iter::once("raw, fresh key, µs".to_owned()).chain(head));
        for by in self.results.bys("raw") {
            for verb in ["seal", "open"] {
                let cells = SIZES.iter().map(|size| self.median("raw", &format!("{verb} {size} B"), by));
                table.push(std::iter::once(format!("{by}: {verb}")).chain(cells));
            }
        }
        table
    }

    fn lengths(&self) -> Table {
        let head = SIZES.iter().map(|size| format!("{size} B"));
        let mut table = Table::new(std::iter::once("characters of the text".to_owned()).chain(head));
        let names = std::iter::once("symbolon").chain(self.peers.iter().map(|peer| peer.name));
        for name in names {
            table.push(std::iter::once(name.to_owned()).chain(SIZES.iter().map(|size| self.text_len(name, *size))));
        }
        table
    }

    fn text_len(&self, by: &str, size: usize) -> String {
        let peer = self.peers.iter().find(|peer| peer.name == by);
        peer.map_or_else(|| crate::with_default::ours::text_len(size), |peer| peer.text_len(size)).to_string()
    }

    /// A group's rows, build beside build.
    fn builds(&self, group: &str) -> Table {
        let mut table = Table::new(["µs", DEFAULT, RING, "default : ring"]);
        let from_text = ["seal", "open"].map(|verb| ("job", at_name(verb)));
        let shown = ["tokenize to text, owner known", "detokenize from text"];
        let first = from_text.into_iter().zip(shown).filter(|_| group == "core");
        let rest = self.results.names(group).into_iter().map(|name| ((group, name.to_owned()), name));
        for ((group, name), shown) in first.chain(rest) {
            let [default, ring] = BUILDS.map(|by| self.micros(group, &name, by));
            let ratio = self.ratio((group, &name, DEFAULT), (group, &name, RING));
            table.push([shown.to_owned(), default, ring, ratio]);
        }
        table
    }

    /// What each cause costs, and how far they are apart.
    fn refusals(&self) -> Table {
        let mut table = self.builds("refusals");
        if !table.is_empty() {
            let [default, ring] =
                BUILDS.map(|by| self.refusals_apart(by).map_or_else(none, |part| format!("{:.1} %", part * 100.0)));
            table.push(["from the cheapest to the dearest".into(), default, ring, String::new()]);
        }
        table
    }

    fn refusals_apart(&self, by: &str) -> Option<f64> {
        let medians = self.medians("refusals", by);
        let (least, most) = bounds(&medians)?;
        Some((most - least) / Spread::of(&medians).median)
    }

    fn credentials(&self) -> Table {
        let mut table = Table::new(["a caller's credential", "µs", ": ours, default"]);
        let group = peers::CREDENTIALS;
        for by in self.results.bys(group) {
            let ratio = self.ratio((group, "verify", by), (group, "verify", DEFAULT));
            table.push([by.to_owned(), self.micros(group, "verify", by), ratio]);
        }
        table
    }

    fn rewriter(&self) -> Table {
        let mut table = Table::new(["MB/s", DEFAULT, RING]);
        for name in self.results.names("rewriter") {
            let speed =
                |by| self.results.get("rewriter", name, by).map_or_else(none, |ns| format!("{:.0}", 1e3 / ns.median));
            table.push([name.to_owned(), speed(DEFAULT), speed(RING)]);
        }
        table
    }

    fn protect(&self) -> Table {
        let head = format!("`symbolon protect`, {} rows of {} values", protect::ROWS, protect::CELLS);
        let mut table = Table::new([head.as_str(), "rows/s", "values/s"]);
        if let Some(Protected { one_core, two_cores, apart, two_to_one, apart_to_one }) = self.protected {
            for (name, rows) in [("1 core", one_core), ("2 cores", two_cores), ("a program on each of 2 cores", apart)]
            {
                let spread = format!("{:.0} ({:.0}–{:.0})", rows.median, rows.low, rows.high);
                table.push([name.to_owned(), spread, format!("{:.0}", rows.median * protect::CELLS as f64)]);
            }
            for (name, ratio) in [("2 cores : 1 core", two_to_one), ("a program on each : 1 core", apart_to_one)] {
                table.push([name.to_owned(), format!("{ratio:.2}"), String::new()]);
            }
        }
        table
    }

    /// The plots in numbers.
    fn flat(&self) -> Table {
        let mut table = Table::new(["µs", "build", "fewest", "most", "most : fewest"]);
        for plot in &PLOTS {
            for by in self.results.bys(plot.group) {
                let names = self.results.names(plot.group);
                let [Some(first), Some(last)] = [names.first(), names.last()] else { continue };
                let [fewest, most] = [first, last].map(|name| format!("{name}: {}", self.median(plot.group, name, by)));
                let ratio = self.most_to_fewest(plot.group, by).map_or_else(none, |ratio| format!("{ratio:.2}"));
                table.push([plot.group.to_owned(), by.to_owned(), fewest, most, ratio]);
            }
        }
        table
    }

    /// What was aimed at, and what came.
    fn aims(&self) -> Table {
        let mut table = Table::new(["aim", "limit", "measured", ""]);
        for (aim, limit, measured) in self.ratios().into_iter().chain(self.others()) {
            let Some(measured) = measured else { continue };
            let (limit, met) = match limit {
                AtMost(most) => (format!("≤ {most}"), measured <= most),
                AtLeast(least) => (format!("≥ {least}"), measured >= least),
            };
            let measured = if measured < 100.0 { format!("{measured:.2}") } else { format!("{measured:.0}") };
            table.push([aim, limit, measured, if met { "met" } else { "missed" }.into()]);
        }
        table
    }

    fn ratios(&self) -> Vec<Aim> {
        let (seal, open) = (at_name("seal"), at_name("open"));
        let (tink_open, raw_open) = (("job", &*open, peers::TINK), ("raw", &*open, raw::RING));
        let (mine, default) = (("job", &*open, RING), ("job", &*open, DEFAULT));
        let ratio = |aim: &str, most, one, other| (aim.to_owned(), AtMost(most), self.results.ratio(one, other));
        let mut aims = vec![
            ratio("ring: detokenize from text : Tink's open", 1.0, mine, tink_open),
            ratio("ring: detokenize from text : ring's raw open", 2.0, mine, raw_open),
            ratio("ring: tokenize to text : Tink's seal", 2.0, ("job", &seal, RING), ("job", &seal, peers::TINK)),
            ratio("default : ring, detokenize from text", 2.0, default, mine),
        ];
        let tink = self.results.get(tink_open.0, tink_open.1, tink_open.2);
        let without = self.without_trail(RING).zip(tink).map(|(ns, tink)| ns / tink.median);
        aims.push((
            "ring: the same from bytes, without its entry (a run of its own) : Tink's open".into(),
            AtMost(1.0),
            without,
        ));
        let (one, all) = ("100 of a request, one by one, per token", "100 of a request, one commit, per token");
        for by in BUILDS {
            aims.push(ratio(&format!("{by}: a batch of 100 : one by one"), 0.6, ("core", all, by), ("core", one, by)));
        }
        aims
    }

    /// Nanoseconds of an opening without its entry, of a build.
    fn without_trail(&self, by: &str) -> Option<f64> {
        let (_, of_build) = self.trail?.split_once(&format!("{by}\n"))?;
        let line = of_build.lines().find(|line| line.contains("without the trail"))?;
        line.split_whitespace().find_map(|word| word.parse().ok())
    }

    fn others(&self) -> Vec<Aim> {
        let mut aims = Vec::new();
        for by in BUILDS {
            aims.push((format!("{by}: authenticate, µs"), AtMost(2.0), self.authenticate(by)));
            let names = self.results.names("rewriter").into_iter();
            for name in names.filter(|name| name.ends_with("without tokens")) {
                let speed = self.results.get("rewriter", name, by).map(|ns| 1e3 / ns.median);
                aims.push((format!("{by}: rewriter, {name}, MB/s"), AtLeast(1000.0), speed));
            }
            for plot in &PLOTS {
                let most = self.most_to_fewest(plot.group, by);
                aims.push((format!("{by}: {}, most : fewest", plot.group), AtMost(1.2), most));
            }
        }
        aims.push((
            "protect: 2 cores : 1 core".into(),
            AtLeast(1.9),
            self.protected.map(|protected| protected.two_to_one),
        ));
        aims
    }

    fn most_to_fewest(&self, group: &str, by: &str) -> Option<f64> {
        let names = self.results.names(group);
        self.results.ratio((group, names.last()?, by), (group, names.first()?, by))
    }

    fn authenticate(&self, by: &str) -> Option<f64> {
        Some(self.results.get("core", "authenticate, 256 bytes of context", by)?.median / 1e3)
    }

    fn medians(&self, group: &str, by: &str) -> Vec<f64> {
        let names = self.results.names(group).into_iter();
        names.filter_map(|name| self.results.get(group, name, by)).map(|spread| spread.median).collect()
    }

    /// The median with its quartiles.
    fn micros(&self, group: &str, name: &str, by: &str) -> String {
        let shown = |ns: Spread| format!("{} ({}–{})", micros(ns.median), micros(ns.low), micros(ns.high));
        self.results.get(group, name, by).map_or_else(none, shown)
    }

    fn median(&self, group: &str, name: &str, by: &str) -> String {
        self.results.get(group, name, by).map_or_else(none, |ns| micros(ns.median))
    }

    fn ratio(&self, one: (&str, &str, &str), other: (&str, &str, &str)) -> String {
        self.results.ratio(one, other).map_or_else(none, |ratio| format!("{ratio:.2}"))
    }
}

/// The name of the main row.
fn at_name(verb: &str) -> String {
    format!("{verb} {NAME} B")
}

fn bounds(values: &[f64]) -> Option<(f64, f64)> {
    let least = values.iter().copied().reduce(f64::min)?;
    Some((least, values.iter().copied().reduce(f64::max)?))
}

/// Three digits.
fn micros(ns: f64) -> String {
    match ns / 1e3 {
        us if us < 1.0 => format!("{us:.3}"),
        us if us < 10.0 => format!("{us:.2}"),
        us if us < 100.0 => format!("{us:.1}"),
        us => format!("{us:.0}"),
    }
}

fn none() -> String {
    "–".into()
}
