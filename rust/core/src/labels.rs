//! Ids and labels: how a written name is brought to the form in which names compare, and the labels of one reference.

use crate::graph::Suffix;
use crate::hash::{fold, hash_bytes};
use icu_casemap::CaseMapper;

/// Decimal digits that a `u128` holds below its top bit, whatever they are.
const EXACT_DIGITS: usize = 38;

/// Brings a written id to the form in which ids compare: the label into `out`, the instance suffix as the result.
///
/// Unicode case folding, white space trimmed, `_` and `-` to space, runs of space to one, then one instance suffix cut:
/// decimal digits at the end after `.`, `#`, `_`, `-` or space, with a label before them.
///
/// ```
/// use videostr_core::{graph::Suffix, labels::normalize_id};
/// let mut label = String::new();
/// assert_eq!(normalize_id(" Traffic_Light-07", &mut label), Suffix::number(7));
/// assert_eq!(label, "traffic light");
/// assert_eq!(normalize_id("chair1", &mut label), Suffix::NONE);
/// assert_eq!(label, "chair1");
/// ```
pub fn normalize_id(raw: &str, out: &mut String) -> Suffix {
    fold_label(raw, out);
    let (label, digits) = split_suffix(out.as_bytes());
    let suffix = suffix_of(digits);
    out.truncate(label);
    suffix
}

/// Brings a written label to the form in which labels compare; a suffix is cut, as from an id.
pub fn normalize_label(raw: &str, out: &mut String) {
    normalize_id(raw, out);
}

/// Case folding and spaces: everything of the normal form but the suffix and the aliases.
fn fold_label(raw: &str, out: &mut String) {
    out.clear();
    if raw.is_ascii() {
        push_spaced(raw, out, |c| c.to_ascii_lowercase());
    } else {
        push_spaced(&CaseMapper::new().fold_string(raw), out, |c| c);
    }
}

fn push_spaced(text: &str, out: &mut String, fold: impl Fn(char) -> char) {
    let mut gap = false;
    for c in text.chars() {
        if c == '_' || c == '-' || c.is_whitespace() {
            gap = !out.is_empty();
        } else {
            if gap {
                out.push(' ');
                gap = false;
            }
            out.push(fold(c));
        }
    }
}

/// Where the label of a folded id ends, and the digits of its suffix (empty when there is none).
pub(crate) fn split_suffix(id: &[u8]) -> (usize, &[u8]) {
    let digits = id.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let mut label = id.len() - digits;
    if digits == 0 || label < 2 || !matches!(id[label - 1], b'.' | b'#' | b' ') {
        return (id.len(), &[]);
    }
    let number = &id[label..];
    label -= 1;
    while label > 0 && id[label - 1] == b' ' {
        label -= 1;
    }
    if label == 0 { (id.len(), &[]) } else { (label, number) }
}

/// The suffix that digits state; none when there are no digits.
///
/// Up to 38 digits the integer itself. Longer ones keep the order by length and then by the first 18 digits, and numbers that
/// differ further on still differ, by a hash.
pub(crate) fn suffix_of(digits: &[u8]) -> Suffix {
    if digits.is_empty() {
        return Suffix::NONE;
    }
    let zeros = digits.iter().take_while(|&&digit| digit == b'0').count();
    let digits = &digits[zeros..];
    if digits.len() <= 18 {
        return Suffix::number(digits.iter().fold(0_u64, |n, digit| n * 10 + u64::from(digit & 15)).into());
    }
    let integer = |digits: &[u8]| digits.iter().fold(0_u128, |n, digit| n * 10 + u128::from(digit & 15));
    if digits.len() <= EXACT_DIGITS {
        return Suffix::number(integer(digits));
    }
    let length = digits.len().min(0x1_ffff) as u128;
    let rest = u128::from(hash_bytes(digits)) & 0xffff_ffff_ffff;
    Suffix::number(1 << 127 | length << 108 | integer(&digits[..18]) << 48 | rest)
}

/// The labels of one reference with its aliases: normalised name to number.
#[derive(Clone, Debug, Default)]
pub struct LabelTable {
    names: Vec<String>,
    /// What may be written, and the number of the label that it means.
    spellings: Vec<(String, u32)>,
    /// Open addressing by hash: 0 is empty, else a position in `spellings` plus 1.
    slots: Vec<u32>,
    /// The spellings of at most 16 bytes as numbers, the first byte the lowest, and what they mean; 0 is empty.
    short: Vec<(u128, u32)>,
    /// By which few of them want the same slot: a search that is longer for some is one that a processor does not foresee.
    salt: u64,
}

