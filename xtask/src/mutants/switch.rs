//! Puts all mutants of a file into one text, each behind a switch that an environment variable turns on: one build instead of one a mutant
//! (mutant schemata: Untch, Offutt, Harrold 1993).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::iter::Peekable;
use std::ops::Range;
use std::slice::Iter;

use serde_json::Value;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::Outcome;

/// A change that cargo-mutants proposes.
#[derive(Debug, Clone)]
pub(super) struct Mutant {
    /// What it changes, without its place: `replace f -> bool with true`.
    pub(super) name: String,
    pub(super) file: String,
    pub(super) line: usize,
    genre: String,
    replacement: String,
    /// In bytes of the file.
    range: Range<usize>,
    /// Not in a function: a constant, which no switch can change.
    constant: bool,
    /// The same as long as the function, or the constant's line, stays as it is, and in its file.
    pub(super) key: u64,
}

impl Mutant {
    /// Reads one of the list that `cargo mutants --list --json` prints; `text` gives a file's content.
    pub(super) fn read(listed: &Value, text: &str) -> Outcome<Self> {
        let word =
            |value: &Value| value.as_str().map(str::to_owned).ok_or("cargo-mutants lists a mutant without its name");
        let range = place(&listed["span"], text).ok_or("cargo-mutants lists a place that is not in the file")?;
        let name = word(&listed["name"])?;
        let around = place(&listed["function"]["span"], text).unwrap_or_else(|| {
            let start = text[..range.start].rfind('\n').map_or(0, |at| at + 1);
            start..text[start..].find('\n').map_or(text.len(), |len| start + len)
        });
        let file = word(&listed["file"])?;
        let what = name.split_once(' ').map(|(_, what)| what);
        let mut key = DefaultHasher::new();
        (&file, &text[around.clone()], range.start - around.start, range.len(), what).hash(&mut key);
        Ok(Self {
            name: name.splitn(4, ':').nth(3).unwrap_or(&name).trim().into(),
            file,
            line: text[..range.start].matches('\n').count() + 1,
            genre: word(&listed["genre"])?,
            replacement: word(&listed["replacement"])?,
            range,
            constant: listed["function"].is_null(),
            key: key.finish(),
        })
    }

    /// The file with this change only.
    pub(super) fn applied(&self, text: &str) -> String {
        format!("{}{}{}", &text[..self.range.start], self.replacement, &text[self.range.end..])
    }
}

/// The bytes of a place, as cargo-mutants gives it.
fn place(span: &Value, text: &str) -> Option<Range<usize>> {
    let end = |end: &str| {
        let number = |name: &str| usize::try_from(span[end][name].as_u64()?).ok();
        offset(text, (number("line")?, number("column")?))
    };
    Some(end("start")?..end("end")?)
}

/// Where a line and a column, both counted from one and the latter in characters, are in a text.
fn offset(text: &str, (line, column): (usize, usize)) -> Option<usize> {
    let start: usize = text.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum();
    let within = text[start..].char_indices().map(|(at, _)| at).nth(column.checked_sub(1)?);
    Some(start + within.unwrap_or(text.len() - start))
}

/// Where the mutants of a file go.
#[derive(Debug)]
pub(super) struct Plan {
    text: String,
    sites: Vec<Site>,
}

/// A piece of a file that its mutants change.
#[derive(Debug)]
struct Site {
    range: Range<usize>,
    form: Form,
    /// The mutants by their numbers, and what each puts here.
    alternatives: BTreeMap<usize, String>,
}

/// In the order in which they are written where two begin at the same byte.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Form {
    /// `const`, of the function of this name: a switch is not constant.
    Constness(String),
    /// The body of a function: a mutant returns at once.
    Body,
    /// A `match`, which its arms' guards can make one that doesn't cover all.
    Match,
    /// A field of a struct expression, of this name, which has no expression of its own.
    Shorthand(String),
    /// An expression.
    Value,
    /// Behind the pattern of an arm that has no guard.
    Guard,
}

/// A file with switches.
#[derive(Debug, Default)]
pub(super) struct Switched {
    pub(super) text: String,
    /// Which bytes are there for which mutants: their own texts, and the sites with all they hold.
    own: Vec<(Range<usize>, usize)>,
    sites: Vec<(Range<usize>, Vec<usize>)>,
    matches: Vec<Range<usize>>,
    guards: Vec<(usize, usize)>,
}

