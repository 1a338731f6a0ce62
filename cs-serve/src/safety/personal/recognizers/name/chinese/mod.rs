//! Names in Chinese: by their surnames where something around them says that a person is meant, and those of other
//! languages by the characters that write their sounds.

mod lists;

use std::collections::BTreeSet;

use super::super::address::is_region;
use super::super::pattern::{Pattern, pattern};
use super::super::{Search, Span};
use super::is_of_person;
use crate::letters::is_ideograph;
use lists::{
    elements_of, is_dotted_sound, is_full, is_given, is_japanese, is_no_name, is_plain_surname,
    is_sound, is_surname, is_telling, is_whole_name, is_word, plain_surname_of, surname_of,
};

/// The most characters between a name and what stands beside it.
const LONGEST_GAP: usize = 3;

/// The most characters of a name with what leads to it.
const LONGEST_WORD: usize = 12;

/// Who has a name that follows at once, or after a word that says so.
const ROLES: &str = "我爸|我妈|收货姓名|收件姓名|乘客姓名|购票人|参会人|报名人|参保人|使用人|登记人|办理人|注册人|持有人|出租人|承租人|租客|租户|\
    债务人|担保人|紧急联系人|监护人|护工|护士|保姆|阿姨|教练|导购|店员|店长|主管|组长|班主任|辅导员|校长|院长|律师|会计|财务|采购|前台|\
    物业|保安|维修工|安装工|安装师傅|维修师傅|快递小哥|外卖员|外卖小哥|送货员|送餐员|业务员|销售|销售员|顾问|专员|中介|经纪人|主播|\
    闺蜜|室友|邻居|男朋友|女朋友|对象|未婚夫|未婚妻|媳妇|婆婆|岳父|岳母|公公|爷爷|奶奶|外公|外婆|姥姥|姥爷|舅舅|叔叔|伯伯|姑姑|\
    姨妈|表弟|表哥|表姐|表妹|堂弟|堂哥|孙子|孙女|侄子|侄女|外甥|老妈|老爸|老伴|当事人|被告|原告|收款方|付款方|发货人|发件人|\
    寄货人|提货人|自提人|退款人|代办人|代领人|经手人|推荐人|邀请人|介绍人|参与人|中奖人|获奖者|作者|账号主人|号主|卡主|\
    联络人|入住客人|客人|宾客|住户|户主姓名|法人姓名|实名|收件人|收货人|寄件人|取件人|签收人|代收人|联系人|持卡人|户主|开户人|车主|机主|业主|房主|房东|法人代表|\
    法定代表人|法人|乘车人|乘机人|乘客|旅客|入住人|住客|预订人|预定人|预约人|患者|病人|学员|学生|家长|投保人|被保险人|被保人|受益人|\
    申请人|借款人|付款人|收款人|经办人|负责人|员工|客服|快递员|配送员|骑手|司机|师傅|医生|经理|同事|老公|老婆|爱人|丈夫|妻子|爸爸|\
    妈妈|父亲|母亲|儿子|女儿|哥哥|姐姐|弟弟|妹妹|投诉人|报案人|举报人|反馈人|报修人|咨询人|挂号人|就诊人|订票人|订餐人|订购人|\
    购买人|下单人|充值人|缴费人|转账人|汇款人|存款人|取款人|开卡人|办卡人|家属|陪护人|来访人|访客|应聘人|候选人|证人|新郎|新娘|寿星|\
    主治医生|主治医师|接诊医生|管家|楼管|宿管|班长|队长|船长|机长|乘务员|列车员|店主|老板娘|团长|群主|主持人|代购|房客|同住人|随行人|\
    同行人|共同申请人|配偶|前夫|前妻|男友|女友|干爹|干妈|舅妈|婶婶|大伯|小叔|小姑|嫂子|姐夫|妹夫|弟媳|女婿|儿媳|亲家|舅舅家|外孙|外孙女|\
    侄女婿|姑父|姨父|姨夫|伯父|伯母|叔父|舅父|发小|战友|老乡|学长|学姐|学弟|学妹|导师|带教|带班|领导|秘书|助理|经办柜员|柜员|大堂经理|\
    客户经理|项目经理|理财经理|投保人姓名|保险人|设计师|摄影师|化妆师|理发师|技师|师父|工程师|施工员|监理|收银员|服务员|维修员|安检员|调度|\
    站长|院士|博士|房管员|网格员|志愿者|领队|导游|讲师|教师|老师傅";

