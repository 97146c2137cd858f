//! The lines form: one node, edge or frame a line.

#![expect(clippy::inline_always, reason = "what uses registers must be inlined, see `wide`")]

use super::sink::{Id, OpenFrame, RawEdge, Sink};
use super::template::TemplateNode;
use super::{Step, template, window};
use crate::names::{Repair, RepairLog};
use crate::number;
use crate::spans::is_blank;
use crate::units::GraphUnit;
use crate::wide::{Vectored, vectored};
use fearless_simd::Simd;
use std::ops::Range;

/// Memory that is kept between replies.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    words: Vec<Range<usize>>,
}

/// A number at the end of a line.
#[derive(Clone, Copy, Debug, Default)]
struct Tail {
    value: f64,
    unit: Option<(GraphUnit, usize)>,
    /// Where it begins, and whether it is written with digits alone.
    at: usize,
    integer: bool,
}

/// Most numbers that the end of a line is looked at for.
const MOST: usize = 5;

/// Reads the lines of `body`. Where the block is not `closed`, a last line without its end does not count.
pub(super) fn read(text: &str, body: Range<usize>, closed: bool, sink: &mut Sink, log: &mut RepairLog) -> Step<()> {
    let words = std::mem::take(&mut sink.scratch.lines.words);
    let open = sink.open_frame();
    let mut lines =
        Lines { text, bytes: &text.as_bytes()[..body.end], sink, log, words, open, t: None, started: false };
    let result = lines.read(body.start, closed);
    let words = lines.words;
    sink.scratch.lines.words = words;
    result
}

struct Lines<'t, 's, 'g> {
    text: &'t str,
    bytes: &'t [u8],
    sink: &'s mut Sink<'g>,
    log: &'s mut RepairLog,
    words: Vec<Range<usize>>,
    open: OpenFrame,
    t: Option<f64>,
    /// Whether an `@` line opened the frame at hand.
    started: bool,
}

