//! Makes what packages have beside the program, from the one source of its flags:
//! `cargo run --example generate -- DIR` writes packetboat(1) and a page for each command,
//! packetboat.toml(5), and completions for bash, zsh and fish into DIR.

use clap::{Arg, CommandFactory};
use clap_complete::Shell;
use clap_mangen::roff::{Roff, bold, italic, roman};
use packetboat::program::{CommandLine, EXAMPLE};
use std::error::Error;
use std::fs::{self, File};
use std::path::PathBuf;

/// Options of the command line that no file has.
const NOT_IN_A_FILE: [&str; 5] = ["config", "help", "quiet", "verbose", "version"];

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args_os().nth(1).ok_or("name a folder to write to")?);
    fs::create_dir_all(&folder)?;
    let command = || CommandLine::command().name("packetboat");
    clap_mangen::generate_to(command(), &folder)?;
    fs::write(folder.join("packetboat.toml.5"), settings(&command()))?;
    for (shell, name) in [
        (Shell::Bash, "packetboat.bash"),
        (Shell::Zsh, "_packetboat"),
        (Shell::Fish, "packetboat.fish"),
    ] {
        let mut file = File::create(folder.join(name))?;
        clap_complete::generate(shell, &mut command(), "packetboat", &mut file);
    }
    Ok(())
}

/// Page of the manual about the configuration file: each setting, and the example of a file.
fn settings(command: &clap::Command) -> String {
    let version = format!("packetboat {}", env!("CARGO_PKG_VERSION"));
    let mut page = Roff::new();
    page.control("TH", ["packetboat.toml", "5", "", &version]);
    page.control("SH", ["NAME"]);
    page.text([roman("packetboat.toml - settings of packetboat(1)")]);
    page.control("SH", ["DESCRIPTION"]);
    page.text([roman(
        "A file in TOML, which packetboat reads with --config FILE, at its start and at SIGHUP. Each \
         setting has the name of its flag. Text stands in quotes, numbers without, switches are true or \
         false, and several values are a list. A flag wins over a variable of the environment \
         (PACKETBOAT_IDLE_TIMEOUT), and a variable over the file. `packetboat check --config FILE` says \
         what a file means, or the line and column of what is wrong with it.",
    )]);
    let in_file =
        |option: &&Arg| !option.is_hide_set() && !NOT_IN_A_FILE.contains(&option.get_id().as_str());
    page.control("SH", ["SETTINGS"]);
    let options: Vec<&Arg> = command.get_arguments().filter(in_file).collect();
    let mut headings: Vec<Option<&str>> = Vec::new();
    for option in &options {
        if !headings.contains(&option.get_help_heading()) {
            headings.push(option.get_help_heading());
        }
    }
    for heading in headings {
        if let Some(heading) = heading {
            page.control("SS", [heading]);
        }
        let under_it = options.iter().filter(|option| option.get_help_heading() == heading);
        under_it.for_each(|option| describe(&mut page, option));
    }
    page.control("SH", ["EXAMPLE"]);
    page.text([roman("As `packetboat config example` prints it:")]);
    page.control("nf", []);
    for line in EXAMPLE.lines() {
        page.text([roman(line)]);
    }
    page.control("fi", []);
    page.control("SH", ["SEE ALSO"]);
    page.text([roman("packetboat(1)")]);
    page.render()
}

/// Paragraph about one setting.
fn describe(page: &mut Roff, option: &Arg) {
    let name = option.get_long().unwrap_or(option.get_id().as_str());
    page.control("TP", []);
    let takes_value = option.get_action().takes_values();
    let values = option.get_value_names().unwrap_or_default().join(" ");
    let values = if takes_value { values } else { "true|false".to_owned() };
    page.text([bold(name), roman(" = "), italic(values)]);
    let mut help = option.get_help().map(ToString::to_string).unwrap_or_default();
    let defaults: Vec<_> =
        option.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    if takes_value && !defaults.is_empty() {
        help.push_str(&format!(" [default: {}]", defaults.join(", ")));
    }
    page.text([roman(help)]);
}