/// Those that are as often spoken of without a name.
const WEAK_ROLES: &str = "客户|用户|会员|同学|朋友|孩子|老板|本人|收件|寄件";

/// Who is named without a surname too: after these a name follows, and nothing else.
const NAMED: &str = "姓名|户名|账户名|开户名|真名|全名|名字|[我她他]叫做?|本名|实名|免贵姓?|贵姓|尊姓大名|鄙人|在下|大名|署名|签名|抬头写|落款|\
    曾用名|个人抬头|抬头是|抬头为|称呼我|喊我|叫我|我姓|此致敬礼|敬上|名字拼音|姓名拼音|更名为|改名叫?|小名|乳名|艺名|笔名|人称";

static AFTER_WORDS: Pattern = Pattern::new(|| {
    let joint = "(?:姓名|名字|名称|名)?(?:一栏|栏|那里|那栏)?(?:应该是|应该叫|应为|登记的?是|登记为|填的?是|写的?是|显示的?是|显示为?|改成|改为|更正为|换成|写成|填成|写|填|是|为|叫|就是|即)?了?[: =?]{0,2}[(\\[\"“「]?";
    pattern(&format!(
        r"(?:(?P<named>{NAMED})|(?P<role>{ROLES})|(?P<weak>{WEAK_ROLES})|(?P<vague>我是|这里是|这边是|叫我|找一下|找|@|转给|转告|寄给|交给|送给|发给|给|登记|投诉|联系|改成|换成|写成|改为|换为|由|让|请|替|帮|和|跟|与|同|叫|感谢|谢谢|表扬|夸夸|点名|喊|通知|问|接待我的|我系|我係|应该是|应为|正确的?是|更正为|服务我的|经办的|署|亲爱的|代表|受|误写成|错写成))(?P<joint>{joint})"
    ))
});

/// What stands after a name and says that it is one.
static BEFORE_WORDS: Pattern = Pattern::new(|| {
    pattern(
        r"(?:先生|女士|小姐|太太|老师|师傅|经理|同学|阿姨|大爷|大夫|医生|护士|教授|主任|律师|总监|老板|教练|警官|同志|小朋友|大妈|大叔|大姐|大哥|本人|(?:亲|签|代)?收(?:[^一-鿿]|$)|签的字|签收的|代签|代领|代收|的(?:名字|名下|地址|退款|发票|医保|账单|件|快递|包裹|订单|快件|车|卡|号|账户|账号|会员|手机|电话|身份证|票|保单|预约|预订|单|货|东西|外卖|行李|座位|座|航班|机票|房间|房|套餐|宽带|工资|学籍|成绩|病历|报告|合同|订阅|积分|优惠券|密码|资料|信息|家|生日|邮箱|护照|银行卡|信用卡|微信|行程|挂号|检查|体检|药|处方|工号|档案|简历|面试|投诉|工单|申请|贷款|额度|押金|定金|保险|理赔|住址|公司|儿子|女儿|父母|孩子|老公|老婆|家属)|[ ,(][男女](?:[ ,)、。]|$)|,[男女]|身份证|手机|电话|邮箱|名下)",
    )
});

/// A piece of a text between two marks.
static PIECE: Pattern = Pattern::new(|| pattern(r"[^ ,。、:;!?()\[\]\-/+\n\u{fffc}]+"));

/// What a title has before it instead of a name.
const NO_TITLED: &[&str] = &[
    "大堂", "前台", "客房", "餐厅", "值班", "部门", "门店", "销售", "项目", "客户",
];

/// Gives the bytes of each.
pub(super) fn find(search: &Search<'_>) -> Vec<(usize, usize)> {
    let text = search.view.text.as_str();
    let mut found: Vec<(usize, usize)> = Vec::new();
    found.extend(after_words(text));
    found.extend(after_titles(text));
    found.extend(before_words(text));
    found.extend(beside_others(text, &search.spans));
    found.extend(of_sounds(text));
    found.extend(alone(text));
    found.extend(listed(text));
    found
}

