//! The plots: what an operation costs over the size of what is around it.

use std::error::Error;
use std::path::Path;

use plotters::prelude::*;

use crate::frame::Results;

/// A plot of one group, whose names are numbers.
pub(crate) struct Plot {
    pub(crate) group: &'static str,
    title: &'static str,
    over: &'static str,
    logarithmic: bool,
}

pub(crate) const PLOTS: [Plot; 3] = [
    Plot { group: "tokens", title: "Detokenize from text", over: "different tokens", logarithmic: true },
    Plot {
        group: "epochs",
        title: "Detokenize from text",
        over: "epochs in the keyring, tokens of all by turns",
        logarithmic: false,
    },
    Plot {
        group: "principals",
        title: "Authenticate, and detokenize one token",
        over: "people, each request another's",
        logarithmic: true,
    },
];

impl Plot {
    pub(crate) fn file_name(&self) -> String {
        format!("performance-{}.svg", self.group)
    }

    /// Median lines with the quartiles as bars; one line a build.
    pub(crate) fn draw(&self, results: &Results, path: &Path) -> Result<(), Box<dyn Error>> {
        let series: Vec<(&str, Vec<Point>)> =
            results.bys(self.group).into_iter().map(|by| (by, self.points(results, by))).collect();
        let all = || series.iter().flat_map(|(_, points)| points);
        let most = all().map(|point| point.high).fold(0.0, f64::max);
        let (left, right) =
            all().fold((f64::MAX, f64::MIN), |(left, right), point| (left.min(point.at), right.max(point.at)));
        let margin = (right - left) * 0.03;
        let area = SVGBackend::new(path, (720, 360)).into_drawing_area();
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&area)
            .caption(self.title, ("sans-serif", 18))
            .margin(12)
            .x_label_area_size(44)
            .y_label_area_size(56)
            .build_cartesian_2d(left - margin..right + margin, 0.0..most * 1.15)?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .x_labels(8)
            .x_label_formatter(&|at| self.label(*at))
            .x_desc(self.over)
            .y_desc("µs")
            .draw()?;
        for ((by, points), colour) in series.iter().zip([RED, BLUE]) {
            let line = points.iter().map(|point| (point.at, point.median));
            chart
                .draw_series(LineSeries::new(line, &colour))?
                .label(*by)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour));
            let bars = points
                .iter()
                .map(|point| PathElement::new([(point.at, point.low), (point.at, point.high)], colour.stroke_width(4)));
            chart.draw_series(bars)?;
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::LowerRight)
            .background_style(WHITE.mix(0.8))
            .border_style(BLACK.mix(0.3))
            .draw()?;
        Ok(area.present()?)
    }

    fn points(&self, results: &Results, by: &str) -> Vec<Point> {
        let point = |name: &str| {
            let (number, spread) = (name.parse::<f64>().ok()?, results.get(self.group, name, by)?);
            let at = if self.logarithmic { number.log10() } else { number };
            Some(Point { at, low: spread.low / 1e3, median: spread.median / 1e3, high: spread.high / 1e3 })
        };
        results.names(self.group).into_iter().filter_map(point).collect()
    }

    /// Powers of ten are written as such; between them, nothing.
    fn label(&self, at: f64) -> String {
        match (at.fract().abs() < 1e-6, self.logarithmic) {
            (false, _) => String::new(),
            (true, true) => format!("{}", 10_f64.powf(at).round()),
            (true, false) => format!("{}", at.round()),
        }
    }
}

struct Point {
    at: f64,
    low: f64,
    median: f64,
    high: f64,
}
