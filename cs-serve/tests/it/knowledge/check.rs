//! Replies against facts.

use std::sync::Arc;

use cs_serve::knowledge::check::{Checked, Checker, Context, Sentences, Verdict};
use cs_serve::knowledge::linking::{Linker, LinkerConfig};
use cs_serve::knowledge::{Facts, Graph, Iri, KnowledgeError, Limits};
use proptest::prelude::*;

const SHOP: &str = r#"
@prefix : <http://shop.example/> .
@prefix cs: <urn:customer-service-model:> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .

:Product a rdfs:Class ; rdfs:label "商品"@zh, "product"@en .
:Shop a rdfs:Class ; rdfs:label "店铺"@zh, "shop"@en ; skos:altLabel "门店"@zh, "store"@en .
:price a owl:FunctionalProperty ; rdfs:label "价格"@zh, "price"@en ; skos:altLabel "售价"@zh ; cs:unit "元" .
:warranty a owl:FunctionalProperty ; rdfs:label "保修期"@zh, "warranty"@en ; skos:altLabel "保修"@zh ; cs:unit "个月" .
:colour rdfs:label "颜色"@zh, "colour"@en ; cs:closed true .
:goesWith rdfs:label "配件"@zh, "accessory"@en ; cs:closed true .
:hours a owl:FunctionalProperty ; rdfs:label "营业时间"@zh, "opening hours"@en .
:phone a owl:FunctionalProperty ; rdfs:label "电话"@zh, "telephone"@en ; skos:altLabel "phone"@en .
:returns a owl:FunctionalProperty ; rdfs:label "七天无理由退货"@zh, "free returns"@en ; skos:altLabel "退货"@zh, "returns"@en .
:abroad a owl:FunctionalProperty ; rdfs:label "海外配送"@zh, "shipping abroad"@en ; skos:altLabel "ship abroad"@en .

:shop a :Shop ; rdfs:label "山茶小店"@zh, "Camellia Store"@en ;
    :hours "周一至周日 09:00-21:00" ; :phone "010-85007938" ; :returns true ; :abroad false .
:kettle a :Product ; rdfs:label "电热水壶"@zh, "electric kettle"@en ; :price 199 ; :warranty 24 ;
    :colour "樱桃红", "珍珠白" ; :goesWith :filter .
:lamp a :Product ; rdfs:label "护眼台灯"@zh, "reading lamp"@en ; :price 89 ; :warranty 12 ; :colour "墨玉黑" .
:filter a :Product ; rdfs:label "除垢滤网"@zh, "scale filter"@en ; :price 25 .
"#;

fn shop() -> Checker {
    checker(SHOP)
}

fn checker(turtle: &str) -> Checker {
    let facts: Arc<dyn Facts> = Arc::new(Graph::from_turtle(turtle, &Limits::default()).unwrap());
    let linker = Arc::new(Linker::new(facts.as_ref(), LinkerConfig::default()).unwrap());
    Checker::new(facts, linker).unwrap()
}

fn verdict(checker: &Checker, reply: &str) -> Verdict {
    checker.check(reply, &Context::default()).unwrap().verdict
}

/// Checks a reply to a question.
fn answer(checker: &Checker, question: &str, reply: &str) -> Checked {
    let context = checker.follow(&Context::default(), question).unwrap();
    checker.check(reply, &context).unwrap()
}

