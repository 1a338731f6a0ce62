//! Plays scripted conversations against a service: what is said to each turn, and whether it is as expected.
//!
//! ```text
//! cargo run --release --example play -p cs-examples --no-default-features -- \
//!     --config examples/data/shop/serve.toml --conversations examples/data/shop/conversations.yml
//! ```
//!
//! The service is the one that `serve --config` starts, but in this process, without a socket, and with sessions
//! that are kept in memory alone. Nothing is done for it: where the settings have a service for actions,
//! `--scripted-actions` says what they give. A conversation is `{name, turns: [{say, expect}]}`, in YAML; what is expected is any
//! of `intent`, `slots`, `source` and `contains`, a text that is in the reply or a list of them. With `--json`, an object:
//! `passed`, a number, and `failed[{conversation, turn, expected, found}]`. It exits with 1 if one failed.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use cs_examples::{
    Error, Failure, Outcome, Output, Played, Player, Result, Script, ServeSettings, Service, print,
    print_json, run,
};
use serde_json::json;

/// Play scripted conversations against a service
#[derive(Parser)]
struct Arguments {
    /// The settings of the service, as of `serve`
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Conversations, in YAML
    #[arg(long, value_name = "FILE")]
    conversations: PathBuf,
    /// What actions give, in JSON lines, in place of what the settings say
    #[arg(long, value_name = "FILE")]
    scripted_actions: Option<PathBuf>,
    #[command(flatten)]
    output: Output,
}

fn main() -> ExitCode {
    run(|arguments: Arguments| {
        let scripts = Script::read(&arguments.conversations)?;
        let settings = ServeSettings::open(&arguments.config)?;
        let settings = settings.in_process(arguments.scripted_actions)?;
        if !settings.chats() {
            return Err(Error::Unfit {
                path: arguments.config,
                found: "a service that holds no conversations".to_owned(),
                expected: "`flows`, `replies` or both",
            });
        }
        let service = Service::start(&settings)?;
        let played = play(&Player::new(service.api()), &scripts)?;
        service.drain(Duration::ZERO);
        show(&played, &arguments.output)
    })
}

fn play(player: &Player, scripts: &[Script]) -> Result<Played> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build();
    let runtime = runtime.map_err(Error::io("<runtime>"))?;
    runtime.block_on(player.play(scripts))
}

fn show(played: &Played, output: &Output) -> Result<Outcome> {
    if output.json {
        print_json(played)?;
    } else {
        for failure in &played.failed {
            let Failure {
                conversation,
                turn,
                expected,
                found,
            } = failure;
            let expected = json!(expected);
            print(format_args!(
                "{conversation}, turn {turn}:\n    expected {expected}\n    found {found}"
            ))?;
        }
        let (passed, failed) = (played.passed, played.failed.len());
        print(format_args!(
            "{passed} conversations passed, {failed} failed"
        ))?;
    }
    Ok(match played.failed.is_empty() {
        true => Outcome::Passed,
        false => Outcome::Failed,
    })
}