impl Lines<'_, '_, '_> {
    fn read(&mut self, mut at: usize, closed: bool) -> Step<()> {
        while at < self.bytes.len() {
            let next = self.template_lines(at)?;
            if next > at {
                at = next;
                continue;
            }
            let (next, ended) = self.split(at);
            if !ended && !closed {
                break;
            }
            self.line()?;
            at = next;
        }
        if closed { self.end_frame() } else { self.sink.close_cut_frame(self.open, self.t) }
    }

    /// Nodes and frames on lines as the template writes them, one after the other: where the next line begins.
    fn template_lines(&mut self, at: usize) -> Step<usize> {
        vectored(TemplateLines { lines: self, at })
    }

    /// A node whose label is not one that the reference knows by its first bytes, or that is void.
    #[inline(never)]
    fn other_node(&mut self, node: TemplateNode, at: usize) {
        let id = self.sink.id(&self.text[node.id]);
        if !id.is_some_and(|id| self.sink.push_node(id, node.xyz, node.dim, at)) {
            self.log.note(Repair::VoidNode, at);
        }
    }

    /// Splits the line at `at` into words; where the next one begins, and whether this one has its end.
    fn split(&mut self, mut at: usize) -> (usize, bool) {
        self.words.clear();
        let mut word = None;
        let mut spaced = true;
        while let Some(&byte) = self.bytes.get(at) {
            if PLAIN[usize::from(byte)] {
                word.get_or_insert(at);
                spaced = false;
                at += self.bytes[at..].iter().take_while(|&&byte| PLAIN[usize::from(byte)]).count();
                continue;
            }
            let comment = match byte {
                b'#' => spaced.then_some(1),
                b'/' => self.bytes.get(at + 1).and_then(|next| match next {
                    b'/' => Some(2),
                    b'*' => Some(3),
                    _ => None,
                }),
                _ => None,
            };
            if comment.is_none() && !is_blank(byte) && !is_filler(byte) {
                word.get_or_insert(at);
                spaced = false;
                at += 1;
                continue;
            }
            if let Some(start) = word.take() {
                self.words.push(start..at);
            }
            spaced = is_blank(byte);
            match comment {
                None if byte == b'\n' => return (at + 1, true),
                None => at += 1,
                Some(kind) => {
                    self.log.note(Repair::Comment, at);
                    let rest = &self.bytes[at..];
                    let end = if kind == 3 {
                        memchr::memmem::find(&rest[2..], b"*/").map(|end| end + 4)
                    } else {
                        memchr::memchr(b'\n', rest)
                    };
                    at += end.unwrap_or(rest.len());
                    spaced = true;
                }
            }
        }
        if let Some(start) = word {
            self.words.push(start..at);
        }
        (at, false)
    }

    fn line(&mut self) -> Step<()> {
        let Some(first) = self.words.first().cloned() else {
            return Ok(());
        };
        let start = first.start;
        if self.bytes[start] == b'@' {
            return self.frame_line(first);
        }
        if self.bytes[first].starts_with(b"```") {
            self.log.note(Repair::CodeFence, start);
            return Ok(());
        }
        let dash = (1..self.words.len()).find(|&word| self.bytes[self.words[word].clone()] == *b"-");
        let (tail, count, names) = self.tail(self.words.len(), 0);
        match dash {
            Some(dash) => self.edge_line(dash, &tail[..count.min(MOST)], names, start),
            None => self.node_line(&tail, count, names, start),
        }
    }

    /// `@0`, `@ 0`, `@`: ends the frame at hand and begins another; `@` before anything else is void.
    fn frame_line(&mut self, first: Range<usize>) -> Step<()> {
        let at = first.start;
        if first.len() == 1 {
            self.words.remove(0);
        } else {
            self.words[0].start += 1;
        }
        let (tail, count, names) = self.tail(self.words.len(), 0);
        let t = (count == 1 && names == 0).then_some(tail[0].value).filter(|t| t.is_finite());
        if t.is_none() && !self.words.is_empty() {
            self.log.note(Repair::VoidLine, at);
            return Ok(());
        }
        self.begin_frame(t)?;
        if t.is_some() {
            self.note_units(&tail[..1]);
        }
        Ok(())
    }

    fn begin_frame(&mut self, t: Option<f64>) -> Step<()> {
        self.end_frame()?;
        self.open = self.sink.open_frame();
        self.started = true;
        self.sink.mark_readable();
        self.t = t;
        Ok(())
    }

    fn end_frame(&mut self) -> Step<()> {
        if self.started {
            return self.sink.close_frame(self.open, self.t);
        }
        // without an `@` line it takes a node to make a frame
        let held = self.sink.has_node(self.open);
        self.void_orphans(held);
        self.sink.close_cut_frame(self.open, None)
    }

    /// Edges before the first `@` line with no node about them name none.
    fn void_orphans(&mut self, held: bool) {
        if !held {
            for edge in &self.sink.scratch.edges {
                self.log.note(Repair::VoidEdge, edge.at as usize);
            }
        }
    }

    /// The numbers at the end of the line, the last first; how many (at most [`MOST`]); how many words are before them.
    fn tail(&self, mut words: usize, least: usize) -> ([Tail; MOST], usize, usize) {
        let mut tail = [Tail::default(); MOST];
        let mut count = 0;
        while count < MOST && words > least {
            let word = self.words[words - 1].clone();
            if let Some(number) = self.number(word.clone()) {
                tail[count] = number;
                words -= 1;
            } else if words - 1 > least
                && let Some((unit, length)) = GraphUnit::at_start(&self.text[word.clone()])
                && length == word.len()
                && let Some(number) = self.number(self.words[words - 2].clone()).filter(|number| number.unit.is_none())
            {
                tail[count] = Tail { unit: Some((unit, word.start)), integer: false, ..number };
                words -= 2;
            } else {
                break;
            }
            count += 1;
        }
        (tail, count, words)
    }

    /// The number that a whole word is, with a unit that touches it.
    fn number(&self, word: Range<usize>) -> Option<Tail> {
        let bytes = &self.bytes[..word.end];
        let at = word.start;
        if !matches!(bytes[at], b'0'..=b'9' | b'-' | b'+' | b'.' | b'n' | b'N' | b'i' | b'I') {
            return None;
        }
        let Some(number) = number::scan(bytes, at) else {
            let unsigned = &bytes[at + usize::from(matches!(bytes[at], b'-' | b'+'))..];
            let infinite = [&b"nan"[..], b"inf", b"infinity"].iter().any(|name| unsigned.eq_ignore_ascii_case(name));
            return infinite.then_some(Tail { value: f64::NAN, unit: None, at, integer: false });
        };
        if number.end == word.end {
            let integer = bytes[at..].iter().all(u8::is_ascii_digit);
            return Some(Tail { value: number.value, unit: None, at, integer });
        }
        let (unit, length) = GraphUnit::at_start(&self.text[number.end..word.end])?;
        (number.end + length == word.end).then_some(Tail {
            value: number.value,
            unit: Some((unit, number.end)),
            at,
            integer: false,
        })
    }

    fn note_units(&mut self, numbers: &[Tail]) {
        for (_, at) in numbers.iter().filter_map(|number| number.unit) {
            self.log.note(Repair::Unit, at);
        }
    }

    fn length(&self, number: Tail) -> f64 {
        number.unit.map_or(number.value, |(unit, _)| unit.length(number.value, self.sink.unit))
    }

    /// The id that the words state, joined by single spaces.
    fn id(&mut self, words: Range<usize>) -> Option<Id> {
        if words.len() == 1 {
            return self.sink.id(&self.text[self.words[words.start].clone()]);
        }
        let mut name = std::mem::take(&mut self.sink.scratch.name);
        name.clear();
        for word in &self.words[words] {
            if !name.is_empty() {
                name.push(' ');
            }
            name.push_str(&self.text[word.clone()]);
        }
        let id = self.sink.id(&name);
        self.sink.scratch.name = name;
        id
    }

    fn void_line(&mut self, at: usize) {
        self.log.note(Repair::VoidLine, at);
    }

    /// `chair.1 0.4 1.2 0.5`, or `chair 1 0.4 1.2 0.5`.
    fn node_line(&mut self, tail: &[Tail; MOST], count: usize, names: usize, at: usize) -> Step<()> {
        let dim = self.sink.dim.map_or(count.clamp(2, 3), usize::from);
        let suffixed = count == dim + 1 && tail[dim].integer;
        if names == 0 || count < 2 || count > 3 && !suffixed {
            self.void_line(at);
            return Ok(());
        }
        self.note_units(&tail[..count]);
        if count == dim || suffixed {
            let mut xyz = [0.0; 3];
            for (place, &number) in xyz.iter_mut().zip(tail[..dim].iter().rev()) {
                *place = self.length(number);
            }
            if let Some(id) = self.id(0..names + usize::from(suffixed))
                && self.sink.push_node(id, xyz, dim as u8, at)
            {
                return self.sink.count_node();
            }
        }
        self.log.note(Repair::VoidNode, at);
        self.sink.count_node()
    }

    /// `chair.1 - table.1 1.56`, with an angle or without; `names` words stand before the numbers.
    fn edge_line(&mut self, dash: usize, tail: &[Tail], names: usize, at: usize) -> Step<()> {
        let count = tail.len();
        if count == 0 || names <= dash + 1 {
            self.void_line(at);
            return Ok(());
        }
        // more numbers than a distance and an angle belong to the name
        let stated = count.min(2);
        let second = dash + 1..self.words.iter().filter(|word| word.start < tail[stated - 1].at).count();
        self.note_units(&tail[..stated]);
        self.sink.count_edge()?;
        let distance = self.length(tail[stated - 1]);
        let angle = (stated == 2).then_some(tail[0].value).filter(|angle| angle.is_finite());
        let good = distance >= 0.0 && distance.is_finite();
        match (self.id(0..dash), self.id(second)) {
            (Some(a), Some(b)) if good => {
                self.sink.scratch.edges.push(RawEdge { ends: [a, b], distance, angle, at: at as u32 });
            }
            _ => self.log.note(Repair::VoidEdge, at),
        }
        Ok(())
    }
}

