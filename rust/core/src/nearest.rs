//! The known name that a misspelt one most likely meant, for error messages.

/// The nearest of `known` to `word` by edit distance, case apart; of equally near ones the first, of none the empty name.
#[must_use]
pub fn nearest<'a>(word: &str, known: &[&'a str]) -> &'a str {
    let word: Vec<char> = word.chars().take(64).flat_map(char::to_lowercase).collect();
    known
        .iter()
        .min_by_key(|name| edit_distance(&word, &name.chars().flat_map(char::to_lowercase).collect::<Vec<_>>()))
        .copied()
        .unwrap_or_default()
}

/// Insertions, deletions, replacements and swaps of neighbours that lead from `a` to `b`.
fn edit_distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    let mut row = last.clone();
    for i in 1..=a.len() {
        row[0] = i;
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        std::mem::swap(&mut before, &mut last);
        std::mem::swap(&mut last, &mut row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_misspelt_name_finds_the_one_that_was_meant() {
        let known = ["version", "answer", "graph", "meta"];
        assert_eq!(nearest("anwser", &known), "answer");
        assert_eq!(nearest("Grpah", &known), "graph");
        assert_eq!(nearest("vesrion", &known), "version");
        assert_eq!(nearest("answer", &[]), "");
    }
}
