//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, Parser, Subcommand};

use crate::gateway::Host;
use crate::install::{Commit, FileName};

/// A module slot: runs the Rhombus driver as WebAssembly and gives it exactly what its manifest
/// declares.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, after_help = TOUR)]
#[command(args_conflicts_with_subcommands = true, arg_required_else_help = true)]
pub struct Cli {
    /// What to do, if a person is to be served.
    #[command(subcommand)]
    pub command: Option<Command>,

    /// How PlaceOS runs a driver.
    #[command(flatten)]
    pub placeos: PlaceOs,
}

/// What is wrong with a command line, without what may be secret in it: JSON whose quotes a shell has
/// taken falls apart into arguments, and one of them is the URL.
pub fn untold(mut error: clap::Error) -> clap::Error {
    let kind = match error.kind() {
        ErrorKind::UnknownArgument => ContextKind::InvalidArg,
        ErrorKind::InvalidSubcommand => ContextKind::InvalidSubcommand,
        _ => return error,
    };
    let told = match error.get(kind) {
        Some(ContextValue::String(given)) => is_flag(given),
        _ => false,
    };
    if !told {
        error.insert(kind, ContextValue::String("…".to_owned()));
        // It repeats what it is about.
        error.remove(ContextKind::Suggested);
    }
    error
}

/// Whether it is plainly a flag: words of small letters.
fn is_flag(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
    text.starts_with('-') && text.len() <= 24 && text.bytes().all(plain)
}

/// The flags by which PlaceOS runs a driver.
#[derive(Debug, Args)]
#[command(next_help_heading = "As a driver of PlaceOS")]
pub struct PlaceOs {
    /// Run the modules that core starts
    #[arg(short, long, requires = "socket", overrides_with_all = ["metadata", "defaults"])]
    pub process: bool,

    /// Core's socket
    #[arg(short, long, value_name = "SOCKET", requires = "process")]
    pub socket: Option<PathBuf>,

    /// Print what the driver can do, in JSON
    #[arg(short, long)]
    pub metadata: bool,

    /// Print what a new driver is filled with in PlaceOS, in JSON
    #[arg(short, long)]
    pub defaults: bool,

    /// Refused: the driver works for a system and with Redis, and an edge has neither
    #[arg(short, long)]
    pub edge: bool,
}

const TOUR: &str = "\
A first look, with two terminals:
  placeos-slot receive --secret 123456
  placeos-slot serve --demo --allow 127.0.0.1

How much is logged is said by PLACEOS_SLOT_LOG, for example: debug, or warn,driver=debug";

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the driver by HTTP, on the same routes as PlaceOS
    ///
    /// There is the webhook by which Rhombus subscribes, lists doors and unlocks them, and
    /// /api/engine/v2/signal, by which door events come in. On a terminal it prints the URLs, and
    /// commands to try; scripts find the URLs and keys in access.json in the data folder while it
    /// runs. SIGINT and SIGTERM end it, once the requests under way are answered.
    #[command(after_help = SERVE_EXAMPLES)]
    Serve(Serve),
    /// Receive what the driver sends, and check its signatures: a sample subscriber
    ///
    /// It answers every POST 200 and prints the door event, and whether the signature in its body
    /// and the one in its headers are right.
    #[command(after_help = RECEIVE_EXAMPLES)]
    Receive(Receive),
    /// Play fixtures, which are scenarios in JSON, on the driver, and say what it did step by step
    ///
    /// Everything is real but the world: the driver that this program carries meets a scripted
    /// network, store, building and clock. It ends with 1 if the driver did anything else than
    /// the fixtures expect.
    #[command(after_help = REPLAY_EXAMPLES)]
    Replay(Replay),
    /// Say whether this place can work: store, clock, name servers, certificates, the way to each
    /// subscriber
    ///
    /// A line each, with what was found and what to do about it. It changes nothing, sends no event,
    /// and ends with 1 if something cannot work as it is.
    #[command(after_help = CHECK_EXAMPLES)]
    Check(Check),
    /// Put this program where a PlaceOS core looks for a driver
    ///
    /// Core makes the file's name of the driver's row. A file of that name is replaced at once; what
    /// runs goes on running until core starts it anew.
    #[command(after_help = INSTALL_EXAMPLES)]
    Install(Install),
}

/// `serve`
#[derive(Debug, Args)]
pub struct Serve {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    #[arg(env = "PLACEOS_SLOT_LISTEN")]
    pub listen: SocketAddr,

