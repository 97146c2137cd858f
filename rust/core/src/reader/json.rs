//! The JSON form: which of its shapes a graph is written in, and its nodes, edges and frames.

#![expect(clippy::inline_always, reason = "what uses registers must be inlined, see `wide`")]

use super::lexer::{Between, Keys, Lexer, Scalar, Text};
use super::sink::{RawEdge, Sink};
use super::template::TemplateNode;
use super::{Step, Stop, template, window};
use crate::names::{Repair, RepairLog};
use crate::wide::{Vectored, vectored};
use fearless_simd::Simd;
use std::ops::Range;

/// Memory that is kept between replies.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    keys: Keys,
}

/// The shapes of an object.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Frames,
    OneFrame,
    CategoryMap,
}

/// The coordinates of a list: how many numbers, and the first three; none when something else is among them.
#[derive(Clone, Copy, Default)]
struct Centre {
    xyz: [f64; 3],
    count: usize,
    faulty: bool,
}

/// Keys of an object that have a meaning, as bits.
mod key {
    pub(super) const FRAMES: u8 = 1;
    pub(super) const T: u8 = 2;
    pub(super) const NODES: u8 = 4;
    pub(super) const EDGES: u8 = 8;
    pub(super) const ID: u8 = 1;
    pub(super) const LABEL: u8 = 2;
    pub(super) const CENTER: u8 = 4;
    pub(super) const POS: u8 = 8;
    pub(super) const POSITION: u8 = 16;
}

/// Reads the JSON value at the start of `body`, which begins with `{` or `[`.
pub(super) fn read(text: &str, body: Range<usize>, sink: &mut Sink, log: &mut RepairLog) -> Step<()> {
    let mut keys = std::mem::take(&mut sink.scratch.json.keys);
    keys.clear();
    let mut json = Json { lexer: Lexer::new(&text[..body.end], body.start, log, &mut keys), sink, spaces: 1 };
    let result = json.value().map(|()| json.text_after(body.end));
    sink.scratch.json.keys = keys;
    result
}

struct Json<'t, 's, 'g> {
    lexer: Lexer<'t>,
    sink: &'s mut Sink<'g>,
    /// Spaces behind a comma between nodes, as the last one had them.
    spaces: u32,
}

