//! What prompts have in common with conversations, and with each other: what is not read again.

use cs_model::generate::{Prefix, common_prefix};

use super::cache::Cached;
use crate::kernel::cached::PAGE;

/// Begins a conversation for each prompt, with as much of the prompt as one of `held` has read.
pub(crate) fn resume(held: &[Cached], prompts: &[&[u32]]) -> Vec<Cached> {
    let conversations = prompts.iter().map(|prompt| {
        let prefix = Prefix::longest(prompt, held.iter().map(Cached::tokens))?;
        Some(held[prefix.sequence].beginning(prefix.tokens))
    });
    conversations.map(Option::unwrap_or_default).collect()
}

/// Gives what conversations have not read yet of their prompts, with which they begin.
pub(crate) fn rests<'a>(conversations: &[Cached], prompts: &[&'a [u32]]) -> Vec<&'a [u32]> {
    let pairs = conversations.iter().zip(prompts);
    pairs
        .map(|(conversation, prompt)| &prompt[conversation.tokens().len()..])
        .collect()
}

/// Gives the prefixes that several of the prompts begin with, where they are so much longer than
/// what the conversations have read that it pays to read them once beforehand: by a page.
pub(crate) fn shared_prefixes<'a>(
    conversations: &[Cached],
    prompts: &[&'a [u32]],
) -> Vec<&'a [u32]> {
    let mut order: Vec<usize> = (0..prompts.len()).collect();
    order.sort_by_key(|&i| prompts[i]);
    // Neighbours have the longest prefixes in common, the first and the last of a group what all do.
    let groups = order.chunk_by(|&a, &b| {
        let read = conversations[a].tokens().len();
        common_prefix(prompts[a], prompts[b]) >= read + PAGE
    });
    let shared = groups.filter_map(|group| match group {
        [first, .., last] => {
            let (first, last) = (prompts[*first], prompts[*last]);
            Some(&first[..common_prefix(first, last)])
        }
        _ => None,
    });
    shared.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::cached::Kept;
    use crate::runtime::cache::PageLayout;

    /// Conversations that have read as many tokens of a text as told.
    fn read(text: &[u32], lengths: &[usize]) -> Vec<Cached> {
        let layout = PageLayout::new(std::iter::empty(), Kept::F16);
        let conversation = |&length: &usize| {
            let mut conversation = Cached::default();
            conversation.extend(&text[..length], &layout).unwrap();
            conversation
        };
        lengths.iter().map(conversation).collect()
    }

    #[test]
    fn a_prompt_goes_on_from_the_longest_prefix_and_reads_its_last_token() {
        let text: Vec<u32> = (0..100).collect();
        let held = read(&text, &[0, 40, 70]);
        let (other, turned) = ([5, 6], [&text[..50], &[1; 30]].concat());
        let prompts = [&text[..30], &text[..70], &text, &turned, &other];
        let conversations = resume(&held, &prompts);
        let rests = rests(&conversations, &prompts);
        let left: Vec<usize> = rests.iter().map(|rest| rest.len()).collect();
        assert_eq!(left, [1, 1, 30, 30, 2]);
        for ((conversation, rest), prompt) in conversations.iter().zip(rests).zip(prompts) {
            assert_eq!([conversation.tokens(), rest].concat(), prompt);
        }
    }

    #[test]
    fn what_prompts_share_is_found_where_it_is_a_page_longer_than_what_is_read() {
        let text: Vec<u32> = (0..100).collect();
        let end_of = |at: usize, last: u32| [&text[..at], &[last]].concat();
        let prompts = [
            end_of(70, 1),
            vec![9; 40],
            end_of(50, 2),
            [&[9; 34][..], &[1]].concat(),
            end_of(60, 3),
            vec![8; 31],
            vec![8; 31],
        ];
        let prompts: Vec<&[u32]> = prompts.iter().map(Vec::as_slice).collect();
        let shared = |held: &[Cached]| {
            let found = shared_prefixes(&resume(held, &prompts), &prompts);
            found
                .iter()
                .map(|prefix| prefix.to_vec())
                .collect::<Vec<_>>()
        };
        let both = [text[..50].to_vec(), vec![9; 34]];
        assert_eq!(shared(&[]), both);
        assert_eq!(shared(&read(&text, &[18])), both);
        assert_eq!(
            shared(&read(&text, &[19])),
            [text[..60].to_vec(), both[1].clone()]
        );
        assert_eq!(shared(&read(&text, &[29])), both[1..]);
        assert!(shared_prefixes(&[], &[]).is_empty());
    }
}