struct TemplateLines<'l, 't, 's, 'g> {
    lines: &'l mut Lines<'t, 's, 'g>,
    at: usize,
}

impl Vectored for TemplateLines<'_, '_, '_, '_> {
    type Out = Step<usize>;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Step<usize> {
        let Self { lines, at } = self;
        let step = lines.read_template_lines(simd, at);
        lines.sink.convert(simd);
        step
    }
}

impl Lines<'_, '_, '_> {
    #[inline(always)]
    fn read_template_lines<S: Simd>(&mut self, simd: S, mut at: usize) -> Step<usize> {
        let (bytes, dim) = (self.bytes, self.sink.dim);
        loop {
            if let Some(found) = window::line(simd, bytes, at, dim.unwrap_or(3)) {
                let known = found.label.and_then(|label| self.sink.short_label(label));
                if !known.is_some_and(|label| self.sink.push_found(simd, label, &found, at)) {
                    self.sink.convert(simd);
                    self.other_node(found.node(simd, at), at);
                }
                self.sink.count_node()?;
                at = found.end(at);
            } else if let Some(node) =
                template::line(bytes, at, &PLAIN).filter(|node| dim.is_none_or(|dim| dim == node.dim))
            {
                let end = node.end;
                self.sink.convert(simd);
                self.other_node(node, at);
                self.sink.count_node()?;
                at = end;
            } else if bytes.get(at) == Some(&b'@')
                && let Some((t, next)) = template::frame_line(bytes, at)
            {
                self.begin_frame(Some(t))?;
                at = next;
            } else {
                return Ok(at);
            }
        }
    }
}

