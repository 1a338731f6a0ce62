//! Conversations with flows of a small shop, by a model whose answers are written down.

#[cfg(feature = "actions")]
mod actions;
mod chat;
mod flows;
mod guard;
mod properties;
mod recent;
mod sessions;
mod talks;

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use cs_serve::dialogue::{
    Actions, Call, Chat, ChatConfig, Flows, MemorySessions, SessionsConfig, Told, Turn, wishes,
};
use cs_serve::reply::{Asked, Evidence, Reply, Sink, Source, Values};
use cs_serve::{BackendError, Entity, Intent, Understanding};

/// The flows of a small shop.
const SHOP: &str = r#"
version: 1
flows:
  refund:
    starts: { intent: refund_request }
    slots:
      order_id:
        ask: { zh: "请问订单号是多少？", en: "Which order is it?" }
        invalid: { zh: "这不像订单号。", en: "That is no order number." }
        pattern: "[A-Z]{0,2}\\d{4,}"
        remember: true
      reason:
        ask: { zh: "退款的原因是？", en: "What went wrong?" }
        choices:
          broken: { zh: [坏了, 破损], en: [broken, damaged] }
          wrong_size: { zh: [尺码不对, 太小], en: [wrong size, too small] }
          other: { zh: [其他], en: [something else] }
      note: { ask: { zh: "还有什么要补充的吗？", en: "Anything to add?" }, text: true, required: false }
      refund_id: { entity: none }
    steps:
      - collect: [order_id, reason, note]
      - confirm: { zh: "为订单{{order_id}}申请退款，原因是{{reason}}，对吗？", en: "Refund order {{order_id}} because it is {{reason}}?" }
      - action: create_refund
        saves: { refund_id: id }
        failed: { handover: refund_failed }
      - say: { zh: "已提交，退款号{{refund_id}}。", en: "Done, your refund is {{refund_id}}." }
  status:
    starts: { intent: order_status }
    slots:
      order_id: { ask: { zh: "您要查哪个订单？", en: "Which order should I look up?" }, pattern: "[A-Z]{0,2}\\d{4,}", remember: true }
      status: { entity: none }
    steps:
      - id: again
        collect: [order_id]
      - action: find_order
        reads: true
        saves: { status: status }
        failed: { say: { zh: "没有这个订单。", en: "There is no such order." }, clear: [order_id], goto: again }
      - say: { zh: "订单{{order_id}}：{{status}}。", en: "Order {{order_id}}: {{status}}." }
  cancel:
    starts: { intent: cancel_order }
    slots:
      order_id: { ask: { zh: "取消哪个订单？", en: "Which order should I cancel?" }, pattern: "[A-Z]{0,2}\\d{4,}" }
    steps:
      - collect: [order_id]
      - confirm: { zh: "确定取消订单{{order_id}}吗？", en: "Shall I cancel order {{order_id}}?" }
        denied: { say: { zh: "好的，订单保留。", en: "All right, the order stays." } }
      - action: cancel_order
      - say: { zh: "订单已取消。", en: "The order is cancelled." }
handover: { sentiment_below: 0.15, low_confidence_twice: 0.4, intents: [human_agent] }
"#;

/// What the model makes of a text: `intent`, `intent@confidence`, or nothing; `label=text` are entities.
fn understood(text: &str, script: &str) -> Understanding {
    let mut understanding = Understanding {
        text: text.into(),
        ..Understanding::default()
    };
    for word in script.split_whitespace() {
        if let Some((label, value)) = word.split_once('=') {
            let start = text.find(value).map(|at| text[..at].chars().count());
            let start = start.expect("an entity of the text");
            understanding.entities.push(Entity {
                label: label.into(),
                start,
                end: start + value.chars().count(),
                text: value.into(),
                confidence: 0.9,
            });
        } else if let Some(sentiment) = word.strip_prefix('~') {
            understanding.sentiment = Some(sentiment.parse().unwrap());
        } else {
            let (label, confidence) = word.split_once('@').unwrap_or((word, "0.9"));
            let intent = Intent {
                label: label.into(),
                confidence: confidence.parse().unwrap(),
            };
            understanding.intents = vec![intent.clone()];
            understanding.intent = Some(intent);
        }
    }
    understanding
}

/// The shop's service: it knows the orders whose number begins with A.
#[derive(Clone, Default)]
struct Service {
    calls: Arc<Mutex<Vec<(String, String)>>>,
}

impl Service {
    fn calls(&self) -> Vec<String> {
        let calls = self.calls.lock().unwrap();
        calls.iter().map(|(action, _)| action.clone()).collect()
    }
}

impl Actions for Service {
    fn call(&self, call: &Call<'_>) -> Result<Values, cs_serve::dialogue::ActionError> {
        let said = (call.action.to_owned(), call.key.to_owned());
        self.calls.lock().unwrap().push(said);
        let order = call.slots.get("order_id").map_or("", String::as_str);
        if !order.starts_with('A') {
            let problem = "no such order".to_owned();
            return Err(cs_serve::dialogue::ActionError::Refused { problem });
        }
        Ok([("id", "R7"), ("status", "已发货")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into())
    }
}

/// Answers what has "运费" or "shipping" in it.
fn shipping(asked: &Asked<'_>, sink: &mut Sink<'_>) -> Result<Option<Reply>, BackendError> {
    if asked.text.contains("出错") {
        return Err("the index is gone".into());
    }
    if !asked.text.contains("运费") && !asked.text.contains("shipping") {
        return Ok(None);
    }
    let _ = sink("满99元");
    Ok(Some(Reply {
        text: "满99元免运费。".into(),
        source: Source::Faq,
        evidence: vec![Evidence {
            source: Source::Faq,
            id: "faq-1".into(),
            text: "运费多少？".into(),
        }],
        checked: None,
    }))
}

fn shop(service: &Service) -> Chat {
    let flows = Flows::parse(SHOP).unwrap_or_else(|problems| panic!("{problems:?}"));
    let sessions = MemorySessions::new(&SessionsConfig::default()).unwrap();
    Chat::new(
        flows,
        Box::new(shipping),
        Box::new(sessions),
        ChatConfig::default(),
    )
    .unwrap()
    .with_actions(Box::new(service.clone()))
}

/// Says something. What the model makes of each wish of a text stands after a `|`.
fn say(chat: &Chat, text: &str, script: &str) -> Told {
    let mut scripts = script.split('|');
    let understanding = understood(text, scripts.next().unwrap_or_default());
    let parts: Vec<Understanding> = wishes(text)
        .into_iter()
        .zip(scripts)
        .map(|(wish, script)| understood(wish, script))
        .collect();
    let turn = Turn {
        session: "s1",
        turn: None,
        text,
        understanding: &understanding,
        parts: &parts,
    };
    let mut given = String::new();
    let told = chat
        .turn(&turn, &mut |_| (), &mut |piece| {
            given.push_str(piece);
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(given, told.reply.text);
    told
}