impl Switched {
    /// The mutant in whose own text this byte is.
    pub(super) fn own(&self, at: usize) -> Option<usize> {
        self.own.iter().find(|(range, _)| range.contains(&at)).map(|(_, number)| *number)
    }

    /// The mutants of the smallest site around this byte.
    pub(super) fn around(&self, at: usize) -> &[usize] {
        let around = self.sites.iter().filter(|(range, _)| range.contains(&at));
        around.min_by_key(|(range, _)| range.len()).map_or(&[], |(_, numbers)| numbers)
    }

    /// The mutants that gave a guard to arms of the `match` around this byte.
    pub(super) fn guards(&self, at: usize) -> Vec<usize> {
        let around = self.matches.iter().filter(|range| range.contains(&at)).min_by_key(|range| range.len());
        let guards = self.guards.iter().filter(|(at, _)| around.is_some_and(|range| range.contains(at)));
        guards.map(|(_, number)| *number).collect()
    }
}

impl Plan {
    /// Finds the place of each of these mutants; what has none can't be switched.
    pub(super) fn new(text: &str, mutants: &[(usize, &Mutant)]) -> Outcome<Self> {
        let parsed = syn::parse_file(text)?;
        let by_place = mutants.iter().filter(|(_, mutant)| !mutant.constant);
        let mut of = HashMap::<_, Vec<_>>::new();
        for (number, mutant) in by_place {
            of.entry((mutant.genre.as_str(), mutant.range.start)).or_default().push((*number, *mutant));
        }
        let mut finder = Finder { text, of, sites: BTreeMap::new(), chain: None, owner: String::new() };
        for (number, mutant) in mutants.iter().filter(|(_, mutant)| mutant.genre == "FnValue" && !mutant.constant) {
            let text = format!("return {};", mutant.replacement);
            finder.add(mutant.range.clone(), Form::Body, *number, text);
        }
        finder.visit_file(&parsed);
        let mut sites: Vec<_> = finder.sites.into_iter().collect();
        sites.sort_by(|((a, af), _), ((b, bf), _)| (a.0, usize::MAX - a.1, af).cmp(&(b.0, usize::MAX - b.1, bf)));
        let site = |(((start, end), form), alternatives)| Site { range: start..end, form, alternatives };
        Ok(Self { text: text.into(), sites: sites.into_iter().map(site).collect() })
    }

    /// The mutants that have a place here.
    pub(super) fn numbers(&self) -> impl Iterator<Item = usize> {
        self.sites.iter().flat_map(|site| site.alternatives.keys().copied())
    }

    /// The file with all mutants but those that are dropped; functions in `constant` stay so.
    pub(super) fn write(&self, dropped: &HashSet<usize>, constant: &HashSet<String>) -> Switched {
        let mut out = Switched::default();
        let mut sites = self.sites.iter().peekable();
        self.piece(0..self.text.len(), &mut sites, dropped, constant, &mut out);
        out
    }

    fn piece(
        &self,
        range: Range<usize>,
        sites: &mut Peekable<Iter<'_, Site>>,
        dropped: &HashSet<usize>,
        constant: &HashSet<String>,
        out: &mut Switched,
    ) {
        let mut at = range.start;
        while let Some(site) = sites.next_if(|site| site.range.start < range.end) {
            out.text.push_str(&self.text[at..site.range.start]);
            at = site.range.end;
            let start = out.text.len();
            let live: Vec<_> = site.alternatives.iter().filter(|(number, _)| !dropped.contains(number)).collect();
            match &site.form {
                Form::Constness(name) if constant.contains(name) => out.text.push_str("const"),
                Form::Constness(_) => {}
                Form::Guard if live.is_empty() => {}
                Form::Guard => out.text.push_str(" if "),
                Form::Shorthand(name) => out.text.push_str(&format!("{name}: ")),
                Form::Body | Form::Match | Form::Value => {}
            }
            if site.form == Form::Guard {
                out.guards.extend(live.iter().map(|(number, _)| (start, **number)));
            }
            let is_value = !live.is_empty() && matches!(site.form, Form::Value | Form::Shorthand(_) | Form::Guard);
            out.text.push_str(if is_value { "(" } else { "" });
            for (number, text) in &live {
                // In brackets a value stays one expression, whatever it begins with: an `if` without them would end before an operator.
                out.text.push_str(&format!("if crate::switched::on({number}) {{ {}", if is_value { "(" } else { "" }));
                let own = out.text.len();
                out.text.push_str(text);
                out.own.push((own..out.text.len(), **number));
                out.text.push_str(if is_value { ") } else " } else { " } " });
            }
            out.text.push_str(if is_value { "{ (" } else { "" });
            match site.form {
                Form::Constness(_) => {}
                Form::Guard if live.is_empty() => {}
                Form::Guard => out.text.push_str("true"),
                _ => self.piece(site.range.clone(), sites, dropped, constant, out),
            }
            out.text.push_str(if is_value { ") })" } else { "" });
            if site.form == Form::Match {
                out.matches.push(start..out.text.len());
            }
            if !live.is_empty() {
                out.sites.push((start..out.text.len(), live.iter().map(|(number, _)| **number).collect()));
            }
        }
        out.text.push_str(&self.text[at..range.end]);
    }
}