#[test]
fn claims_are_held_against_facts() {
    let checker = shop();
    for (reply, expected) in [
        ("电热水壶的价格是199元。", Verdict::Supported),
        ("电热水壶的价格是一百九十九块。", Verdict::Supported),
        ("电热水壶售价￥199.00，保修两年。", Verdict::Supported),
        (
            "电热水壶售价199元，支持七天无理由退货。",
            Verdict::Supported,
        ),
        ("电热水壶售价199元，不支持退货。", Verdict::Contradicted),
        ("电热水壶的价格是189元。", Verdict::Contradicted),
        ("这款89元的护眼台灯很好。", Verdict::Supported),
        ("这款99元的护眼台灯很好。", Verdict::Contradicted),
        (
            "The price of the electric kettle is 199 yuan.",
            Verdict::Supported,
        ),
        (
            "The price of the electric kettle is 189 yuan.",
            Verdict::Contradicted,
        ),
        (
            "The reading lamp has a warranty of 12 months.",
            Verdict::Supported,
        ),
        (
            "The reading lamp has a warranty of 2 years.",
            Verdict::Contradicted,
        ),
        ("营业时间是早上九点到晚上九点。", Verdict::Supported),
        ("营业时间是10:00-21:00。", Verdict::Contradicted),
        ("Our opening hours are 9 am to 9 pm.", Verdict::Supported),
        ("Our opening hours are 9 am to 6 pm.", Verdict::Contradicted),
        ("打85007938这个就行。", Verdict::Supported),
        ("打85007939这个就行。", Verdict::Contradicted),
        ("电热水壶有樱桃红和珍珠白两种颜色。", Verdict::Supported),
        ("电热水壶的颜色有樱桃红和墨玉黑。", Verdict::Contradicted),
        ("电热水壶没有墨玉黑。", Verdict::Supported),
        ("电热水壶的配件有除垢滤网。", Verdict::Supported),
        ("护眼台灯的配件有除垢滤网。", Verdict::Contradicted),
        ("很高兴为您服务。", Verdict::NoClaim),
        ("You are welcome!", Verdict::NoClaim),
        ("除垢滤网的保修期是3个月。", Verdict::Unknown),
    ] {
        let checked = checker.check(reply, &Context::default()).unwrap();
        assert_eq!(checked.verdict, expected, "{reply}: {checked:?}");
    }
}

#[test]
fn policies_are_yes_or_no() {
    let checker = shop();
    for (reply, expected) in [
        ("我们支持七天无理由退货。", Verdict::Supported),
        ("我们不支持七天无理由退货。", Verdict::Contradicted),
        ("商品不可以退货。", Verdict::Contradicted),
        ("我们支持无理由、无条件退货。", Verdict::Supported),
        ("我们不支持无理由退货。", Verdict::Contradicted),
        ("我们不提供海外配送。", Verdict::Supported),
        ("可以海外配送。", Verdict::Contradicted),
        ("Yes, we offer free returns.", Verdict::Supported),
        (
            "Sorry, we do not offer free returns.",
            Verdict::Contradicted,
        ),
        ("We can ship abroad.", Verdict::Contradicted),
        ("We cannot ship abroad.", Verdict::Supported),
        ("您是想退货吗？", Verdict::NoClaim),
    ] {
        assert_eq!(verdict(&checker, reply), expected, "{reply}");
    }
}

const DENYING_NAMES: &str = r#"
@prefix : <http://shop.example/> .
@prefix cs: <urn:customer-service-model:> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .

:Brand a rdfs:Class ; rdfs:label "无添加品牌"@zh, "no-nonsense brand"@en .
:price a owl:FunctionalProperty ; rdfs:label "价格"@zh, "price"@en ; cs:unit "元" .
:noSugar a owl:FunctionalProperty ; rdfs:label "无糖重量"@zh, "no sugar weight"@en ; cs:unit "克" .
:returns a owl:FunctionalProperty ; rdfs:label "退货"@zh, "returns"@en .
:address a owl:FunctionalProperty ; rdfs:label "地址"@zh, "address"@en .
:near rdfs:label "邻居"@zh, "neighbour"@en ; cs:closed true .

:muji a :Brand ; rdfs:label "无印良品"@zh, "Never Land"@en ; :price 129 ; :noSugar 99 ; :returns true ;
    :address "不夜城路无名巷3号" ; :near :tea .
:sauce a :Brand ; rdfs:label "不二酱"@zh, "No. 1 Kitchen"@en ; :price 129 ; :returns true ;
    :address "没羽路8号" ; :near :muji .
:tea a :Brand ; rdfs:label "非常泰"@zh, "Without Sugar Tea"@en ; :price 129 ; :returns true ;
    :address "别院街5号" .
"#;

