//! Turns with values in them, and turns with what only looks like one.

use cs_data::SplitMix;
use cs_serve::safety::personal::Kind;
use serde_json::{Value, json};

use super::fresh;
use super::values::Maker;

/// A turn of a customer.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) text: String,
    pub(super) values: Vec<Planted>,
    chinese: bool,
}

/// A value, in characters of its turn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Planted {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Turn {
    pub(super) fn json(&self) -> Value {
        let value = |it: &Planted| json!({"kind": it.kind, "start": it.start, "end": it.end});
        let values: Vec<Value> = self.values.iter().map(value).collect();
        json!({"text": self.text, "lang": if self.chinese { "zh" } else { "en" }, "values": values})
    }
}

/// Makes a turn; a third of them have no value.
pub(super) fn turn(random: &mut SplitMix, held_out: bool) -> Turn {
    let chinese = random.chance(0.5);
    let second = random.chance(0.5);
    if random.below(3) == 0 {
        return negative(random, held_out, second, chinese);
    }
    let kind = Kind::ALL[random.below(Kind::ALL.len())];
    let sentences = match held_out {
        true => fresh::sentences(kind, chinese),
        false => sentences(kind, second, chinese),
    };
    let sentence = sentences[random.below(sentences.len())];
    let leads: &[&str] = match (chinese, second) {
        (true, false) => &["", "你好，", "麻烦帮我看一下，", "我要投诉！"],
        (true, true) => &["", "在吗？", "上次说的还没弄好。", "辛苦啦～"],
        (false, false) => &["", "Hi, ", "Hello there. ", "Can you help? "],
        (false, true) => &["", "Good morning! ", "So, as I said: ", "ok "],
    };
    let lead = leads[random.below(leads.len())];
    let mut maker = Maker {
        random,
        second,
        chinese,
    };
    let value = match held_out {
        true => fresh::value(&mut maker, kind),
        false => maker.value(kind),
    };
    let (before, after) = sentence.split_once('_').unwrap_or((sentence, ""));
    let start = lead.chars().count() + before.chars().count();
    let planted = Planted {
        kind,
        start,
        end: start + value.chars().count(),
    };
    Turn {
        text: format!("{lead}{before}{value}{after}"),
        values: vec![planted],
        chinese,
    }
}

fn negative(random: &mut SplitMix, held_out: bool, second: bool, chinese: bool) -> Turn {
    let sentences: &[&str] = match (chinese, second) {
        _ if held_out => fresh::negatives(chinese),
        (true, false) => &[
            "这款_元的还有货吗？",
            "货号_还有吗",
            "我买了#件，一共_元",
            "2024-0#-1#下的单什么时候到",
            "满_减#0怎么用",
            "3月#日之前能到吗",
            "会员积分有_分",
            "型号是XZ-_",
            "优惠码_不能用",
            "尺码17#/9#A有吗",
            "上午1#:30可以送吗",
            "我等了#天了",
            "快递什么时候到，急",
            "请问怎么退货？",
            "我是老客户了，能便宜点吗",
            "这个颜色和图片不一样",
            "第3#2期的活动还能参加吗",
            "电池_毫安时够用吗",
        ],
        (true, true) => &[
            "序列号是_能查保修吗",
            "发票号码_开错了",
            "条形码69#_扫不出来",
            "一共一百三十八块零五",
            "容量_MB够吗",
            "2024年#月#日的活动",
            "版本1.#.3.4更新不了",
            "买二送一怎么算",
            "编号_的柜子坏了",
            "价格从1,3#0,138,000降到一千三",
            "库存还有_件吗",
            "我是江苏的，包邮吗",
            "我是高级会员",
            "我等到#点半",
            "三号楼下面的快递柜满了",
            "路上堵车，晚#分钟",
            "比例是16:9还是4:3",
            "温度3#.5度正常吗",
            "股价_点",
            "老师傅说要换零件",
        ],
        (false, false) => &[
            "Is the $_ one in stock?",
            "SKU _ please",
            "I bought # of them for _ dollars",
            "I ordered on 2024-0#-1#",
            "My balance is _ points",
            "model XZ-_ is broken",
            "coupon _ does not work",
            "Can you deliver at 1#:30?",
            "I have waited # days",
            "How do I return this?",
            "The color is different from the picture",
            "Do you ship to Canada?",
            "I am very unhappy with the Service",
            "It is 1#0 x 2#0 cm",
        ],
        (false, true) => &[
            "The serial number is _",
            "invoice _ is wrong",
            "barcode 40#_ does not scan",
            "Version 1.#.3.4 crashes",
            "It costs 1,3#0,138,000 in total",
            "Ticket _ is still open",
            "I need # by May #",
            "Released on March #, 2024",
            "ISBN 978-3-16-14841#-0",
            "the Black Friday sale",
            "Is New York included?",
            "I am American and pay in EUR _",
            "The ratio is 16:9",
            "battery of _ mAh",
            "Give me a 5 Star Service",
            "It weighs 3#.5 kg",
            "Dear Customer Service, hello",
            "room temperature is 2# degrees",
        ],
    };
    let sentence = sentences[random.below(sentences.len())];
    let length = 3 + random.below(9);
    let mut number = |length: usize| -> String {
        let rest = (1..length).map(|_| char::from(b'0' + random.below(10) as u8));
        let rest: String = rest.collect();
        format!("1{rest}")
    };
    let text = sentence
        .replace('_', &number(length))
        .replace('#', &number(2)[1..]);
    Turn {
        text,
        values: Vec::new(),
        chinese,
    }
}