impl Json<'_, '_, '_> {
    fn value(&mut self) -> Step<()> {
        if self.lexer.peek() == Some(b'[') {
            return self.one_frame(|json, _| json.node_list());
        }
        match self.shape()? {
            Shape::Frames => self.frames_object(),
            Shape::OneFrame => self.one_frame(Self::frame_entries),
            Shape::CategoryMap => self.one_frame(|json, _| json.category_map()),
        }
    }

    /// Records text after the value, if there is any.
    fn text_after(&mut self, end: usize) {
        self.lexer.skip_blank();
        let fence = self.lexer.rest().iter().take_while(|&&byte| byte == b'`').count();
        if fence >= 3 {
            self.lexer.log.note(Repair::CodeFence, self.lexer.at);
            self.lexer.at += fence;
            self.lexer.skip_blank();
        }
        if self.lexer.at < end {
            self.lexer.log.note(Repair::TextAfter, self.lexer.at);
        }
    }

    /// Looks ahead for the key that tells the shape of the object at hand, which is its first in most replies.
    fn shape(&mut self) -> Step<Shape> {
        if self.lexer.rest().starts_with(b"{\"frames\":") {
            return Ok(Shape::Frames);
        }
        let mut log = RepairLog::default();
        let mut keys = Keys::default();
        let mut decoded = String::new();
        let mut ahead = self.lexer.ahead(&mut log, &mut keys);
        let mut look = || {
            ahead.open()?;
            let mut between = Between::Open;
            while ahead.next_entry(&mut between)? {
                let key = ahead.key()?;
                match ahead.key_bytes(key, &mut decoded) {
                    b"frames" => return Ok(Shape::Frames),
                    b"nodes" => return Ok(Shape::OneFrame),
                    _ => ahead.skip_value()?,
                }
            }
            Ok(Shape::CategoryMap)
        };
        match look() {
            // what is wrong is told, and recorded, when the value is read
            Err(Stop::Cut | Stop::Bad) => Ok(Shape::CategoryMap),
            found => found,
        }
    }

    /// Reads the entries of an object, handing each key's bit (0 for an unknown key) to `entry`; repeated keys are passed.
    fn entries(&mut self, bit_of: impl Fn(&[u8]) -> u8, entry: impl FnMut(&mut Self, u8) -> Step<()>) -> Step<()> {
        self.lexer.open()?;
        self.entries_after(0, Between::Open, bit_of, entry)
    }

    /// The same behind those that were `seen`.
    fn entries_after(
        &mut self,
        mut seen: u8,
        mut between: Between,
        bit_of: impl Fn(&[u8]) -> u8,
        mut entry: impl FnMut(&mut Self, u8) -> Step<()>,
    ) -> Step<()> {
        let mut object = None;
        let mut decoded = String::new();
        while self.lexer.next_entry(&mut between)? {
            let at = self.lexer.at;
            let key = self.lexer.key()?;
            let bit = bit_of(self.lexer.key_bytes(key, &mut decoded));
            let repeated = if bit == 0 {
                let object = *object.get_or_insert_with(|| self.lexer.new_object());
                self.lexer.repeats(object, key)
            } else if seen & bit != 0 {
                self.lexer.log.note(Repair::RepeatedKey, at);
                true
            } else {
                seen |= bit;
                false
            };
            if repeated || bit == 0 {
                self.lexer.skip_value()?;
            } else {
                entry(self, bit)?;
            }
        }
        Ok(())
    }

    fn frames_object(&mut self) -> Step<()> {
        let bit_of = |key: &[u8]| if key == b"frames" { key::FRAMES } else { 0 };
        self.entries(bit_of, |json, _| {
            json.expect_list()?;
            let mut between = Between::Open;
            while json.lexer.next_item(&mut between)? {
                if json.lexer.peek() != Some(b'{') {
                    return Err(json.lexer.fault());
                }
                json.one_frame(Self::frame_entries)?;
            }
            json.sink.mark_readable();
            Ok(())
        })
    }

    /// Reads one frame by `inside`, which may set its time; where the text ends in it, what it holds so far is kept.
    fn one_frame(&mut self, inside: impl FnOnce(&mut Self, &mut Option<f64>) -> Step<()>) -> Step<()> {
        let open = self.sink.open_frame();
        let mut t = None;
        match inside(self, &mut t) {
            Ok(()) => self.sink.close_frame(open, t),
            Err(Stop::Cut) => {
                self.sink.close_cut_frame(open, t)?;
                Err(Stop::Cut)
            }
            Err(stop) => Err(stop),
        }
    }

    fn frame_entries(&mut self, t: &mut Option<f64>) -> Step<()> {
        let bit_of = |key: &[u8]| match key {
            b"t" => key::T,
            b"nodes" => key::NODES,
            b"edges" => key::EDGES,
            _ => 0,
        };
        let (mut seen, mut between) = (0, Between::Open);
        let usual = template::frame(self.lexer.bytes(), self.lexer.at);
        self.lexer.open()?;
        if let Some((time, nodes)) = usual {
            *t = Some(time);
            self.lexer.at = nodes;
            self.node_list()?;
            (seen, between) = (key::T | key::NODES, Between::Item);
        }
        self.entries_after(seen, between, bit_of, |json, bit| {
            match bit {
                key::NODES => json.node_list()?,
                key::EDGES => json.edge_list()?,
                _ => {
                    if let Scalar::Number(value, _) = json.lexer.scalar()? {
                        // a number at the very end may be a part of one
                        *t = json.lexer.peek().map(|_| value);
                    }
                }
            }
            Ok(())
        })
    }

    fn expect_list(&mut self) -> Step<()> {
        match self.lexer.peek() {
            Some(b'[' | b'(') => self.lexer.open(),
            _ => Err(self.lexer.fault()),
        }
    }

    fn node_list(&mut self) -> Step<()> {
        self.expect_list()?;
        let mut between = Between::Open;
        while self.lexer.next_item(&mut between)? {
            let at = self.lexer.at;
            match self.lexer.peek() {
                Some(b'[') if self.template_nodes()? => {}
                Some(b'[' | b'(') => self.node_pair(at)?,
                Some(b'{') => self.node_object(at)?,
                _ => {
                    self.lexer.skip_value()?;
                    self.void_node(at)?;
                }
            }
        }
        Ok(())
    }

    fn void_node(&mut self, at: usize) -> Step<()> {
        self.lexer.log.note(Repair::VoidNode, at);
        self.sink.count_node()
    }

    fn node(&mut self, id: Option<Text>, centre: Option<Centre>, at: usize) -> Step<()> {
        if let (Some(id), Some(centre)) = (id, centre)
            && !centre.faulty
            && centre.count <= 3
        {
            let mut decoded = std::mem::take(&mut self.sink.scratch.name);
            let id = self.sink.id(self.lexer.str(id, &mut decoded));
            self.sink.scratch.name = decoded;
            if let Some(id) = id
                && self.sink.push_node(id, centre.xyz, centre.count as u8, at)
            {
                return self.sink.count_node();
            }
        }
        self.void_node(at)
    }

    /// Nodes as the template writes them, one after the other; false when the first is written in another way.
    fn template_nodes(&mut self) -> Step<bool> {
        let begin = self.lexer.at;
        vectored(TemplateNodes(self))?;
        Ok(self.lexer.at > begin)
    }

    /// A node whose label is not one that the reference knows by its first bytes, or that is void.
    #[inline(never)]
    fn other_node(&mut self, node: &TemplateNode, at: usize) -> Step<()> {
        let (bytes, text) = (self.lexer.bytes(), self.lexer.text());
        let before = self.sink.id_as_before(&bytes[..=node.id.end], at);
        let id = before.or_else(|| self.sink.id(&text[node.id.clone()]));
        if id.is_some_and(|id| self.sink.push_node(id, node.xyz, node.dim, at)) {
            return self.sink.count_node();
        }
        self.void_node(at)
    }

    /// `["chair.1",[0.4,1.2,0.5]]` in any way of writing it.
    fn node_pair(&mut self, at: usize) -> Step<()> {
        self.lexer.open()?;
        let mut between = Between::Open;
        let (mut id, mut centre) = (None, None);
        let mut count = 0_usize;
        while self.lexer.next_item(&mut between)? {
            match (count, self.lexer.peek()) {
                (0, Some(b'"' | b'\'')) => id = Some(self.lexer.string()?),
                (1, Some(b'[' | b'(')) => centre = Some(self.centre()?),
                _ => self.lexer.skip_value()?,
            }
            count += 1;
        }
        self.node(id.filter(|_| count == 2), centre, at)
    }

    /// `{"id":"chair.1","center":[0.4,1.2,0.5]}`.
    fn node_object(&mut self, at: usize) -> Step<()> {
        let bit_of = |key: &[u8]| match key {
            b"id" => key::ID,
            b"label" => key::LABEL,
            b"center" => key::CENTER,
            b"pos" => key::POS,
            b"position" => key::POSITION,
            _ => 0,
        };
        let (mut id, mut label, mut centre) = (None, None, None);
        self.entries(bit_of, |json, bit| {
            let named = bit == key::ID || bit == key::LABEL;
            match json.lexer.peek() {
                Some(b'"' | b'\'') if named => {
                    let text = json.lexer.string()?;
                    *(if bit == key::ID { &mut id } else { &mut label }) = Some(text);
                }
                Some(b'[' | b'(') if !named && centre.is_none() => centre = Some(json.centre()?),
                _ => json.lexer.skip_value()?,
            }
            Ok(())
        })?;
        self.node(id.or(label), centre, at)
    }

    fn centre(&mut self) -> Step<Centre> {
        self.lexer.open()?;
        let mut between = Between::Open;
        let mut centre = Centre::default();
        while self.lexer.next_item(&mut between)? {
            match self.lexer.scalar()? {
                Scalar::Number(value, unit) => {
                    let value = unit.map_or(value, |unit| unit.length(value, self.sink.unit));
                    if let Some(place) = centre.xyz.get_mut(centre.count) {
                        *place = value;
                    }
                }
                Scalar::Other => centre.faulty = true,
            }
            centre.count += 1;
        }
        Ok(centre)
    }

    /// `{"chair":[[0,3],[5,7]]}`.
    fn category_map(&mut self) -> Step<()> {
        self.lexer.open()?;
        let object = self.lexer.new_object();
        let mut between = Between::Open;
        while self.lexer.next_entry(&mut between)? {
            let label = self.lexer.key()?;
            if self.lexer.repeats(object, label) {
                self.lexer.skip_value()?;
                continue;
            }
            self.expect_list()?;
            let mut points = Between::Open;
            while self.lexer.next_item(&mut points)? {
                let at = self.lexer.at;
                if matches!(self.lexer.peek(), Some(b'[' | b'(')) {
                    let centre = self.centre()?;
                    self.node(Some(label), Some(centre).filter(|centre| centre.count == 2), at)?;
                } else {
                    self.lexer.skip_value()?;
                    self.void_node(at)?;
                }
            }
        }
        Ok(())
    }

    fn edge_list(&mut self) -> Step<()> {
        self.expect_list()?;
        let mut between = Between::Open;
        while self.lexer.next_item(&mut between)? {
            let at = self.lexer.at;
            let edge = if let Some(b'[' | b'(') = self.lexer.peek() {
                self.edge(at)?
            } else {
                self.lexer.skip_value()?;
                None
            };
            self.sink.count_edge()?;
            match edge {
                Some(edge) => self.sink.scratch.edges.push(edge),
                None => self.lexer.log.note(Repair::VoidEdge, at),
            }
        }
        Ok(())
    }

    /// `["chair.1","table.1",1.56]`, with an angle or without.
    fn edge(&mut self, at: usize) -> Step<Option<RawEdge>> {
        self.lexer.open()?;
        let mut between = Between::Open;
        let mut names = [None; 2];
        let (mut distance, mut angle) = (None, None);
        let mut count = 0_usize;
        while self.lexer.next_item(&mut between)? {
            match (count, self.lexer.peek()) {
                (0 | 1, Some(b'"' | b'\'')) => names[count] = Some(self.lexer.string()?),
                (2, _) => {
                    if let Scalar::Number(value, unit) = self.lexer.scalar()? {
                        distance = Some(unit.map_or(value, |unit| unit.length(value, self.sink.unit)));
                    }
                }
                (3, _) => {
                    if let Scalar::Number(value, _) = self.lexer.scalar()? {
                        angle = Some(value).filter(|angle| angle.is_finite());
                    }
                }
                _ => self.lexer.skip_value()?,
            }
            count += 1;
        }
        let ([Some(first), Some(second)], Some(distance), 3 | 4) = (names, distance, count) else {
            return Ok(None);
        };
        if !(distance >= 0.0 && distance.is_finite()) {
            return Ok(None);
        }
        let mut decoded = std::mem::take(&mut self.sink.scratch.name);
        let a = self.sink.id(self.lexer.str(first, &mut decoded));
        let b = self.sink.id(self.lexer.str(second, &mut decoded));
        self.sink.scratch.name = decoded;
        let (Some(a), Some(b)) = (a, b) else {
            return Ok(None);
        };
        Ok(Some(RawEdge { ends: [a, b], distance, angle, at: at as u32 }))
    }
}