    /// A name or address that callers know the gateway by; may be given again
    ///
    /// What is addressed to another host is answered 421: a page in a browser could reach the gateway
    /// by a name of its own. Known without being named are localhost, the loopback addresses, and the
    /// address of this machine at which a request comes in. Ports do not count. A proxy in front
    /// passes on the name that it is called by: name that one.
    #[arg(
        long,
        value_name = "NAME",
        env = "PLACEOS_SLOT_HOST",
        value_delimiter = ','
    )]
    pub host: Vec<Host>,

    /// Where subscriptions, undelivered events and keys are kept; made if it is not there
    #[arg(long, value_name = "DIR", default_value = "placeos-slot-data")]
    #[arg(env = "PLACEOS_SLOT_DATA")]
    pub data: PathBuf,

    /// Have a demo building: a dozen doors, and people who use them
    #[arg(long, env = "PLACEOS_SLOT_DEMO", value_parser = FalseyValueParser::new())]
    pub demo: bool,

    /// Seconds between two swipes in the demo building; 0 for none
    #[arg(long, value_name = "SECONDS", default_value_t = 5, requires = "demo")]
    #[arg(env = "PLACEOS_SLOT_SWIPE_EVERY")]
    pub swipe_every: u32,

    /// What the driver is given.
    #[command(flatten)]
    pub driver: Driver,
}

/// What the driver is given, and its way out
#[derive(Debug, Args)]
pub struct Driver {
    /// A setting of the driver, its value in JSON; may be given again
    ///
    /// Or an object of several: {"NAME": JSON, …}. All users of a machine see its command lines: what
    /// is secret, as subscriptions are, belongs in the environment
    #[arg(
        long,
        value_name = "NAME=JSON",
        env = "PLACEOS_SLOT_SET",
        hide_env_values = true
    )]
    pub set: Vec<String>,

    /// Let POSTs go there too; may be given again
    ///
    /// An origin, a host, *.host, an address or an address block. It is added to the setting
    /// allowed_hosts. Plain http is let through to an address, or a block of them, or an origin
    /// written with http://, and not else.
    #[arg(
        long,
        value_name = "ENTRY",
        env = "PLACEOS_SLOT_ALLOW",
        value_delimiter = ','
    )]
    pub allow: Vec<String>,

    /// Certificates, in PEM, that receivers' certificates may be signed by, besides the system's
    #[arg(long, value_name = "FILE", env = "PLACEOS_SLOT_CA_FILE")]
    pub ca_file: Option<PathBuf>,
}

const SERVE_EXAMPLES: &str = "\
Examples:
  Try it, with a receiver on this machine:
    placeos-slot serve --demo --allow 127.0.0.1
  As Rhombus needs it, behind a proxy that ends TLS:
    placeos-slot serve --data /var/lib/placeos-slot --host doors.building.example
  Answer as today's driver does, where the two differ:
    placeos-slot serve --set contract='\"deployed\"'
  Deliver to a receiver inside the building, whose certificate is the building's own:
    placeos-slot serve --allow https://video.building.example --ca-file building-ca.pem";

/// `receive`
#[derive(Debug, Args)]
pub struct Receive {
    /// The secret that the subscription was made with
    #[arg(long, value_name = "TEXT", value_parser = secret)]
    #[arg(env = "PLACEOS_SLOT_RECEIVE_SECRET", hide_env_values = true)]
    pub secret: Option<String>,

    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:9000")]
    #[arg(env = "PLACEOS_SLOT_RECEIVE_LISTEN")]
    pub listen: SocketAddr,
}

/// `replay`
#[derive(Debug, Args)]
pub struct Replay {
    /// The fixtures
    #[arg(value_name = "FIXTURE", required = true)]
    pub fixtures: Vec<PathBuf>,
}

