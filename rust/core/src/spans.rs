//! Where the parts of a reply are: one pass over its tags.

use memchr::memchr_iter;
use std::ops::Range;

/// The parts of a reply, as byte ranges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spans {
    /// One think block, then one answer block, and nothing but white space around and between.
    pub format: bool,
    /// Inside of the answer block that counts.
    pub answer: Option<Range<usize>>,
    /// How many closed answer blocks stand where one may count.
    pub answer_blocks: u32,
    /// Inside of the graph block that counts.
    pub graph: Option<Range<usize>>,
    /// Whether that block is closed.
    pub graph_closed: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tag {
    Think,
    ThinkEnd,
    Answer,
    AnswerEnd,
    Graph,
    GraphEnd,
}

const TAGS: [(&[u8], Tag); 6] = [
    (b"<think>", Tag::Think),
    (b"</think>", Tag::ThinkEnd),
    (b"<answer>", Tag::Answer),
    (b"</answer>", Tag::AnswerEnd),
    (b"<graph>", Tag::Graph),
    (b"</graph>", Tag::GraphEnd),
];

fn tag_at(rest: &[u8]) -> Option<(Tag, usize)> {
    TAGS.iter().find(|(name, _)| rest.starts_with(name)).map(|&(name, tag)| (tag, name.len()))
}

/// White space between the blocks: space, tab, LF, CR, FF, VT.
pub(crate) const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0c | 0x0b)
}

/// The last graph opened, and where it is closed.
#[derive(Clone, Copy, Default)]
struct LastGraph {
    open: Option<usize>,
    close: Option<usize>,
}

impl LastGraph {
    fn span(self, end: usize) -> Option<Range<usize>> {
        self.open.map(|open| open..self.close.unwrap_or(end))
    }
}

