//! The incident report as one page: no scripts, nothing loaded, to be read on paper in black and white.

use std::fmt::{self, Write};

use super::report::{Notify, Report};

impl Report {
    /// A page of HTML that needs nothing else.
    #[must_use]
    pub fn html(&self) -> String {
        let mut page = Page(String::with_capacity(16 << 10));
        match page.write(self) {
            Ok(()) => page.0,
            // Writing to a string does not fail.
            Err(fmt::Error) => String::new(),
        }
    }
}

/// A page in the making.
struct Page(String);

impl Page {
    fn write(&mut self, report: &Report) -> fmt::Result {
        self.0.push_str(HEAD);
        self.scope(report)?;
        self.basis(report)?;
        self.figures(report)?;
        self.details(report)?;
        self.notify(report)?;
        self.section("What the law asks, and what of it is here")?;
        self.0.push_str("<p>GDPR: Regulation (EU) 2016/679. APPI: Act on the Protection of Personal Information (Japan). This page gives figures, and no legal advice.</p>\n");
        let rows = report
            .law
            .iter()
            .map(|point| [&point.rule, &point.asks, &point.figure, &point.note].map(String::clone).into());
        self.table(&["rule", "asks for", "figure", "note"], rows)?;
        self.0.push_str("</body>\n</html>\n");
        Ok(())
    }

    fn scope(&mut self, report: &Report) -> fmt::Result {
        let scope = &report.scope;
        let all = || "all".to_owned();
        let caller = scope
            .caller
            .as_ref()
            .map_or_else(all, |caller| format!("{} {} of {}", caller.kind, caller.subject, caller.tenant));
        let none = || "none".to_owned();
        let rows = [
            ("Made", report.made.clone()),
            ("Caller", caller),
            ("Session", scope.session.clone().unwrap_or_else(all)),
            ("From", scope.from.clone().unwrap_or_else(|| "the beginning".into())),
            ("Until", scope.to.clone().unwrap_or_else(|| "the end".into())),
            ("First entry", report.first.clone().unwrap_or_else(none)),
            ("Last entry", report.last.clone().unwrap_or_else(none)),
        ];
        self.section("Scope, first and last entry")?;
        self.pairs(rows)
    }

    fn basis(&mut self, report: &Report) -> fmt::Result {
        self.section("What it rests on")?;
        let verdict = if report.basis.sound {
            "The chain of every trail that was given is unbroken."
        } else {
            "THE TRAIL IS NOT WHOLE: the figures are those of the entries that can be read, and there may be more."
        };
        writeln!(self.0, "<p><strong>{verdict}</strong> {}.</p>", Escaped(&report.basis.extent()))?;
        if !report.basis.findings.is_empty() {
            self.0.push_str("<ul>\n");
            for finding in &report.basis.findings {
                writeln!(self.0, "<li>{}</li>", Escaped(finding))?;
            }
            self.0.push_str("</ul>\n");
        }
        Ok(())
    }

    fn figures(&mut self, report: &Report) -> fmt::Result {
        let affected = &report.affected;
        let known = |figure: Option<u64>| figure.map_or_else(|| "not tested".into(), |figure| figure.to_string());
        let rows = [
            ("People of whom something was shown", affected.people_shown.to_string()),
            ("Records shown", affected.records_shown.to_string()),
            ("Values shown", affected.values_shown.to_string()),
            ("Masks shown", affected.masks_shown.to_string()),
            ("Records refused", affected.records_refused.to_string()),
            ("Attempts refused", affected.attempts_refused.to_string()),
            ("Tokens of other tenants beyond those", affected.foreign_tokens_beyond.to_string()),
            ("People tested by name", affected.people_tested.to_string()),
            ("of them with refusals only", known(affected.people_only_refused)),
            ("People shown who were not among them", known(affected.people_shown_unnamed)),
            ("Refused records of none of them", known(affected.refused_of_nobody_tested)),
            ("Log-ins, and log-ins refused", format!("{}, {}", report.log_ins, report.log_ins_refused)),
        ];
        self.section("How many")?;
        self.pairs(rows)
    }

