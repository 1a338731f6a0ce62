//! Whole conversations: what customers say, and what they are told.

use cs_serve::BackendError;
use cs_serve::dialogue::{Answers, Chat, ChatConfig, Flows, MemorySessions, SessionsConfig};
use cs_serve::reply::{Asked, Reply, Sink};

use super::{Service, say, shipping, shop};

/// A flow that needs any text.
const ADDRESS: &str = r#"
version: 1
flows:
  address:
    starts: { intent: change_address }
    slots:
      address: { ask: { zh: "新地址是？", en: "What is the new address?" }, text: true }
    steps:
      - collect: [address]
      - confirm: { zh: "改成“{{address}}”，对吗？", en: "Change it to \"{{address}}\"?" }
      - say: { zh: "已修改。", en: "Done." }
"#;

/// A flow that needs an order beside any text.
const DELIVERY: &str = r#"
version: 1
flows:
  address:
    starts: { intent: change_address }
    slots:
      order_id: { ask: { zh: "哪个订单？", en: "Which order?" }, pattern: "[A-Z]{0,2}\\d{4,}" }
      address: { ask: { zh: "新地址是？", en: "What is the new address?" }, text: true }
    steps:
      - collect: [order_id, address]
      - confirm: { zh: "{{order_id}}改成“{{address}}”，对吗？", en: "Send {{order_id}} to \"{{address}}\"?" }
      - say: { zh: "已修改。", en: "Done." }
"#;

