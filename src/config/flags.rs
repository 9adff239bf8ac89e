//! Flags of a server: what each option is called, what it takes, what it says in `--help`, and how
//! they all become one [`Config`]. Nothing is opened or looked up here.

use super::command_line::system_variable;
use super::entries::variable_of;
#[cfg(feature = "tls")]
use super::tls_flags::TlsFlags;
use super::{Anonymous, Config, Confinement, Sandbox};
use crate::users::{Access, PartialUploads, Replacing, ValueError};
use clap::ArgAction;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// The options of a server. Their comments are the lines of `--help`.
#[derive(Debug, clap::Args)]
pub struct ServeFlags {
    /// The folder to serve
    #[arg(value_name = "ROOT", default_value = ".")]
    root: PathBuf,

    /// Where, repeatable; a bare port is local
    #[arg(short, long, value_name = "ADDR:PORT", default_value = "127.0.0.1:52305")]
    #[arg(value_parser = listen_address, help_heading = SERVING)]
    listen: Vec<SocketAddr>,
    #[cfg(feature = "tls")]
    #[command(flatten)]
    tls: TlsFlags,

    /// The greeting, after "220 "
    #[arg(long, value_name = "TEXT", default_value = "packetboat ready.")]
    #[arg(value_parser = one_line, help_heading = SERVING)]
    banner: String,

    /// Anonymous users: off, read, write or upload
    #[arg(long, value_name = "RIGHTS", hide_possible_values = true)]
    #[arg(value_parser = one_of::<Anonymous, 4>(["off", "read", "write", "upload"]))]
    #[arg(help_heading = ACCESS)]
    anonymous: Option<Anonymous>,
    /// And in a folder, such as /incoming=upload; repeatable
    #[arg(long, value_name = "PATH=RIGHTS", value_parser = access_in, help_heading = ACCESS)]
    anonymous_in: Vec<(String, Access)>,
    /// The users file, made by `packetboat user add` [default: none]
    #[arg(long, value_name = "FILE", help_heading = ACCESS)]
    users: Option<PathBuf>,
    /// LIST -R lists one folder only [default: its whole tree]
    #[arg(long, help_heading = ACCESS)]
    no_recursive_lists: bool,
    /// Clients may set set-id and sticky bits [default: no]
    #[arg(long, help_heading = ACCESS)]
    allow_set_id: bool,

    /// The ports for passive transfers [default: any free port]
    #[arg(long, value_name = "LOW-HIGH", value_parser = port_range, help_heading = PASSIVE)]
    passive_ports: Option<RangeInclusive<u16>>,
    /// The address in PASV replies [default: the one connected to]
    #[arg(long, value_name = "IP", value_parser = ipv4_address, help_heading = PASSIVE)]
    passive_address: Option<Ipv4Addr>,
    /// The port that active transfers come from, 20 by tradition [default: any]
    #[arg(long, value_name = "PORT", help_heading = ACTIVE)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..))]
    active_port: Option<u16>,

    /// Sessions at once
    #[arg(long, value_name = "N", default_value = "10000")]
    #[arg(value_parser = session_count, help_heading = LIMITS)]
    max_sessions: usize,
    /// Sessions at once from one address [default: 1 in 10]
    #[arg(long, value_name = "N", value_parser = session_count, help_heading = LIMITS)]
    max_sessions_per_address: Option<usize>,
    /// Longest time for logging in
    #[arg(long, value_name = "DURATION", default_value = "60")]
    #[arg(value_parser = duration, help_heading = LIMITS)]
    login_timeout: Duration,
    /// Longest silence of a session
    #[arg(long, value_name = "DURATION", default_value = "300")]
    #[arg(value_parser = duration, help_heading = LIMITS)]
    idle_timeout: Duration,
    /// Longest wait for a data connection
    #[arg(long, value_name = "DURATION", default_value = "30")]
    #[arg(value_parser = duration, help_heading = LIMITS)]
    data_timeout: Duration,
    /// Longest stall of a transfer
    #[arg(long, value_name = "DURATION", default_value = "300")]
    #[arg(value_parser = duration, help_heading = LIMITS)]
    stall_timeout: Duration,
    /// Longest TLS handshake
    #[arg(long, value_name = "DURATION", default_value = "30")]
    #[arg(value_parser = duration, help_heading = LIMITS)]
    handshake_timeout: Duration,