/// What denies in a name, a class, a property or a value denies nothing, and beside them still does.
#[test]
fn names_and_values_deny_nothing() {
    let checker = checker(DENYING_NAMES);
    let names = [
        ("无印良品", "Never Land"),
        ("不二酱", "No. 1 Kitchen"),
        ("非常泰", "Without Sugar Tea"),
    ];
    for (zh, en) in names {
        for (reply, expected) in [
            (format!("{zh}的价格是129元。"), Verdict::Supported),
            (format!("{zh}的价格是139元。"), Verdict::Contradicted),
            (format!("{zh}的价格不是129元。"), Verdict::Unknown),
            (format!("{zh}现在139元。"), Verdict::Contradicted),
            (format!("无添加品牌{zh}现在139元。"), Verdict::Contradicted),
            (format!("{zh}支持退货。"), Verdict::Supported),
            (format!("{zh}不接受退货。"), Verdict::Contradicted),
            (format!("{zh}没有退货。"), Verdict::Contradicted),
            (
                format!("The price of {en} is 129 yuan."),
                Verdict::Supported,
            ),
            (
                format!("The price of {en} is 139 yuan."),
                Verdict::Contradicted,
            ),
            (
                format!("The price of {en} is not 129 yuan."),
                Verdict::Unknown,
            ),
            (format!("{en} does accept returns."), Verdict::Supported),
            (
                format!("{en} does not accept returns."),
                Verdict::Contradicted,
            ),
        ] {
            assert_eq!(verdict(&checker, &reply), expected, "{reply}");
        }
    }
    for (reply, expected) in [
        ("无印良品的无糖重量是99克。", Verdict::Supported),
        ("无印良品的无糖重量是89克。", Verdict::Contradicted),
        ("无印良品的地址是不夜城路无名巷3号。", Verdict::Supported),
        ("无印良品的地址是别院街5号。", Verdict::Contradicted),
        ("无印良品的地址不是别院街5号。", Verdict::Supported),
        ("无印良品的地址不是不夜城路无名巷3号。", Verdict::Unknown),
        ("不二酱的邻居有无印良品。", Verdict::Supported),
        ("不二酱的邻居有非常泰。", Verdict::Contradicted),
        ("不二酱的邻居没有非常泰。", Verdict::NoClaim),
        ("这款非常好的不二酱价格是139元。", Verdict::Contradicted),
        (
            "The piano next to No. 1 Kitchen costs 139 yuan.",
            Verdict::Contradicted,
        ),
    ] {
        assert_eq!(verdict(&checker, reply), expected, "{reply}");
    }
}

#[test]
fn what_is_false_is_corrected() {
    let checker = shop();
    for (reply, expected) in [
        ("电热水壶的价格是189元。", "电热水壶的价格是199元。"),
        ("电热水壶售价￥189。", "电热水壶售价￥199。"),
        (
            "The electric kettle costs 189 yuan.",
            "The electric kettle costs 199 yuan.",
        ),
        (
            "The reading lamp has a warranty of 2 years.",
            "The reading lamp has a warranty of 12个月.",
        ),
        ("打85007939这个就行。", "打010-85007938这个就行。"),
        ("我们不支持七天无理由退货。", "我们支持七天无理由退货。"),
        ("可以海外配送。", "不可以海外配送。"),
        ("We can ship abroad.", "We cannot ship abroad."),
        (
            "电热水壶的颜色有樱桃红和墨玉黑。",
            "电热水壶的颜色有樱桃红和珍珠白。",
        ),
    ] {
        let checked = checker.check(reply, &Context::default()).unwrap();
        assert_eq!(checked.corrected.as_deref(), Some(expected), "{checked:?}");
        assert_eq!(
            verdict(&checker, expected),
            Verdict::Supported,
            "{expected}"
        );
    }
    let right = checker
        .check("电热水壶的价格是199元。", &Context::default())
        .unwrap();
    assert_eq!(right.corrected, None);
}

#[test]
fn a_claim_tells_where_it_stands() {
    let checked = shop()
        .check("电热水壶的价格是189元。", &Context::default())
        .unwrap();
    let json = serde_json::to_value(&checked).unwrap();
    let expected = serde_json::json!({
        "verdict": "contradicted",
        "facts": [{"subject": "电热水壶", "predicate": "价格", "claimed": "189元", "known": "199元", "start": 8, "end": 12}],
        "corrected": "电热水壶的价格是199元。",
    });
    assert_eq!(json, expected);
}

