//! Scenarios: what a seed makes happen, from the first connection until nobody is left.

mod deed;
mod hazards;
mod intruder;
mod plan;
mod play;
mod shrink;
mod terms;

pub use deed::{BodyKind, Deed, Manner};
pub use hazards::Hazards;
pub use intruder::{COMMANDS, REQUESTS};
pub use plan::Numbered;
pub use play::{Failure, Outcome, Play};
pub use shrink::shrink;
pub use terms::{Part, Terms, settings};

use crate::random::Random;

/// Sets what a seed makes happen in a cluster apart from what it makes happen to a node that stands alone.
const CLUSTER: u64 = 1;
/// And from what it makes happen to one that keeps its rooms in a file.
#[cfg(feature = "house")]
const HOUSE: u64 = 2;

/// What a seed makes happen.
pub struct Scenario {
    /// The seed.
    pub seed: u64,
    /// Under which terms.
    pub terms: Terms,
    /// What happens.
    pub plan: Vec<Numbered>,
}

impl Scenario {
    /// The scenario of a seed.
    pub fn of_seed(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let terms = Terms::draw(&mut random);
        let plan = plan::draw_plan(&terms, &mut random);
        Self { seed, terms, plan }
    }

    /// The scenario of a seed in a cluster.
    pub fn in_cluster(seed: u64) -> Self {
        let mut random = Random::of_part(seed, CLUSTER);
        let terms = Terms::draw_cluster(&mut random);
        let plan = plan::draw_plan(&terms, &mut random);
        Self { seed, terms, plan }
    }

    /// The scenario of a seed with a node that keeps its rooms in a file.
    #[cfg(feature = "house")]
    pub fn in_house(seed: u64) -> Self {
        let mut random = Random::of_part(seed, HOUSE);
        let terms = Terms::draw_house(&mut random);
        let plan = plan::draw_plan(&terms, &mut random);
        Self { seed, terms, plan }
    }

    /// Plays it.
    pub fn run(&self) -> Result<Outcome, Failure> {
        self.run_plan(&self.plan)
    }

    /// Plays another plan under its terms.
    pub fn run_plan(&self, plan: &[Numbered]) -> Result<Outcome, Failure> {
        Play::new(&self.terms, self.seed).run(plan)
    }
}
