//! Finds protected values that still lie about in clear. What it says names a value by its row in the list, never as it is.

mod list;

use std::{
    collections::BTreeMap,
    io::{self, Write},
    path::{Path, PathBuf},
};

use anyhow::Result;
use clap::Args;
use rand_core::Rng;
use serde_json::json;
use symbolon_leak::{Found, Match, Values, control};

use self::list::List;
use crate::{
    progress::Count,
    scan::{
        report::position,
        sources::{self, Looked, SourceArgs, is_same, places},
    },
    state,
};

/// symbolon residue
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  symbolon residue /var/log /backup/shop.tar.gz --values customers.csv --column name --column email
  symbolon residue dump.sql --values phones.txt --lines --must-be-clean
  symbolon residue --process 4711 --values customers.csv --column name

Finds the values as they are, in UTF-8, UTF-16, Shift_JIS, EUC-JP and ISO-2022-JP, and through percent encoding and forms, HTML
references, JSON escapes, quoted-printable, broken and quoted lines, base64, zip (so EPUB, docx, xlsx), gzip, zstd and tar, one inside
the other. In each run a marker is put through all of these and must be found, so that \"nothing found\" means something.

Values of fewer than 4 characters or 6 bytes are not looked for: they are everywhere. How many those were is said. A value that is part
of longer text is found there; one that is spelled otherwise, in other letters or with other spaces, is not.
Exits with 0 whether anything is found or not; --must-be-clean makes that 5.

What it prints names the row and column of a value. Its memory holds them all: run it where they may be.")]
pub(crate) struct ResidueArgs {
    #[command(flatten)]
    sources: SourceArgs,
    /// The values: a CSV file with a header, or a text file with one in each line
    #[arg(long, value_name = "FILE")]
    values: PathBuf,
    /// A column of the CSV file; more than one may be given
    #[arg(long, value_name = "NAME", conflicts_with = "lines")]
    column: Vec<String>,
    /// Each line is a value
    #[arg(long)]
    lines: bool,
    /// A running process whose memory is looked through (Linux); more than one may be given
    #[arg(long, value_name = "PID")]
    process: Vec<u32>,
}

/// Finds values.
pub(crate) fn run(args: &ResidueArgs) -> Result<()> {
    let list = List::read(&args.values, &args.column, args.lines)?;
    list.say_what_is_left_out();
    let marker = marker()?;
    let number = list.values.len();
    let look = Values::new(list.values.iter().map(|value| value.text.as_bytes()).chain([marker.as_bytes()]))?;
    let options = args.sources.options();
    let controls = sources::check(&control::run(&look, &options, &marker, |found| *found == Match(number)))?;
    let mut report = Report::new(&list, &look, args);
    let looked = args.sources.look(&look, &args.process, controls, |found| report.add(found))?;
    looked.tell_problems(|text| look.redact(text));
    report.finish(&looked)?;
    looked.end(report.found, args.sources.must_be_clean)
}

/// Japanese in two alphabets, digits and signs that every coding escapes; never twice the same.
fn marker() -> Result<String> {
    let mut rng = state::rng()?;
    let mut kanji = || char::from_u32(0x4e00 + rng.next_u32() % 0x100).filter(|c| is_common(*c));
    let mut name = String::new();
    while name.chars().count() < 8 {
        name.extend(kanji());
    }
    let (first, second) = name.split_at(name.len() / 2);
    Ok(format!("{first} アイ@x_{:08x}-{second}+1", rng.next_u32()))
}

/// Whether all Japanese character sets have it.
fn is_common(c: char) -> bool {
    // Of the first 256 ideographs, these stand in JIS X 0208.
    "一丁七万丈三上下不与丑且世丘丙丞両並中串丸丹主乃久之乍乎乏乗乙九乞也乱乳乾亀了予争事二互五井亘些亜亡交亥亦亨享京亭亮人仁今介仏仔仕他付仙代令以仮仰仲件任企伊伍伎伏伐休会伝伯伴伸伺似伽但位低住佐佑体何余作佳併使例侍供依価侮侯侵便係促俄俊俗保信修俳俵俸倉個倍倒候借倣値倦倫倭偉偏停健側偵偶偽傍傑傘備催債傷傾働像僕僚僧"
        .contains(c)
}

