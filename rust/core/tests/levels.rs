//! The same bits with any registers: what was scored with AVX-512 is what it is with AVX2 and with neither. `scripts/levels.sh`
//! runs this with some of them left out; a change of scores moves the number on purpose.

#[path = "../benches/instructions/corpus.rs"]
mod corpus;

use corpus::{Random, prompt};
use videostr_core::assign::Solver;
use videostr_core::score::{Scorer, Scratch};
use videostr_core::spec::RewardSpec;

const SPECS: [&str; 9] = [
    r#"{"preset":"video-str"}"#,
    r#"{"preset":"pose-free"}"#,
    r#"{"preset":"so3"}"#,
    r#"{"preset":"coordinates"}"#,
    r#"{"preset":"pose-free","edge_kernel":"ratio","node_kernel":"linear"}"#,
    r#"{"preset":"video-str","edge_kernel":"relative","frame_norm":"reference"}"#,
    r#"{"preset":"video-str","edge_kernel":"mra","per_class":false}"#,
    r#"{"preset":"pose-free","group":"yaw","free_scale":true}"#,
    r#"{"preset":"video-str","frame_of_reference":"given","group":"yaw","edge_kernel":"exp"}"#,
];

/// Folds numbers into one, by their bits.
struct Bits(u64);

impl Bits {
    fn add(&mut self, value: u64) {
        self.0 = (self.0.rotate_left(5) ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

#[test]
fn scores_have_the_same_bits_with_any_registers() {
    let mut bits = Bits(0);
    let mut scratch = Scratch::default();
    for spec in SPECS {
        let scorer = Scorer::new(RewardSpec::from_json(spec).unwrap_or_else(|fault| panic!("{spec}: {fault}")));
        let mut random = Random(41);
        for (frames, nodes) in [(1, (2, 30)), (4, (3, 20)), (2, (50, 70))] {
            for _ in 0..4 {
                let made = prompt(&mut random, frames, nodes, 4);
                let reference = scorer.prepare(&made.truth).unwrap();
                for reply in &made.replies {
                    let row = scorer.score(&mut scratch, reply, &reference, None);
                    row.components.iter().for_each(|value| bits.add(if value.is_nan() { 0 } else { value.to_bits() }));
                }
            }
        }
    }
    let (mut solver, mut random) = (Solver::default(), Random(43));
    for n in [2, 7, 16, 33, 90] {
        let costs: Vec<f64> = (0..n * n).map(|_| random.below(900) as f64 / 7.0).collect();
        let mut columns = vec![0; n];
        solver.assign(&costs, n, &mut columns);
        for column in columns {
            bits.add(column.cast_unsigned());
        }
    }
    assert_eq!(bits.0, 0x35d9_6c76_bb33_7a69, "the bits of scores have moved: {:#x}", bits.0);
}
