//! The figures of all rounds as a table for people and as a chart for the README.

use std::fmt::{self, Display, Write};

use crate::load::{Figure, Load, Row};
use crate::server::Server;

const TITLE_WIDTH: usize = 32;
const CELL_WIDTH: usize = 16;

/// Every row that was measured, with the figures of each server in each round.
pub struct Table {
    servers: Vec<Server>,
    rows: Vec<(Row, Vec<Vec<Option<Figure>>>)>,
}

/// How many times as good as the best peer and the limit.
struct Beside {
    best: Option<f64>,
    bare: Option<f64>,
}

impl Figure {
    /// What `Display` wrote.
    pub fn parse(line: &str) -> Option<Figure> {
        let (value, cpu_us) = line.split_once(' ')?;
        Some(Figure { value: value.parse().ok()?, cpu_us: cpu_us.parse().ok() })
    }
}

impl Display for Figure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.cpu_us {
            Some(cpu_us) => write!(out, "{} {cpu_us}", self.value),
            None => write!(out, "{} -", self.value),
        }
    }
}

impl Table {
    pub fn new(servers: &[Server]) -> Table {
        Table { servers: servers.to_vec(), rows: Vec::new() }
    }

    /// What a cell gave; where it gave too little, there is nothing to tell of this server.
    pub fn add(&mut self, load: Load, server: Server, figures: Vec<Figure>) {
        let column = self.servers.iter().position(|&other| other == server).expect("takes part");
        let mut figures = figures.into_iter();
        for row in load.rows() {
            let index = self.rows.iter().position(|(known, _)| known.title == row.title);
            let index = index.unwrap_or_else(|| {
                self.rows.push((row, self.servers.iter().map(|_| Vec::new()).collect()));
                self.rows.len() - 1
            });
            self.rows[index].1[column].push(figures.next());
        }
    }

    pub fn text(&self) -> String {
        let mut out = String::from("\nMedians, and how far off the farthest round was.\n\n");
        self.head(&mut out);
        out += "  goals\n";
        for (row, columns) in &self.rows {
            let series = columns.iter().map(|column| pick(column, |figure| Some(figure.value)));
            let series: Vec<_> = series.collect();
            let beside = self.line(&mut out, &format!("{}, {}", row.title, row.unit), row, &series);
            let ours = median(&present(&series[0]));
            let goals = [
                ("peer ", row.goal, beside.best, true),
                ("bare ", row.bare_goal, beside.bare, true),
                ("", row.limit, ours, row.more_is_better),
            ];
            for (name, wanted, reached, least) in goals {
                if let (Some(wanted), Some(reached)) = (wanted, reached) {
                    let met = if least { reached >= wanted } else { reached <= wanted };
                    let sign = if met { "reached" } else { "MISSED" };
                    write!(out, "  {name}{wanted} {sign}").unwrap();
                }
            }
            out.push('\n');
        }
        out += "\nProcessor time of the server, microseconds an operation (bulk: a MiB): fair to \
                all even on a busy machine, where many processes get more of it than one.\n\n";
        self.head(&mut out);
        out.push('\n');
        for (row, columns) in &self.rows {
            let series = columns.iter().map(|column| pick(column, |figure| figure.cpu_us));
            let series: Vec<_> = series.collect();
            if series.iter().flatten().any(Option::is_some) {
                let less = Row { title: String::new(), more_is_better: false, ..*row };
                self.line(&mut out, &row.title, &less, &series);
                out.push('\n');
            }
        }
        out
    }

    fn head(&self, out: &mut String) {
        write!(out, "{:<TITLE_WIDTH$}", "").unwrap();
        for server in &self.servers {
            write!(out, "{:>CELL_WIDTH$}", server.name()).unwrap();
        }
        *out += "  x best peer      x bare";
    }

    /// What each server reached, and how many times as good packetboat is.
    fn line(
        &self,
        out: &mut String,
        title: &str,
        row: &Row,
        series: &[Vec<Option<f64>>],
    ) -> Beside {
        write!(out, "{title:<TITLE_WIDTH$}").unwrap();
        for one in series {
            let cell = spread(&present(one)).unwrap_or_else(|| "-".to_owned());
            write!(out, "{cell:>CELL_WIDTH$}").unwrap();
        }
        let ratio = |other: usize| median(&ratios(row, &series[0], &series[other]));
        let is_peer = |&index: &usize| index > 0 && self.servers[index] != Server::Bare;
        let best = (0..series.len())
            .filter(is_peer)
            .filter_map(|peer| ratio(peer).map(|ratio| (ratio, peer)))
            .min_by(|a, b| a.0.total_cmp(&b.0));
        let bare = self.servers.iter().position(|&server| server == Server::Bare).and_then(ratio);
        let peer = best.map(|(ratio, peer)| format!("{ratio:.2} {}", self.servers[peer].name()));
        let limit = bare.map(|ratio| format!("{ratio:.2}"));
        write!(out, "  {:<15} {:>6}", peer.unwrap_or_default(), limit.unwrap_or_default()).unwrap();
        Beside { best: best.map(|best| best.0), bare }
    }