/// A conversation: what is said, what the model makes of it, and what is replied.
type Talk<'a> = &'a [(&'a str, &'a str, &'a str)];

fn hold(talk: Talk<'_>) -> Service {
    let service = Service::default();
    hold_by(&shop(&service), talk);
    service
}

fn hold_by(chat: &Chat, talk: Talk<'_>) {
    for (text, script, expected) in talk {
        let told = say(chat, text, script);
        assert_eq!(told.reply.text, *expected, "after {text:?}");
    }
}

const ASK_ORDER: &str = "请问订单号是多少？";
const ASK_REASON: &str = "退款的原因是？";
const ASK_NOTE: &str = "还有什么要补充的吗？";

#[test]
fn a_form_is_filled_confirmed_and_sent() {
    let service = hold(&[
        ("我要退款", "refund_request", ASK_ORDER),
        ("12345", "order_status", ASK_REASON),
        ("到手就坏了", "damaged_goods", ASK_NOTE),
        ("没有", "", "为订单12345申请退款，原因是坏了，对吗？"),
        (
            "不是12345，是A54321",
            "order_status",
            "为订单A54321申请退款，原因是坏了，对吗？",
        ),
        ("对的", "thanks", "已提交，退款号R7。"),
    ]);
    assert_eq!(service.calls(), ["create_refund"]);
    hold(&[
        ("I want a refund", "refund_request", "Which order is it?"),
        ("it's A12345", "", "What went wrong?"),
        ("It arrived broken.", "", "Anything to add?"),
        ("no", "", "Refund order A12345 because it is broken?"),
        (
            "No, I meant A54321",
            "",
            "Refund order A54321 because it is broken?",
        ),
        ("Yes please!", "", "Done, your refund is R7."),
    ]);
}

#[test]
fn what_is_said_at_once_is_not_asked_for() {
    hold(&[
        (
            "订单A12345的杯子破损了，我要退款",
            "refund_request order_id=A12345",
            ASK_NOTE,
        ),
        ("快递员摔的", "", "为订单A12345申请退款，原因是坏了，对吗？"),
    ]);
}

#[test]
fn what_is_known_already_is_no_question() {
    const CONFIRM: &str = "为订单A12345申请退款，原因是坏了，对吗？";
    hold(&[
        (
            "订单A12345的杯子破损了，我要退款",
            "refund_request order_id=A12345",
            ASK_NOTE,
        ),
        ("没有", "", CONFIRM),
        ("坏了", "out_of_scope", CONFIRM),
        ("A12345", "order_status", CONFIRM),
    ]);
}

#[test]
fn a_no_asks_what_to_change() {
    hold(&[
        (
            "A12345坏了要退款",
            "refund_request order_id=A12345",
            ASK_NOTE,
        ),
        ("没有", "", "为订单A12345申请退款，原因是坏了，对吗？"),
        ("不对", "", "请告诉我要改成什么；不办了请说“算了”。"),
        (
            "原因是尺码不对",
            "",
            "为订单A12345申请退款，原因是尺码不对，对吗？",
        ),
        ("不是A12345", "", ASK_ORDER),
        ("A99999", "", "为订单A99999申请退款，原因是尺码不对，对吗？"),
        ("算了", "", "好的，已为您取消本次办理。"),
        ("算了", "", "好的。"),
    ]);
}

#[test]
fn a_question_in_between_is_answered_and_the_form_goes_on() {
    hold(&[
        ("我要退款", "refund_request", ASK_ORDER),
        (
            "运费谁出？",
            "shipping",
            "满99元免运费。\n请问订单号是多少？",
        ),
        ("我要退款", "refund_request", ASK_ORDER),
        ("A12345", "", ASK_REASON),
    ]);
}

#[test]
fn another_flow_goes_first_and_the_form_waits() {
    let service = hold(&[
        ("我要退款", "refund_request", ASK_ORDER),
        (
            "先帮我查一下A20002到哪了",
            "order_status order_id=A20002",
            "订单A20002：已发货。\n请问订单号是多少？",
        ),
        ("A12345", "order_status", ASK_REASON),
        (
            "帮我查下订单",
            "order_status",
            "订单A20002：已发货。\n退款的原因是？",
        ),
    ]);
    assert_eq!(service.calls(), ["find_order", "find_order"]);
}

#[test]
fn an_order_that_is_not_there_is_asked_for_again() {
    hold(&[
        ("查订单", "order_status", "您要查哪个订单？"),
        ("B12345", "", "没有这个订单。\n您要查哪个订单？"),
        ("A12345", "", "订单A12345：已发货。"),
        ("我要退款", "refund_request", ASK_REASON),
    ]);
}

#[test]
fn undo_goes_back_to_before_the_turn() {
    hold(&[
        ("撤销", "", "没有可以撤销的步骤了。"),
        ("我要退款", "refund_request", ASK_ORDER),
        ("A12345", "", ASK_REASON),
        ("回到上一步", "", "好的，已回到上一步。\n请问订单号是多少？"),
        ("A99999", "", ASK_REASON),
        ("坏了", "", ASK_NOTE),
        (
            "undo that",
            "",
            "All right, one step back.\nWhat went wrong?",
        ),
        (
            "go back",
            "",
            "All right, one step back.\nWhich order is it?",
        ),
        ("go back", "", "All right, one step back."),
        ("go back", "", "There is nothing that I can take back."),
    ]);
    // What is done cannot be taken back, what was looked up can.
    hold(&[
        ("取消订单A12345", "cancel_order", "确定取消订单A12345吗？"),
        ("对", "", "订单已取消。"),
        ("撤销", "", "没有可以撤销的步骤了。"),
        ("查订单A12345", "order_status", "订单A12345：已发货。"),
        ("撤销", "", "好的，已回到上一步。"),
    ]);
}

#[test]
fn cancel_means_yes_where_that_is_the_question() {
    let cancelled = hold(&[
        ("取消订单A12345", "cancel_order", "确定取消订单A12345吗？"),
        ("取消", "cancel_order", "订单已取消。"),
    ]);
    assert_eq!(cancelled.calls(), ["cancel_order"]);
    let kept = hold(&[
        ("取消订单A12345", "cancel_order", "确定取消订单A12345吗？"),
        ("算了", "", "好的，已为您取消本次办理。"),
        (
            "Cancel order A12345",
            "cancel_order",
            "Shall I cancel order A12345?",
        ),
        ("no", "", "All right, the order stays."),
    ]);
    assert!(kept.calls().is_empty());
}

#[test]
fn answers_that_are_none_are_borne_twice() {
    hold(&[
        ("我要退款", "refund_request", ASK_ORDER),
        ("abc", "", "这不像订单号。\n请问订单号是多少？"),
        ("12", "refund_request", "这不像订单号。\n请问订单号是多少？"),
        ("x9", "", "我为您转接人工客服，请稍候。"),
        ("A12345", "", "人工客服会尽快回复您，请稍候。"),
    ]);
}

#[test]
fn a_person_takes_over_by_rule_on_request_and_without_a_source() {
    let handover = "我为您转接人工客服，请稍候。";
    let rephrase = "抱歉，我没有听懂，请换个说法再说一次。";
    for (reason, talk) in [
        (
            "sentiment",
            &[("你们太差了", "complaint ~0.05", handover)] as Talk<'_>,
        ),
        ("intent", &[("有人在吗", "human_agent", handover)]),
        (
            "requested",
            &[
                ("我要退款", "refund_request", ASK_ORDER),
                ("转人工", "", handover),
            ],
        ),
        ("no_source", &[("今天天气如何", "", handover)]),
        (
            "low_confidence",
            &[
                ("呜啦呜啦", "thanks@0.2", rephrase),
                ("哇啦", "refund_request@0.3", handover),
            ],
        ),
        ("answer_failed", &[("出错了吗", "", handover)]),
        (
            "refund_failed",
            &[
                ("B12345坏了要退款", "refund_request", ASK_NOTE),
                ("没有", "", "为订单B12345申请退款，原因是坏了，对吗？"),
                ("好的", "", handover),
            ],
        ),
    ] {
        let chat = shop(&Service::default());
        for (text, script, expected) in talk {
            let told = say(&chat, text, script);
            assert_eq!(told.reply.text, *expected, "after {text:?}");
        }
        assert_eq!(chat.state("s1").unwrap().handed_over(), Some(reason));
    }
    // An answer is no bad mood, and a turn in between is no second time.
    hold(&[
        ("我要退款", "refund_request ~0.3", ASK_ORDER),
        ("A12345", "human_agent ~0.01", ASK_REASON),
        ("坏了", "complaint ~0.05", ASK_NOTE),
    ]);
    hold(&[
        ("呜啦呜啦", "thanks@0.2", rephrase),
        ("运费多少", "shipping@0.3", "满99元免运费。"),
        ("呜啦呜啦", "thanks@0.2", rephrase),
    ]);
}

#[test]
fn what_a_person_gives_back_goes_on_where_it_was() {
    let chat = shop(&Service::default());
    say(&chat, "我要退款", "refund_request");
    for _ in 0..3 {
        say(&chat, "x9", "");
    }
    assert_eq!(
        chat.state("s1").unwrap().handed_over(),
        Some("not_understood")
    );
    chat.release("s1").unwrap();
    let again = "这不像订单号。\n请问订单号是多少？";
    assert_eq!(say(&chat, "x9", "").reply.text, again);
    assert_eq!(say(&chat, "A12345", "").reply.text, ASK_REASON);
}

#[test]
fn any_text_may_be_an_answer_and_be_corrected() {
    hold(&[
        (
            "A12345坏了要退款",
            "refund_request order_id=A12345",
            ASK_NOTE,
        ),
        (
            "为什么问这个？",
            "",
            "抱歉，我没有认出来。\n还有什么要补充的吗？",
        ),
        (
            "请尽快",
            "thanks@0.6",
            "为订单A12345申请退款，原因是坏了，对吗？",
        ),
        (
            "备注改成 不着急",
            "",
            "为订单A12345申请退款，原因是坏了，对吗？",
        ),
        ("确认退款", "refund_request", "已提交，退款号R7。"),
        ("OK", "", "好的。"),
    ]);
}

#[test]
fn a_summary_says_what_it_is_about() {
    let chat = shop(&Service::default());
    say(&chat, "我要退款，订单A12345", "refund_request");
    let told = say(&chat, "转人工", "");
    assert_eq!(
        told.reply.evidence[0].text,
        "转接原因：requested\n办理事项：refund\n已知信息：order_id = A12345\n缺少信息：reason、note\n\
         客户：我要退款，订单A12345\n回复：退款的原因是？\n客户：转人工"
    );
    chat.release("s1").unwrap();
    assert_eq!(say(&chat, "坏了", "").reply.text, ASK_NOTE);
    assert_eq!(chat.shown(&chat.state("s1").unwrap()).missing, ["note"]);
}

#[test]
fn what_a_customer_does_not_know_is_asked_twice_more() {
    const REQUIRED: &str = "没有这一项办不了；不办了请说“算了”。\n请问订单号是多少？";
    hold(&[
        ("我要退款", "refund_request", ASK_ORDER),
        ("不知道", "refund_request", REQUIRED),
        ("不清楚啊", "thanks", REQUIRED),
        ("没有", "", "我为您转接人工客服，请稍候。"),
    ]);
    hold(&[
        ("I want a refund", "refund_request", "Which order is it?"),
        (
            "no idea",
            "thanks",
            "I can't do it without that. Say \"never mind\" to stop.\nWhich order is it?",
        ),
        ("A12345", "", "What went wrong?"),
    ]);
}

/// Surely knows what has "保修" or "warranty" in it.
struct Warranty;

impl Answers for Warranty {
    fn recall(&self, asked: &Asked<'_>) -> Result<Option<Reply>, BackendError> {
        let is_known = asked.text.contains("保修") || asked.text.contains("warranty");
        let asked = Asked {
            text: "运费",
            ..*asked
        };
        let reply = shipping(&asked, &mut |_| std::ops::ControlFlow::Continue(()))?;
        Ok(reply.filter(|_| is_known).map(|reply| Reply {
            text: "保修两年。".into(),
            ..reply
        }))
    }

    fn answer(&self, asked: &Asked<'_>, _: &mut Sink<'_>) -> Result<Option<Reply>, BackendError> {
        self.recall(asked)
    }
}

#[test]
fn neither_a_question_nor_a_yes_is_an_address() {
    let sessions = MemorySessions::new(&SessionsConfig::default()).unwrap();
    let flows = Flows::parse(ADDRESS).unwrap();
    let (answers, config) = (Box::new(Warranty), ChatConfig::default());
    let chat = Chat::new(flows, answers, Box::new(sessions), config).unwrap();
    hold_by(
        &chat,
        &[
            ("我要改地址", "change_address", "新地址是？"),
            ("你们家保修多久", "", "保修两年。\n新地址是？"),
            ("好的", "thanks", "抱歉，我没有认出来。\n新地址是？"),
            (
                "不知道",
                "",
                "没有这一项办不了；不办了请说“算了”。\n新地址是？",
            ),
            (
                "好的，杭州市文三路9号",
                "",
                "改成“好的，杭州市文三路9号”，对吗？",
            ),
            ("对", "", "已修改。"),
            (
                "地址改成杭州文三路9号",
                "change_address address=杭州文三路9号",
                "改成“杭州文三路9号”，对吗？",
            ),
            ("是的", "", "已修改。"),
        ],
    );
}

fn hold_delivery(talk: Talk<'_>) {
    let sessions = MemorySessions::new(&SessionsConfig::default()).unwrap();
    let flows = Flows::parse(DELIVERY).unwrap();
    let (answers, config) = (Box::new(Warranty), ChatConfig::default());
    hold_by(
        &Chat::new(flows, answers, Box::new(sessions), config).unwrap(),
        talk,
    );
}

#[test]
fn an_address_that_is_said_at_once_is_not_asked_for() {
    hold_delivery(&[
        (
            "把A12345的收货地址改成杭州市文三路9号张三13800138000收",
            "change_address",
            "A12345改成“杭州市文三路9号张三13800138000收”，对吗？",
        ),
        ("是的", "", "已修改。"),
    ]);
    hold_delivery(&[
        (
            "地址改成杭州市文三路9号，订单号A12345，谢谢",
            "change_address",
            "A12345改成“杭州市文三路9号”，对吗？",
        ),
        (
            "订单号改成A54321",
            "",
            "A54321改成“杭州市文三路9号”，对吗？",
        ),
    ]);
    hold_delivery(&[
        ("帮我改下地址，改成上海", "change_address", "哪个订单？"),
        ("A12345", "", "A12345改成“上海”，对吗？"),
    ]);
    hold_delivery(&[
        (
            "Please change the address of A12345 to 12 Baker Street, London, thanks",
            "change_address order_id=A12345",
            "Send A12345 to \"12 Baker Street, London\"?",
        ),
        ("yes", "", "Done."),
    ]);
    hold_delivery(&[(
        "Send my parcel to 12 Baker Street, London for order A12345",
        "change_address order_id=A12345",
        "Send A12345 to \"12 Baker Street, London\"?",
    )]);
    hold_delivery(&[
        (
            "I want to change my address",
            "change_address",
            "Which order?",
        ),
        ("A12345", "", "What is the new address?"),
        (
            "change it to 5 High Street",
            "",
            "Send A12345 to \"5 High Street\"?",
        ),
    ]);
}

#[test]
fn a_part_of_an_address_is_corrected() {
    hold_delivery(&[
        ("改地址，A12345", "change_address", "新地址是？"),
        (
            "杭州市文三路9号，张三收",
            "",
            "A12345改成“杭州市文三路9号，张三收”，对吗？",
        ),
        (
            "不对，是文三路19号",
            "",
            "A12345改成“杭州市文三路19号，张三收”，对吗？",
        ),
        (
            "改成文三路29号吧",
            "",
            "A12345改成“杭州市文三路29号，张三收”，对吗？",
        ),
        ("不对", "", "请告诉我要改成什么；不办了请说“算了”。"),
        (
            "文三路39号",
            "",
            "A12345改成“杭州市文三路39号，张三收”，对吗？",
        ),
        (
            "杭州市文三路39号没错",
            "",
            "抱歉，我没有认出来。\nA12345改成“杭州市文三路39号，张三收”，对吗？",
        ),
        ("改成上海", "", "A12345改成“上海”，对吗？"),
        ("没错", "", "已修改。"),
    ]);
    hold_delivery(&[
        (
            "change my address, A12345",
            "change_address",
            "What is the new address?",
        ),
        (
            "12 Baker Street, London",
            "",
            "Send A12345 to \"12 Baker Street, London\"?",
        ),
        (
            "no, it's 21 Baker Street",
            "",
            "Send A12345 to \"21 Baker Street, London\"?",
        ),
        (
            "no, this is silly",
            "",
            "What should be changed? Say \"never mind\" to stop.",
        ),
    ]);
}

#[test]
fn what_something_else_is_sent_to_is_no_address() {
    hold_delivery(&[
        ("改地址，A12345", "change_address", "新地址是？"),
        ("几何路5号", "", "A12345改成“几何路5号”，对吗？"),
        (
            "no, send it to York instead",
            "",
            "Send A12345 to \"York\"?",
        ),
    ]);
    hold_delivery(&[
        ("改地址，A12345", "change_address", "新地址是？"),
        ("几何路5号", "", "A12345改成“几何路5号”，对吗？"),
        (
            "yes, and please send the invoice to anna@example.com",
            "",
            "Done.",
        ),
    ]);
}

#[test]
fn a_question_without_its_mark_is_no_address() {
    hold_delivery(&[
        ("改地址，A12345", "change_address", "新地址是？"),
        ("你们几点关门呢", "", "抱歉，我没有认出来。\n新地址是？"),
        ("发货要多久", "", "抱歉，我没有认出来。\n新地址是？"),
        ("几何路5号", "", "A12345改成“几何路5号”，对吗？"),
    ]);
}

#[test]
fn the_second_of_two_orders_is_next() {
    let service = hold(&[
        (
            "取消订单A10001和A20002",
            "cancel_order",
            "一件一件来，办完这件再办：“A20002”。\n确定取消订单A10001吗？",
        ),
        (
            "对",
            "",
            "订单已取消。\n接着办：“A20002”。\n确定取消订单A20002吗？",
        ),
        ("对", "", "订单已取消。"),
    ]);
    assert_eq!(service.calls(), ["cancel_order", "cancel_order"]);
    hold(&[(
        "where are orders A10001 and A20002",
        "order_status",
        "One thing at a time. After this comes: \"A20002\".\nOrder A10001: 已发货.\nNext: \"A20002\".\nOrder A20002: 已发货.",
    )]);
    hold(&[
        (
            "退款A10001、A20002，都坏了",
            "refund_request",
            "一件一件来，办完这件再办：“A20002”。\n还有什么要补充的吗？",
        ),
        (
            "算了",
            "",
            "好的，已为您取消本次办理。\n接着办：“A20002”。\n还有什么要补充的吗？",
        ),
        ("没有", "", "为订单A20002申请退款，原因是坏了，对吗？"),
    ]);
    // A word that corrects is for what is said in place of something, not for what is joined.
    hold(&[(
        "下错了，取消订单A10001和A20002",
        "cancel_order",
        "一件一件来，办完这件再办：“A20002”。\n确定取消订单A10001吗？",
    )]);
    hold(&[(
        "Sorry, where are orders A10001 and A20002",
        "order_status",
        "One thing at a time. After this comes: \"A20002\".\nOrder A10001: 已发货.\nNext: \"A20002\".\nOrder A20002: 已发货.",
    )]);
    // A telephone number beside an order is no second one.
    hold(&[(
        "取消订单A10001，电话13800138000",
        "cancel_order",
        "确定取消订单A10001吗？",
    )]);
}

#[test]
fn a_wish_beside_an_answer_waits() {
    const ASK_CANCEL: &str = "Shall I cancel order A10001?";
    let service = hold(&[
        ("cancel A10001", "cancel_order", ASK_CANCEL),
        (
            "Yes, and also where is A20002",
            "cancel_order | greeting | order_status",
            "One thing at a time. After this comes: \"where is A20002\".\nThe order is cancelled.\n\
             Next: \"where is A20002\".\nOrder A20002: 已发货.",
        ),
    ]);
    assert_eq!(service.calls(), ["cancel_order", "find_order"]);
    hold(&[
        ("取消订单A10001", "cancel_order", "确定取消订单A10001吗？"),
        (
            "不对，再查A20002",
            "order_status | complaint | order_status",
            "一件一件来，办完这件再办：“查A20002”。\n好的，订单保留。\n接着办：“查A20002”。\n订单A20002：已发货。",
        ),
    ]);
    // A value that was asked for, one of a choice, whatever the model takes it for, and any text.
    hold(&[
        ("I want a refund", "refund_request", "Which order is it?"),
        (
            "A12345, and cancel A20002",
            "cancel_order | order_status | cancel_order",
            "One thing at a time. After this comes: \"cancel A20002\".\nWhat went wrong?",
        ),
        (
            "it came damaged and where is A10001",
            "order_status | complaint | order_status",
            "One thing at a time. After this comes: \"where is A10001\".\nAnything to add?",
        ),
        (
            "the courier dropped it and cancel A10003",
            "cancel_order | complaint | cancel_order",
            "One thing at a time. After this comes: \"cancel A10003\".\nRefund order A12345 because it is broken?",
        ),
    ]);
    // What a text may be about is no wish, unless the model is very sure.
    hold(&[
        (
            "A12345坏了要退款",
            "refund_request order_id=A12345",
            ASK_NOTE,
        ),
        (
            "刚打开，然后去查订单才发现坏了",
            "order_status@0.7 | complaint | order_status@0.7",
            "为订单A12345申请退款，原因是坏了，对吗？",
        ),
        // What is in progress is no other wish.
        (
            "yes, and refund A12345",
            "refund_request | greeting | refund_request",
            "Done, your refund is R7.",
        ),
    ]);
    // Who wants a person gets one.
    hold(&[
        ("cancel A10001", "cancel_order", ASK_CANCEL),
        (
            "yes, and let me speak to your boss",
            "greeting | greeting | human_agent",
            "I am passing you on to a colleague. One moment, please.",
        ),
    ]);
}

#[test]
fn a_question_beside_an_answer_is_answered() {
    let service = hold(&[
        ("我要退款", "refund_request", ASK_ORDER),
        (
            "A12345，另外运费谁出？",
            "refund_request | order_status@0.4 | shipping",
            "满99元免运费。\n退款的原因是？",
        ),
        (
            "坏了，还有你们几点关门？",
            "shipping | complaint | shipping",
            "抱歉，您问的我暂时答不上来。\n还有什么要补充的吗？",
        ),
        ("没有", "", "为订单A12345申请退款，原因是坏了，对吗？"),
        (
            "对，另外运费谁出？",
            "shipping | greeting | shipping",
            "满99元免运费。\n已提交，退款号R7。",
        ),
    ]);
    assert_eq!(service.calls(), ["create_refund"]);
    hold(&[
        (
            "cancel A10001",
            "cancel_order",
            "Shall I cancel order A10001?",
        ),
        (
            "no, and do you sell shoes?",
            "greeting | greeting | out_of_scope",
            "All right, the order stays.",
        ),
    ]);
}

#[test]
fn what_starts_no_flow_belongs_to_the_wish_before() {
    let service = hold(&[
        (
            "Cancel A10001 and where is A20002 and A30003",
            "cancel_order | cancel_order | order_status | cancel_order@0.6",
            "One thing at a time. After this comes: \"where is A20002 and A30003\", \"A30003\".\n\
             Shall I cancel order A10001?",
        ),
        (
            "yes",
            "",
            "The order is cancelled.\nNext: \"where is A20002 and A30003\".\nOrder A20002: 已发货.\n\
             Next: \"A30003\".\nOrder A30003: 已发货.",
        ),
    ]);
    assert_eq!(
        service.calls(),
        ["cancel_order", "find_order", "find_order"]
    );
    hold(&[(
        "Refund A12345 and it came damaged and where is A20002",
        "refund_request | refund_request | complaint | order_status",
        "One thing at a time. After this comes: \"where is A20002\".\nAnything to add?",
    )]);
    // What leads to it, too.
    hold(&[(
        "A12345 came broken and I want my money back and where is A20002",
        "refund_request | complaint | refund_request | order_status",
        "One thing at a time. After this comes: \"where is A20002\".\nAnything to add?",
    )]);
}

#[test]
fn a_question_that_nobody_answers_keeps_no_wish_from_being_taken_up() {
    let chat = hold(&[
        (
            "Refund A12345 and can you hurry?",
            "refund_request | refund_request | out_of_scope",
            "Sorry, I have no answer to your question.\nNext: \"Refund A12345\".\nWhat went wrong?",
        ),
        ("it is broken", "", "Anything to add?"),
        ("no", "", "Refund order A12345 because it is broken?"),
        ("yes", "", "Done, your refund is R7."),
    ]);
    assert_eq!(chat.calls(), ["create_refund"]);
    hold(&[(
        "我要退款，另外查A20002，还有运费谁出？",
        "refund_request | refund_request | order_status | shipping",
        "满99元免运费。\n接着办：“我要退款”。\n请问订单号是多少？",
    )]);
}

#[test]
fn a_correction_beside_a_yes_goes_before_it() {
    const ASK_CANCEL: &str = "Shall I cancel order A10001?";
    for said in [
        "OK then cancel A20002 instead",
        "Yes, and can you make it A20002?",
        "yes, and don't cancel A10001 but cancel A20002, not A10001",
    ] {
        let service = Service::default();
        let chat = shop(&service);
        say(&chat, "cancel A10001", "cancel_order");
        let told = say(
            &chat,
            said,
            "cancel_order | greeting | cancel_order | cancel_order",
        );
        assert_eq!(told.reply.text, "Shall I cancel order A20002?", "{said}");
        assert!(service.calls().is_empty());
    }
    // A no in what has a yes, too, is a no.
    let service = hold(&[
        ("cancel A10001", "cancel_order", ASK_CANCEL),
        (
            "OK, no, and what about shipping?",
            "shipping | greeting | shipping",
            "All right, the order stays.",
        ),
    ]);
    assert!(service.calls().is_empty());
    hold_delivery(&[
        ("改地址，A12345", "change_address", "新地址是？"),
        (
            "几何路5号，张三收",
            "",
            "A12345改成“几何路5号，张三收”，对吗？",
        ),
        (
            "对，收件人改成李四",
            "",
            "抱歉，我没有认出来。\nA12345改成“几何路5号，张三收”，对吗？",
        ),
        (
            "好的，收件人电话不变，地址改成上海市南京路1号",
            "",
            "A12345改成“上海市南京路1号”，对吗？",
        ),
    ]);
    hold_by(
        &shop(&Service::default()),
        &[
            (
                "A12345坏了要退款",
                "refund_request order_id=A12345",
                ASK_NOTE,
            ),
            (
                "算了，另外运费谁出？",
                "shipping | complaint | shipping",
                "好的，已为您取消本次办理。",
            ),
        ],
    );
}

#[test]
fn pieces_of_a_text_do_not_take_each_others_orders() {
    // What leads to a wish is about another order.
    hold(&[(
        "A10001 is here, also where is A20002 and refund A30003",
        "order_status | greeting | order_status | refund_request",
        "One thing at a time. After this comes: \"refund A30003\".\nOrder A20002: 已发货.\n\
         Next: \"refund A30003\".\nWhat went wrong?",
    )]);
    // What follows it, too.
    hold(&[(
        "取消A10001，还有不好意思上次A20002是我搞错了，另外A30003到哪了",
        "cancel_order | cancel_order | order_status@0.4 | order_status",
        "一件一件来，办完这件再办：“A30003到哪了”。\n确定取消订单A10001吗？",
    )]);
    hold(&[(
        "取消A10001，还有A20002已经收到了，另外A30003到哪了",
        "cancel_order | cancel_order | order_status@0.4 | order_status",
        "一件一件来，办完这件再办：“A30003到哪了”。\n确定取消订单A10001吗？",
    )]);
}

#[test]
fn each_further_order_is_seen_to_once() {
    hold(&[
        ("我要退款", "refund_request", ASK_ORDER),
        (
            "A10001和A20002，另外运费谁出？",
            "refund_request | order_status@0.4 | order_status@0.4 | shipping",
            "一件一件来，办完这件再办：“A20002”。\n满99元免运费。\n退款的原因是？",
        ),
        (
            "坏了，还有退款A20002",
            "refund_request | complaint | refund_request",
            ASK_NOTE,
        ),
    ]);
    let service = hold(&[
        (
            "取消订单A10001和A20002",
            "cancel_order",
            "一件一件来，办完这件再办：“A20002”。\n确定取消订单A10001吗？",
        ),
        (
            "对，还有A20002，再查A30003和A40004",
            "cancel_order | greeting | cancel_order | order_status | order_status",
            "一件一件来，办完这件再办：“查A30003和A40004”、“A40004”。\n订单已取消。\n接着办：“A20002”。\n\
             确定取消订单A20002吗？",
        ),
        (
            "对",
            "",
            "订单已取消。\n接着办：“查A30003和A40004”。\n订单A30003：已发货。\n接着办：“A40004”。\n订单A40004：已发货。",
        ),
    ]);
    assert_eq!(
        service.calls(),
        ["cancel_order", "cancel_order", "find_order", "find_order"]
    );
}

#[test]
fn a_word_in_passing_is_no_answer() {
    hold(&[
        ("取消订单", "cancel_order", "取消哪个订单？"),
        (
            "好的，另外A20002到哪了",
            "order_status | greeting | order_status",
            "订单A20002：已发货。\n取消哪个订单？",
        ),
    ]);
    hold_delivery(&[
        ("改地址，A12345", "change_address", "新地址是？"),
        (
            "几何路5号，张三收，然后请客服打电话",
            "change_address | change_address | human_agent@0.6",
            "A12345改成“几何路5号，张三收，然后请客服打电话”，对吗？",
        ),
    ]);
}

#[test]
fn a_yes_that_is_held_back_is_none() {
    for (said, is_cancelled) in [
        ("好吧，算了", true),
        ("OK, never mind", true),
        ("确认取消", true),
        ("取消", true),
        ("好的，不退了", true),
        ("OK, don't do that yet", false),
        ("好的，先等一下", false),
        ("好的，稍等", false),
        ("OK, I didn't ask for a refund", false),
    ] {
        let service = Service::default();
        let chat = shop(&service);
        say(
            &chat,
            "A12345坏了要退款，另外取消A20002",
            "refund_request | refund_request | cancel_order",
        );
        say(&chat, "没有", "");
        let told = say(&chat, said, "").reply.text;
        assert!(service.calls().is_empty(), "{said}");
        assert_eq!(
            told.contains("已为您取消") || told.contains("stopped"),
            is_cancelled,
            "{said}: {told}"
        );
    }
    for said in [
        "好的，不取消A10001了",
        "OK, keep it",
        "好的，另外还是别取消了",
    ] {
        let service = Service::default();
        let chat = shop(&service);
        say(&chat, "cancel A10001", "cancel_order");
        say(
            &chat,
            said,
            "cancel_order | greeting | cancel_order | shipping",
        );
        assert!(service.calls().is_empty(), "{said}");
    }
    for said in [
        "可以，能不能快点？",
        "是的，特别感谢",
        "Sure, why not",
        "对，取消A10001",
    ] {
        let service = Service::default();
        let chat = shop(&service);
        say(&chat, "cancel A10001", "cancel_order");
        say(&chat, said, "");
        assert_eq!(service.calls(), ["cancel_order"], "{said}");
    }
    let service = hold(&[
        (
            "cancel A10001",
            "cancel_order",
            "Shall I cancel order A10001?",
        ),
        (
            "Yes, cancel it please",
            "cancel_order",
            "The order is cancelled.",
        ),
    ]);
    assert_eq!(service.calls(), ["cancel_order"]);
    // A further wish, and another flow instead.
    let service = hold(&[
        (
            "cancel A10001",
            "cancel_order",
            "Shall I cancel order A10001?",
        ),
        (
            "Yes, and A20002 came broken, not as ordered",
            "refund_request | greeting | refund_request",
            "One thing at a time. After this comes: \"A20002 came broken, not as ordered\".\nThe order is cancelled.\n\
             Next: \"A20002 came broken, not as ordered\".\nAnything to add?",
        ),
    ]);
    assert_eq!(service.calls(), ["cancel_order"]);
    let service = hold(&[
        (
            "cancel A10001",
            "cancel_order",
            "Shall I cancel order A10001?",
        ),
        (
            "OK then refund A10001 instead",
            "refund_request | greeting | refund_request",
            "What went wrong?",
        ),
    ]);
    assert!(service.calls().is_empty());
}

#[test]
fn another_value_beside_a_yes_goes_before_it() {
    hold_delivery(&[
        ("改地址，A12345", "change_address", "新地址是？"),
        (
            "12 Baker Street, care of Smith and Sons, London",
            "change_address | change_address | change_address",
            "Send A12345 to \"12 Baker Street, care of Smith and Sons, London\"?",
        ),
        (
            "The recipient is wrong, change it to Joe",
            "",
            "Sorry, I did not recognise that.\nSend A12345 to \"12 Baker Street, care of Smith and Sons, London\"?",
        ),
        (
            "对，然后改成上海市南京路1号",
            "change_address | greeting | change_address",
            "A12345改成“上海市南京路1号”，对吗？",
        ),
    ]);
    hold(&[
        ("取消订单A10001", "cancel_order", "确定取消订单A10001吗？"),
        (
            "不对，是A20002和A30003",
            "",
            "一件一件来，办完这件再办：“A30003”。\n确定取消订单A20002吗？",
        ),
    ]);
    hold(&[(
        "取消A10001，不要取消A20002和A30003",
        "cancel_order",
        "确定取消订单A10001吗？",
    )]);
}

#[test]
fn a_further_order_does_not_take_the_place_of_the_first() {
    for (said, waits) in [
        ("yes, and A20002 too", "A20002"),
        ("Yes and order A20002", "A20002"),
        ("对，还有A20002", "A20002"),
        ("是的，A20002也要", "A20002"),
    ] {
        let service = Service::default();
        let chat = shop(&service);
        say(&chat, "cancel A10001", "cancel_order");
        let told = say(&chat, said, "cancel_order | greeting | order_status");
        assert!(
            told.reply.text.contains(waits),
            "{said}: {}",
            told.reply.text
        );
        say(&chat, "yes", "");
        say(&chat, "yes", "");
        assert_eq!(service.calls(), ["cancel_order"; 2], "{said}");
    }
    hold(&[
        ("取消订单A10001", "cancel_order", "确定取消订单A10001吗？"),
        (
            "A10001和A20002",
            "",
            "一件一件来，办完这件再办：“A20002”。\n确定取消订单A10001吗？",
        ),
        ("不是A10001，订单号A20002", "", "确定取消订单A20002吗？"),
        ("对，A30003", "", "确定取消订单A30003吗？"),
    ]);
}

#[test]
fn another_recipient_is_no_address() {
    hold_delivery(&[
        ("改地址，A12345", "change_address", "新地址是？"),
        (
            "杭州市文三路9号，张三收",
            "",
            "A12345改成“杭州市文三路9号，张三收”，对吗？",
        ),
        (
            "收件人改成李四",
            "",
            "抱歉，我没有认出来。\nA12345改成“杭州市文三路9号，张三收”，对吗？",
        ),
        (
            "改成上海市中山路1号，收件人李四",
            "",
            "A12345改成“上海市中山路1号，收件人李四”，对吗？",
        ),
    ]);
}

#[test]
fn the_second_of_two_wishes_is_next() {
    let service = hold(&[
        (
            "取消A10001，另外A20002到哪了",
            "cancel_order | cancel_order | order_status",
            "一件一件来，办完这件再办：“A20002到哪了”。\n确定取消订单A10001吗？",
        ),
        ("运费谁出？", "", "满99元免运费。\n确定取消订单A10001吗？"),
        (
            "对",
            "",
            "订单已取消。\n接着办：“A20002到哪了”。\n订单A20002：已发货。",
        ),
    ]);
    assert_eq!(service.calls(), ["cancel_order", "find_order"]);
    hold(&[(
        "我要退款，另外运费谁出？",
        "refund_request | refund_request | shipping",
        "满99元免运费。\n接着办：“我要退款”。\n请问订单号是多少？",
    )]);
    // What is said of the same wish is none of its own, nor is what the model is not sure of.
    hold(&[(
        "我要退款，还有把钱退给我，另外很着急",
        "refund_request | refund_request | refund_request | order_status@0.45",
        ASK_ORDER,
    )]);
    // It can be taken back with the turn, and a person is told of it.
    let chat = shop(&Service::default());
    say(
        &chat,
        "我要退款，再查订单A20002",
        "refund_request | refund_request | order_status",
    );
    say(&chat, "撤销", "");
    assert!(chat.shown(&chat.state("s1").unwrap()).flow.is_none());
    say(
        &chat,
        "我要退款，再查订单A20002",
        "refund_request | refund_request | order_status",
    );
    let told = say(&chat, "转人工", "");
    assert!(
        told.reply.evidence[0]
            .text
            .contains("另外还要：查订单A20002")
    );
    // More of them than anybody keeps in mind are for a person.
    hold(&[(
        "取消A10001、A10002、A10003、A10004、A10005、A10006、A10007、A10008、A10009、A10010",
        "cancel_order",
        "我为您转接人工客服，请稍候。",
    )]);
}
