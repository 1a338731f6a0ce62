//! What is said of the conversation itself.

use std::collections::BTreeMap;

use crate::reply::{Language, Text};

/// What is said when no flow has a text for it; a file of flows may have others under `texts`.
#[derive(Debug, Clone)]
pub(in crate::dialogue) struct Texts(BTreeMap<&'static str, Text>);

/// The place for what else the customer wants.
const WISH: &str = "wish";

/// The names of the texts, with what is said in Chinese and in English.
const BUILT_IN: [(&str, &str, &str); 15] = [
    (
        "handover",
        "我为您转接人工客服，请稍候。",
        "I am passing you on to a colleague. One moment, please.",
    ),
    (
        "handed_over",
        "人工客服会尽快回复您，请稍候。",
        "A colleague will answer you soon. One moment, please.",
    ),
    (
        "cancelled",
        "好的，已为您取消本次办理。",
        "All right, I have stopped that.",
    ),
    ("nothing", "好的。", "All right."),
    (
        "change",
        "请告诉我要改成什么；不办了请说“算了”。",
        "What should be changed? Say \"never mind\" to stop.",
    ),
    (
        "rephrase",
        "抱歉，我没有听懂，请换个说法再说一次。",
        "Sorry, I did not understand that. Could you put it another way?",
    ),
    (
        "invalid",
        "抱歉，我没有认出来。",
        "Sorry, I did not recognise that.",
    ),
    (
        "required",
        "没有这一项办不了；不办了请说“算了”。",
        "I can't do it without that. Say \"never mind\" to stop.",
    ),
    (
        "blocked",
        "抱歉，您的消息含有不当内容，无法处理，请换个说法。",
        "Sorry, I cannot take a message like that. Could you put it another way?",
    ),
    (
        "undone",
        "好的，已回到上一步。",
        "All right, one step back.",
    ),
    (
        "not_undone",
        "没有可以撤销的步骤了。",
        "There is nothing that I can take back.",
    ),
    (
        "queued",
        "一件一件来，办完这件再办：“{{wish}}”。",
        "One thing at a time. After this comes: \"{{wish}}\".",
    ),
    (
        "unanswered",
        "抱歉，您问的我暂时答不上来。",
        "Sorry, I have no answer to your question.",
    ),
    ("next", "接着办：“{{wish}}”。", "Next: \"{{wish}}\"."),
    (
        "renewed",
        "抱歉，办理流程刚刚更新，需要重新确认。",
        "Sorry, our procedure has just changed, so I have to ask again.",
    ),
];

impl Default for Texts {
    fn default() -> Self {
        let text = |(name, zh, en): (&'static str, &str, &str)| {
            let sources = BTreeMap::from([(Language::Zh, zh.into()), (Language::En, en.into())]);
            (name, Text::new(sources).expect("a text with places"))
        };
        Self(BUILT_IN.into_iter().map(text).collect())
    }
}

impl Texts {
    /// The names that a file may have under `texts`.
    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        BUILT_IN.into_iter().map(|(name, ..)| name)
    }

    pub(super) fn set(&mut self, name: &str, text: Text) {
        if let Some(old) = self.0.get_mut(name) {
            *old = text;
        }
    }

    /// The places that a text of this name may have.
    pub(super) fn places(name: &str) -> &'static [&'static str] {
        match name {
            "queued" | "next" => &[WISH],
            _ => &[],
        }
    }

    /// What is said.
    pub(in crate::dialogue) fn say(&self, name: &str, language: Language) -> String {
        self.say_of(name, "", language)
    }

    /// What is said of a wish.
    pub(in crate::dialogue) fn say_of(&self, name: &str, wish: &str, language: Language) -> String {
        let text = self.0.get(name);
        let values = BTreeMap::from([(WISH.to_owned(), wish.to_owned())]);
        let said = text.and_then(|text| text.render(language, &values).ok());
        said.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_is_there_in_both_languages() {
        let texts = Texts::default();
        for (name, zh, en) in BUILT_IN {
            let (zh, en) = (zh.replace("{{wish}}", "A2"), en.replace("{{wish}}", "A2"));
            assert_eq!(texts.say_of(name, "A2", Language::Zh), zh);
            assert_eq!(texts.say_of(name, "A2", Language::En), en);
        }
    }
}