/// What has been found so far.
struct Report<'r> {
    list: &'r List,
    look: &'r Values,
    json: bool,
    /// The list's own file, which holds all values.
    path: &'r Path,
    found: u64,
    in_list: u64,
    /// By value; and of each, where.
    values: BTreeMap<usize, BTreeMap<String, Spot>>,
}

struct Spot {
    count: u64,
    first: String,
}

impl<'r> Report<'r> {
    fn new(list: &'r List, look: &'r Values, args: &'r ResidueArgs) -> Self {
        let (json, path) = (args.sources.json, args.values.as_path());
        Self { list, look, json, path, found: 0, in_list: 0, values: BTreeMap::new() }
    }

    fn add(&mut self, found: &Found<'_, Match>) -> Result<()> {
        let Some(value) = self.list.values.get(found.item.0) else { return Ok(()) };
        if found.place.layers.is_empty() && is_same(Path::new(&found.place.source), self.path) {
            self.in_list += 1;
            return Ok(());
        }
        self.found += 1;
        if self.json {
            let codings: Vec<_> = found.codings.iter().map(|coding| coding.name()).collect();
            let layers: Vec<_> = found.place.layers.iter().map(|layer| self.look.redact(layer)).collect();
            let line = json!({
                "type": "value",
                "row": value.row,
                "column": value.column,
                "source": self.look.redact(&found.place.source),
                "layers": layers,
                "offset": found.offset,
                "codings": codings,
                "in_name": found.in_name,
            });
            writeln!(io::stdout().lock(), "{line}")?;
        }
        let place = self.look.redact(&found.place.to_string());
        let spot = || Spot { count: 0, first: position(found) };
        self.values.entry(found.item.0).or_default().entry(place).or_insert_with(spot).count += 1;
        Ok(())
    }

    fn finish(&self, looked: &Looked) -> Result<()> {
        let out = &mut io::stdout().lock();
        if self.json {
            return self.sum_up(out, looked);
        }
        let (found, values) = (Count(self.found), Count(self.values.len() as u64));
        writeln!(
            out,
            "{values} of {} values found in clear, {found} times in all",
            Count(self.list.values.len() as u64)
        )?;
        for (number, spots) in self.values.iter().take(MOST_TOLD) {
            let value = &self.list.values[*number];
            let count: u64 = spots.values().map(|spot| spot.count).sum();
            writeln!(out, "  row {}, {}: {}", Count(value.row), value.column, places(count))?;
            for (place, spot) in spots.iter().take(MOST_PLACES) {
                writeln!(out, "    {place}: {}, the first at {}", Count(spot.count), spot.first)?;
            }
            if let Some(more) = spots.len().checked_sub(MOST_PLACES).filter(|more| *more > 0) {
                writeln!(out, "    and {more} more files; --json tells all")?;
            }
        }
        if let Some(more) = self.values.len().checked_sub(MOST_TOLD).filter(|more| *more > 0) {
            writeln!(out, "  and {more} more values; --json tells all")?;
        }
        if self.in_list > 0 {
            writeln!(out, "The list of values lies there, too: what is in it is not counted.")?;
        }
        let (found, all) = looked.controls;
        let (sources, bytes) = (Count(looked.sources), Count(looked.bytes));
        writeln!(
            out,
            "Looked at: {sources} files, streams and processes of {bytes} bytes. Controls: {found} of {all} found"
        )?;
        Ok(())
    }

    fn sum_up(&self, out: &mut impl Write, looked: &Looked) -> Result<()> {
        let sum = json!({
            "type": "sum",
            "found": self.found,
            "values_found": self.values.len(),
            "values": self.list.values.len(),
            "too_short": self.list.too_short,
            "too_long": self.list.too_long,
            "in_list": self.in_list,
            "sources": looked.sources,
            "bytes": looked.bytes,
            "skipped": looked.skipped,
            "problems": looked.problem_count,
            "controls": {"found": looked.controls.0, "of": looked.controls.1},
        });
        Ok(writeln!(out, "{sum}")?)
    }
}

/// So many values, and places of each, are told one by one.
const MOST_TOLD: usize = 50;
const MOST_PLACES: usize = 5;