/// Bytes that are part of a word wherever they stand.
const PLAIN: [bool; 256] = {
    let mut plain = [true; 256];
    let mut byte = 0;
    while byte < 256 {
        plain[byte] = !(is_blank(byte as u8) || is_filler(byte as u8) || matches!(byte as u8, b'#' | b'/'));
        byte += 1;
    }
    plain
};

/// Bytes that are blanks in lines, beside white space.
const fn is_filler(byte: u8) -> bool {
    matches!(byte, b',' | b':' | b';' | b'(' | b')' | b'[' | b']' | b'{' | b'}')
}

#[cfg(test)]
mod tests {
    use crate::labels::LabelTable;
    use crate::reader::{ParseContext, Reader, Reply};
    use crate::testing::{NUMBERS, PLAIN, Random};

    /// A space before a line leaves it to the general reader, and means nothing.
    #[test]
    fn a_line_is_read_as_the_general_reader_reads_it() {
        let words = "chair Chair_1 blue ball.2 lamp#3 x-007 TV nan inf night.1 m cm - 1 e5 é.1 a.1234567 a.12345678 ";
        let words: Vec<&str> = words.split(' ').chain(["a_very_long_label_indeed.1"]).collect();
        let numbers: Vec<&str> = NUMBERS.split(' ').collect();
        let faults = ["#", "//", ",", ":", "[", "  ", "\t", "\r", "@", "-", ".", "7", "m", "é", "\n"];
        let labels = ["chair", "blue ball", "lamp", "x", "tv", "ball", "a", "m", "nan"];
        let table = LabelTable::new(labels.into_iter(), &[("night".to_owned(), "lamp".to_owned())]);
        let mut state = Random(5);
        let mut random = |below: usize| state.below(below as u64) as usize;
        let (mut reader, mut replies) = (Reader::new(), [Reply::default(), Reply::default()]);
        for reply in &mut replies {
            reply.repairs.keep_places = true;
        }
        let mut nodes = 0;
        for round in 0..60_000 {
            let mut line = String::new();
            for _ in 0..=random(3) {
                line += words[random(words.len())];
                line.push(' ');
            }
            let count = 2 + random(3);
            for k in 0..count {
                let many = if random(4) == 0 { numbers.len() } else { PLAIN };
                line += numbers[random(many)];
                line += if k + 1 < count { " " } else { "" };
            }
            if random(4) == 0 {
                let at = (0..=random(line.len() + 1)).rev().find(|&at| line.is_char_boundary(at)).unwrap_or(0);
                line.insert_str(at, faults[random(faults.len())]);
            }
            if random(8) == 0 {
                line = format!("@{}", numbers[random(numbers.len())]);
            }
            let dim = [Some(3), Some(2), None][round % 3];
            let context = ParseContext { labels: Some(&table), dim, ..ParseContext::default() };
            let rest = "\nlamp.1 1 2 3\nlamp.2 1 2\n".repeat(1 + round % 4);
            for (space, reply) in ["", " "].iter().zip(&mut replies) {
                reader.read(&format!("<graph>@0\n{space}{line}{rest}</graph>"), &context, reply);
            }
            let [fast, slow] = &replies;
            let of = |reply: &Reply| {
                let frames: Vec<_> = reply.graph.frames.iter().map(|frame| (frame.t, frame.nodes.clone())).collect();
                let nodes: Vec<_> = reply
                    .graph
                    .nodes
                    .iter()
                    .map(|node| (node.xyz.map(f64::to_bits), node.suffix, node.label, node.dim))
                    .collect();
                let repairs: Vec<_> = reply.repairs.places.iter().map(|place| place.0).collect();
                (reply.graph_status, frames, nodes, reply.graph.foreign.clone(), reply.graph.edges.len(), repairs)
            };
            assert_eq!(of(fast), of(slow), "{line:?}");
            nodes += fast.graph.nodes.len();
        }
        assert!(nodes > 100_000, "{nodes}");
    }
}