/// Walks through a file.
struct Finder<'a> {
    text: &'a str,
    of: HashMap<(&'a str, usize), Vec<(usize, &'a Mutant)>>,
    sites: BTreeMap<((usize, usize), Form), BTreeMap<usize, String>>,
    /// The outermost of the operators that the present one is an operand of.
    chain: Option<Range<usize>>,
    /// The type whose functions these are.
    owner: String,
}

impl<'a> Finder<'a> {
    fn add(&mut self, range: Range<usize>, form: Form, number: usize, text: String) {
        self.sites.entry(((range.start, range.end), form)).or_default().insert(number, text);
    }

    fn listed(&self, genre: &'a str, start: usize) -> Vec<(usize, &'a Mutant)> {
        self.of.get(&(genre, start)).cloned().unwrap_or_default()
    }

    fn function(&mut self, signature: &syn::Signature) {
        if let Some(token) = &signature.constness {
            let name = format!("{}::{}", self.owner, signature.ident);
            let range = token.span().byte_range();
            self.sites.entry(((range.start, range.end), Form::Constness(name))).or_default();
        }
    }

    fn operand(&mut self, operand: &syn::Expr, chain: Option<&Range<usize>>) {
        self.chain = chain.filter(|_| matches!(operand, syn::Expr::Binary(_))).cloned();
        self.visit_expr(operand);
        self.chain = None;
    }
}

impl Visit<'_> for Finder<'_> {
    fn visit_item_impl(&mut self, item: &syn::ItemImpl) {
        if let syn::Type::Path(path) = &*item.self_ty {
            self.owner = path.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default();
        }
        visit::visit_item_impl(self, item);
        self.owner.clear();
    }

