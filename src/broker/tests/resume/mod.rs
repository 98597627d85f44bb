//! Order and resume under every interleaving: emits that come late, twice, out of order or never;
//! pages that are stale when they arrive, or fail; connections that come with any cursor and any
//! age of standing; rights that change; pruning. After each step, every connection must have heard
//! exactly what a plain model says, in order, once.
//!
//! So it is with inboxes: notifications come, are confirmed, read, deleted, and the process dies, in any
//! order. Whatever waits reaches each connection once, and what was last said to be unread is true.

mod expected;
mod steps;
mod world;

use proptest::prelude::*;
use steps::{Step, step};
use world::World;

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn every_connection_hears_exactly_what_it_may_see_in_order_and_once(
        before in 0i64..24,
        ring in prop_oneof![3 => 0usize..4, 1 => Just(1000)],
        page in 1usize..5,
        steps in prop::collection::vec(step(), 0..120),
    ) {
        let mut world = World::new(before, ring, page);
        world.check(world.dispatch.last);
        for step in steps {
            world.go(step);
        }
        world.come_to_rest();
        world.go(Step::Tick);
        world.come_to_rest();
        prop_assert_eq!(world.dispatch.last, world.newest());
        for guest in &world.guests {
            prop_assert!(guest.live, "nobody is left waiting");
        }
        world.check_inboxes();
    }
}
