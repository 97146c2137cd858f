//! The tokens of JSON as models write it: the syntax, its repairs and its faults, without any meaning.

use super::{Step, Stop};
use crate::hash::hash_bytes;
use crate::names::{Repair, RepairLog};
use crate::number;
use crate::spans::is_blank;
use crate::units::GraphUnit;
use std::collections::HashSet;

/// Deepest nesting of lists and objects.
const MAX_DEPTH: usize = 24;

/// A string token: the place between its quotes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Text {
    start: usize,
    end: usize,
    escaped: bool,
}

/// A token where a number may stand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scalar {
    /// A number, with its unit if one is written.
    Number(f64, Option<GraphUnit>),
    /// Anything else.
    Other,
}

/// Where a list or an object stands between its items.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Between {
    /// Before the first item.
    #[default]
    Open,
    /// After an item.
    Item,
    /// After the comma at this place.
    Comma(usize),
}

/// Keys that were read of objects, to find repeated ones.
#[derive(Debug, Default)]
pub(super) struct Keys {
    seen: HashSet<(u32, u64)>,
    objects: u32,
    text: String,
}

impl Keys {
    pub(super) fn clear(&mut self) {
        self.seen.clear();
        self.objects = 0;
    }
}

/// Reads tokens from `bytes[at..]`.
pub(super) struct Lexer<'t> {
    text: &'t str,
    bytes: &'t [u8],
    pub(super) at: usize,
    depth: usize,
    pub(super) log: &'t mut RepairLog,
    pub(super) keys: &'t mut Keys,
}

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t str, at: usize, log: &'t mut RepairLog, keys: &'t mut Keys) -> Self {
        Self { text, bytes: text.as_bytes(), at, depth: 0, log, keys }
    }

    /// The next byte, if there is one.
    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// The whole text that is read.
    pub(super) fn text(&self) -> &'t str {
        self.text
    }

    /// The same as bytes.
    pub(super) fn bytes(&self) -> &'t [u8] {
        self.bytes
    }

    /// What is left of the text.
    pub(super) fn rest(&self) -> &'t [u8] {
        &self.bytes[self.at..]
    }

    /// A lexer at the same place that records elsewhere.
    pub(super) fn ahead<'u>(&self, log: &'u mut RepairLog, keys: &'u mut Keys) -> Lexer<'u>
    where
        't: 'u,
    {
        Lexer { text: self.text, bytes: self.bytes, at: self.at, depth: self.depth, log, keys }
    }

    /// What a byte that fits nowhere means here: the first byte of a comment at the end is a cut, anything else a fault.
    pub(super) fn fault(&self) -> Stop {
        if self.at >= self.bytes.len() || self.at + 1 == self.bytes.len() && self.bytes[self.at] == b'/' {
            Stop::Cut
        } else {
            Stop::Bad
        }
    }

    /// Passes white space and comments.
    #[inline]
    pub(super) fn skip_blank(&mut self) {
        while let Some(byte) = self.peek() {
            if is_blank(byte) {
                self.at += 1;
            } else if !(byte == b'#' || byte == b'/') || !self.skip_comment() {
                return;
            }
        }
    }

    fn skip_comment(&mut self) -> bool {
        let rest = &self.bytes[self.at..];
        let length = if rest.starts_with(b"/*") {
            memchr::memmem::find(&rest[2..], b"*/").map(|end| end + 4)
        } else if rest[0] == b'#' || rest.starts_with(b"//") {
            memchr::memchr(b'\n', rest)
        } else {
            return false;
        };
        self.log.note(Repair::Comment, self.at);
        self.at += length.unwrap_or(rest.len());
        true
    }

    /// Passes an opening bracket.
    #[inline]
    pub(super) fn open(&mut self) -> Step<()> {
        if self.bytes[self.at] == b'(' {
            self.log.note(Repair::RoundBrackets, self.at);
        }
        self.at += 1;
        self.depth += 1;
        if self.depth > MAX_DEPTH { Err(Stop::Bad) } else { Ok(()) }
    }

    /// Goes to the next item of a list; false when the list is closed.
    #[inline]
    pub(super) fn next_item(&mut self, between: &mut Between) -> Step<bool> {
        self.next(between, false)
    }

    /// Goes to the next key of an object; false when the object is closed.
    pub(super) fn next_entry(&mut self, between: &mut Between) -> Step<bool> {
        self.next(between, true)
    }

    #[inline]
    fn next(&mut self, between: &mut Between, object: bool) -> Step<bool> {
        loop {
            let mut byte = self.peek().ok_or(Stop::Cut)?;
            if byte <= b' ' || byte == b'/' || byte == b'#' {
                self.skip_blank();
                byte = self.peek().ok_or(Stop::Cut)?;
            }
            match byte {
                b',' => {
                    if !matches!(between, Between::Item) {
                        return Err(Stop::Bad);
                    }
                    *between = Between::Comma(self.at);
                    self.at += 1;
                }
                b']' | b')' | b'}' => {
                    if (byte == b'}') != object {
                        return Err(Stop::Bad);
                    }
                    if let Between::Comma(comma) = *between {
                        self.log.note(Repair::TrailingComma, comma);
                    }
                    if byte == b')' {
                        self.log.note(Repair::RoundBrackets, self.at);
                    }
                    self.at += 1;
                    self.depth -= 1;
                    return Ok(false);
                }
                b':' => return Err(Stop::Bad),
                _ => {
                    if matches!(between, Between::Item) {
                        self.log.note(Repair::MissingComma, self.at);
                    }
                    *between = Between::Item;
                    return Ok(true);
                }
            }
        }
    }

    /// A new object's number, for its keys.
    pub(super) fn new_object(&mut self) -> u32 {
        self.keys.objects += 1;
        self.keys.objects
    }

    /// Reads a key and its colon; the next byte begins the value.
    pub(super) fn key(&mut self) -> Step<Text> {
        let key = match self.peek() {
            Some(b'"' | b'\'') => self.string()?,
            Some(byte) if is_word(byte) => {
                self.log.note(Repair::BareKey, self.at);
                let start = self.at;
                self.at = self.word_end();
                Text { start, end: self.at, escaped: false }
            }
            _ => return Err(self.fault()),
        };
        self.skip_blank();
        match self.peek() {
            Some(b':') => self.at += 1,
            _ => return Err(self.fault()),
        }
        self.skip_blank();
        if self.at < self.bytes.len() { Ok(key) } else { Err(Stop::Cut) }
    }

    /// Records a key of an object; true when the object had it before.
    pub(super) fn repeats(&mut self, object: u32, key: Text) -> bool {
        let mut decoded = std::mem::take(&mut self.keys.text);
        let hash = hash_bytes(self.str(key, &mut decoded).as_bytes());
        self.keys.text = decoded;
        let repeated = !self.keys.seen.insert((object, hash));
        if repeated {
            let quoted = matches!(self.bytes[key.start - 1], b'"' | b'\'');
            self.log.note(Repair::RepeatedKey, key.start - usize::from(quoted));
        }
        repeated
    }

    /// The bytes of a key, escapes resolved (into `decoded` where there are any).
    pub(super) fn key_bytes<'s>(&self, key: Text, decoded: &'s mut String) -> &'s [u8]
    where
        't: 's,
    {
        if key.escaped { self.str(key, decoded).as_bytes() } else { &self.bytes[key.start..key.end] }
    }

    /// Reads a string; the next byte is its quote.
    pub(super) fn string(&mut self) -> Step<Text> {
        let quote = self.bytes[self.at];
        if quote == b'\'' {
            self.log.note(Repair::SingleQuotes, self.at);
        }
        let start = self.at + 1;
        let mut at = start;
        let (mut escaped, mut broken) = (false, false);
        loop {
            let Some(&byte) = self.bytes.get(at) else {
                self.at = at;
                return Err(Stop::Cut);
            };
            if byte == quote {
                break;
            }
            if byte == b'\\' {
                escaped = true;
                let (length, good) = self.escape(at);
                broken |= !good;
                at += length;
            } else {
                broken |= byte < b' ';
                at += 1;
            }
        }
        self.at = at + 1;
        // told only now: where the string is not closed, that is the fault
        if broken { Err(Stop::Bad) } else { Ok(Text { start, end: at, escaped }) }
    }

    /// Length of the escape at `at`, and whether it is one; one that the end cuts is.
    fn escape(&self, at: usize) -> (usize, bool) {
        match self.bytes.get(at + 1) {
            Some(b'u') => {
                let digits = self.bytes[at + 2..].iter().take(4).take_while(|byte| byte.is_ascii_hexdigit()).count();
                (2 + digits, digits == 4 || at + 2 + digits == self.bytes.len())
            }
            Some(b'"' | b'\'' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => (2, true),
            Some(_) => (1, false),
            None => (1, true),
        }
    }

    /// The content of a string, escapes resolved (into `decoded` where there are any).
    pub(super) fn str<'s>(&self, text: Text, decoded: &'s mut String) -> &'s str
    where
        't: 's,
    {
        let raw = &self.text[text.start..text.end];
        if !text.escaped {
            return raw;
        }
        decoded.clear();
        let mut rest = raw;
        while let Some(slash) = rest.find('\\') {
            decoded.push_str(&rest[..slash]);
            let mut escape = rest[slash + 1..].chars();
            match escape.next() {
                Some('b') => decoded.push('\u{8}'),
                Some('f') => decoded.push('\u{c}'),
                Some('n') => decoded.push('\n'),
                Some('r') => decoded.push('\r'),
                Some('t') => decoded.push('\t'),
                Some('u') => {
                    let (c, length) = unicode_escape(escape.as_str());
                    decoded.push(c);
                    escape = escape.as_str()[length..].chars();
                }
                Some(c) => decoded.push(c),
                None => {}
            }
            rest = escape.as_str();
        }
        decoded.push_str(rest);
        decoded
    }

    /// Reads a value where a number may stand; lists and objects are passed.
    #[inline]
    pub(super) fn scalar(&mut self) -> Step<Scalar> {
        match self.peek() {
            Some(b'0'..=b'9' | b'-' | b'+' | b'.') => Ok(self.number()),
            Some(_) => {
                self.skip_value()?;
                Ok(Scalar::Other)
            }
            None => Err(Stop::Cut),
        }
    }

    #[inline]
    fn number(&mut self) -> Scalar {
        let start = self.at;
        let Some(number) = number::scan(self.bytes, self.at) else {
            self.at = self.word_end();
            return Scalar::Other;
        };
        let mut unit = None;
        match self.bytes.get(number.end).copied() {
            None | Some(b',' | b']' | b')' | b'}') => self.at = number.end,
            Some(next) if is_word(next) => match GraphUnit::at_start(&self.text[number.end..]) {
                Some((found, length)) if !self.word_goes_on(number.end + length) => {
                    self.at = number.end + length;
                    unit = Some((found, number.end));
                }
                _ => {
                    self.at = self.word_end();
                    return Scalar::Other;
                }
            },
            Some(_) => {
                self.at = number.end;
                let blanks = self.bytes[number.end..].iter().take_while(|&&byte| is_blank(byte)).count();
                let after = number.end + blanks;
                if self.bytes.get(after).is_some_and(|&byte| byte.is_ascii_alphabetic() || byte >= 0x80)
                    && let Some((found, length)) = GraphUnit::at_start(&self.text[after..])
                    && !self.word_goes_on(after + length)
                {
                    self.at = after + length;
                    unit = Some((found, after));
                }
            }
        }
        // at the very end it may be a part of something else
        if self.at < self.bytes.len() {
            if !number.json {
                self.log.note(Repair::PythonLiteral, start);
            }
            if let Some((_, at)) = unit {
                self.log.note(Repair::Unit, at);
            }
        }
        Scalar::Number(number.value, unit.map(|(unit, _)| unit))
    }

    fn word_goes_on(&self, at: usize) -> bool {
        self.bytes.get(at).is_some_and(|&byte| is_word(byte))
    }

    fn word_end(&self) -> usize {
        self.at + self.bytes[self.at..].iter().take_while(|&&byte| is_word(byte)).count()
    }

    /// Passes a string, a number or a word.
    fn skip_scalar(&mut self) -> Step<()> {
        match self.peek() {
            Some(b'"' | b'\'') => {
                self.string()?;
            }
            Some(b'0'..=b'9' | b'-' | b'+' | b'.') => {
                self.number();
            }
            Some(byte) if is_word(byte) => {
                let end = self.word_end();
                if matches!(&self.bytes[self.at..end], b"True" | b"False" | b"None") {
                    self.log.note(Repair::PythonLiteral, self.at);
                }
                self.at = end;
            }
            _ => return Err(self.fault()),
        }
        Ok(())
    }

    /// Passes a value of any kind.
    pub(super) fn skip_value(&mut self) -> Step<()> {
        if !matches!(self.peek(), Some(b'[' | b'(' | b'{')) {
            return self.skip_scalar();
        }
        let mut open = [(Between::Open, None); MAX_DEPTH];
        let mut height = 0;
        loop {
            match self.peek() {
                Some(bracket @ (b'[' | b'(' | b'{')) => {
                    self.open()?;
                    open[height] = (Between::Open, (bracket == b'{').then(|| self.new_object()));
                    height += 1;
                }
                _ => self.skip_scalar()?,
            }
            loop {
                let (between, object) = &mut open[height - 1];
                let object = *object;
                if self.next(between, object.is_some())? {
                    if let Some(object) = object {
                        let key = self.key()?;
                        self.repeats(object, key);
                    }
                    break;
                }
                height -= 1;
                if height == 0 {
                    return Ok(());
                }
            }
        }
    }
}

/// The character of `\u` and its four digits, or of a pair of them, and the length after the `u`.
fn unicode_escape(rest: &str) -> (char, usize) {
    let four = |at: usize| rest.get(at..at + 4).and_then(|digits| u32::from_str_radix(digits, 16).ok());
    let Some(first) = four(0) else {
        return (char::REPLACEMENT_CHARACTER, 0);
    };
    if (0xd800..0xdc00).contains(&first)
        && rest.get(4..6) == Some("\\u")
        && let Some(second @ 0xdc00..0xe000) = four(6)
    {
        let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        return (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 10);
    }
    (char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER), 4)
}

/// Bytes of a bare word: a key without quotes, a literal, a number that is none.
const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+' | b'.') || byte >= 0x80
}
