//! Names in Chinese, by their surnames.

use super::super::pattern::{Pattern, pattern};
use super::Search;

/// The surnames of nearly all Chinese, the most frequent first.
const SURNAMES: &str = include_str!("surnames.txt");

/// Surnames of two characters.
const DOUBLE: &str =
    "欧阳|上官|司马|诸葛|东方|皇甫|尉迟|公孙|慕容|司徒|令狐|夏侯|端木|长孙|独孤|南宫";

static AFTER_WORDS: Pattern = Pattern::new(|| {
    pattern(&format!(
        r"(?:我叫做?|我的名字是|我名字叫|我的名字叫|名字叫做?|名字是|名字写|名字填|名字:|名叫|叫做|姓名[是为:]?|联系人[是为:]?|收件人[是为:改成]{{0,3}}|收货人[是为:改成]{{0,3}}|寄件人[是为:]?|持卡人[是为:]?|户主[是为:]?|开户名[是为:]?|开户人[是为:]?|预订人[是为:]?|入住人[是为:]?|乘客[是为:]?|乘机人[是为:]?|本人|我是|这里是|我老公叫?|我老婆叫?|我爱人叫?|我妈叫|我爸叫|我朋友叫?|真名是?|实名是?|收件[:是]|叫我|登记|员工|客服|找一下|转给|署名|客户名?:|经办人:?|登记的是)[ ,:]{{0,2}}((?:{DOUBLE}|[{}])[一-鿿]{{1,3}}|(?:{DOUBLE}|[{}])·?[一-鿿]{{1,2}})",
        SURNAMES.trim(),
        SURNAMES.trim()
    ))
});

static BEFORE_TITLE: Pattern = Pattern::new(|| {
    pattern(&format!(
        r"((?:{DOUBLE}|[{}])[一-鿿]{{0,2}}?)(?:先生|女士|小姐|太太|老师|师傅|经理|同学|阿姨|大爷)",
        SURNAMES.trim()
    ))
});

static BEFORE_NUMBER: Pattern = Pattern::new(|| {
    pattern(&format!(
        r"(?:^|[,。:;!? 、])((?:{DOUBLE}|[{}])[一-鿿]{{1,2}})(?:[ ,:、]{{1,2}}|的?)(?:\+?\d{{7,}}|\d{{3}}[ -]\d{{4}}|手机|电话|身份证|[零一二三四五六七八九幺]{{3}})",
        SURNAMES.trim()
    ))
});

/// Characters that are hardly the last of a given name, or that begin what follows a name.
const NO_NAME: &str = "打的了吗呢吧啊嘛想要在是和跟与及有我你您他她它请把给这那电手地住址昨就也都还能可不没很先女来去买订退换说问从到为因被让对用收寄身出号码人员户客级哪怎什么谁个们会该";

/// Words that begin with a surname and are no names.
const WORDS: &[&str] = &[
    "单位", "高级", "金牌", "黄金", "白金", "钻石", "普通", "老师", "常客", "于是", "江苏", "安徽",
    "云南", "海南", "河南", "广东", "山东", "万一", "时候", "方便", "关于", "成都", "武汉", "南京",
    "安卓", "苹果", "华为", "小米", "平时", "平台", "计划", "单独", "全部", "满意", "明天", "明白",
    "何时", "原来", "原先", "解释", "查询", "查一", "路由", "支付", "支持", "来自", "都是", "和平",
    "国内", "容易", "海外", "安全", "初次", "相关", "连续", "简单", "信用", "利用", "高兴", "高中",
    "文件", "马上", "包裹", "常用", "新用", "应该", "费用", "充值", "商家", "商品", "时间", "房间",
    "居民", "干嘛", "那边", "那个", "但是", "由于", "印象", "银行", "公司", "门店", "别人", "经常",
    "强烈", "石家", "连云", "宁波", "容量", "白天", "车牌", "单价", "温度", "金额", "高度", "宽度",
    "余额", "项目", "相机", "车上", "尺码", "颜色", "柜子", "路上", "温州", "苏州", "杭州", "郑州",
    "福州", "广州", "贵州", "徐州", "常州",
];

/// Gives the bytes of each.
pub(super) fn find(search: &Search<'_>) -> Vec<(usize, usize)> {
    let text = &search.view.text;
    let mut found: Vec<(usize, usize)> = Vec::new();
    for captures in AFTER_WORDS.captures_iter(text) {
        let (Some(all), Some(name)) = (captures.get(0), captures.get(1)) else {
            continue;
        };
        let is_vague = [
            "我是",
            "这里是",
            "本人",
            "找一下",
            "转给",
            "叫我",
            "登记",
            "员工",
            "客服",
        ]
        .iter()
        .any(|it| all.as_str().starts_with(it));
        if let Some(length) = length_of(name.as_str(), &text[name.end()..], is_vague) {
            found.push((name.start(), name.start() + length));
        }
    }
    for captures in BEFORE_TITLE
        .captures_iter(text)
        .chain(BEFORE_NUMBER.captures_iter(text))
    {
        let Some(name) = captures.get(1) else {
            continue;
        };
        let is_clean = !name.as_str().chars().skip(1).any(|c| NO_NAME.contains(c));
        if is_clean && !is_word(name.as_str()) {
            found.push((name.start(), name.end()));
        }
    }
    found
}

/// Gives the length of the name with which a text begins: a surname and one or two characters more.
fn length_of(name: &str, after: &str, is_vague: bool) -> Option<usize> {
    if is_word(name) {
        return None;
    }
    let is_double = DOUBLE.split('|').any(|it| name.starts_with(it));
    let surname = if is_double { 2 } else { 1 };
    let given: Vec<char> = name.chars().skip(surname).take(2).collect();
    let taken = given.iter().take_while(|c| !NO_NAME.contains(**c)).count();
    if taken == 0 {
        return None;
    }
    let length: usize = name.chars().take(surname + taken).map(char::len_utf8).sum();
    let next = name[length..].chars().chain(after.chars()).next();
    let ends = next.is_none_or(|c| !('\u{4e00}'..='\u{9fff}').contains(&c) || NO_NAME.contains(c));
    (ends || !is_vague).then_some(length)
}

fn is_word(name: &str) -> bool {
    WORDS.iter().any(|it| name.starts_with(it))
}
