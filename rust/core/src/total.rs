//! From components to what is read and trained on: graph, success, length, total, and the group's half of length.

use crate::geometry::grid;
use crate::spec::{Gate, RewardSpec};

/// Positions of the components in their fixed order.
pub(crate) mod column {
    pub(crate) const FORMAT: usize = 0;
    pub(crate) const ANSWER: usize = 1;
    pub(crate) const NODE: usize = 2;
    pub(crate) const EDGE: usize = 3;
    pub(crate) const CHIRALITY: usize = 4;
    pub(crate) const MOTION: usize = 5;
    pub(crate) const CONSISTENCY: usize = 6;
    pub(crate) const PRECISION: usize = 7;
    pub(crate) const RECALL: usize = 8;
    pub(crate) const GRAPH: usize = 9;
    pub(crate) const SUCCESS: usize = 10;
    pub(crate) const LENGTH: usize = 11;
    pub(crate) const TOTAL: usize = 12;
}

/// Values of the components, in the order of [`crate::names::COMPONENTS`]; NaN is undefined.
pub(crate) type Components = [f64; 13];

/// An answer over this opens the gate `answer`.
const GATE: f64 = 0.1;
/// Success asks for this much of the answer and of the graph.
const SUCCESS: f64 = 0.5;

fn graph_weights(spec: &RewardSpec) -> [(usize, f64); 4] {
    let weights = &spec.weights;
    [
        (column::NODE, weights.node),
        (column::EDGE, weights.edge),
        (column::CHIRALITY, weights.chirality),
        (column::MOTION, weights.motion),
    ]
}

/// The weighted mean of the graph's components over those defined; the plain mean where their weights are all 0.
pub(crate) fn graph(spec: &RewardSpec, components: &Components) -> f64 {
    let (mut sum, mut weights, mut plain, mut count) = (0.0, 0.0, 0.0, 0.0);
    for (column, weight) in graph_weights(spec) {
        let value = components[column];
        if !value.is_nan() {
            sum += weight * value;
            weights += weight;
            plain += value;
            count += 1.0;
        }
    }
    if weights == 0.0 { plain / count } else { sum / weights }
}

/// 1 when answer and graph, each where it is defined, reach one half.
pub(crate) fn success(components: &Components) -> f64 {
    let reached = |value: f64| value.is_nan() || grid(value) >= grid(SUCCESS);
    f64::from(u8::from(reached(components[column::ANSWER]) && reached(components[column::GRAPH])))
}

/// The rule of one reply: tokens in range and, where there is an answer, an answer that is good enough.
pub(crate) fn length(spec: &RewardSpec, components: &Components, tokens: Option<f64>) -> f64 {
    let Some(tokens) = tokens.filter(|tokens| !tokens.is_nan()) else { return f64::NAN };
    let in_range = (spec.length_min as f64..=spec.length_max as f64).contains(&tokens);
    let answer = components[column::ANSWER];
    f64::from(u8::from(in_range && (answer.is_nan() || answer > spec.length_answer_over)))
}

/// The stated sum over the defined terms, in the stated order.
pub(crate) fn total(spec: &RewardSpec, components: &Components) -> f64 {
    let weights = &spec.weights;
    let answer = components[column::ANSWER];
    let open = match spec.gate {
        Gate::None => true,
        Gate::Answer => answer.is_nan() || answer > GATE,
        Gate::Format => components[column::FORMAT] == 1.0,
    };
    let [node, edge, chirality, motion] = graph_weights(spec);
    let terms = [
        (column::FORMAT, weights.format),
        (column::ANSWER, weights.answer),
        node,
        edge,
        chirality,
        motion,
        (column::LENGTH, weights.length),
    ];
    let mut total = 0.0;
    for (column, weight) in terms {
        let shut = !open && (column::NODE..=column::MOTION).contains(&column);
        let value = components[column];
        if !value.is_nan() && !shut {
            total += weight * value;
        }
    }
    total
}
