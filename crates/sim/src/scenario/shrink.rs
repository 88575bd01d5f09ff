//! Leaving out of a failing plan whatever it fails without.

use super::plan::Numbered;

/// More attempts than anybody wants to wait for.
const ATTEMPTS_MAX: u32 = 2000;

/// The smallest plan that still fails that leaving deeds out leads to: first many at once, then fewer.
pub fn shrink(plan: &[Numbered], mut fails: impl FnMut(&[Numbered]) -> bool) -> Vec<Numbered> {
    let mut plan = plan.to_vec();
    let mut attempts = 0;
    let mut length = plan.len() / 2;
    while length > 0 && attempts < ATTEMPTS_MAX {
        let mut at = 0;
        let mut has_shrunk = false;
        while at < plan.len() && attempts < ATTEMPTS_MAX {
            attempts += 1;
            let mut smaller = plan.clone();
            smaller.drain(at..(at + length).min(plan.len()));
            if fails(&smaller) {
                (plan, has_shrunk) = (smaller, true);
            } else {
                at += length;
            }
        }
        if !has_shrunk || length > 1 {
            length /= 2;
        }
    }
    plan
}

#[cfg(test)]
mod tests {
    use super::super::deed::Deed;
    use super::*;

    #[test]
    fn what_a_failure_does_not_need_is_left_out() {
        let plan: Vec<Numbered> = (0..100).map(|number| (number, Deed::Settle)).collect();
        let needs = |number| move |plan: &[Numbered]| plan.iter().any(|(of, _)| *of == number);
        let shrunk = shrink(&plan, |plan| needs(17)(plan) && needs(71)(plan));
        assert_eq!(shrunk, [(17, Deed::Settle), (71, Deed::Settle)]);
    }
}