/// Finds the parts of a reply. `think_prefilled`: the reply starts inside a think block.
///
/// ```
/// let text = "<think>so</think><answer>B</answer>";
/// let spans = videostr_core::spans::find(text, false);
/// assert!(spans.format);
/// assert_eq!(&text[spans.answer.unwrap()], "B");
/// ```
#[must_use]
pub fn find(text: &str, think_prefilled: bool) -> Spans {
    let bytes = text.as_bytes();
    // place and inside of the first of each tag that format looks at, and how often it is there
    let mut seen = [(0_usize, 0_usize, 0_u32); 4];
    let mut thinking = think_prefilled;
    let mut answer_open = None;
    let mut answer = None;
    let mut answer_blocks = 0_u32;
    let mut graph = LastGraph::default();
    let mut before_close: Option<(LastGraph, usize)> = None;
    for at in memchr_iter(b'<', bytes) {
        let Some((tag, length)) = tag_at(&bytes[at..]) else {
            continue;
        };
        let inside = at + length;
        if (tag as usize) < seen.len() {
            let (place, after, count) = &mut seen[tag as usize];
            if *count == 0 {
                (*place, *after) = (at, inside);
            }
            *count += 1;
        }
        match tag {
            Tag::Think => thinking = true,
            Tag::ThinkEnd => {
                thinking = false;
                (answer_open, answer, answer_blocks) = (None, None, 0);
                before_close = Some((graph, at));
            }
            Tag::Answer => {
                if !thinking {
                    answer_open = Some(inside);
                }
            }
            Tag::AnswerEnd => {
                if !thinking && let Some(open) = answer_open.take() {
                    answer = Some(open..at);
                    answer_blocks += 1;
                }
            }
            Tag::Graph => graph = LastGraph { open: Some(inside), close: None },
            Tag::GraphEnd => {
                if graph.open.is_some() && graph.close.is_none() {
                    graph.close = Some(at);
                }
            }
        }
    }
    let (graph, end) = match before_close {
        Some(closed) if !thinking => closed,
        _ => (graph, bytes.len()),
    };
    let blank = |from: usize, to: usize| from <= to && bytes[from..to].iter().all(|&byte| is_blank(byte));
    let [think, think_end, open, close] = seen;
    let opened =
        if think_prefilled { think.2 == 0 } else { think.2 == 1 && blank(0, think.0) && think.1 <= think_end.0 };
    let format = opened
        && [think_end, open, close].iter().all(|tag| tag.2 == 1)
        && blank(think_end.1, open.0)
        && open.1 <= close.0
        && blank(close.1, bytes.len());
    Spans { format, answer, answer_blocks, graph: graph.span(end), graph_closed: graph.close.is_some() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str, prefilled: bool) -> (bool, Option<&str>, u32, Option<&str>, bool) {
        let spans = find(text, prefilled);
        let cut = |span: Option<Range<usize>>| span.map(|range| &text[range]);
        (spans.format, cut(spans.answer), spans.answer_blocks, cut(spans.graph), spans.graph_closed)
    }

    #[test]
    fn format_is_one_think_then_one_answer() {
        for (text, prefilled, format) in [
            ("<think>a</think><answer>b</answer>", false, true),
            ("\n\u{b} <think>a</think>\r\u{c}<answer>b</answer>\t", false, true),
            ("<think></think><answer></answer>", false, true),
            ("<think>a</think>\u{a0}<answer>b</answer>", false, false),
            ("x<think>a</think><answer>b</answer>", false, false),
            ("<think>a</think>x<answer>b</answer>", false, false),
            ("<think>a</think><answer>b</answer>x", false, false),
            ("<think>a</think><answer>b</answer><answer>b</answer>", false, false),
            ("<think>a</answer></think><answer>b</answer>", false, false),
            ("<answer>b</answer><think>a</think>", false, false),
            ("</think><think><answer>b</answer>", false, false),
            ("a</think><answer>b</answer>", true, true),
            ("<think>a</think><answer>b</answer>", true, false),
            ("<think>a</think></answer><answer>", false, false),
            ("<THINK>a</THINK><answer>b</answer>", false, false),
            ("", false, false),
        ] {
            assert_eq!(find(text, prefilled).format, format, "{text:?}");
        }
    }

    #[test]
    fn the_last_closed_answer_after_the_last_think_counts() {
        for (text, prefilled, answer, blocks) in [
            ("<answer>a</answer>", false, Some("a"), 1),
            ("<answer>a</answer><answer>b</answer>", false, Some("b"), 2),
            ("<answer>a</answer><answer>b", false, Some("a"), 1),
            ("<answer>a<answer>b</answer>", false, Some("b"), 1),
            ("<answer>a</answer></answer>", false, Some("a"), 1),
            ("<think><answer>a</answer></think>", false, None, 0),
            ("<think><answer>a</answer>", false, None, 0),
            ("<think>x</think><answer>a</answer><think><answer>b</answer>", false, Some("a"), 1),
            ("<answer>a<think></think></answer>", false, None, 0),
            ("<answer>a</answer>", true, None, 0),
            ("x</think><answer>a</answer>", true, Some("a"), 1),
        ] {
            let spans = find(text, prefilled);
            assert_eq!((spans.answer.map(|range| &text[range]), spans.answer_blocks), (answer, blocks), "{text:?}");
        }
    }

    #[test]
    fn the_last_graph_opened_before_the_end_of_think_counts() {
        for (text, graph, closed) in [
            ("<think><graph>a</graph></think>", Some("a"), true),
            ("<think><graph>a</graph><graph>b</graph></think>", Some("b"), true),
            ("<think><graph>a<graph>b</graph></think>", Some("b"), true),
            ("<think><graph>a</think></graph>", Some("a"), false),
            ("<think>a</think><graph>b</graph>", None, false),
            ("<think><graph>a", Some("a"), false),
            ("<graph>a</graph></graph>", Some("a"), true),
            ("<think><graph>a</graph></think><think><graph>b", Some("b"), false),
            ("<think><graph>a</graph></think><think><graph>b</graph></think>", Some("b"), true),
            ("</graph>", None, false),
        ] {
            let (_, _, _, found, found_closed) = parts(text, false);
            assert_eq!((found, found_closed), (graph, closed), "{text:?}");
        }
    }
}