    /// A new file whose upload is cut off
    #[arg(long, value_name = "keep|discard")]
    #[arg(default_value = "keep", help_heading = UPLOADS)]
    partial_uploads: PartialUploads,
    /// How an upload replaces a file
    #[arg(long, value_name = "atomic|in-place")]
    #[arg(default_value = "atomic", help_heading = UPLOADS)]
    replace: Replacing,
    /// Uploads replace files even at a hang-up [default: no]
    #[arg(long, help_heading = UPLOADS)]
    replace_on_hangup: bool,
    /// Uploads reach the disk before the 226 [default: no]
    #[arg(long, help_heading = UPLOADS)]
    durable: bool,
    /// Bits that new files must not have, such as 027
    #[arg(long, value_name = "OCTAL", value_parser = umask, help_heading = UPLOADS)]
    umask: Option<u16>,
    /// Uploads must have the size that ALLO gave [default: no]
    #[arg(long, help_heading = UPLOADS)]
    strict_allo: bool,

    /// The user to become if started as root
    #[arg(long, value_name = "NAME", help_heading = PROCESS)]
    user: Option<String>,
    /// Confinement by the kernel
    #[arg(long, value_name = "best|required|off", default_value = "best")]
    #[arg(hide_possible_values = true, help_heading = PROCESS)]
    #[arg(value_parser = one_of::<Sandbox, 3>(["best", "required", "off"]))]
    sandbox: Sandbox,

    /// A file of these settings, see `config example` [default: none]
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Log more: -v debug, -vv trace [default: info]
    #[arg(short, action = ArgAction::Count, help_heading = LOG)]
    verbose: u8,
    /// Log less: -q warnings and errors, -qq errors only
    #[arg(short, action = ArgAction::Count, help_heading = LOG)]
    quiet: u8,
}

const SERVING: &str = "Serving";
const ACCESS: &str = "Access";
const PASSIVE: &str = "Passive mode";
const ACTIVE: &str = "Active mode";
const LIMITS: &str = "Limits";
const UPLOADS: &str = "Uploads";
const PROCESS: &str = "Process";
const LOG: &str = "Log";

impl ServeFlags {
    /// The configuration that the flags ask for.
    ///
    /// # Errors
    /// Options that do not go together: one line for who typed them.
    pub fn config(&self) -> Result<Config, String> {
        let mut config = Config::new(&self.root);
        config.listen.clone_from(&self.listen);
        #[cfg(feature = "tls")]
        self.tls.apply(&mut config)?;
        config.anonymous = self.anonymous;
        config.anonymous_in.clone_from(&self.anonymous_in);
        config.banner.clone_from(&self.banner);
        config.users.clone_from(&self.users);
        config.passive_ports.clone_from(&self.passive_ports);
        config.passive_address = self.passive_address;
        config.active_port = self.active_port;
        config.max_sessions = self.max_sessions;
        config.max_sessions_per_address = self.max_sessions_per_address.unwrap_or_default();
        config.login_timeout = self.login_timeout;
        config.idle_timeout = self.idle_timeout;
        config.data_timeout = self.data_timeout;
        config.stall_timeout = self.stall_timeout;
        config.handshake_timeout = self.handshake_timeout;
        config.partial_uploads = self.partial_uploads;
        config.replacing = self.replace;
        config.replace_on_hangup = self.replace_on_hangup;
        config.durable = self.durable;
        config.umask = self.umask;
        config.strict_allo = self.strict_allo;
        config.recursive_lists = !self.no_recursive_lists;
        config.allow_set_id = self.allow_set_id;
        Ok(config)
    }

    /// Confinement that the flags ask for.
    pub fn confinement(&self) -> Confinement {
        Confinement { user: self.user.clone(), sandbox: self.sandbox }
    }

    /// File that settings were read from, if any.
    pub fn config_file(&self) -> Option<PathBuf> {
        let variable = || system_variable(&variable_of("config")).map(PathBuf::from);
        self.config.clone().or_else(variable)
    }

    /// Verbosity of the log: 0 is the usual one. Each -v undoes one -q.
    pub fn verbosity(&self) -> i16 {
        i16::from(self.verbose) - i16::from(self.quiet)
    }
}

