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
        self.head(&mut out, "");
        out += "  x best peer          x bare loop   goal\n";
        for (row, columns) in &self.rows {
            let title = format!("{}, {}", row.title, row.unit);
            write!(out, "{title:<TITLE_WIDTH$}").unwrap();
            for column in columns {
                let cell = spread(&values(column)).unwrap_or_else(|| "-".to_owned());
                write!(out, "{cell:>CELL_WIDTH$}").unwrap();
            }
            out += &self.verdict(row, columns);
        }
        out += "\nProcessor time of the server, microseconds an operation (bulk: a MiB).\n\n";
        self.head(&mut out, "");
        out.push('\n');
        for (row, columns) in &self.rows {
            let cpu = |column: &Vec<Option<Figure>>| -> Vec<f64> {
                column.iter().flatten().filter_map(|figure| figure.cpu_us).collect()
            };
            let cells: Vec<Vec<f64>> = columns.iter().map(cpu).collect();
            if cells.iter().all(Vec::is_empty) {
                continue;
            }
            write!(out, "{:<TITLE_WIDTH$}", row.title).unwrap();
            for cell in cells {
                let cell = spread(&cell).unwrap_or_else(|| "-".to_owned());
                write!(out, "{cell:>CELL_WIDTH$}").unwrap();
            }
            out.push('\n');
        }
        out
    }

    fn head(&self, out: &mut String, title: &str) {
        write!(out, "{title:<TITLE_WIDTH$}").unwrap();
        for server in &self.servers {
            write!(out, "{:>CELL_WIDTH$}", server.name()).unwrap();
        }
    }

    /// The ratios to the best peer and to the limit, and whether they are what they must be.
    fn verdict(&self, row: &Row, columns: &[Vec<Option<Figure>>]) -> String {
        let ratio = |other: usize| median(&ratios(row, &columns[0], &columns[other]));
        let is_peer = |index: &usize| *index > 0 && self.servers[*index] != Server::Bare;
        let peers = (0..columns.len()).filter(is_peer);
        let rated = peers.filter_map(|peer| ratio(peer).map(|ratio| (ratio, peer)));
        let best = rated.min_by(|a, b| a.0.total_cmp(&b.0));
        let bare = self.servers.iter().position(|&server| server == Server::Bare).and_then(ratio);
        let ours = median(&values(&columns[0]));
        let beside = best.map_or(String::new(), |(ratio, peer)| {
            format!("{ratio:.2} {}", self.servers[peer].name())
        });
        let bare_text = bare.map_or(String::new(), |ratio| format!("{ratio:.2}"));
        let mut goals = Vec::new();
        let mut goal = |name: &str, wanted: Option<f64>, reached: Option<f64>, least: bool| {
            if let (Some(wanted), Some(reached)) = (wanted, reached) {
                let met = if least { reached >= wanted } else { reached <= wanted };
                let sign = if met { "reached" } else { "MISSED" };
                goals.push(format!("{name}{wanted} {sign}"));
            }
        };
        goal("peer ", row.goal, best.map(|best| best.0), true);
        goal("bare ", row.bare_goal, bare, true);
        goal("", row.limit, ours, row.more_is_better);
        format!("  {beside:<20} {bare_text:>6}        {}\n", goals.join(", "))
    }

    /// A bar for each server, as long as it is good beside the best of its row.
    pub fn chart(&self) -> String {
        let ink = ["#0b5fa5", "#8a8f98", "#a3a8b0", "#b7bbc2", "#c9ccd2", "#d9dbdf", "#f0c36d"];
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
            let (x, name) = (10 + index * 98, server.name());
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
    column.iter().flatten().map(|figure| figure.value).collect()
}

/// How many times as good the one is, in each round that has both.
fn ratios(row: &Row, one: &[Option<Figure>], other: &[Option<Figure>]) -> Vec<f64> {
    let pairs = one
        .iter()
        .zip(other)
        .filter_map(|(one, other)| Some((one.as_ref()?.value, other.as_ref()?.value)));
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