/// Names after what says who has one.
fn after_words(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(captures) = AFTER_WORDS.captures_at(text, at) {
        let Some(all) = captures.get(0) else { break };
        let joint = captures.name("joint").map_or("", |it| it.as_str());
        let rest = &text[all.end()..];
        let length = match (captures.name("named"), captures.name("vague"), joint) {
            (Some(_), _, _) => strong_length(rest),
            (_, None, joint) if !joint.is_empty() => strong_length(rest),
            _ => vague_length(rest, captures.name("role").is_some()),
        };
        at = all.end();
        if let Some(length) = length {
            found.push((at, at + length));
            at += length;
        }
        // Others may be listed.
        while let Some(rest) = text[at..].strip_prefix('、').filter(|_| length.is_some()) {
            let start = text.len() - rest.len();
            let Some(length) = strong_length(rest) else {
                break;
            };
            found.push((start, start + length));
            at = start + length;
        }
    }
    found
}

/// Names after whoever is called 人, 员 or 者 and a mark.
fn after_titles(text: &str) -> Vec<(usize, usize)> {
    static TITLES: Pattern = Pattern::new(|| pattern("[人员者](?:姓名)?[: ] ?"));
    let named = TITLES.find_iter(text).filter_map(|title| {
        let is_led = text[..title.start()].ends_with(is_ideograph);
        let at = title.end();
        let length = strong_length(&text[at..]).filter(|_| is_led)?;
        Some((at, at + length))
    });
    named.collect()
}

/// Names before a title and the like.
fn before_words(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for mark in BEFORE_WORDS.find_iter(text) {
        let before = &text[..mark.start()];
        let start = with_surname(text, word_start(before), mark.start());
        let piece = &before[start..];
        let is_title = mark.as_str().starts_with([
            '先', '女', '小', '太', '老', '师', '经', '同', '阿', '大', '医', '护', '教', '主',
            '律', '总', '警',
        ]);
        let most = 6;
        // The name is what ends here, from the longest on.
        for (at, _) in piece.char_indices() {
            let name = &piece[at..];
            let count = name.chars().filter(|c| *c != ' ').count();
            let is_whole = at == 0 || is_title || ends_in_role(&piece[..at]);
            if is_word(&text[mark.start() - name.len()..])
                || NO_TITLED.iter().any(|it| name.ends_with(it))
            {
                continue;
            }
            let is_surname = is_title && count == 1 && plain_surname_of(name).is_some();
            if count <= most
                && is_whole
                && (is_full(&name.replace(' ', ""))
                    || is_title && is_free_name(name) && (at == 0 || ends_in_role(&piece[..at]))
                    || is_surname && (at == 0 || piece[..at].ends_with(['是', '找', '叫', '给'])))
            {
                found.push((mark.start() - name.len(), mark.start()));
                break;
            }
        }
    }
    found
}

fn ends_in_role(text: &str) -> bool {
    ROLES
        .split('|')
        .chain(LEADS.iter().copied())
        .any(|it| text.ends_with(it))
}

/// What leads to a person of whom something is said.
const LEADS: &[&str] = &[
    "找", "给", "是", "叫", "和", "你好", "您好", "诶", "哎", "喂", "我", "问", "到", "由", "为",
    "向", "把", "被", "将", "替", "帮", "让", "请", "对", "与", "跟", "同", "查", "按", "用",
    "联系", "通知", "退", "还", "转", "取", "领", "以", "凭", "说", "称", "核对", "核实", "修改",
    "注销", "查询", "绑定", "解绑", "冒用", "盗用", "借用", "使用", "打印",
];

/// Says whether a word is a surname, and after it one or two characters that a name may have.
fn is_free_name(name: &str) -> bool {
    let Some(surname) = plain_surname_of(name).filter(|_| !is_word(name)) else {
        return false;
    };
    let given = &name[surname..];
    let count = given.chars().count();
    (1..=2).contains(&count)
        && given.chars().all(|c| is_ideograph(c) && !is_no_name(c))
        && given.chars().any(is_given)
}

