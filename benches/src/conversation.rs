//! A conversation of ten turns, each with a text of some 60 bytes and a reply of some 150.

use std::ops::ControlFlow;

use cs_serve::dialogue::{Chat, ChatConfig, Flows, MemorySessions, SessionsConfig, Told, Turn};
use cs_serve::reply::{Asked, Evidence, Reply, Sink, Source};
use cs_serve::{BackendError, Entity, Intent, Understanding};

/// The turns of a conversation.
pub const TURNS: usize = 10;

const FLOWS: &str = r#"
version: 1
flows:
  refund:
    starts: { intent: refund_request }
    slots:
      order_id:
        ask: { zh: "请问您要退款的订单号是多少呢？您可以在“我的订单”页面里查到它，一般是以字母开头的一串数字。", en: "?" }
        pattern: "[A-Z]{0,2}\\d{4,}"
      reason:
        ask: { zh: "请问退款的原因是什么呢？可以是商品破损、尺码不合适，也可以是其他的原因，请您简单说一下就好。", en: "?" }
        choices: { broken: { zh: [坏了, 破损], en: [broken] }, wrong_size: { zh: [太小], en: [too small] } }
    steps:
      - collect: [order_id, reason]
      - confirm: { zh: "好的，我来跟您确认一下：要为订单{{order_id}}申请退款，退款的原因是{{reason}}，款项会原路退回，对吗？", en: "?" }
      - say: { zh: "您的退款申请已经提交了，我们会在两个工作日之内处理，款项会原路退回到您的付款账户，请您留意。", en: "!" }
"#;

/// What a customer says, and what the model makes of it.
const SAID: [(&str, &str); TURNS] = [
    ("你好，我上周在你们店里买的杯子有点问题", ""),
    ("我想申请退款，请问应该怎么办理呢", "refund_request"),
    ("请问退款的话运费是由谁来承担的呢", ""),
    ("我的订单号是A12345678", ""),
    ("收到的时候打开包装就发现坏了", ""),
    ("不是A12345678，是A87654321", ""),
    ("那大概需要多长时间才能退到账上呢", ""),
    ("是的", ""),
    ("另外我还想问一下会员积分会不会扣", ""),
    ("请问你们的实体店周末几点钟开门呢", ""),
];

/// The flows that the conversation goes by.
pub fn flows() -> Flows {
    Flows::parse(FLOWS).unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// A chat, and what is said to it.
#[derive(Debug)]
pub struct Conversation {
    /// The chat, whose sessions are in memory.
    pub chat: Chat,
    understandings: Vec<Understanding>,
}

impl Default for Conversation {
    fn default() -> Self {
        let sessions = MemorySessions::new(&SessionsConfig::default());
        let sessions = sessions.unwrap_or_else(|error| panic!("{error}"));
        let chat = Chat::new(
            flows(),
            Box::new(answer),
            Box::new(sessions),
            ChatConfig::default(),
        );
        Self {
            chat: chat.unwrap_or_else(|error| panic!("{error}")),
            understandings: SAID.map(|(text, intent)| understood(text, intent)).into(),
        }
    }
}

impl Conversation {
    /// Gives a turn's text, and what the model makes of it.
    pub fn turn(&self, turn: usize) -> (&str, &Understanding) {
        (SAID[turn].0, &self.understandings[turn])
    }

    /// Says something in a session.
    pub fn say(&self, session: &str, turn: usize) -> Told {
        let (text, understanding) = self.turn(turn);
        let turn = Turn {
            session,
            turn: None,
            text,
            understanding,
            parts: &[],
        };
        let told = self
            .chat
            .turn(&turn, &mut |_| (), &mut |_| ControlFlow::Continue(()));
        told.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Says the first turns in a session.
    pub fn hold(&self, session: &str, turns: usize) {
        for turn in 0..turns {
            self.say(session, turn);
        }
    }
}

fn answer(_: &Asked<'_>, _: &mut Sink<'_>) -> Result<Option<Reply>, BackendError> {
    Ok(Some(Reply {
        text: "您好，这个问题是这样的：一般情况下我们会在一到三个工作日之内为您处理好，请您放心，也请您耐心等待。".into(),
        source: Source::Faq,
        evidence: vec![Evidence {
            source: Source::Faq,
            id: "faq-12".into(),
            text: "多久处理好？".into(),
        }],
        checked: None,
    }))
}

fn understood(text: &str, intent: &str) -> Understanding {
    let intent = (!intent.is_empty()).then(|| Intent {
        label: intent.into(),
        confidence: 0.9,
    });
    let entity = text.find("A1").map(|at| Entity {
        label: "order_id".into(),
        start: text[..at].chars().count(),
        end: text[..at].chars().count() + 9,
        text: "A12345678".into(),
        confidence: 0.9,
    });
    Understanding {
        text: text.into(),
        intents: intent.iter().cloned().collect(),
        intent,
        entities: entity.into_iter().collect(),
        ..Understanding::default()
    }
}