pub(super) fn listen_address(text: &str) -> Result<SocketAddr, String> {
    let bare = text.parse().map(|port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    bare.or_else(|_| text.parse()).map_err(|_| {
        "write an address and a port, as 0.0.0.0:2121 or [::1]:2121, or a port alone for this \
         machine only"
            .to_owned()
    })
}

/// A parser of words that a type is read from; the answer to any other word lists them all.
pub(super) fn one_of<T, const N: usize>(
    words: [&'static str; N],
) -> impl TypedValueParser<Value = T>
where
    T: FromStr<Err = ValueError> + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(words).try_map(|word| word.parse::<T>())
}

/// A line end in the greeting would be a reply of its own to every client.
fn one_line(text: &str) -> Result<String, String> {
    match text.contains(char::is_control) {
        true => Err("write one line, without control characters".to_owned()),
        false => Ok(text.to_owned()),
    }
}

fn access_in(text: &str) -> Result<(String, Access), String> {
    match text.split_once('=') {
        Some((folder, access)) if folder.starts_with('/') => {
            let access = access.parse().map_err(|error: ValueError| error.to_string())?;
            Ok((folder.to_owned(), access))
        }
        Some(_) | None => Err("write a path and rights, as /incoming=upload".to_owned()),
    }
}

fn port_range(text: &str) -> Result<RangeInclusive<u16>, String> {
    let ports = text.split_once('-').and_then(|(low, high)| {
        let range: RangeInclusive<u16> = low.parse().ok()?..=high.parse().ok()?;
        (*range.start() > 0 && !range.is_empty()).then_some(range)
    });
    ports.ok_or_else(|| "write two ports from 1 to 65535, the lower first: 50000-50099".to_owned())
}

fn ipv4_address(text: &str) -> Result<Ipv4Addr, String> {
    match text.parse() {
        Ok(IpAddr::V4(address)) if !address.is_unspecified() => Ok(address),
        Ok(IpAddr::V6(_)) => {
            Err("PASV announces IPv4 only, as 203.0.113.7; IPv6 clients use EPSV, \
                                  which needs no address"
                .to_owned())
        }
        Ok(IpAddr::V4(_)) | Err(_) => {
            Err("write the IPv4 address that clients connect to, as 203.0.113.7".to_owned())
        }
    }
}

fn umask(text: &str) -> Result<u16, String> {
    let bits = u16::from_str_radix(text, 8).ok().filter(|&bits| bits <= 0o777);
    bits.ok_or_else(|| "write three octal digits, as 027".to_owned())
}

fn session_count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count @ 1..=1_000_000) => Ok(count),
        Ok(_) | Err(_) => Err("write a number from 1 to 1000000".to_owned()),
    }
}