/// Names that are a piece of their own beside a telephone, an address and the like.
fn beside_others(text: &str, spans: &[Span]) -> Vec<(usize, usize)> {
    let personal: Vec<&Span> = spans.iter().filter(|it| is_of_person(it.kind)).collect();
    if personal.is_empty() {
        return Vec::new();
    }
    let starts: BTreeSet<usize> = personal.iter().map(|it| it.start).collect();
    let ends: BTreeSet<usize> = personal.iter().map(|it| it.end).collect();
    let is_gap = |start: usize, end: usize| {
        end - start <= 4 * LONGEST_GAP
            && text[start..end].chars().count() <= LONGEST_GAP
            && !text[start..end].contains(is_ideograph)
    };
    let mut found = Vec::new();
    for piece in PIECE.find_iter(text) {
        let end = piece.end();
        let start = with_surname(text, piece.start(), end);
        let next = starts.range(end..).next();
        let last = ends.range(..=start).next_back();
        let is_beside =
            next.is_some_and(|&it| is_gap(end, it)) || last.is_some_and(|&it| is_gap(it, start));
        if is_beside && is_full(&text[start..end].replace(' ', "")) {
            found.push((start, end));
        }
    }
    found
}

/// Two names with 、 between them, and nothing else.
fn listed(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for (at, mark) in text.match_indices('、') {
        let (before, after) = (&text[..at], &text[at + mark.len()..]);
        let start = word_start(before);
        let first = &before[start..];
        let is_first =
            first.chars().count() < 5 && is_full(first) && plain_surname_of(first).is_some();
        let Some(length) = strong_length(after).filter(|_| is_first) else {
            continue;
        };
        let second = &after[..length];
        if plain_surname_of(second).is_some() && is_full(second) {
            found.push((start, at));
            found.push((at + mark.len(), at + mark.len() + length));
        }
    }
    found
}

/// What may stand right before a name in a sentence.
const LEFT: &[&str] = &[
    "是", "我", "由", "这边", "还有", "和", "跟", "叫", "找", "给", "让", "请", "帮", "为", "替",
    "向", "对", "与", "及", "或", "的", "你好", "您好", "喂", "诶", "哎", "问", "说",
];

/// What may follow one in a sentence.
const RIGHT: &[&str] = &[
    "买", "的", "说", "打", "签", "住", "要", "想", "来", "去", "在", "是", "有", "已", "没", "不",
    "也", "和", "跟", "与", "今", "昨", "明", "这", "那", "报", "订", "下", "收", "寄", "取", "退",
    "换", "告", "反", "投", "申", "联", "代", "本", "女", "男", "帮", "给", "态", "服", "很", "真",
    "太", "吗", "吧", "呢", "呀", "啊", "你", "您", "我", "号", "手", "身", "电", "写", "从", "把",
    "被", "就", "都", "还", "刚", "领", "办", "用", "付", "转", "发", "接", "拿", "处", "回", "上",
    "做", "开", "出",
];

/// What goes on after a name that a sentence begins with, and hardly after another word.
const SUBJECT: [&str; 16] = [
    "和我",
    "跟我",
    "说他",
    "说她",
    "打电话",
    "打过",
    "订的",
    "买的",
    "下的单",
    "要退",
    "想退",
    "投诉",
    "签收",
    "刚",
    "没收到",
    "已经",
];

/// What says that a name is spoken of.
const NAME_TALK: [&str; 14] = [
    "名字", "姓名", "实名", "户名", "抬头", "写成", "打错", "写错", "填错", "署名", "签名", "称呼",
    "叫", "名单",
];

/// Where a name stands that nothing leads to.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// No Chinese character is before it.
    begins: bool,
    /// Nothing at all that goes on with it.
    is_apart: bool,
    /// The text speaks of a name.
    is_named: bool,
}

/// Names that nothing leads to, by characters that are in hardly anything else, or as they stand for themselves.
fn alone(text: &str) -> Vec<(usize, usize)> {
    let is_named = NAME_TALK.iter().any(|it| text.contains(it));
    let mut found: Vec<(usize, usize)> = Vec::new();
    let mut before = None;
    for (at, c) in text.char_indices() {
        let last = before.replace(c);
        if !is_ideograph(c) || found.last().is_some_and(|it| it.1 > at) {
            continue;
        }
        let begins = last.is_none_or(|c| !is_ideograph(c));
        if !begins && !LEFT.iter().any(|it| text[..at].ends_with(it)) {
            continue;
        }
        let place = Place {
            begins,
            is_apart: begins && last.is_none_or(|c| !c.is_alphanumeric()),
            is_named: is_named && (begins || text[..at].ends_with(['是', '叫', '为', '成', '写'])),
        };
        if let Some(length) = alone_length(&text[at..], place) {
            found.push((at, at + length));
        }
    }
    found
}

