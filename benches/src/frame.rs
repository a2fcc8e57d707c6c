//! Many rows in short turns, one after the other, many rounds: a noisy machine disturbs all alike, and a ratio is taken within a round.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// What a row is in the tables: `name` says what is done, `by` who does it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) group: &'static str,
    pub(crate) name: String,
    pub(crate) by: String,
}

/// Something to be measured.
pub(crate) struct Row {
    pub(crate) key: Key,
    /// Operations, or bytes, of one iteration.
    per: f64,
    work: Work,
    iterations: u32,
    /// Nanoseconds per operation, round by round.
    pub(crate) turns: Vec<f64>,
}

/// So many iterations, and how long they took.
type Work = Box<dyn FnMut(u32) -> Duration>;

impl Row {
    /// A row of an operation that needs nothing done between two.
    pub(crate) fn new<T>(
        group: &'static str,
        name: impl Into<String>,
        by: impl Into<String>,
        mut one: impl FnMut() -> T + 'static,
    ) -> Self {
        Self::timed(group, name, by, move |iterations| timed(iterations, &mut one))
    }

    /// A row that looks at the watch itself.
    pub(crate) fn timed(
        group: &'static str,
        name: impl Into<String>,
        by: impl Into<String>,
        work: impl FnMut(u32) -> Duration + 'static,
    ) -> Self {
        let key = Key { group, name: name.into(), by: by.into() };
        Self { key, per: 1.0, work: Box::new(work), iterations: 1, turns: Vec::new() }
    }

    /// One iteration is so many operations (or bytes).
    pub(crate) fn per(self, per: usize) -> Self {
        Self { per: per as f64, ..self }
    }

    /// Finds how many iterations a turn has.
    fn calibrate(&mut self) {
        while self.iterations < MOST_ITERATIONS && (self.work)(self.iterations) < TURN {
            self.iterations *= 2;
        }
    }

    fn turn(&mut self) {
        // The caches belong to another row.
        let _warm = (self.work)((self.iterations / 8).max(1));
        let spent = (self.work)(self.iterations);
        self.turns.push(spent.as_nanos() as f64 / (f64::from(self.iterations) * self.per));
    }
}

/// How long so many calls take.
pub(crate) fn timed<T>(iterations: u32, mut one: impl FnMut() -> T) -> Duration {
    let start = Instant::now();
    for _ in 0..iterations {
        black_box(one());
    }
    start.elapsed()
}

/// Runs all rows, `rounds` times one turn each.
pub(crate) fn measure(rows: &mut [Row], rounds: usize) {
    rows.iter_mut().for_each(Row::calibrate);
    for round in 0..rounds {
        if round % 10 == 0 {
            eprint!("\r{} rows, round {round} of {rounds} ", rows.len());
        }
        rows.iter_mut().for_each(Row::turn);
    }
    eprintln!("\r{} rows, {rounds} rounds          ", rows.len());
}

/// What the rounds gave.
pub(crate) struct Results(Vec<(Key, Vec<f64>)>);

impl Results {
    /// Of rows that ran.
    pub(crate) fn of(rows: Vec<Row>) -> Self {
        Self(rows.into_iter().map(|row| (row.key, row.turns)).collect())
    }

    fn turns(&self, group: &str, name: &str, by: &str) -> Option<&[f64]> {
        let is_it = |key: &Key| key.group == group && key.name == name && key.by == by;
        self.0.iter().find(|(key, _)| is_it(key)).map(|(_, turns)| &**turns)
    }

    /// A row's median and quartiles.
    pub(crate) fn get(&self, group: &str, name: &str, by: &str) -> Option<Spread> {
        self.turns(group, name, by).map(Spread::of)
    }

    /// How many times as long a row takes as another: the median of the rounds' ratios.
    pub(crate) fn ratio(&self, one: (&str, &str, &str), other: (&str, &str, &str)) -> Option<f64> {
        let (one, other) = (self.turns(one.0, one.1, one.2)?, self.turns(other.0, other.1, other.2)?);
        let ratios: Vec<f64> = one.iter().zip(other).map(|(one, other)| one / other).collect();
        Some(Spread::of(&ratios).median)
    }

    /// The names in a group, in the order of their rows.
    pub(crate) fn names(&self, group: &str) -> Vec<&str> {
        self.distinct(group, |key| &key.name)
    }

    /// Who is in a group.
    pub(crate) fn bys(&self, group: &str) -> Vec<&str> {
        self.distinct(group, |key| &key.by)
    }

    fn distinct<'r>(&'r self, group: &str, part: impl Fn(&'r Key) -> &'r str) -> Vec<&'r str> {
        let mut parts = Vec::new();
        for (key, _) in self.0.iter().filter(|(key, _)| key.group == group) {
            if !parts.contains(&part(key)) {
                parts.push(part(key));
            }
        }
        parts
    }
}

/// The median, and the quartiles around it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    pub(crate) low: f64,
    pub(crate) median: f64,
    pub(crate) high: f64,
}

impl Spread {
    pub(crate) fn of(turns: &[f64]) -> Self {
        let mut sorted = turns.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |part: f64| sorted.get((part * sorted.len() as f64) as usize).copied().unwrap_or(f64::NAN);
        Self { low: at(0.25), median: at(0.5), high: at(0.75) }
    }
}

/// How long a turn is at least.
const TURN: Duration = Duration::from_micros(300);
const MOST_ITERATIONS: u32 = 1 << 20;