#[test]
fn the_conversation_tells_what_is_meant() {
    let checker = shop();
    for (question, reply, expected) in [
        ("护眼台灯多少钱？", "89元哦。", Verdict::Supported),
        ("护眼台灯多少钱？", "它199元哦。", Verdict::Contradicted),
        ("电热水壶的价格是？", "199", Verdict::Supported),
        ("电热水壶的价格是？", "189", Verdict::Contradicted),
        (
            "How long is the warranty of the reading lamp?",
            "It is 12 months.",
            Verdict::Supported,
        ),
        (
            "How long is the warranty of the reading lamp?",
            "It is 24 months.",
            Verdict::Contradicted,
        ),
    ] {
        let checked = answer(&checker, question, reply);
        assert_eq!(checked.verdict, expected, "{question} {reply} {checked:?}");
    }
    let lamp = Iri::new("http://shop.example/lamp").unwrap();
    let about = checker
        .check("199元。", &Context::about(vec![lamp]))
        .unwrap();
    assert_eq!(about.verdict, Verdict::Contradicted);
    assert_eq!(about.facts[0].subject.as_deref(), Some("护眼台灯"));
}

#[test]
fn a_conversation_is_about_what_is_known() {
    let checker = shop();
    for known in ["护眼台灯", "Reading Lamp", "http://shop.example/lamp"] {
        let context = checker.about(&[known]).unwrap();
        let checked = checker.check("199元。", &context).unwrap();
        assert_eq!(checked.verdict, Verdict::Contradicted, "{known}");
    }
    for unknown in ["http://shop.example/sofa", "沙发", "价格", ""] {
        let error = checker.about(&["护眼台灯", unknown]).unwrap_err();
        assert!(
            matches!(&error, KnowledgeError::Unknown { found } if found == unknown),
            "{error}"
        );
    }
}

#[test]
fn a_thing_of_no_class_has_what_is_stated_of_it() {
    let checker = checker(&format!(
        "{SHOP} :sofa rdfs:label \"夜色沙发\"@zh ; :price 900 ."
    ));
    for (reply, expected) in [
        ("夜色沙发的价格是900元。", Verdict::Supported),
        ("夜色沙发的价格是800元。", Verdict::Contradicted),
        ("夜色沙发的保修期是3个月。", Verdict::Unknown),
    ] {
        assert_eq!(verdict(&checker, reply), expected, "{reply}");
    }
}

#[test]
fn in_doubt_nothing_is_contradicted() {
    let checker = shop();
    for reply in [
        "价格是189元。",        // of what?
        "电热水壶满99元包邮。", // a condition
        "没有价格是50元的商品。",
        "订单号12345678已发货。",
        "The reading lamp weighs 2 kg.",
    ] {
        let checked = checker.check(reply, &Context::default()).unwrap();
        assert_ne!(checked.verdict, Verdict::Contradicted, "{checked:?}");
    }
}

#[test]
fn a_context_forgets_the_oldest_turns() {
    let checker = shop();
    let mut context = Context::default();
    for _ in 0..40 {
        context = checker.follow(&context, "护眼台灯多少钱？").unwrap();
    }
    assert_eq!(context.topics().count(), 12);
}

#[test]
fn a_reply_in_pieces_gives_its_sentences() {
    let text = "The kettle costs 1.5 times more. 价格是199元。好的！and the rest";
    let whole: Vec<&str> = vec![
        "The kettle costs 1.5 times more. ",
        "价格是199元。",
        "好的！",
    ];
    for size in 1..8 {
        let mut sentences = Sentences::default();
        let chars: Vec<char> = text.chars().collect();
        let pieces = chars.chunks(size).map(|it| it.iter().collect::<String>());
        let found: Vec<String> = pieces.flat_map(|it| sentences.push(&it)).collect();
        assert_eq!(found, whole);
        assert_eq!(sentences.rest(), "and the rest");
    }
}

