//! The figures of a candidate.

use std::fmt;

use super::head;
use crate::http::canary::Canary;

pub(super) fn write(f: &mut fmt::Formatter<'_>, canary: &Canary) -> fmt::Result {
    let status = canary.known();
    let help = "Where a roll-out stands.";
    head(f, "cs_rollout_info", "gauge", help)?;
    let phase = status.phase.to_string().replace(' ', "-");
    let (stable, candidate) = (&status.stable, &status.candidate);
    writeln!(
        f,
        "cs_rollout_info{{phase=\"{phase}\",stable=\"{stable}\",candidate=\"{candidate}\"}} 1"
    )?;
    let help = "The candidate's share of new conversations.";
    head(f, "cs_rollout_share", "gauge", help)?;
    writeln!(f, "cs_rollout_share {}", status.share)?;
    let help = "Conversations that have begun in the step, by model.";
    head(f, "cs_rollout_conversations", "gauge", help)?;
    for (arm, count) in ["stable", "canary"].iter().zip(status.begun) {
        writeln!(f, "cs_rollout_conversations{{arm=\"{arm}\"}} {count}")?;
    }
    let [of_stable, of_candidate, failed, refused] = canary.turns();
    let help = "Turns by model; those that the candidate failed on or had no room for are its own.";
    head(f, "cs_rollout_turns_total", "counter", help)?;
    writeln!(f, "cs_rollout_turns_total{{arm=\"stable\"}} {of_stable}")?;
    writeln!(f, "cs_rollout_turns_total{{arm=\"canary\"}} {of_candidate}")?;
    let help = "Turns that the candidate failed on, so that the stable model answered.";
    head(f, "cs_rollout_failed_total", "counter", help)?;
    writeln!(f, "cs_rollout_failed_total {failed}")?;
    let help = "Turns that the candidate had no room for, so that the stable model answered.";
    head(f, "cs_rollout_refused_total", "counter", help)?;
    writeln!(f, "cs_rollout_refused_total {refused}")?;
    let help = "Turns and ratings that the roll-out does not know, as too much waited or it could not be written down.";
    head(f, "cs_rollout_untold_total", "counter", help)?;
    writeln!(f, "cs_rollout_untold_total {}", canary.untold())?;
    let Some(report) = canary.comparisons() else {
        return Ok(());
    };
    let help = "Copies of turns that the candidate was to see, by what came of it.";
    head(f, "cs_shadow_total", "counter", help)?;
    for (kind, count) in [
        ("compared", report.compared),
        ("shed", report.shed),
        ("failed", report.failed),
    ] {
        writeln!(f, "cs_shadow_total{{kind=\"{kind}\"}} {count}")?;
    }
    Ok(())
}
