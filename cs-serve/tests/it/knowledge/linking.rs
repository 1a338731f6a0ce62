use cs_serve::knowledge::linking::{Candidate, Linker, LinkerConfig, Mention};
use cs_serve::knowledge::{Fact, Facts, Iri, KnowledgeError, Name, Named, Object, Predicate, Rows};
use proptest::prelude::*;

/// Names, and the class of each entity.
#[derive(Default)]
struct Names {
    names: Vec<Name>,
    classes: Vec<(Iri, Iri)>,
}

impl Names {
    fn add(&mut self, named: Named, text: &str) -> Iri {
        let iri = iri(self.names.len());
        self.names.push(Name {
            iri: iri.clone(),
            named,
            text: text.into(),
            language: None,
            preferred: true,
        });
        iri
    }

    fn class(mut self, class: &str, entities: &[&str]) -> Self {
        let class = self.add(Named::Class, class);
        for entity in entities {
            let entity = self.add(Named::Entity, entity);
            self.classes.push((entity, class.clone()));
        }
        self
    }

    fn predicates(mut self, names: &[&str]) -> Self {
        for name in names {
            self.add(Named::Predicate, name);
        }
        self
    }

    fn linker(&self) -> Linker {
        Linker::new(self, LinkerConfig::default()).unwrap()
    }
}

fn iri(at: usize) -> Iri {
    Iri::new(&format!("http://shop.example/{at}")).unwrap()
}

impl Facts for Names {
    fn names(&self, each: &mut dyn FnMut(Name)) -> Result<(), KnowledgeError> {
        self.names.iter().cloned().for_each(each);
        Ok(())
    }
    fn predicates(&self) -> Result<Vec<Predicate>, KnowledgeError> {
        Ok(Vec::new())
    }
    fn classes_of(&self, entity: &Iri) -> Result<Vec<Iri>, KnowledgeError> {
        let classes = self.classes.iter().filter(|(of, _)| of == entity);
        Ok(classes.map(|(_, class)| class.clone()).collect())
    }
    fn about(&self, _: &Iri) -> Result<Vec<Fact>, KnowledgeError> {
        Ok(Vec::new())
    }
    fn having(&self, _: &Iri, _: &Object) -> Result<Vec<Iri>, KnowledgeError> {
        Ok(Vec::new())
    }
    fn instances(&self, _: &Iri) -> Result<Vec<Iri>, KnowledgeError> {
        Ok(Vec::new())
    }
    fn select(&self, _: &str) -> Result<Rows, KnowledgeError> {
        Ok(Rows::default())
    }
    fn version(&self) -> &str {
        "names"
    }
}

fn restaurants() -> Names {
    let restaurants = [
        "全聚德(王府井店)",
        "全聚德(前门店)",
        "外婆家(北京apm店)",
        "酒吧",
        "人民大会堂餐厅",
    ];
    let sights = [
        "故宫",
        "故宫博物院",
        "北海公园",
        "人民大会堂",
        "水立方（国家游泳中心）",
    ];
    Names::default()
        .class("餐馆", &restaurants)
        .class("景点", &sights)
        .predicates(&["电话", "营业时间", "周边…酒店", "周边…景点"])
}

fn products() -> Names {
    Names::default()
        .class("Hotel", &["The Grand Hotel", "Seaview Hotel"])
        .class(
            "kettle",
            &["Kelvin Kettle", "Max", "Target", "H&M Mug", "Café Crème"],
        )
        .predicates(&["price", "opening hours"])
}

/// The text of a mention and what it may be, as `words=name|name`.
fn shown(text: &str, mention: &Mention) -> String {
    let chars: Vec<char> = text.chars().collect();
    let words: String = chars[mention.start..mention.end].iter().collect();
    let names = mention
        .likeliest()
        .iter()
        .map(|candidate| candidate.name.as_str());
    format!("{words}={}", names.collect::<Vec<_>>().join("|"))
}