fn alone_length(text: &str, place: Place) -> Option<usize> {
    let (elements, count) = elements_of(text);
    if count > 1 && ends_well(&text[elements..]).is_some() {
        return Some(elements);
    }
    let is_any = place.is_named || place.is_apart;
    let surname = plain_surname_of(text).or_else(|| surname_of(text).filter(|_| is_any))?;
    if is_word(text) {
        return None;
    }
    let is_plain = plain_surname_of(text).is_some();
    let is_double = surname > 3;
    let given: Vec<char> = text[surname..].chars().take(2).collect();
    let ends = |count: usize| -> Option<(usize, bool)> {
        let given = given.get(..count)?;
        let length = surname + given.iter().map(|it| it.len_utf8()).sum::<usize>();
        let is_end = ends_well(&text[length..])?;
        let is_name = given.iter().all(|c| is_given(*c) && !is_no_name(*c));
        (is_name && !is_region(&text[..length])).then_some((length, is_end))
    };
    let telling = |count: usize| given[..count].iter().filter(|c| is_telling(**c)).count();
    if let Some((length, is_end)) = ends(2) {
        let signs = telling(2) + usize::from(is_double);
        let is_sure = place.begins && is_end;
        let is_subject =
            place.is_apart && is_plain && SUBJECT.iter().any(|it| text[length..].starts_with(it));
        if is_subject {
            return Some(length);
        }
        let is_told = signs > 0
            && is_plain
            && signs + usize::from(is_sure && telling(2) > 0)
                > usize::from(!place.begins && !is_end);
        let is_whole = is_end && !text[length..].starts_with(|c: char| c.is_alphanumeric());
        if is_told || is_whole && is_any && (is_plain || signs > 0) {
            return Some(length);
        }
    }
    let (length, is_end) = ends(1)?;
    let is_told = is_plain && (telling(1) == 1 || is_double);
    (is_told || is_end && place.is_named && !place.begins && is_plain).then_some(length)
}

/// Says whether a name may end before a text, and whether its word ends with it.
fn ends_well(rest: &str) -> Option<bool> {
    let is_end = rest.chars().next().is_none_or(|c| !is_ideograph(c));
    (is_end || RIGHT.iter().any(|it| rest.starts_with(it))).then_some(is_end)
}

/// Gives where the Chinese word begins with which a text ends, of its last characters.
fn word_start(text: &str) -> usize {
    let word = text.char_indices().rev().take(LONGEST_WORD);
    let word = word.take_while(|it| is_ideograph(it.1));
    word.last().map_or(text.len(), |it| it.0)
}

/// Gives where a given name begins together with a surname that stands apart from it.
fn with_surname(text: &str, start: usize, end: usize) -> usize {
    let before = text[..start].strip_suffix(' ');
    let Some(before) = before.filter(|_| text[start..end].chars().count() <= 2) else {
        return start;
    };
    let apart = &before[word_start(before)..];
    match surname_of(apart) {
        Some(length) if length == apart.len() => before.len() - length,
        _ => start,
    }
}

/// Names of other languages, with · between their parts.
fn of_sounds(text: &str) -> Vec<(usize, usize)> {
    let mut found: Vec<(usize, usize)> = Vec::new();
    for (at, dot) in text.match_indices('·') {
        let is_sound = |c: &char| is_dotted_sound(*c);
        let before = text[..at].chars().rev().take_while(is_sound);
        let before: usize = before.map(char::len_utf8).sum();
        let rest = &text[at + dot.len()..];
        let after = rest.chars().take_while(is_sound);
        let mut after: usize = after.map(char::len_utf8).sum();
        if after == 0 && rest.starts_with(is_surname) {
            after = 3;
        }
        // A name ends with its word.
        let own: usize = rest
            .chars()
            .take_while(|c| is_ideograph(*c) && !is_no_name(*c))
            .map(char::len_utf8)
            .sum();
        if (6..=18).contains(&own) && before >= 6 && after > 0 {
            let is_end = rest[own..].chars().next().is_none_or(|c| !is_ideograph(c));
            after = if is_end { own } else { after };
        }
        let (start, end) = (at - before, at + dot.len() + after);
        let next = text[end..].chars().next();
        let is_titled = ["先生", "女士", "小姐", "太太"]
            .iter()
            .any(|it| text[end..].starts_with(it));
        let ends = after > 3 || is_titled || next.is_none_or(|c| !is_ideograph(c) || is_no_name(c));
        if before < 6 || after < 3 || !ends {
            continue;
        }
        match found.last_mut().filter(|it| it.1 > start || it.1 == at) {
            Some(last) => last.1 = end,
            None => found.push((start, end)),
        }
    }
    found
}