    /// A bar for each server, as long as it is good beside the best of its row.
    pub fn chart(&self) -> String {
        let ink = [
            "#0b5fa5", "#8a8f98", "#a3a8b0", "#b7bbc2", "#c9ccd2", "#d9dbdf", "#e6e8eb", "#f0c36d",
        ];
        let rated: Vec<_> = self.rows.iter().filter(|(row, _)| row.goal.is_some()).collect();
        let (bar, gap, left, width) = (9, 14, 210, 380);
        let block = bar * self.servers.len() + gap;
        let height = 40 + block * rated.len();
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 700 {height}\" \
             font-family=\"sans-serif\" font-size=\"10\">\n\
             <rect width=\"700\" height=\"{height}\" fill=\"white\"/>\n"
        );
        for (index, server) in self.servers.iter().enumerate() {
            let (x, name) = (10 + index * 86, server.name());
            writeln!(
                out,
                "<rect x=\"{x}\" y=\"10\" width=\"9\" height=\"9\" fill=\"{}\"/>\
                 <text x=\"{}\" y=\"18\">{name}</text>",
                ink[index % ink.len()],
                x + 13
            )
            .unwrap();
        }
        for (place, (row, columns)) in rated.into_iter().enumerate() {
            let top = 34 + place * block;
            let medians: Vec<_> = columns.iter().map(|column| median(&values(column))).collect();
            let best = medians.iter().flatten().fold(f64::MIN_POSITIVE, |a, &b| a.max(b));
            let middle = top + (block - gap) / 2 + 3;
            writeln!(out, "<text x=\"10\" y=\"{middle}\">{}</text>", row.title).unwrap();
            for (index, value) in medians.iter().enumerate() {
                let (y, Some(value)) = (top + index * bar, value) else { continue };
                let long = value / best * f64::from(width);
                let (end, low) = (f64::from(left) + long + 4.0, y + bar - 1);
                writeln!(
                    out,
                    "<rect x=\"{left}\" y=\"{y}\" width=\"{long:.0}\" height=\"{}\" fill=\"{}\"/>\
                     <text x=\"{end:.0}\" y=\"{low}\" font-size=\"8\">{} {}</text>",
                    bar - 1,
                    ink[index % ink.len()],
                    short(*value),
                    row.unit
                )
                .unwrap();
            }
        }
        out + "</svg>\n"
    }
}

fn values(column: &[Option<Figure>]) -> Vec<f64> {
    present(&pick(column, |figure| Some(figure.value)))
}

/// One figure of each round that has it.
fn pick(column: &[Option<Figure>], of: fn(&Figure) -> Option<f64>) -> Vec<Option<f64>> {
    column.iter().map(|figure| figure.as_ref().and_then(of)).collect()
}

fn present(series: &[Option<f64>]) -> Vec<f64> {
    series.iter().flatten().copied().collect()
}

/// How many times as good the one is, in each round that has both.
fn ratios(row: &Row, one: &[Option<f64>], other: &[Option<f64>]) -> Vec<f64> {
    let pairs = one.iter().zip(other).filter_map(|(&one, &other)| Some((one?, other?)));
    pairs.map(|(one, other)| if row.more_is_better { one / other } else { other / one }).collect()
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    Some((upper + sorted[(sorted.len() - 1) / 2]) / 2.0)
}

/// The median, and the distance of what is farthest from it.
fn spread(values: &[f64]) -> Option<String> {
    let median = median(values)?;
    let farthest = values.iter().map(|value| (value - median).abs()).fold(0.0, f64::max);
    Some(match values.len() {
        1 => short(median),
        _ => format!("{} ±{:.0}%", short(median), farthest / median.abs().max(1e-9) * 100.0),
    })
}

/// Three digits that matter.
fn short(value: f64) -> String {
    let digits = match value.abs() {
        100.0.. => 0,
        10.0.. => 1,
        1.0.. => 2,
        _ => 3,
    };
    format!("{value:.digits$}")
}