const REPLAY_EXAMPLES: &str = "\
Example:
  placeos-slot replay tests/fixtures/post/*.json";

/// `check`
#[derive(Debug, Args)]
pub struct Check {
    /// The folder of `serve`
    #[arg(long, value_name = "DIR", default_value = "placeos-slot-data")]
    #[arg(env = "PLACEOS_SLOT_DATA")]
    pub data: PathBuf,

    /// Look at PlaceOS's Redis (REDIS_URL) instead of a folder, and at the subscribers of these modules
    #[arg(long, value_name = "MODULE", num_args = 0.., conflicts_with = "data")]
    pub placeos: Option<Vec<String>>,

    /// What the driver is given.
    #[command(flatten)]
    pub driver: Driver,
}

const CHECK_EXAMPLES: &str = "\
Examples:
  Before and while the gateway serves from that folder:
    placeos-slot check --data /var/lib/placeos-slot
  In a core's container, for a module that it runs:
    placeos-slot check --placeos mod-EJvE41RYlDl";

/// `install`
#[derive(Debug, Args)]
pub struct Install {
    /// The file_name of the driver's row
    #[arg(long, value_name = "FILE")]
    pub file_name: FileName,

    /// The commit of the driver's row
    #[arg(long, value_name = "COMMIT")]
    pub commit: Commit,

    /// Core's folder of drivers
    #[arg(long, value_name = "DIR", env = "PLACEOS_DRIVER_BINARIES")]
    pub dir: PathBuf,
}

const INSTALL_EXAMPLES: &str = "\
Example:
  placeos-slot install --file-name drivers/rhombus/driver.cr --commit abcdef1234 --dir /app/bin/drivers";

/// A secret of blanks is none: the driver signs nothing with it.
fn secret(text: &str) -> Result<String, &'static str> {
    if text.trim().is_empty() {
        Err("a secret must not be blank")
    } else {
        Ok(text.to_owned())
    }
}

const RECEIVE_EXAMPLES: &str = "\
Example:
  placeos-slot receive --secret 123456
  and subscribe it: POST {\"webhook\": \"http://127.0.0.1:9000/\", \"secret\": \"123456\"} to the
  webhook URL that serve prints. The gateway sends there only with --allow 127.0.0.1.";

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn swipes_are_for_the_demo_building_only() {
        let parse = |line: &str| Cli::try_parse_from(line.split(' '));
        assert!(parse("placeos-slot serve --swipe-every 1").is_err());
        assert!(parse("placeos-slot serve --demo --swipe-every 1").is_ok());
    }

    #[test]
    fn a_host_is_named_without_scheme_port_or_path() {
        let parse = |host: &str| Cli::try_parse_from(["placeos-slot", "serve", "--host", host]);
        for host in ["doors.example", "10.1.2.3", "::1", "a.example,b.example"] {
            assert!(parse(host).is_ok(), "{host}");
        }
        for host in [
            "",
            "https://doors.example",
            "doors.example:443",
            "doors.example/",
        ] {
            assert!(parse(host).is_err(), "{host}");
        }
    }

    #[test]
    fn what_a_shell_has_split_is_not_repeated() {
        let told = |arguments: &[&str]| {
            let all = [&["placeos-slot"], arguments].concat();
            untold(Cli::try_parse_from(all).unwrap_err()).to_string()
        };
        let url = "https://a.example/Hidden,";
        for arguments in [
            &["serve", "--set", "subscriptions=[{webhook:", url][..],
            &["serve", "-Hidden"],
            &["serve", "--Hidden=Hidden"],
            &["replay", "--", "a.json", "--secret", "Hidden"],
            &[url],
        ] {
            let Err(_) = Cli::try_parse_from([&["placeos-slot"], arguments].concat()) else {
                continue;
            };
            let text = told(arguments);
            assert!(!text.contains("Hidden"), "{text}");
            assert!(text.contains("placeos-slot"), "{text}");
        }
        let text = told(&["serve", "--secret=Hidden"]);
        assert!(
            text.contains("--secret") && !text.contains("Hidden"),
            "{text}"
        );
        let text = told(&["serve", "--listne", "127.0.0.1:0"]);
        assert!(
            text.contains("--listne") && text.contains("--listen"),
            "{text}"
        );
    }

    #[test]
    fn placeos_gives_its_flags_in_one_letter_or_in_words() {
        let parse = |line: &str| Cli::try_parse_from(line.split(' ')).map(|cli| cli.placeos);
        for line in [
            "slot -p -s /tmp/a",
            "slot --process --socket=/tmp/a",
            "slot -m -d -p -s /tmp/a",
        ] {
            let flags = parse(line).unwrap();
            assert!(
                flags.process && !flags.metadata && !flags.defaults,
                "{line}"
            );
            assert_eq!(flags.socket.as_deref(), Some(Path::new("/tmp/a")));
        }
        let flags = parse("slot -m -d").unwrap();
        assert!(flags.metadata && flags.defaults && !flags.process);
        assert!(parse("slot -p -e -s /tmp/a").unwrap().edge);
        for line in ["slot -p", "slot -s /tmp/a", "slot -x", "slot"] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
