//! Conversations as prompts: chat templates, the formats of models that have none, and what is left
//! of a conversation that grew too long.
//!
//! ```
//! use cs_model::chat::{ChatTemplate, Role, Turn};
//! use std::time::SystemTime;
//!
//! let source = "{% for message in messages %}<{{ message.role }}>{{ message.content }}\n{% endfor %}\
//!     {% if add_generation_prompt %}<assistant>{% endif %}";
//! let template = ChatTemplate::new(source, "chat_template.jinja".as_ref())?;
//! let turns = [Turn::new(Role::System, "Be brief."), Turn::new(Role::User, "订单在哪？")];
//! let text = template.render(&turns, SystemTime::UNIX_EPOCH)?;
//! assert_eq!(text, "<system>Be brief.\n<user>订单在哪？\n<assistant>");
//! # Ok::<(), cs_model::Error>(())
//! ```

mod conversation;
mod date;
mod format;
mod json;
mod template;
mod turn;

pub use conversation::{ChatPrompt, Conversation};
pub use format::ChatFormat;
pub use template::ChatTemplate;
pub use turn::{Role, Turn};