    fn visit_impl_item_fn(&mut self, function: &syn::ImplItemFn) {
        self.function(&function.sig);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_item_fn(&mut self, function: &syn::ItemFn) {
        self.function(&function.sig);
        visit::visit_item_fn(self, function);
    }

    /// The text that changes is that of the outermost operator: another operator can bind otherwise.
    fn visit_expr_binary(&mut self, binary: &syn::ExprBinary) {
        let chain = self.chain.take().unwrap_or_else(|| binary.span().byte_range());
        // `if let .. && ..`: not an expression that can stand elsewhere.
        let whole = (!holds_let(&binary.left) && !holds_let(&binary.right)).then_some(chain);
        let operator = binary.op.span().byte_range();
        if let Some(whole) = &whole {
            for (number, mutant) in self.listed("BinaryOperator", operator.start) {
                let [before, after] =
                    [whole.start..operator.start, operator.end..whole.end].map(|range| &self.text[range]);
                self.add(whole.clone(), Form::Value, number, format!("{before}{}{after}", mutant.replacement));
            }
        }
        self.operand(&binary.left, whole.as_ref());
        self.operand(&binary.right, whole.as_ref());
    }

    fn visit_expr_unary(&mut self, unary: &syn::ExprUnary) {
        let (whole, operator) = (unary.span().byte_range(), unary.op.span().byte_range());
        for (number, _) in self.listed("UnaryOperator", operator.start) {
            self.add(whole.clone(), Form::Value, number, self.text[operator.end..whole.end].into());
        }
        visit::visit_expr_unary(self, unary);
    }

    fn visit_expr_match(&mut self, expression: &syn::ExprMatch) {
        let range = expression.span().byte_range();
        self.sites.entry(((range.start, range.end), Form::Match)).or_default();
        visit::visit_expr_match(self, expression);
    }

    fn visit_arm(&mut self, arm: &syn::Arm) {
        let deleted = self.listed("MatchArm", arm.span().byte_range().start);
        let (range, form) = match &arm.pat {
            syn::Pat::Guard(guarded) => (guarded.guard.span().byte_range(), Form::Value),
            pattern => (pattern.span().byte_range().end..pattern.span().byte_range().end, Form::Guard),
        };
        for (number, mutant) in self.listed("MatchArmGuard", range.start) {
            self.add(range.clone(), form.clone(), number, mutant.replacement.clone());
        }
        for (number, _) in deleted {
            self.add(range.clone(), form.clone(), number, "false".into());
        }
        visit::visit_arm(self, arm);
    }

    fn visit_expr_struct(&mut self, expression: &syn::ExprStruct) {
        for field in &expression.fields {
            let Some(rest) = &expression.rest else { continue };
            let (syn::Member::Named(name), base) = (&field.member, &self.text[rest.span().byte_range()]) else {
                continue;
            };
            let form = if field.colon_token.is_some() { Form::Value } else { Form::Shorthand(name.to_string()) };
            for (number, _) in self.listed("StructField", field.span().byte_range().start) {
                self.add(field.expr.span().byte_range(), form.clone(), number, format!("({base}).{name}"));
            }
        }
        visit::visit_expr_struct(self, expression);
    }
}

/// Whether an operand of `&&` is, or holds, a `let`.
fn holds_let(operand: &syn::Expr) -> bool {
    match operand {
        syn::Expr::Let(_) => true,
        syn::Expr::Binary(binary) => holds_let(&binary.left) || holds_let(&binary.right),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A mutant that changes the first `old` of a text.
    fn mutant(text: &str, genre: &str, old: &str, new: &str) -> Mutant {
        let start = text.find(old).unwrap();
        let place = |at: usize| {
            let line = text[..at].matches('\n').count() + 1;
            json!({"line": line, "column": text[..at].chars().rev().take_while(|c| *c != '\n').count() + 1})
        };
        let listed = json!({
            "name": format!("src/a.rs:1:1: change {old}"), "file": "src/a.rs", "genre": genre, "replacement": new, "function": {},
            "span": {"start": place(start), "end": place(start + old.len())},
        });
        Mutant::read(&listed, text).unwrap()
    }

    fn switched(text: &str, mutants: &[Mutant]) -> String {
        let numbered: Vec<_> = mutants.iter().enumerate().collect();
        let plan = Plan::new(text, &numbered).unwrap();
        assert_eq!(plan.numbers().count(), mutants.len());
        plan.write(&HashSet::new(), &HashSet::new()).text
    }

    /// A `match` that no longer covers all names the guards to take away.
    #[test]
    fn guards_of_a_match() {
        let text = "fn f() { match x { B => match y { D => 1, _ => 2 }, E => 3 } }";
        let mutants = [mutant(text, "MatchArm", "D =>", ""), mutant(text, "MatchArm", "E =>", "")];
        let numbered: Vec<_> = mutants.iter().enumerate().collect();
        let switched = Plan::new(text, &numbered).unwrap().write(&HashSet::new(), &HashSet::new());
        assert_eq!(switched.guards(switched.text.find('y').unwrap()), [0]);
        assert_eq!(switched.guards(switched.text.find('x').unwrap()), [0, 1]);
    }

    /// One that is written as its place wants it, for each kind of change.
    #[test]
    fn each_kind_is_switched() {
        let on = |number: usize| format!("if crate::switched::on({number})");
        let text = "fn f() -> bool { a }";
        let body = format!("fn f() -> bool {{ {} {{ return true; }} a }}", on(0));
        assert_eq!(switched(text, &[mutant(text, "FnValue", "a", "true")]), body);
        let text = "fn f() { g(\u{e9} + b * c) }";
        let operator = format!("fn f() {{ g(({} {{ (\u{e9} + b / c) }} else {{ (\u{e9} + b * c) }})) }}", on(0));
        assert_eq!(switched(text, &[mutant(text, "BinaryOperator", "*", "/")]), operator);
        let text = "fn f() { g(!b) }";
        assert_eq!(
            switched(text, &[mutant(text, "UnaryOperator", "!", "")]),
            format!("fn f() {{ g(({} {{ (b) }} else {{ (!b) }})) }}", on(0))
        );
        let text = "fn f() { match a { B => 1, _ => 2 } }";
        let arm = format!("fn f() {{ match a {{ B if ({} {{ (false) }} else {{ (true) }}) => 1, _ => 2 }} }}", on(0));
        assert_eq!(switched(text, &[mutant(text, "MatchArm", "B => 1,", "")]), arm);
        let text = "fn f() { match a { B if c => 1, _ => 2 } }";
        let guard = format!(
            "fn f() {{ match a {{ B if ({} {{ (true) }} else {} {{ (false) }} else {{ (c) }}) => 1, _ => 2 }} }}",
            on(0),
            on(1)
        );
        let mutants = [mutant(text, "MatchArmGuard", "c =", "true"), mutant(text, "MatchArm", "B if", "")];
        assert_eq!(switched(text, &mutants), guard);
        let text = "const fn f(self) -> S { S { b, ..self } }";
        let field = format!(" fn f(self) -> S {{ S {{ b: ({} {{ ((self).b) }} else {{ (b) }}), ..self }} }}", on(0));
        assert_eq!(switched(text, &[mutant(text, "StructField", "b", "")]), field);
    }

    /// Sites inside sites: the inner ones are switched in the unchanged text only, for one switch is on at a time. What is dropped is gone.
    #[test]
    fn sites_nest() {
        let text = "fn f() -> bool { !(a == b) }";
        let mutants = [
            mutant(text, "FnValue", "!(a == b)", "true"),
            mutant(text, "UnaryOperator", "!", ""),
            mutant(text, "BinaryOperator", "==", "!="),
        ];
        let numbered: Vec<_> = mutants.iter().enumerate().collect();
        let plan = Plan::new(text, &numbered).unwrap();
        let all = plan.write(&HashSet::new(), &HashSet::new());
        assert_eq!(all.text.matches("crate::switched::on").count(), 3);
        let inner = all.text.find("a != b").unwrap();
        assert_eq!((all.own(inner), all.around(inner)), (Some(2), [2].as_slice()));
        let none = plan.write(&HashSet::from([0, 1, 2]), &HashSet::new());
        assert_eq!(none.text, text);
    }

    /// Behind a switch, too, an operator has a left side that is an `if`.
    #[test]
    fn operators_on_an_if() {
        let text = "fn f() { let x = if a { 1 } else { 2 } | b; }";
        let text = switched(text, &[mutant(text, "BinaryOperator", "|", "&")]);
        let file = syn::parse_file(&text).unwrap();
        let mut found = Operators(0);
        found.visit_file(&file);
        assert_eq!(found.0, 2, "{text}");
    }

    struct Operators(usize);

    impl Visit<'_> for Operators {
        fn visit_expr_binary(&mut self, _: &syn::ExprBinary) {
            self.0 += 1;
        }
    }

    /// A `let` in a condition can't be moved; the comparison beside it can.
    #[test]
    fn conditions_with_let() {
        let text = "fn f() { if let A = b && c == d {} }";
        let and = mutant(text, "BinaryOperator", "&&", "||");
        assert_eq!(Plan::new(text, &[(0, &and)]).unwrap().numbers().count(), 0);
        let equal = mutant(text, "BinaryOperator", "==", "!=");
        assert!(switched(text, &[equal]).contains("{ (c != d) } else { (c == d) }"));
    }

    /// What is written in two files alike is changed in each for itself.
    #[test]
    fn a_key_is_one_files() {
        let place = |column: u64| json!({"line": 1, "column": column});
        let [one, again, other] = ["src/a.rs", "src/a.rs", "src/b.rs"].map(|file| {
            let listed = json!({
                "name": format!("{file}:1:1: replace + with -"), "file": file, "genre": "BinaryOperator", "replacement": "-",
                "function": null, "span": {"start": place(3), "end": place(4)},
            });
            Mutant::read(&listed, "1 + 2").unwrap().key
        });
        assert!(one == again && one != other);
    }
}