/// So many salts are tried.
const SALTS: u64 = 32;

/// Where the search for a short spelling begins.
#[inline]
fn short_slot(spelling: u128, salt: u64) -> usize {
    fold(spelling as u64 ^ salt, (spelling >> 64) as u64 ^ 0xe703_7ed1_a0b4_28db) as usize
}

impl LabelTable {
    /// From normalised labels, in any order and with repeats, and normalised aliases (from, to).
    ///
    /// A label that is itself an alias counts as the label that it stands for. The targets of aliases are in the table too,
    /// so that an alias and its target are one label even where the reference shows neither.
    pub fn new<'l>(labels: impl Iterator<Item = &'l str>, aliases: &[(String, String)]) -> Self {
        let mut table = Self::default();
        for (from, to) in aliases {
            let id = table.name_id(to);
            table.insert(from, id);
        }
        for label in labels {
            if table.id_of(label).is_none() {
                let id = table.name_id(label);
                table.insert(label, id);
            }
        }
        for (_, to) in aliases {
            if table.id_of(to).is_none() {
                let id = table.name_id(to);
                table.insert(to, id);
            }
        }
        table.index_short();
        table
    }

    fn index_short(&mut self) {
        let word = |spelling: &str| {
            let mut bytes = [0; 16];
            bytes.get_mut(..spelling.len())?.copy_from_slice(spelling.as_bytes());
            Some(u128::from_le_bytes(bytes)).filter(|word| *word != 0)
        };
        let words: Vec<_> = self.spellings.iter().filter_map(|(spelling, id)| Some((word(spelling)?, *id))).collect();
        let size = (3 * words.len() + 1).next_power_of_two();
        let mut wanted = vec![false; size];
        let shared = |salt: &u64| {
            let first = |word: u128| short_slot(word, *salt) & (size - 1);
            wanted.fill(false);
            words.iter().filter(|(word, _)| std::mem::replace(&mut wanted[first(*word)], true)).count()
        };
        let salts = (1..=SALTS).map(|k| k.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        self.salt = salts.min_by_key(shared).unwrap_or_default();
        self.short.resize(size, (0, 0));
        for (word, id) in words {
            let mut slot = short_slot(word, self.salt) & (size - 1);
            while self.short[slot].0 != 0 {
                slot = (slot + 1) & (size - 1);
            }
            self.short[slot] = (word, id);
        }
    }

    /// The number of a normalised label of at most 16 bytes, given as a number, the first byte the lowest.
    #[inline]
    pub(crate) fn id_of_short(&self, spelling: u128) -> Option<u32> {
        let mask = self.short.len().checked_sub(1)?;
        let mut slot = short_slot(spelling, self.salt) & mask;
        loop {
            let (known, id) = self.short[slot];
            if known == spelling {
                return (spelling != 0).then_some(id);
            }
            if known == 0 {
                return None;
            }
            slot = (slot + 1) & mask;
        }
    }

    fn name_id(&mut self, name: &str) -> u32 {
        let found = self.names.iter().position(|known| known == name).unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        });
        found as u32
    }

    fn insert(&mut self, spelling: &str, id: u32) {
        if self.id_of(spelling).is_some() {
            return;
        }
        self.spellings.push((spelling.to_owned(), id));
        let size = (2 * self.spellings.len()).next_power_of_two().max(8);
        if size > self.slots.len() {
            self.slots.clear();
            self.slots.resize(size, 0);
            for position in 0..self.spellings.len() {
                self.place(position);
            }
        } else {
            self.place(self.spellings.len() - 1);
        }
    }

    fn place(&mut self, position: usize) {
        let mask = self.slots.len() - 1;
        let mut slot = hash_bytes(self.spellings[position].0.as_bytes()) as usize & mask;
        while self.slots[slot] != 0 {
            slot = (slot + 1) & mask;
        }
        self.slots[slot] = position as u32 + 1;
    }

    /// The number of a normalised label, aliases applied; none for a label that the reference does not know.
    #[must_use]
    pub fn id_of(&self, normalized: &str) -> Option<u32> {
        self.id_of_bytes(normalized.as_bytes())
    }

    pub(crate) fn id_of_bytes(&self, normalized: &[u8]) -> Option<u32> {
        if self.slots.is_empty() {
            return None;
        }
        let mask = self.slots.len() - 1;
        let mut slot = hash_bytes(normalized) as usize & mask;
        loop {
            let position = self.slots[slot].checked_sub(1)?;
            let (spelling, id) = &self.spellings[position as usize];
            if spelling.as_bytes() == normalized {
                return Some(*id);
            }
            slot = (slot + 1) & mask;
        }
    }

    /// The name of a label number below [`len`](Self::len).
    ///
    /// # Panics
    /// When `id` is not a number of this table.
    #[must_use]
    pub fn name(&self, id: u32) -> &str {
        &self.names[id as usize]
    }

    /// How many labels there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is no label at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(raw: &str) -> (String, Suffix) {
        let mut label = String::from("left over");
        let suffix = normalize_id(raw, &mut label);
        (label, suffix)
    }

    #[test]
    fn ids_lose_case_separators_and_one_suffix() {
        for (raw, label, number) in [
            ("chair.1", "chair", Some(1)),
            ("chair_1", "chair", Some(1)),
            ("chair-1", "chair", Some(1)),
            ("chair 1", "chair", Some(1)),
            ("chair#1", "chair", Some(1)),
            ("Table.01", "table", Some(1)),
            (" CHAIR.0 ", "chair", Some(0)),
            ("chair1", "chair1", None),
            ("chair .1", "chair", Some(1)),
            ("chair__ 1", "chair", Some(1)),
            ("chair.1.2", "chair.1", Some(2)),
            ("Traffic_-Light.1", "traffic light", Some(1)),
            ("traffic\t light", "traffic light", None),
            ("STRAßE.3", "strasse", Some(3)),
            ("ΣΊΣΥΦΟΣ", "σίσυφοσ", None),
            ("- chair.1", "chair", Some(1)),
            ("1", "1", None),
            ("#1", "#1", None),
            (" .1", ".1", None),
            ("", "", None),
            ("__", "", None),
            ("c # d", "c # d", None),
            ("chair.", "chair.", None),
        ] {
            assert_eq!(normal(raw), (label.to_owned(), number.map_or(Suffix::NONE, Suffix::number)), "{raw:?}");
        }
    }

    #[test]
    fn suffixes_compare_as_integers_of_any_length() {
        let of = |digits: &str| suffix_of(digits.as_bytes());
        assert!(Suffix::NONE < of("0"));
        assert!(of("9") < of("10"));
        assert_eq!(of("007"), of("7"));
        let long = "9".repeat(38);
        assert!(of("1") < of(&long));
        let longer = "1".repeat(39);
        assert!(of(&long) < of(&longer));
        assert_ne!(of(&longer), of(&format!("{}2", &longer[..38])));
        assert!(of(&longer) < of(&"1".repeat(40)));
        assert_eq!(of(&longer), of(&format!("000{longer}")));
        assert!(of(&longer) < of(&format!("2{}", &longer[..38])));
        assert!(of(&"9".repeat(200_000)) > of(&long));
    }

    #[test]
    fn aliases_join_labels() {
        let aliases = [("sofa".to_owned(), "couch".to_owned()), ("settee".to_owned(), "couch".to_owned())];
        let table = LabelTable::new(["chair", "sofa", "chair", "lamp"].into_iter(), &aliases);
        assert_eq!(table.len(), 3);
        assert_eq!(table.id_of("sofa"), table.id_of("couch"));
        assert_eq!(table.id_of("settee"), table.id_of("couch"));
        assert_eq!(table.name(table.id_of("sofa").unwrap()), "couch");
        assert_ne!(table.id_of("chair"), table.id_of("lamp"));
        assert_eq!(table.id_of("table"), None);
        assert_eq!(LabelTable::new(std::iter::empty(), &[]).id_of("chair"), None);
    }

    #[test]
    fn a_large_table_finds_every_label() {
        let names: Vec<String> = (0..3000).map(|n| format!("label x{n}y")).collect();
        let table = LabelTable::new(names.iter().map(String::as_str), &[]);
        for name in &names {
            assert_eq!(table.name(table.id_of(name).unwrap()), name);
        }
    }
}
