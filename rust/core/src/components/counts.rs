//! `precision` and `recall`: labels alone, wherever the nodes lie.

use crate::assign::NONE;
use crate::components::Context;

/// Matched over predicted (0 when none) and over reference nodes, all frames together.
pub(crate) fn precision_recall(context: &Context<'_>, partners: &[u32]) -> (f64, f64) {
    let matched = partners.iter().filter(|&&partner| partner != NONE).count() as f64;
    let predicted = context.graph.nodes.len();
    let precision = if predicted == 0 { 0.0 } else { matched / predicted as f64 };
    (precision, matched / partners.len() as f64)
}
