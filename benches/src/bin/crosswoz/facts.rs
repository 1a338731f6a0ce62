//! CrossWOZ's databases as facts, with the words that people use for their properties.

use std::path::Path;
use std::sync::Arc;

use cs_serve::knowledge::check::Checker;
use cs_serve::knowledge::import::{ImportConfig, Table, to_turtle};
use cs_serve::knowledge::linking::{Linker, LinkerConfig};
use cs_serve::knowledge::{Facts, Graph, Limits};

use crate::Result;
use crate::databases::DOMAINS;

/// What else properties and classes are called, as an operator would add it.
pub(crate) const NAMES: &str = r#"
@prefix class: <urn:facts:class/> .
@prefix property: <urn:facts:property/> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .

property:地址 skos:altLabel "位置"@zh, "位于"@zh, "在哪"@zh .
property:地铁 skos:altLabel "地铁站"@zh, "附近地铁站"@zh, "附近地铁"@zh .
property:电话 skos:altLabel "联系方式"@zh, "号码"@zh, "联系电话"@zh .
property:门票 skos:altLabel "票价"@zh, "门票价格"@zh, "收费"@zh .
property:游玩时间 skos:altLabel "游玩时长"@zh, "游玩的时间"@zh, "游玩的时长"@zh, "游玩"@zh .
property:评分 skos:altLabel "分数"@zh .
property:营业时间 skos:altLabel "开门时间"@zh, "营业的时间"@zh, "时间"@zh .
property:人均消费 skos:altLabel "人均"@zh, "消费"@zh, "平均消费"@zh .
property:酒店类型 skos:altLabel "类型"@zh .
property:价格 skos:altLabel "房价"@zh, "最低价格"@zh, "住宿价格"@zh, "价位"@zh .
property:推荐菜 skos:altLabel "菜"@zh, "特色菜"@zh, "招牌菜"@zh, "菜品"@zh .
property:酒店设施 skos:altLabel "设施"@zh, "服务"@zh .
property:周边景点 skos:altLabel "附近景点"@zh, "附近的景点"@zh, "周边的景点"@zh, "周边"@zh, "附近"@zh, "周围"@zh, "旁边"@zh .
property:周边餐馆 skos:altLabel "附近餐馆"@zh, "附近的餐馆"@zh, "周边的餐馆"@zh, "周边"@zh, "附近"@zh, "周围"@zh, "旁边"@zh .
property:周边酒店 skos:altLabel "附近酒店"@zh, "附近的酒店"@zh, "周边的酒店"@zh, "周边"@zh, "附近"@zh, "周围"@zh, "旁边"@zh .
class:景点 skos:altLabel "景区"@zh, "地方"@zh .
class:餐馆 skos:altLabel "餐厅"@zh, "饭店"@zh, "饭馆"@zh, "店"@zh .
class:酒店 skos:altLabel "宾馆"@zh .
"#;

const UNITS: [(&str, &str); 4] = [
    ("门票", "元"),
    ("人均消费", "元"),
    ("价格", "元"),
    ("评分", "分"),
];
const CLOSED: [&str; 5] = ["推荐菜", "酒店设施", "周边景点", "周边餐馆", "周边酒店"];

/// Imports the databases, with what else properties are called.
pub(crate) fn of_databases(folder: &Path, names: &str) -> Result<Arc<dyn Facts>> {
    let table =
        |(domain, file): (&str, &str)| Table::open(&folder.join(file), domain, Some("名称"));
    let tables = DOMAINS
        .map(table)
        .into_iter()
        .collect::<std::result::Result<Vec<_>, _>>()?;
    let config = ImportConfig {
        units: UNITS
            .map(|(column, unit)| (column.to_owned(), unit.to_owned()))
            .into(),
        closed: CLOSED.map(str::to_owned).into(),
        ..ImportConfig::default()
    };
    let turtle = to_turtle(&tables, &config)? + names;
    Ok(Arc::new(Graph::from_turtle(&turtle, &Limits::default())?))
}

/// Reads a file of facts.
pub(crate) fn open(path: &Path) -> Result<Arc<dyn Facts>> {
    Ok(Arc::new(Graph::open(path, &Limits::default())?))
}

pub(crate) fn checker(facts: Arc<dyn Facts>) -> Result<Checker> {
    let linker = Arc::new(Linker::new(facts.as_ref(), LinkerConfig::default())?);
    Ok(Checker::new(facts, linker)?)
}