    fn details(&mut self, report: &Report) -> fmt::Result {
        self.section("By field")?;
        let people = |people: Option<u64>| people.map_or_else(|| "–".into(), |people| people.to_string());
        let rows = report.by_field.iter().map(|row| {
            vec![
                row.field.clone(),
                row.purpose.clone(),
                row.outcome.clone(),
                row.times.to_string(),
                row.records.to_string(),
                people(row.people),
            ]
        });
        self.table(&["field", "purpose", "outcome", "times", "records", "people"], rows)?;
        self.section("By caller")?;
        let rows = report.by_caller.iter().map(|row| {
            let figures = [row.sessions, row.shown, row.refused, row.people].map(|figure| figure.to_string());
            std::iter::once(row.caller.words()).chain(figures).collect()
        });
        self.table(&["caller", "sessions", "shown", "refused", "people shown"], rows)?;
        self.section("Refusals by reason")?;
        let rows =
            report.by_reason.iter().map(|row| vec![row.reason.clone(), row.times.to_string(), row.records.to_string()]);
        self.table(&["reason", "times", "records"], rows)?;
        self.section("Look-ups")?;
        let rows =
            report.look_ups.iter().map(|row| vec![row.field.clone(), row.done.to_string(), row.refused.to_string()]);
        self.table(&["field", "done", "refused"], rows)?;
        self.section("Alarms")?;
        let rows = report.alarms.iter().map(|alarm| {
            vec![
                alarm.at.time.clone(),
                alarm.cause.clone(),
                alarm.count.to_string(),
                alarm.caller.words(),
                alarm.session.clone().unwrap_or_default(),
            ]
        });
        self.table(&["time", "cause", "count", "caller", "session"], rows)
    }

    fn notify(&mut self, report: &Report) -> fmt::Result {
        self.section("To notify")?;
        let rows = report.notify.iter().map(|Notify { person, shown, refused, refused_attempts }| {
            let shown =
                shown.iter().map(|shown| format!("{} ({})", shown.field, shown.shown)).collect::<Vec<_>>().join(", ");
            let refused = if refused.is_empty() {
                String::new()
            } else {
                format!("{} ({refused_attempts} times)", refused.join(", "))
            };
            vec![person.tenant.clone(), person.kind.clone(), person.subject.clone(), shown, refused]
        });
        self.table(&["tenant", "kind", "subject", "shown", "refused"], rows)
    }

    fn section(&mut self, title: &str) -> fmt::Result {
        writeln!(self.0, "<h2>{}</h2>", Escaped(title))
    }

    fn pairs<const N: usize>(&mut self, rows: [(&str, String); N]) -> fmt::Result {
        self.0.push_str("<table>\n");
        for (name, value) in rows {
            writeln!(self.0, "<tr><th scope=\"row\">{}</th><td>{}</td></tr>", Escaped(name), Escaped(&value))?;
        }
        self.0.push_str("</table>\n");
        Ok(())
    }

    fn table(&mut self, head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> fmt::Result {
        let mut rows = rows.peekable();
        if rows.peek().is_none() {
            self.0.push_str("<p>None.</p>\n");
            return Ok(());
        }
        self.0.push_str("<table>\n<thead><tr>");
        for name in head {
            write!(self.0, "<th scope=\"col\">{}</th>", Escaped(name))?;
        }
        self.0.push_str("</tr></thead>\n");
        for row in rows {
            self.0.push_str("<tr>");
            for cell in row {
                write!(self.0, "<td>{}</td>", Escaped(&cell))?;
            }
            self.0.push_str("</tr>\n");
        }
        self.0.push_str("</table>\n");
        Ok(())
    }
}

/// Text that is text in HTML, also within quotes.
struct Escaped<'t>(&'t str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                // Neither a control character nor one that turns the reading direction around.
                c if c.is_control()
                    || ('\u{202a}'..='\u{202e}').contains(&c)
                    || ('\u{2066}'..='\u{2069}').contains(&c) =>
                {
                    f.write_char(char::REPLACEMENT_CHARACTER)?;
                }
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

const HEAD: &str = "\
<!DOCTYPE html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">
<meta name=\"viewport\" content=\"width=device-width\">
<title>Incident report</title>
<style>
body { font: 11pt/1.4 sans-serif; color: #000; background: #fff; max-width: 60em; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 1.5em; } h2 { font-size: 1.15em; margin-top: 1.6em; border-bottom: 1px solid #000; }
table { border-collapse: collapse; width: 100%; } th, td { border: 1px solid #000; padding: 0.2em 0.5em; text-align: left; vertical-align: top; overflow-wrap: anywhere; }
thead { display: table-header-group; }
@page { margin: 15mm; }
@media print { body { margin: 0; max-width: none; font-size: 9pt; } h2 { break-after: avoid; } tr { break-inside: avoid; } }
</style>
</head>
<body>
<h1>Incident report: what the audit trail has</h1>
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_becomes_markup() {
        let text = format!("{}", Escaped("<b onclick='x'>&\"\u{202e}\u{0}山"));
        assert_eq!(text, "&lt;b onclick=&#39;x&#39;&gt;&amp;&quot;\u{fffd}\u{fffd}山");
    }
}