fn assert_found(linker: &Linker, text: &str, expected: &[&str]) {
    let mentions = linker.mentions(text);
    let found: Vec<String> = mentions
        .iter()
        .map(|mention| shown(text, mention))
        .collect();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn names_are_found_however_they_are_written() {
    let linker = restaurants().linker();
    for (text, expected) in [
        (
            "全聚德(王府井店)的电话",
            &["全聚德(王府井店)=全聚德(王府井店)", "电话=电话"][..],
        ),
        (
            "去全聚德（王府井店）。",
            &["全聚德（王府井店）=全聚德(王府井店)"],
        ),
        ("全 聚 德 王府井店", &["全 聚 德 王府井店=全聚德(王府井店)"]),
        (
            "外婆家(北京ＡＰＭ店）就是",
            &["外婆家(北京ＡＰＭ店）=外婆家(北京apm店)"],
        ),
        ("《故宫博物院》", &["故宫博物院=故宫博物院"]),
        ("你好", &[]),
        ("", &[]),
        ("。。。", &[]),
    ] {
        assert_found(&linker, text, expected);
    }
    let linker = products().linker();
    for (text, expected) in [
        (
            "the KELVIN kettle's price",
            &["KELVIN kettle=Kelvin Kettle", "price=price"][..],
        ),
        ("kelvin-kettle", &["kelvin-kettle=Kelvin Kettle"]),
        ("an h & m mug", &["h & m mug=H&M Mug"]),
        (
            "cafe\u{301} cre\u{300}me",
            &["cafe\u{301} cre\u{300}me=Café Crème"],
        ),
        ("maximum prices priceless", &["prices=price"]),
    ] {
        assert_found(&linker, text, expected);
    }
}

#[test]
fn typing_errors_are_forgiven_by_length() {
    let linker = restaurants().linker();
    for (text, expected) in [
        ("北海公圆好玩吗", &["北海公圆=北海公园"][..]),
        ("北海海公园", &["北海海公园=北海公园"]),
        ("北公园", &["北公园=北海公园"]),
        ("北公海园", &["北公海园=北海公园"]),
        ("北海公，园", &["北海公=北海公园"]), // 园 left out,
        ("南海公元", &[]),
        ("故官", &[]), // too short for an error
        ("人民大会常餐厅", &["人民大会常餐厅=人民大会堂餐厅"]),
        ("外坡家北京amp店", &["外坡家北京amp店=外婆家(北京apm店)"]),
        ("外坡家北京amp点", &[]), // three errors
    ] {
        assert_found(&linker, text, expected);
    }
    let linker = products().linker();
    for (text, expected) in [
        ("the Kelvin Ketle", &["Kelvin Ketle=Kelvin Kettle"][..]),
        ("two kelvin kettles", &["kelvin kettles=Kelvin Kettle"]),
        ("the openning horus", &["openning horus=opening hours"]),
    ] {
        assert_found(&linker, text, expected);
    }
    let strict = LinkerConfig {
        max_errors: 0,
        ..LinkerConfig::default()
    };
    assert!(
        Linker::new(&restaurants(), strict)
            .unwrap()
            .mentions("北海公圆")
            .is_empty()
    );
}

#[test]
fn names_are_known_for_short_and_in_other_order() {
    let linker = restaurants().linker();
    for (text, expected) in [
        ("王府井全聚德", &["王府井全聚德=全聚德(王府井店)"][..]),
        ("王府井店全聚德", &["王府井店全聚德=全聚德(王府井店)"]),
        ("外婆家怎么走", &["外婆家=外婆家(北京apm店)"]),
        ("国家游泳中心", &["国家游泳中心=水立方（国家游泳中心）"]),
        ("水立方", &["水立方=水立方（国家游泳中心）"]),
    ] {
        assert_found(&linker, text, expected);
    }
    let linker = products().linker();
    for (text, expected) in [
        ("grand hotel", &["grand hotel=The Grand Hotel"][..]),
        ("a room at the Grand please", &["Grand=The Grand Hotel"]),
        ("a grand room", &[]),
    ] {
        assert_found(&linker, text, expected);
    }
}

#[test]
fn who_is_as_likely_is_asked_about() {
    let mentions = restaurants().linker().mentions("全聚德的电话");
    let names: Vec<&str> = mentions[0]
        .likeliest()
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    assert_eq!(names, ["全聚德(王府井店)", "全聚德(前门店)"]);
    assert_eq!(mentions[0].sure(), None);
    assert_eq!(mentions[1].sure().unwrap().named, Named::Predicate);
}

#[test]
fn a_name_as_it_is_goes_before_one_with_an_error() {
    let linker = Names::default()
        .class("景点", &["天坛公园", "地坛公园"])
        .linker();
    let mentions = linker.mentions("天坛公园");
    assert_eq!(mentions[0].sure().unwrap().name, "天坛公园");
    let scores: Vec<f32> = mentions[0].candidates.iter().map(|one| one.score).collect();
    assert!(
        scores.len() == 2 && scores[0] == 1.0 && scores[1] < 0.9,
        "{scores:?}"
    );
    assert_eq!(linker.mentions("月坛公园")[0].likeliest().len(), 2);
}

#[test]
fn the_longest_stands_and_keeps_what_is_within() {
    let linker = restaurants().linker();
    let mentions = linker.mentions("去故宫博物院");
    assert_eq!(mentions.len(), 1);
    assert_eq!((mentions[0].start, mentions[0].end), (1, 6));
    let nested = &mentions[0].nested;
    assert_eq!((nested[0].start, nested[0].end), (1, 3));
    assert_eq!(nested[0].candidates[0].name, "故宫");

    let linker = Names::default()
        .class("学校", &["北京大学", "大学生活动中心"])
        .linker();
    assert_found(
        &linker,
        "北京大学生活动中心",
        &["大学生活动中心=大学生活动中心"],
    );
    let linker = Names::default()
        .class("学校", &["北京大学", "大学城南"])
        .linker();
    assert_found(&linker, "北京大学城南", &["北京大学=北京大学"]);
}

#[test]
fn common_words_need_support() {
    let linker = restaurants().linker();
    for (text, expected) in [
        ("附近有酒吧吗", &[][..]),
        ("「酒吧」的电话", &["酒吧=酒吧", "电话=电话"]),
        ("酒吧这家餐馆", &["酒吧=酒吧", "餐馆=餐馆"]),
        ("景点里有酒吧", &["景点=景点"]), // the class of something else
        ("餐馆，酒吧", &["餐馆=餐馆"]),   // another clause
    ] {
        assert_found(&linker, text, expected);
    }
    let linker = products().linker();
    for (text, expected) in [
        ("my target is low", &[][..]),
        ("is \"target\" good", &["target=Target"]),
        ("is Target good", &["Target=Target"]),
        ("a target kettle", &["target=Target", "kettle=kettle"]),
    ] {
        assert_found(&linker, text, expected);
    }
    let own = LinkerConfig {
        common_words: vec!["故宫".into()],
        ..LinkerConfig::default()
    };
    let linker = Linker::new(&restaurants(), own).unwrap();
    assert!(linker.mentions("去故宫").is_empty());
}

#[test]
fn a_phrase_may_have_other_words_within() {
    let linker = restaurants().linker();
    assert_found(
        &linker,
        "周边有好点的酒店吗",
        &["周边有好点的酒店=周边…酒店"],
    );
    assert_found(&linker, "周边酒店", &["周边酒店=周边…酒店"]);
    let text = "周边的景点和酒店";
    assert_found(
        &linker,
        text,
        &["周边的景点=周边…景点", "周边的景点和酒店=周边…酒店"],
    );
    assert_found(&linker, "周边，酒店", &[]);
    assert_found(&linker, "周边有一个又大又好又不太贵的酒店", &[]);
}

#[test]
fn whatever_a_graph_calls_things_is_read() {
    let long = "长".repeat(70_000);
    let odd = [
        "",
        "()",
        "…",
        "(店)",
        "…a",
        "the ",
        "（",
        "🫖",
        "👨‍👩‍👧",
        "\u{301}",
        &long,
    ];
    let linker = Names::default().class("", &odd).predicates(&odd).linker();
    for text in odd {
        let ends = linker.mentions(text).into_iter().map(|mention| mention.end);
        assert!(ends.max().unwrap_or(0) <= text.chars().count(), "{text}");
    }
    assert_found(&linker, "a 🫖!", &["🫖=🫖"]);
    assert_eq!(Names::default().linker().mentions("全聚德"), []);

    let same: Vec<String> = (0..1000).map(|at| format!("小店(第{at}店)")).collect();
    let same: Vec<&str> = same.iter().map(String::as_str).collect();
    let linker = Names::default().class("店", &same).linker();
    let mentions = linker.mentions(&"小店的电话，".repeat(200));
    assert_eq!(mentions.len(), 200);
    let counts = mentions.iter().map(|mention| mention.candidates.len());
    assert!(counts.eq([200; 200]));
}

#[test]
fn settings_out_of_range_are_refused() {
    for (config, message) in [
        (
            LinkerConfig {
                max_errors: 3,
                ..LinkerConfig::default()
            },
            "max_errors = 3, expected 0, 1 or 2",
        ),
        (
            LinkerConfig {
                min_score: f32::NAN,
                ..LinkerConfig::default()
            },
            "min_score = NaN, expected a number from 0 to 1",
        ),
    ] {
        let error = Linker::new(&restaurants(), config).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}

fn is_first(mention: &Mention, name: &str) -> bool {
    let is_it = |candidate: &Candidate| candidate.name == name;
    mention.likeliest().iter().any(is_it)
}

proptest! {
    #[test]
    fn each_name_is_found_where_it_stands(
        names in prop::collection::hash_set("[甲乙丙丁戊己庚辛]{2,12}", 1..20),
        before in "[你好，请问]{0,8}",
    ) {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let linker = Names::default().class("季节", &names).linker();
        for name in names {
            let text = format!("{before}，{name}。");
            let mentions = linker.mentions(&text);
            let start = before.chars().count() + 1;
            prop_assert_eq!(mentions.len(), 1);
            prop_assert_eq!((mentions[0].start, mentions[0].end), (start, start + name.chars().count()));
            prop_assert_eq!(mentions[0].sure().map(|one| one.name.as_str()), Some(name));
        }
    }

    #[test]
    fn each_name_is_found_with_an_error(name in "[甲乙丙丁戊己庚辛]{4,12}", at in 0..100_usize, kind in 0..4) {
        let linker = Names::default().class("季节", &[&name, "春夏秋冬"]).linker();
        let mut chars: Vec<char> = name.chars().collect();
        let at = at % (chars.len() - 1);
        match kind {
            0 => chars.insert(at, '错'),
            1 => drop(chars.remove(at)),
            2 => chars[at] = '错',
            _ => chars.swap(at, at + 1),
        }
        let mentions = linker.mentions(&chars.into_iter().collect::<String>());
        prop_assert!(mentions.iter().any(|mention| is_first(mention, &name)), "{mentions:?}");
    }
}