struct TemplateNodes<'j, 't, 's, 'g>(&'j mut Json<'t, 's, 'g>);

impl Vectored for TemplateNodes<'_, '_, '_, '_> {
    type Out = Step<()>;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Step<()> {
        let Self(json) = self;
        let step = json.read_template_nodes(simd);
        json.sink.convert(simd);
        step
    }
}

impl Json<'_, '_, '_> {
    #[inline(always)]
    fn read_template_nodes<S: Simd>(&mut self, simd: S) -> Step<()> {
        let bytes = self.lexer.bytes();
        let mut at = self.lexer.at;
        loop {
            let end = if let Some(found) = window::node(simd, bytes, at, self.spaces) {
                let end = found.end(at);
                self.lexer.at = end;
                let known = found.label.and_then(|label| self.sink.short_label(label));
                if known.is_some_and(|label| self.sink.push_found(simd, label, &found, at)) {
                    self.sink.count_node()?;
                } else {
                    self.sink.convert(simd);
                    self.other_node(&found.node(simd, at), at)?;
                }
                end
            } else if let Some(node) = template::node(bytes, at) {
                self.sink.convert(simd);
                self.lexer.at = node.end;
                self.spaces = u32::from(bytes[node.id.end + 2] == b' ');
                self.other_node(&node, at)?;
                node.end
            } else {
                return Ok(());
            };
            let usual = end + 1 + self.spaces as usize;
            let as_usual = bytes.get(end) == Some(&b',') && (self.spaces == 0 || bytes.get(end + 1) == Some(&b' '));
            let next = if as_usual { Some(usual) } else { template::comma(bytes, end) };
            match next {
                Some(next) if bytes.get(next) == Some(&b'[') => at = next,
                _ => return Ok(()),
            }
        }
    }
}
