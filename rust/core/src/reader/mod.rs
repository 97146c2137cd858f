//! From a reply's text to its parts: format, answer span and graph, with every repair recorded.
//!
//! Linear in the bytes of the reply, one pass where the form allows it, nothing recurses on input, and no input is an error:
//! what cannot be read is told by a status.

mod digits;
mod finish;
mod json;
mod lexer;
mod lines;
mod sink;
mod template;
mod window;

use crate::graph::ReplyGraph;
use crate::labels::LabelTable;
use crate::names::{GraphStatus, Repair, RepairLog};
use crate::spans::{self, is_blank};
use crate::units::LengthUnit;
use std::ops::Range;

/// How much of a reply is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// Bytes of the whole reply.
    pub max_bytes: usize,
    /// Frames of the graph.
    pub max_frames: usize,
    /// Nodes of one frame, as written.
    pub max_nodes: usize,
    /// Stated edges of the graph, as written.
    pub max_edges: usize,
}

impl Default for Caps {
    fn default() -> Self {
        Self { max_bytes: 256 << 10, max_frames: 128, max_nodes: 512, max_edges: 65_536 }
    }
}

/// What the reader knows of the reference that a reply answers to. The default knows nothing: what `parse` uses.
#[derive(Clone, Copy, Debug, Default)]
pub struct ParseContext<'a> {
    /// Labels and aliases; without them every label is foreign.
    pub labels: Option<&'a LabelTable>,
    /// Dimension of the coordinates, 2 or 3; without it both are read.
    pub dim: Option<u8>,
    /// Unit that written lengths convert to; without it units are dropped.
    pub unit: Option<LengthUnit>,
    /// Caps.
    pub caps: Caps,
    /// Whether the reply starts inside a think block.
    pub think_prefilled: bool,
}

/// What was read of one reply. Meant to be reused: reading clears it and keeps its memory.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    /// Whether the reply is one think block and one answer block.
    pub format: bool,
    /// Inside of the answer block that counts.
    pub answer: Option<Range<usize>>,
    /// How many closed answer blocks stand where one may count.
    pub answer_blocks: u32,
    /// Inside of the graph block that counts.
    pub graph_span: Option<Range<usize>>,
    /// What was read of the graph.
    pub graph_status: GraphStatus,
    /// Repairs of the graph; the answer's are added by its own reader.
    pub repairs: RepairLog,
    /// The graph; empty when it is bad or too big.
    pub graph: ReplyGraph,
}

/// Why reading stops before the end of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    /// The text ended.
    Cut,
    /// A fault that is not repaired.
    Bad,
    /// A cap.
    TooBig,
}

type Step<T> = Result<T, Stop>;

/// Reads replies; holds nothing but scratch memory, so one serves any number of references.
#[derive(Debug, Default)]
pub struct Reader {
    scratch: sink::Scratch,
}

impl Reader {
    /// A reader without scratch memory yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads `text` into `into`.
    ///
    /// ```
    /// use videostr_core::reader::{ParseContext, Reader, Reply};
    /// let mut reply = Reply::default();
    /// Reader::new().read("<graph>chair.1 0.4 1.2 0.5</graph>", &ParseContext::default(), &mut reply);
    /// assert_eq!(reply.graph.nodes[0].xyz, [0.4, 1.2, 0.5]);
    /// assert_eq!(reply.graph.foreign, ["chair"]);
    /// ```
    pub fn read(&mut self, text: &str, context: &ParseContext, into: &mut Reply) {
        into.repairs.clear();
        into.graph.clear();
        let spans = spans::find(text, context.think_prefilled);
        into.format = spans.format;
        into.answer = spans.answer;
        into.answer_blocks = spans.answer_blocks;
        into.graph_span.clone_from(&spans.graph);
        into.graph_status = match spans.graph {
            _ if text.len() > context.caps.max_bytes => GraphStatus::TooBig,
            None => GraphStatus::None,
            Some(span) => self.read_block(text, span, spans.graph_closed, context, into),
        };
    }

    fn read_block(
        &mut self,
        text: &str,
        span: Range<usize>,
        closed: bool,
        context: &ParseContext,
        into: &mut Reply,
    ) -> GraphStatus {
        let Reply { repairs, graph, .. } = into;
        let body = without_fence(text, span.clone(), repairs);
        let mut sink = sink::Sink::new(context, graph, &mut self.scratch);
        let first = text.as_bytes()[body.clone()].first();
        let result = match first {
            Some(b'{' | b'[') => json::read(text, body, &mut sink, repairs),
            _ => lines::read(text, body, closed, &mut sink, repairs),
        };
        let cut = !closed || result == Err(Stop::Cut);
        if cut {
            repairs.note(Repair::Truncation, span.end);
        }
        let status = match result {
            Err(Stop::TooBig) => GraphStatus::TooBig,
            Err(Stop::Bad) => GraphStatus::Bad,
            _ if !sink.readable() => GraphStatus::Bad,
            _ if cut => GraphStatus::Truncated,
            _ => GraphStatus::Ok,
        };
        if matches!(status, GraphStatus::Ok | GraphStatus::Truncated) {
            sink.finish(repairs);
        } else {
            graph.clear();
        }
        status
    }
}

/// The block without white space at its start and without a code fence around it.
fn without_fence(text: &str, span: Range<usize>, repairs: &mut RepairLog) -> Range<usize> {
    let bytes = text.as_bytes();
    let blanks = |from: usize| from + bytes[from..span.end].iter().take_while(|&&byte| is_blank(byte)).count();
    let mut start = blanks(span.start);
    if bytes[start..span.end].starts_with(b"```") {
        repairs.note(Repair::CodeFence, start);
        start += bytes[start..span.end].iter().take_while(|&&byte| byte == b'`').count();
        start += bytes[start..span.end].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let info = bytes[start..span.end].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        let after = blanks(start + info);
        // a first word is the fence's own when the line ends after it or JSON begins; else it is content
        if after == span.end || bytes[start + info..after].contains(&b'\n') || matches!(bytes[after], b'{' | b'[') {
            start += info;
        }
        start = blanks(start);
    }
    let tail = |end: usize| end - bytes[start..end].iter().rev().take_while(|&&byte| is_blank(byte)).count();
    let trimmed = tail(span.end);
    let mut end = span.end;
    if bytes[start..trimmed].ends_with(b"```") {
        end = trimmed - bytes[start..trimmed].iter().rev().take_while(|&&byte| byte == b'`').count();
        repairs.note(Repair::CodeFence, end);
    }
    start..end
}
