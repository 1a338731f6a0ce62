//! The kinds of personal data.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What kind of personal data something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An identity number of mainland China: 18 characters, or 15 of the old form.
    CnId,
    /// An identity card of Hong Kong.
    HkId,
    /// An identity card of Macao.
    MoId,
    /// An identity card of Taiwan.
    TwId,
    /// A passport, if the text says that it is one.
    Passport,
    /// A mobile telephone, or one abroad of which nothing tells whether it is mobile.
    Mobile,
    /// A telephone that is bound to a place, of mainland China or as another country's plan of numbers tells.
    Landline,
    /// A bank card.
    BankCard,
    /// A unified social credit code, of a company or a trader in mainland China.
    Uscc,
    /// A number plate: of mainland China by its form, of other countries where the text says that it is one.
    Plate,
    /// An e-mail address.
    Email,
    /// An IP address.
    Ip,
    /// A web address.
    Url,
    /// A postal address with a number in it.
    Address,
    /// A person's name.
    Name,
    /// An international bank account number.
    Iban,
    /// A date of birth, if the text says that it is one.
    BirthDate,
    /// An order's or a parcel's number, if the text says that it is one.
    Order,
}

impl Kind {
    /// All of them, in the order of their declaration.
    pub const ALL: [Self; 18] = [
        Self::CnId,
        Self::HkId,
        Self::MoId,
        Self::TwId,
        Self::Passport,
        Self::Mobile,
        Self::Landline,
        Self::BankCard,
        Self::Uscc,
        Self::Plate,
        Self::Email,
        Self::Ip,
        Self::Url,
        Self::Address,
        Self::Name,
        Self::Iban,
        Self::BirthDate,
        Self::Order,
    ];

    /// Gives its name, as in `bank_card`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CnId => "cn_id",
            Self::HkId => "hk_id",
            Self::MoId => "mo_id",
            Self::TwId => "tw_id",
            Self::Passport => "passport",
            Self::Mobile => "mobile",
            Self::Landline => "landline",
            Self::BankCard => "bank_card",
            Self::Uscc => "uscc",
            Self::Plate => "plate",
            Self::Email => "email",
            Self::Ip => "ip",
            Self::Url => "url",
            Self::Address => "address",
            Self::Name => "name",
            Self::Iban => "iban",
            Self::BirthDate => "birth_date",
            Self::Order => "order",
        }
    }

    /// Gives the kind of a name, in whatever case.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let same = |it: &Self| it.name().eq_ignore_ascii_case(name);
        Self::ALL.into_iter().find(same)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
