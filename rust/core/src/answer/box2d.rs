//! Boxes in an image: intersection over union, in the space of the reference.

use super::fields::{Fields, Wrong, unlisted};
use super::{AnswerRules, AnswerTruth, Graded};
use crate::number as decimal;

/// How two boxes compare.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BoxRule {
    /// Intersection over union.
    #[default]
    Iou,
    /// Generalised intersection over union, moved to [0, 1].
    Giou,
}

/// What the coordinates of a box count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageSpace {
    /// Pixels.
    Pixel,
    /// Shares of the image, 0 to 1.
    Norm1,
    /// Thousandths of the image.
    Norm1000,
}

/// The space that the model was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BoxSpace {
    /// The reference's own.
    #[default]
    Reference,
    /// Pixels.
    Pixel,
    /// Shares of the image, 0 to 1.
    Norm1,
    /// Thousandths of the image.
    Norm1000,
}

impl BoxSpace {
    fn or(self, reference: ImageSpace) -> ImageSpace {
        match self {
            Self::Reference => reference,
            Self::Pixel => ImageSpace::Pixel,
            Self::Norm1 => ImageSpace::Norm1,
            Self::Norm1000 => ImageSpace::Norm1000,
        }
    }
}

impl ImageSpace {
    /// Names in a reference.
    const NAMES: [&str; 3] = ["pixel", "norm1", "norm1000"];

    /// The extent of the image in this space.
    fn extent(self, size: [f64; 2]) -> [f64; 2] {
        match self {
            Self::Pixel => size,
            Self::Norm1 => [1.0; 2],
            Self::Norm1000 => [1000.0; 2],
        }
    }
}

pub(super) fn truth(fields: &mut Fields) -> Result<AnswerTruth, Wrong> {
    let value: [f64; 4] = fields.numbers("value")?;
    if !(value[0] < value[2] && value[1] < value[3]) {
        return Err(Fields::wrong("value", "must be [x1, y1, x2, y2] with x1 < x2 and y1 < y2"));
    }
    let size: [f64; 2] = fields.numbers("size")?;
    if !size.iter().all(|&side| side > 0.0) {
        return Err(Fields::wrong("size", "must be [width, height], both over 0"));
    }
    let space = match fields.text("box_space")? {
        "pixel" => ImageSpace::Pixel,
        "norm1" => ImageSpace::Norm1,
        "norm1000" => ImageSpace::Norm1000,
        other => return Err(unlisted("box_space", other, &ImageSpace::NAMES)),
    };
    Ok(AnswerTruth::Box2d { value, size, space })
}

/// `[a, b, …]` of exactly `N` numbers; one that is too large for float64 is infinite, and scores 0.
pub(super) fn number_list<const N: usize>(block: &str) -> Option<[f64; N]> {
    let inside = block.trim().strip_prefix('[')?.strip_suffix(']')?;
    let mut numbers = [0.0; N];
    let mut parts = inside.split(',');
    for place in &mut numbers {
        let part = parts.next()?.trim().as_bytes();
        let number = decimal::scan(part, 0).filter(|number| number.end == part.len())?;
        *place = number.value;
    }
    parts.next().is_none().then_some(numbers)
}

/// The score, and whether the corners had to be sorted.
pub(super) fn grade(
    block: &str,
    truth: &[f64; 4],
    size: [f64; 2],
    space: ImageSpace,
    rules: AnswerRules,
) -> Option<(f64, bool)> {
    let [x1, y1, x2, y2] = number_list(block)?;
    let sorted = [x1.min(x2), y1.min(y2), x1.max(x2), y1.max(y2)];
    let was_unsorted = x1 > x2 || y1 > y2;
    let (from, to) = (rules.box_space.or(space).extent(size), space.extent(size));
    let mut written = sorted;
    for (i, coordinate) in written.iter_mut().enumerate() {
        *coordinate *= to[i % 2] / from[i % 2];
    }
    Some((overlap(&written, truth, rules.box_score).unwrap_or(0.0), was_unsorted))
}

fn area(b: &[f64; 4]) -> f64 {
    (b[2] - b[0]).max(0.0) * (b[3] - b[1]).max(0.0)
}

fn overlap(a: &[f64; 4], b: &[f64; 4], rule: BoxRule) -> Graded {
    let common = [a[0].max(b[0]), a[1].max(b[1]), a[2].min(b[2]), a[3].min(b[3])];
    let hull = [a[0].min(b[0]), a[1].min(b[1]), a[2].max(b[2]), a[3].max(b[3])];
    let shared = area(&common);
    let union = area(a) + area(b) - shared;
    let score = match rule {
        _ if area(a) <= 0.0 => 0.0,
        BoxRule::Iou => shared / union,
        BoxRule::Giou => f64::midpoint(1.0, shared / union - (area(&hull) - union) / area(&hull)),
    };
    score.is_finite().then(|| score.clamp(0.0, 1.0))
}
