//! Disjoint sets: which provisional labels have become one.
//!
//! In: a parent for each label; a label that is its own parent is a root. Out: the root. Method: path halving (Tarjan and
//! van Leeuwen, J. ACM 1984, 31:245–281).

/// Root of a label; shortens the path to it.
///
/// # Panics
/// Where `node` or a parent is no index of `parents`.
pub(crate) fn root(parents: &mut [u32], mut node: u32) -> u32 {
    while parents[node as usize] != node {
        let grandparent = parents[parents[node as usize] as usize];
        parents[node as usize] = grandparent;
        node = grandparent;
    }
    node
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_found_and_the_path_shortened() {
        let mut parents = vec![0, 0, 1, 2, 4];
        assert_eq!(root(&mut parents, 3), 0);
        assert_eq!(parents, [0, 0, 1, 1, 4]);
        assert_eq!(root(&mut parents, 4), 4);
    }
}