/// Gives the length of the name with which a text begins, where nothing else than a name is to be expected.
fn strong_length(text: &str) -> Option<usize> {
    if is_word(text) {
        return None;
    }
    let own: String = text
        .chars()
        .take_while(|c| is_ideograph(*c))
        .take(6)
        .collect();
    let (elements, count) = elements_of(text);
    if count > 1 || count == 1 && elements == own.len() {
        return Some(elements);
    }
    if is_whole_name(&own) {
        return Some(own.len());
    }
    if is_japanese(&own) {
        return Some(own.len());
    }
    match surname_of(text) {
        Some(surname) => {
            let space = usize::from(text[surname..].starts_with(' '));
            given_length(&text[surname + space..], false, true).map(|it| surname + space + it)
        }
        // Without a surname, as people of Tibet and Mongolia have them.
        None => {
            let sounds = own.chars().take_while(|c| is_sound(*c)).count();
            let count = own.chars().count();
            let is_name = (2..=5).contains(&sounds) && sounds == count || (4..=5).contains(&sounds);
            let length = own.chars().take(sounds).map(char::len_utf8).sum();
            is_name.then_some(length)
        }
    }
}

/// Gives the length of the name with which a text begins, where other words are as likely.
fn vague_length(text: &str, is_role: bool) -> Option<usize> {
    if is_word(text) {
        return None;
    }
    let told = |it: &usize| text[*it..].chars().take(2).any(is_telling);
    let (elements, count) = elements_of(text);
    if count > 1 {
        return Some(elements);
    }
    let own: String = text
        .chars()
        .take_while(|c| is_ideograph(*c))
        .take(6)
        .collect();
    if is_role && is_whole_name(&own) {
        return Some(own.len());
    }
    let whole = |it: &usize| is_role && is_given_name_alone(&text[*it..]);
    let other = || surname_of(text).filter(|it| told(it) || whole(it));
    let Some(surname) = plain_surname_of(text).or_else(other) else {
        let sounds: Vec<char> = text.chars().take_while(|c| is_sound(*c)).take(6).collect();
        return (4..=5)
            .contains(&sounds.len())
            .then(|| sounds.iter().map(|it| it.len_utf8()).sum());
    };
    let space = usize::from(text[surname..].starts_with(' '));
    let given = given_length(&text[surname + space..], true, is_role)?;
    let length = surname + space + given;
    (!is_region(text[..length].trim())).then_some(length)
}

/// Whether a word is a given name and nothing else.
fn is_given_name_alone(text: &str) -> bool {
    let mut chars = text.chars();
    let own: Vec<char> = chars
        .by_ref()
        .take_while(|c| is_ideograph(*c))
        .take(3)
        .collect();
    (1..=2).contains(&own.len()) && own.iter().all(|c| is_given(*c) && !is_no_name(*c))
}

/// Gives the length of a given name of one or two characters, after which other words may go on.
fn given_length(text: &str, is_vague: bool, may_go_on: bool) -> Option<usize> {
    let mut chars = text.chars().take_while(|c| is_ideograph(*c));
    let (first, second, third) = (chars.next()?, chars.next(), chars.next());
    // What is a surname may be given too, where a person is spoken of.
    let is_given = |c: char| is_given(c) || is_vague && may_go_on && is_plain_surname(c);
    let is_free = |c: char| !is_no_name(c);
    let is_first = if is_vague {
        is_given(first)
    } else {
        is_free(first)
    };
    if !is_first {
        return None;
    }
    let takes_second = second.is_some_and(|it| match (is_given(it), third) {
        (true, _) => is_free(it),
        (false, None) => is_free(it) && !is_vague,
        _ => false,
    });
    // A character that is in hardly anything else ends a name where none of a given name follows.
    let is_told = is_telling(first) && second.is_some_and(|it| !is_given(it));
    if is_told && is_vague {
        return Some(first.len_utf8());
    }
    match second.filter(|_| takes_second) {
        Some(second) => Some(first.len_utf8() + second.len_utf8()),
        None => {
            let goes_on = second.is_some_and(is_free);
            (may_go_on || !goes_on).then_some(first.len_utf8())
        }
    }
}