/// A duration as people write it. The upper end keeps every deadline within what the clock can tell.
fn duration(text: &str) -> Result<Duration, String> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let each = match unit.trim_start() {
        "" | "s" => Some(1),
        "m" | "min" => Some(60),
        "h" => Some(60 * 60),
        "d" => Some(24 * 60 * 60),
        _ => None,
    };
    let seconds = each.and_then(|each| number.parse::<u64>().ok()?.checked_mul(each));
    match seconds {
        Some(seconds @ 1..=31_536_000) => Ok(Duration::from_secs(seconds)),
        Some(_) | None => Err("write seconds, or a duration as 90s, 5m, 2h or 1d, of a second at \
                               least and a year at most"
            .to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::command_line::CommandLine;
    use clap::error::ErrorKind;
    use clap::{CommandFactory, Parser};
    use std::ffi::{OsStr, OsString};
    use std::os::unix::ffi::OsStrExt;

    fn parse(line: &str) -> Result<CommandLine, clap::Error> {
        CommandLine::try_parse_from(["packetboat"].into_iter().chain(line.split_whitespace()))
    }

    fn flags(line: &str) -> ServeFlags {
        parse(line).expect(line).serve
    }

    #[test]
    fn no_flags_are_the_defaults_of_the_library() {
        let (flags, library) = (flags("").config().unwrap(), Config::new("."));
        assert_eq!(flags, library);
    }

    #[test]
    fn every_flag_reaches_the_configuration() {
        let config = flags(
            "-l 2121 --listen [::1]:2122 --anonymous off --anonymous-in /in=upload --banner Hi --users u --passive-ports \
             5-9 /srv --passive-address 203.0.113.7 --active-port 20 --max-sessions 7 --idle-timeout 1 \
             --data-timeout 2 --login-timeout 3 --stall-timeout 4 --handshake-timeout 5 --partial-uploads discard \
             --replace in-place --replace-on-hangup --durable --umask 027 --strict-allo --no-recursive-lists \
             --allow-set-id",
        )
        .config()
        .unwrap();
        let mut expected = Config::new("/srv");
        expected.listen = vec!["127.0.0.1:2121".parse().unwrap(), "[::1]:2122".parse().unwrap()];
        expected.anonymous = Some(Anonymous::Off);
        expected.anonymous_in = vec![("/in".to_owned(), Access::UPLOAD)];
        expected.banner = "Hi".to_owned();
        expected.users = Some("u".into());
        expected.passive_ports = Some(5..=9);
        expected.active_port = Some(20);
        expected.passive_address = Some(Ipv4Addr::new(203, 0, 113, 7));
        expected.max_sessions = 7;
        expected.idle_timeout = Duration::from_secs(1);
        expected.data_timeout = Duration::from_secs(2);
        expected.login_timeout = Duration::from_secs(3);
        expected.stall_timeout = Duration::from_secs(4);
        expected.handshake_timeout = Duration::from_secs(5);
        expected.partial_uploads = PartialUploads::Discard;
        expected.replacing = Replacing::InPlace;
        expected.replace_on_hangup = true;
        (expected.durable, expected.strict_allo) = (true, true);
        expected.umask = Some(0o027);
        (expected.recursive_lists, expected.allow_set_id) = (false, true);
        assert_eq!(config, expected);
        let few = flags("--max-sessions-per-address 3").config().unwrap();
        assert_eq!((few.max_sessions, few.max_sessions_per_address), (10_000, 3));
    }

    #[test]
    fn a_bad_value_is_answered_by_what_would_be_right() {
        for (line, right) in [
            ("--listen localhost", "0.0.0.0:2121"),
            ("--listen ::1:5", "[::1]:2121"),
            ("--listen 65536", "a port"),
            ("--anonymous yes", "off, read, write, upload"),
            ("--anonymous-in in=upload", "/incoming=upload"),
            ("--anonymous-in /in=all", "overwrite"),
            ("--passive-ports 9-3", "lower first"),
            ("--passive-ports 0-3", "from 1 to 65535"),
            ("--passive-ports 3", "two ports"),
            ("--passive-ports 3-65536", "from 1 to 65535"),
            ("--passive-address ::1", "IPv4"),
            ("--passive-address 0.0.0.0", "203.0.113.7"),
            ("--max-sessions 0", "from 1"),
            ("--max-sessions-per-address many", "from 1"),
            ("--idle-timeout 0", "a second at least"),
            ("--data-timeout 99999999999999999999", "a year"),
            ("--data-timeout 1w", "5m, 2h"),
            ("--partial-uploads drop", "keep, discard"),
            ("--replace never", "atomic, in-place"),
            ("--umask 8", "octal"),
            ("user add ftp --users u", "another name"),
            ("user add x --users u --access all", "\"read\", \"write\""),
            ("user add x", "--users <FILE>"),
        ] {
            let error = parse(line).expect_err(line);
            assert_eq!(error.exit_code(), 2, "{line}");
            assert!(error.to_string().contains(right), "{line}: {error}");
        }
        let banner = CommandLine::try_parse_from(["packetboat", "--banner", "a\r\n230 b"]);
        assert!(banner.unwrap_err().to_string().contains("one line"));
    }

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, seconds) in
            [("7", 7), ("90s", 90), ("5m", 300), ("5 min", 300), ("2h", 7200), ("1d", 86_400)]
        {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "s", "5 m x", "-1", "1.5h", "366d"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn more_and_less_log() {
        for (line, verbosity) in
            [("", 0), ("-q", -1), ("-qq", -2), ("-qqq", -3), ("-v", 1), ("-v -v", 2), ("-vq", 0)]
        {
            assert_eq!(flags(line).verbosity(), verbosity, "{line}");
        }
    }

    #[test]
    fn a_root_is_bytes_and_may_be_called_user() {
        let bytes = OsStr::from_bytes(b"/srv/\xff");
        let line = [OsString::from("packetboat"), bytes.to_owned(), OsString::from("-v")];
        let config = CommandLine::try_parse_from(line).unwrap().serve.config();
        assert_eq!(config.unwrap().root.as_os_str(), bytes);
        assert_eq!(flags("./user").config().unwrap().root, PathBuf::from("./user"));
        assert_eq!(flags("users").config().unwrap().root, PathBuf::from("users"));
    }

    #[test]
    fn help_has_its_headings_and_a_line_an_option() {
        CommandLine::command().debug_assert();
        let long = parse("--help").unwrap_err().to_string();
        assert!(long.contains("\nExamples:\n") && long.contains("PACKETBOAT_IDLE_TIMEOUT"));
        let help = parse("-h").unwrap_err();
        assert_eq!(help.kind(), ErrorKind::DisplayHelp);
        let help = help.to_string();
        for heading in [SERVING, ACCESS, PASSIVE, LIMITS, UPLOADS, PROCESS, LOG] {
            assert!(help.contains(&format!("\n{heading}:\n")), "{heading}");
        }
        assert!(!help.contains("Examples"), "{help}");
        // A wrapped description would stand far to the right without an option before it.
        assert!(!help.lines().any(|line| line.starts_with(&" ".repeat(10))), "{help}");
    }
}