/// Sentences with a place for a value.
fn sentences(kind: Kind, second: bool, chinese: bool) -> &'static [&'static str] {
    match (kind, chinese, second) {
        (Kind::CnId, true, false) => &["我的身份证号是_", "身份证：_，请核对", "实名认证用_"],
        (Kind::CnId, true, true) => &[
            "证件号码_填错了",
            "帮我查下_这个人买的票",
            "我身份证_已经上传了",
        ],
        (Kind::CnId, false, false) => &["My Chinese ID number is _", "ID card _ please check"],
        (Kind::CnId, false, true) => &["identity number: _", "the resident id is _ as you asked"],
        (Kind::HkId, true, false) => &["香港身份证_", "我的证件是_"],
        (Kind::HkId, true, true) => &["港澳居民，号码_", "_是我的香港ID"],
        (Kind::HkId, false, false) => &["My HKID is _", "Hong Kong identity card _"],
        (Kind::HkId, false, true) => &["I hold _ from Hong Kong", "id: _ thanks"],
        (Kind::MoId, true, false) => &["澳门身份证_", "我的澳门证件是_"],
        (Kind::MoId, true, true) => &["澳门居民，号码_。", "证件_是澳门的"],
        (Kind::MoId, false, false) => &["My Macau ID is _", "Macao identity card _"],
        (Kind::MoId, false, true) => &["I am from Macau, _", "resident of macao: _"],
        (Kind::TwId, true, false) => &["台湾身份证_", "我的证件号是_"],
        (Kind::TwId, true, true) => &["身分證字號_", "填的是_对吗"],
        (Kind::TwId, false, false) => &["My Taiwan ID is _", "national ID _"],
        (Kind::TwId, false, true) => &["taiwanese id: _", "I entered _ for the ID"],
        (Kind::Passport, true, false) => &["护照号_", "我的护照是_，订机票"],
        (Kind::Passport, true, true) => &["护照上写的_", "用护照_登记的"],
        (Kind::Passport, false, false) => &["My passport number is _", "passport: _"],
        (Kind::Passport, false, true) => {
            &["the passport I used was _", "Passport No. _ expires soon"]
        }
        (Kind::Mobile, true, false) => &["我的手机号是_", "打_找我", "联系电话：_", "_，尽快回电"],
        (Kind::Mobile, true, true) => &["换成_这个号", "加我_", "机主是我，_", "短信发到_了吗"],
        (Kind::Mobile, false, false) => &[
            "My phone number is _",
            "Call me at _",
            "my mobile: _ thanks",
        ],
        (Kind::Mobile, false, true) => &[
            "You can reach me on _",
            "text me, _",
            "the cell is _ if you need it",
        ],
        (Kind::Landline, true, false) => &["座机_", "公司电话是_", "请打_"],
        (Kind::Landline, true, true) => &["家里固话_没人接", "前台_", "白天打_找小王"],
        (Kind::Landline, false, false) => &["Our office phone in China is _", "call _"],
        (Kind::Landline, false, true) => &["the landline _ rings out", "office tel. _ please"],
        (Kind::BankCard, true, false) => &["银行卡号_", "退到_这张卡", "卡号：_"],
        (Kind::BankCard, true, true) => &["绑定的是_", "工行_，别退错了", "我用_付的款"],
        (Kind::BankCard, false, false) => &["My card number is _", "charge _ instead"],
        (Kind::BankCard, false, true) => &["paid with _ yesterday", "visa ending... full: _"],
        (Kind::Uscc, true, false) => &["统一社会信用代码_", "发票抬头税号：_"],
        (Kind::Uscc, true, true) => &["公司代码是_", "开票信息_，谢谢"],
        (Kind::Uscc, false, false) => &["Our company code is _", "tax number _"],
        (Kind::Uscc, false, true) => &["USCC: _", "bill it to _ please"],
        (Kind::Plate, true, false) => &["我的车牌是_", "停车券绑定_", "车牌号_"],
        (Kind::Plate, true, true) => &["开的_来的", "_停在门口", "代驾，车是_"],
        (Kind::Plate, false, false) => &["My plate is _", "the car _ is mine"],
        (Kind::Plate, false, true) => &["license plate: _", "parked _ outside"],
        (Kind::Email, true, false) => &["邮箱是_", "发到_", "我的邮件地址：_"],
        (Kind::Email, true, true) => &["发票请寄_谢谢", "账号绑的_收不到验证码", "写信给_"],
        (Kind::Email, false, false) => &["My email is _", "write to _", "send it to _ please"],
        (Kind::Email, false, true) => &["account under _ is locked", "reply to: _", "cc _ on this"],
        (Kind::Ip, true, false) => &["我的IP是_", "登录地址_"],
        (Kind::Ip, true, true) => &["从_登录失败", "提示_被封了"],
        (Kind::Ip, false, false) => &["My IP is _", "blocked from _"],
        (Kind::Ip, false, true) => &["login from _ failed", "there was a sign-in at _ today"],
        (Kind::Url, true, false) => &["链接：_", "我的主页 _ 打不开"],
        (Kind::Url, true, true) => &["点这个_没反应", "页面是_，看看"],
        (Kind::Url, false, false) => &["My page is _", "see _ please"],
        (Kind::Url, false, true) => &["look at (_) now", "link _ is dead"],
        (Kind::Address, true, false) => &["我住在_", "寄到_", "收货地址：_", "地址是_，谢谢"],
        (Kind::Address, true, true) => &[
            "麻烦送货上门，_",
            "搬家了，现在_",
            "我家在_，几点能到",
            "改寄_吧",
        ],
        (Kind::Address, false, false) => &["I live at _", "Ship it to _", "My address is _."],
        (Kind::Address, false, true) => &[
            "we moved to _ last week",
            "deliver here: _",
            "please send the parcel to _ instead",
        ],
        (Kind::Name, true, false) => &["我叫_", "姓名：_", "收件人是_", "联系人_，电话在上面"],
        (Kind::Name, true, true) => &["名字写_就行", "_先生在吗", "我是_，上次的事", "收货人改成_"],
        (Kind::Name, false, false) => &[
            "My name is _",
            "This is _ speaking",
            "Name: _",
            "I'm _ and I need help",
        ],
        (Kind::Name, false, true) => &[
            "It's _ again",
            "Please ask for Mr. _",
            "the parcel is for _",
            "Regards, _",
        ],
        (Kind::Iban, true, false) => &["IBAN是_", "退款到_"],
        (Kind::Iban, true, true) => &["欧洲账户_", "汇到_可以吗"],
        (Kind::Iban, false, false) => &["My IBAN is _", "transfer to _"],
        (Kind::Iban, false, true) => &["refund _ please", "account: _ thanks"],
        (Kind::BirthDate, true, false) => &["我的生日是_", "出生日期：_", "我_出生的"],
        (Kind::BirthDate, true, true) => &["我_生人", "_是我生日", "生于_，够年龄吗"],
        (Kind::BirthDate, false, false) => &["My date of birth is _", "I was born on _", "DOB: _"],
        (Kind::BirthDate, false, true) => &[
            "_ is my birthday",
            "birth date _",
            "born _, so I am old enough",
        ],
        (Kind::Order, true, false) => &["订单号_", "查一下订单_", "运单号是_"],
        (Kind::Order, true, true) => &["单号：_怎么还没到", "我那个订单，号是_", "快递单号_没更新"],
        (Kind::Order, false, false) => &[
            "My order number is _",
            "Order _ is late",
            "tracking number _",
        ],
        (Kind::Order, false, true) => &[
            "where is order #_",
            "the order no. is _",
            "parcel _ got lost",
        ],
    }
}
