//! What a person who takes over has to know.

use super::flows::{Flow, Flows, Task};
use super::state::{Frame, State};
use crate::reply::Language;

/// How much of a text is repeated, in characters.
const MOST_CHARS: usize = 200;

/// The names of the slots that a flow in progress has yet to ask for.
pub(super) fn missing(flow: &Flow, frame: &Frame) -> Vec<String> {
    let mut missing: Vec<String> = Vec::new();
    for step in &flow.steps {
        let Task::Collect(slots) = &step.task else {
            continue;
        };
        for name in slots {
            let is_known = frame.slots.contains_key(name) || frame.skipped.contains(name);
            if !is_known && !missing.contains(name) {
                missing.push(name.clone());
            }
        }
    }
    missing
}

/// Sums a conversation up, in the customer's language: why it is handed over, what it is about, what is
/// known and missing, and what was said last.
pub(super) fn of(flows: &Flows, state: &State, reason: &str) -> String {
    let is_chinese = state.language() == Language::Zh;
    let say = |zh: &'static str, en: &'static str| if is_chinese { zh } else { en };
    let mut lines = vec![format!("{}{reason}", say("转接原因：", "Reason: "))];
    for frame in state.form.frames.iter().rev() {
        lines.push(format!("{}{}", say("办理事项：", "Flow: "), frame.flow));
        let slots: Vec<String> = frame
            .slots
            .iter()
            .map(|(name, value)| format!("{name} = {}", cut(value)))
            .collect();
        if !slots.is_empty() {
            let known = slots.join(say("；", "; "));
            lines.push(format!("{}{known}", say("已知信息：", "Known: ")));
        }
        let flow = flows.flow(&frame.flow);
        let missing = flow.map_or(Vec::new(), |flow| missing(flow, frame));
        if !missing.is_empty() {
            let missing = missing.join(say("、", ", "));
            lines.push(format!("{}{missing}", say("缺少信息：", "Missing: ")));
        }
    }
    for wish in &state.form.wishes {
        lines.push(format!(
            "{}{}",
            say("另外还要：", "Also wanted: "),
            cut(&wish.text)
        ));
    }
    let (customer, reply) = (say("客户：", "Customer: "), say("回复：", "Reply: "));
    for exchange in &state.exchanges {
        lines.push(format!("{customer}{}", cut(&exchange.customer)));
        lines.push(format!("{reply}{}", cut(&exchange.reply)));
    }
    lines.push(format!("{customer}{}", cut(&state.text)));
    lines.join("\n")
}

/// A text on one line, not too long.
fn cut(text: &str) -> String {
    let mut chars = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut cut: String = chars.by_ref().take(MOST_CHARS).collect();
    if chars.next().is_some() {
        cut.push('…');
    }
    cut
}
