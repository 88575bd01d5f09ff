//! Line plots as inline SVG: axes, a few grid lines, a legend. Knows nothing of what is plotted.

use std::fmt::Write;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 240.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 34.0;
const COLOURS: [&str; 4] = ["#2f6fde", "#d9652b", "#2c9f6b", "#8a4fc0"];

/// A named line.
pub(super) struct Line<'a> {
    pub(super) name: &'a str,
    pub(super) points: Vec<(f64, f64)>,
}

/// What is written where.
pub(super) struct Plot<'a> {
    pub(super) title: &'a str,
    pub(super) across: &'a str,
    pub(super) lines: Vec<Line<'a>>,
    /// Ticks across: where, and what is written there. Empty: a few round numbers.
    pub(super) ticks: Vec<(f64, String)>,
}

impl Plot<'_> {
    pub(super) fn svg(&self) -> String {
        let all = || self.lines.iter().flat_map(|line| &line.points);
        let high = all().map(|point| point.0).fold(0.0, f64::max).max(1e-9);
        let top = round_up(all().map(|point| point.1).fold(0.0, f64::max));
        let scale = Scale { high, top };
        let mut svg = format!(
            r#"<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img"><text class="t" x="{LEFT}" y="16">{}</text>"#,
            self.title
        );
        self.draw_grid(&scale, &mut svg);
        for (line, colour) in self.lines.iter().zip(COLOURS) {
            let points: Vec<_> = line.points.iter().map(|point| scale.place(*point)).collect();
            push(&mut svg, format_args!(r#"<polyline stroke="{colour}" points="{}"/>"#, points.join(" ")));
        }
        self.draw_legend(&mut svg);
        svg + "</svg>"
    }

    fn draw_grid(&self, scale: &Scale, svg: &mut String) {
        for step in 0..=4 {
            let value = scale.top * f64::from(step) / 4.0;
            let y = scale.y(value);
            let (end, text_x, text_y) = (WIDTH - RIGHT, LEFT - 8.0, y + 4.0);
            push(svg, format_args!(r#"<path d="M{LEFT} {y:.1}H{end}"/>"#));
            push(
                svg,
                format_args!(
                    r#"<text x="{text_x}" y="{text_y:.1}" text-anchor="end">{}</text>"#,
                    short(value)
                ),
            );
        }
        let round = (0..=5).map(|step| scale.high * f64::from(step) / 5.0);
        let ticks = match self.ticks.is_empty() {
            true => round.map(|value| (value, short(value))).collect(),
            false => self.ticks.clone(),
        };
        for (value, label) in ticks {
            let (x, y) = (scale.x(value), HEIGHT - BOTTOM + 16.0);
            push(svg, format_args!(r#"<text x="{x:.1}" y="{y}" text-anchor="middle">{label}</text>"#));
        }
        let (x, y) = ((LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 4.0);
        push(svg, format_args!(r#"<text x="{x}" y="{y}" text-anchor="middle">{}</text>"#, self.across));
    }

    fn draw_legend(&self, svg: &mut String) {
        let mut x = WIDTH - RIGHT;
        for (line, colour) in self.lines.iter().zip(COLOURS).rev() {
            push(
                svg,
                format_args!(
                    r#"<text x="{x}" y="16" fill="{colour}" text-anchor="end">{}</text>"#,
                    line.name
                ),
            );
            x -= 9.0 * line.name.chars().count() as f64;
        }
    }
}

struct Scale {
    high: f64,
    top: f64,
}

impl Scale {
    fn x(&self, value: f64) -> f64 {
        LEFT + value / self.high * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        HEIGHT - BOTTOM - value / self.top * (HEIGHT - TOP - BOTTOM)
    }

    fn place(&self, point: (f64, f64)) -> String {
        format!("{:.1},{:.1}", self.x(point.0), self.y(point.1))
    }
}

/// The next number above that is 1, 2, 4 or 8 times a power of ten, so that quarters are short to write.
fn round_up(value: f64) -> f64 {
    let power = 10f64.powf(value.max(1e-3).log10().floor());
    let steps = [1.0, 2.0, 4.0, 8.0, 10.0].map(|step| step * power);
    steps.into_iter().find(|step| *step >= value).unwrap_or(10.0 * power)
}

fn short(value: f64) -> String {
    match value.abs() {
        large @ 1e6.. => format!("{}M", trimmed(large / 1e6)),
        large @ 1e3.. => format!("{}k", trimmed(large / 1e3)),
        _ => trimmed(value),
    }
}

fn trimmed(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn push(svg: &mut String, text: std::fmt::Arguments<'_>) {
    svg.write_fmt(text).expect("a string takes whatever is written to it");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_top_is_a_round_number_that_holds_the_highest_point() {
        assert_eq!([0.0, 1.0, 3.0, 7.9, 81.0, 1300.0].map(round_up), [1e-3, 1.0, 4.0, 8.0, 100.0, 2000.0]);
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!([0.0, 0.25, 12.0, 1500.0, 2e6].map(short), ["0", "0.25", "12", "1.5k", "2M"]);
    }

    #[test]
    fn points_lie_within_the_axes() {
        let scale = Scale { high: 10.0, top: 4.0 };
        assert_eq!(scale.place((0.0, 0.0)), format!("{LEFT:.1},{:.1}", HEIGHT - BOTTOM));
        assert_eq!(scale.place((10.0, 4.0)), format!("{:.1},{TOP:.1}", WIDTH - RIGHT));
    }

    #[test]
    fn a_plot_without_points_is_still_a_picture() {
        let plot = Plot { title: "nothing", across: "s", lines: vec![], ticks: vec![] };
        let svg = plot.svg();
        assert!(svg.ends_with("</svg>") && !svg.contains("NaN") && !svg.contains("inf"));
    }
}