#[test]
fn a_streamed_reply_is_checked_as_the_whole_one_is() {
    let checker = shop();
    let reply = "电热水壶很好。它的价格是189元。保修两年。谢谢";
    let mut stream = checker.stream(Context::default());
    let mut facts = Vec::new();
    for c in reply.chars() {
        for checked in stream.push(&c.to_string()).unwrap() {
            facts.extend(checked.facts);
        }
    }
    facts.extend(stream.finish().unwrap().into_iter().flat_map(|it| it.facts));
    let whole = checker.check(reply, &Context::default()).unwrap();
    assert_eq!(facts, whole.facts);
    assert_eq!(whole.verdict, Verdict::Contradicted);
}

/// What a claim is about may stand before more than a part of a reply that is read at once, but not at
/// any distance.
#[test]
fn a_long_reply_is_checked_to_its_end() {
    let checker = shop();
    let pair = "电热水壶很好。它的价格是189元。";
    let reply = pair.repeat(200);
    let checked = checker.check(&reply, &Context::default()).unwrap();
    assert_eq!(checked.facts.len(), 200);
    for (at, fact) in checked.facts.iter().enumerate() {
        assert_eq!((fact.start, fact.end), (17 * at + 12, 17 * at + 16));
        assert_eq!(fact.verdict, Verdict::Contradicted);
    }
    assert_eq!(checked.corrected, Some(reply.replace("189", "199")));

    let far = |sentences| {
        format!(
            "电热水壶很好。{}它的价格是189元。",
            "请您放心。".repeat(sentences)
        )
    };
    assert_eq!(verdict(&checker, &far(150)), Verdict::Contradicted);
    assert_eq!(verdict(&checker, &far(1000)), Verdict::Unknown);
    let list = |items| format!("电热水壶的颜色没有{}樱桃红。", "墨玉黑、".repeat(items));
    assert_eq!(verdict(&checker, &list(20)), Verdict::Contradicted);
    assert_ne!(verdict(&checker, &list(800)), Verdict::NoClaim);
}

#[test]
fn another_currency_is_a_claim_that_nothing_known_judges() {
    let checker = shop();
    for reply in [
        "电热水壶的价格是$129。",
        "The electric kettle costs $129.",
        "电热水壶$129。",
    ] {
        assert_eq!(verdict(&checker, reply), Verdict::Unknown, "{reply}");
    }
}

const NEARBY: &str = r#"
@prefix : <http://town.example/> .
@prefix cs: <urn:customer-service-model:> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .

:Hotel a rdfs:Class ; rdfs:label "酒店"@zh .
:Diner a rdfs:Class ; rdfs:label "餐馆"@zh .
:kind a owl:FunctionalProperty ; rdfs:label "领域"@zh .
:diners rdfs:label "周边餐馆"@zh ; cs:closed true .

:inn a :Hotel ; rdfs:label "山茶客栈"@zh ; :kind "酒店" ; :diners :duck .
:duck a :Diner ; rdfs:label "柳叶烤鸭"@zh ; :kind "餐馆" .
:fish a :Diner ; rdfs:label "青石鱼庄"@zh ; :kind "餐馆" .
"#;

#[test]
fn that_a_hotel_is_one_supports_nothing() {
    let checker = checker(NEARBY);
    for reply in ["山茶客栈是一家不错的酒店。", "山茶客栈的领域是酒店。"] {
        assert_ne!(verdict(&checker, reply), Verdict::Supported, "{reply}");
    }
}

#[test]
fn a_property_may_be_named_with_a_particle() {
    let checker = checker(NEARBY);
    for (reply, expected) in [
        ("山茶客栈周边的餐馆有柳叶烤鸭。", Verdict::Supported),
        ("山茶客栈周边的餐馆有青石鱼庄。", Verdict::Contradicted),
    ] {
        assert_eq!(verdict(&checker, reply), expected, "{reply}");
    }
}

proptest! {
    #[test]
    fn any_reply_can_be_checked(reply in ".{0,60}|[0-9元分年点到至电热水壶护眼台灯价格保修是没有不的，。 ]{0,40}") {
        let checked = shop().check(&reply, &Context::default()).unwrap();
        let length = reply.chars().count();
        for fact in &checked.facts {
            prop_assert!(fact.start < fact.end && fact.end <= length);
        }
        prop_assert_eq!(checked.facts.is_empty(), checked.verdict == Verdict::NoClaim);
    }
}
