//! The marketplace as its clients see it: random people do random things over HTTP, enter and leave
//! rooms, are cut off and come back, lose roles and get them back. Whoever is connected hears exactly
//! what a plain model says, written without a look at the rules: nothing of a stranger's, and everything
//! of their own, each once and in order, also what happened while they were away.

mod acts;
mod guests;

use acts::{Act, acts};
use guests::World;
use proptest::prelude::*;

/// What may happen.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// Somebody does something in the marketplace: who has a reason to, or (`chance`) just anybody.
    Act { act: Act, chance: bool },
    /// Somebody asks to enter a room, of a request or of a chat.
    Enter { chat: bool },
    /// Somebody leaves one.
    Leave { chat: bool },
    /// Somebody is cut off, having read everything or not; or comes back.
    Cut { drained: bool },
    /// One of those who have several roles loses one, or gets it back.
    Role,
}

fn steps() -> impl Strategy<Value = Vec<(Step, usize, usize)>> {
    let step = prop_oneof![
        24 => (acts(), prop::bool::weighted(0.25)).prop_map(|(act, chance)| Step::Act { act, chance }),
        6 => prop::bool::weighted(0.4).prop_map(|chat| Step::Enter { chat }),
        2 => prop::bool::weighted(0.4).prop_map(|chat| Step::Leave { chat }),
        5 => any::<bool>().prop_map(|drained| Step::Cut { drained }),
        2 => Just(Step::Role),
    ];
    prop::collection::vec((step, any::<usize>(), any::<usize>()), 60..140)
}

async fn walk(steps: Vec<(Step, usize, usize)>) -> Vec<&'static str> {
    let mut world = World::open().await;
    for (step, who, with) in steps {
        match step {
            Step::Act { act, chance } => {
                let likely = world.likely(act, with).filter(|_| !chance);
                let by = likely.unwrap_or(who % world.guests.len());
                world.act(act, by, with).await;
            }
            Step::Enter { chat } => world.enters(who, chat, with).await,
            Step::Leave { chat } => world.leaves(who, chat, with).await,
            Step::Cut { drained } => world.cuts_or_resumes(who, drained).await,
            Step::Role => world.changes_roles(who).await,
        }
    }
    world.settles().await
}

fn on_a_runtime<T>(story: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(story)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, max_shrink_iters: 32, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn everybody_hears_what_is_theirs_and_nobody_what_is_not_whatever_happens(steps in steps()) {
        on_a_runtime(walk(steps));
    }
}

#[tokio::test]
async fn a_walk_comes_through_every_event_of_the_marketplace() {
    // Else the property would hold of an empty marketplace.
    use acts::{DEAL, STORED};
    let act = |act| (Step::Act { act, chance: false }, 0, 0);
    let told = walk(DEAL.iter().copied().map(act).collect()).await;
    for event in STORED {
        assert!(told.contains(event), "{event} was never told: {told:?}");
    }
}
