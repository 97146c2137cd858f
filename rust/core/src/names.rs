//! The closed lists of the contract: components, statuses and repairs, in the order of their columns, codes and bits.

/// Component columns of every report, in order.
pub const COMPONENTS: [&str; 13] = [
    "format",
    "answer",
    "node",
    "edge",
    "chirality",
    "motion",
    "consistency",
    "precision",
    "recall",
    "graph",
    "success",
    "length",
    "total",
];

/// What was read of the graph; the codes are the positions in [`GraphStatus::NAMES`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum GraphStatus {
    /// Read whole.
    Ok = 0,
    /// Cut off; what was whole before the cut counts.
    Truncated = 1,
    /// No graph block.
    #[default]
    None = 2,
    /// A fault that is not repaired; counts as no node and no frame.
    Bad = 3,
    /// Over a cap; counts as no node and no frame.
    TooBig = 4,
}

impl GraphStatus {
    /// Names in the order of the codes.
    pub const NAMES: [&str; 5] = ["ok", "truncated", "none", "bad", "too_big"];
}

/// What was read of the answer; the codes are the positions in [`AnswerStatus::NAMES`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum AnswerStatus {
    /// One block, in the grammar of the reference's kind.
    Ok = 0,
    /// No closed answer block after the reasoning.
    #[default]
    None = 1,
    /// Several blocks; the last counts.
    Many = 2,
    /// Not the grammar of the reference's kind.
    Unreadable = 3,
}

impl AnswerStatus {
    /// Names in the order of the codes.
    pub const NAMES: [&str; 4] = ["ok", "none", "many", "unreadable"];
}

/// A repaired fault; the value is the position of its bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Repair {
    CodeFence = 0,
    TrailingComma = 1,
    SingleQuotes = 2,
    BareKey = 3,
    PythonLiteral = 4,
    RoundBrackets = 5,
    Truncation = 6,
    MissingComma = 7,
    RepeatedKey = 8,
    Unit = 9,
    Comment = 10,
    TextAfter = 11,
    VoidLine = 12,
    VoidEdge = 13,
    VoidNode = 14,
    CornersSorted = 15,
    DuplicateId = 16,
    Internal = 17,
}

impl Repair {
    /// Names in the order of the bits.
    pub const NAMES: [&str; 18] = [
        "code_fence",
        "trailing_comma",
        "single_quotes",
        "bare_key",
        "python_literal",
        "round_brackets",
        "truncation",
        "missing_comma",
        "repeated_key",
        "unit",
        "comment",
        "text_after",
        "void_line",
        "void_edge",
        "void_node",
        "corners_sorted",
        "duplicate_id",
        "internal",
    ];

    /// The bit in the `repairs` word.
    #[must_use]
    pub const fn bit(self) -> u32 {
        1 << self as u8
    }

    /// The name in the contract.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

/// The repairs of one reply: their bits and, when asked for, each place (byte offset in the reply).
#[derive(Clone, Debug, Default)]
pub struct RepairLog {
    /// One bit a kind of repair.
    pub bits: u32,
    /// Every single repair with its byte offset, kept only when `keep_places` is set.
    pub places: Vec<(Repair, u32)>,
    /// Whether `places` is filled (for explanations; scoring leaves it off).
    pub keep_places: bool,
}

impl RepairLog {
    /// Forget everything but `keep_places`.
    pub fn clear(&mut self) {
        self.bits = 0;
        self.places.clear();
    }

    /// Record one repair.
    pub fn note(&mut self, repair: Repair, at: usize) {
        self.bits |= repair.bit();
        if self.keep_places {
            self.places.push((repair, at as u32));
        }
    }
}
