//! Plans: which deeds a seed gives, one after the other.

use backplanes::brokered::Line;

use super::deed::{BodyKind, Deed, Manner};
use super::hazards::Hazards;
use super::terms::Terms;
use crate::cluster::{Fault, Layout, Memory, Perils};
use crate::random::Random;

/// A deed with its number, by which chance is the same for it whatever happened before.
pub type Numbered = (u64, Deed);

/// The deeds of a scenario under these terms.
pub(super) fn draw_plan(terms: &Terms, random: &mut Random) -> Vec<Numbered> {
    let mut plan = Vec::new();
    let crowd = terms.cast.len() > 60;
    for who in 0..terms.cast.len() {
        if crowd || random.chance(700) {
            plan.push(Deed::Connect { who, shard: random.below(terms.places()) });
        }
    }
    plan.push(Deed::Work { turns: 50 });
    let deeds = if crowd { 60 } else { random.between(60, 250) };
    let mut rarer = Random::of_part(random.clone().draw(), RARER);
    for _ in 0..deeds {
        plan.extend(terms.cluster.as_ref().and_then(|layout| draw_fault(layout, random)));
        plan.extend(terms.cluster.iter().flat_map(|layout| draw_rarer(layout, &mut rarer)));
        plan.extend(terms.hazards.iter().flat_map(|hazards| draw_hazard(hazards, &mut rarer)));
        plan.push(draw_deed(terms, random));
    }
    plan.extend(terms.cluster.iter().flat_map(|layout| draw_restart(layout, &mut rarer)));
    if !terms.has_trouble() && random.chance(100) {
        plan.push(Deed::Drain);
        let deeds = random.between(10, 60);
        plan.extend((0..deeds).map(|_| draw_deed(terms, random)));
    }
    (0..).zip(plan).collect()
}

/// What befalls a cluster before the next deed, if anything, or who asks again for what it could not have meanwhile.
fn draw_fault(layout: &Layout, random: &mut Random) -> Option<Deed> {
    let Perils { lines, brokers, nodes, .. } = layout.perils;
    let site = random.below(layout.sites);
    let ms = *random.pick(&[0, 300, 2000, 8000]);
    let line = *random.pick(&[Line::Commands, Line::Listener]);
    let memory = *random.pick(&[Memory::All, Memory::Some, Memory::None]);
    let kinds = [Fault::Cut { site, line }, Fault::Deaden { site, line }, Fault::Part { site, ms }];
    let of_lines = *random.pick(&kinds);
    let perils =
        [(lines, of_lines), (brokers, Fault::Restart { memory, ms }), (nodes, Fault::Kill { site, ms })];
    perils.into_iter().find(|(chance, _)| random.chance(*chance)).map(|(_, fault)| Deed::Befall(fault))
}

/// What is rarer is drawn apart, so that the rest stays what it is.
const RARER: u64 = 1;

/// What befalls replicas before the next deed, and nodes that take their leave: whoever these let go comes back, sooner or later.
fn draw_rarer(layout: &Layout, random: &mut Random) -> Vec<Deed> {
    let Perils { replicas, leaves, .. } = layout.perils;
    let site = random.below(layout.sites);
    let ms = *random.pick(&[300, 2000, 8000]);
    let of_replicas =
        *random.pick(&[Fault::Split { site, ms }, Fault::Split { site, ms }, Fault::Lag { ms }]);
    let mut deeds = Vec::new();
    deeds.extend(random.chance(replicas).then_some(Deed::Befall(of_replicas)));
    deeds.extend(random.chance(leaves).then_some(Deed::Befall(Fault::Drain { site, ms })));
    let shard = random.below(layout.sites);
    deeds.extend(random.chance(3 * leaves).then_some(Deed::Return { shard }));
    deeds
}

/// What befalls a node that keeps its rooms before the next deed: whoever was cut off comes back to the next.
fn draw_hazard(hazards: &Hazards, random: &mut Random) -> Vec<Deed> {
    let Hazards { crashes, leaves, disks } = *hazards;
    let ms = *random.pick(&[0, 300, 2000]);
    let long = *random.pick(&[100, 2000, 8000]);
    let of_disk = *random.pick(&[Fault::Stall { ms: long }, Fault::Fill { ms: long }]);
    let all = [(crashes, Fault::Crash { ms }), (leaves, Fault::Drain { site: 0, ms }), (disks, of_disk)];
    let mut deeds = Vec::new();
    deeds.extend(
        all.into_iter().filter(|(chance, _)| random.chance(*chance)).map(|(_, fault)| Deed::Befall(fault)),
    );
    if !deeds.is_empty() && random.chance(700) {
        deeds.extend([Deed::Wait { ms: ms + 100 }, Deed::Return { shard: 0 }]);
    }
    deeds
}

/// Where nodes take their leave, all may in the end, one after the other.
fn draw_restart(layout: &Layout, random: &mut Random) -> Vec<Deed> {
    if layout.perils.leaves == 0 || random.chance(500) {
        return Vec::new();
    }
    let ms = *random.pick(&[0, 300, 2000]);
    let of_site = |site| {
        let back = [Deed::Wait { ms: 1100 }, Deed::Return { shard: site }];
        let all = [Deed::Befall(Fault::Drain { site, ms })].into_iter().chain([back.clone(), back].concat());
        all.chain([
            Deed::Wait { ms: 5000 },
            Deed::Return { shard: site },
            Deed::Wait { ms: 5000 },
            Deed::Settle,
        ])
    };
    (0..layout.sites).flat_map(of_site).collect()
}

fn draw_deed(terms: &Terms, random: &mut Random) -> Deed {
    let who = random.below(terms.cast.len());
    if terms.has_trouble() && random.chance(30) {
        return Deed::Repeat { who };
    }
    let room = draw_room(terms, random);
    match random.below(100) {
        0..14 => Deed::Connect { who, shard: random.below(terms.places()) },
        14..18 => Deed::Cut { who },
        18..19 => Deed::Vanish { who },
        19..21 => Deed::Close { who },
        21..34 => Deed::Join { who, room },
        34..37 => Deed::Leave { who, room },
        37..60 => draw_post(who, room, terms, random),
        60..66 => Deed::Direct { who, to: random.below(terms.cast.len()), bytes: draw_bytes(terms, random) },
        66..69 => Deed::Recall { who, room, limit: random.between(1, 60) },
        69..70 => Deed::Signal { who, room },
        70..71 => Deed::AskTime { who },
        71..74 => Deed::Pause { who },
        74..78 => Deed::Resume { who },
        78..81 => draw_intrusion(terms, random),
        81..88 => Deed::Work { turns: random.below(60) },
        88..93 => Deed::Wait { ms: *random.pick(&[1, 300, 1100, 5000, 30_000]) },
        93..95 => Deed::Leap { ms: *random.pick(&[1, 2000, 26_000, 200_000]) },
        _ => Deed::Settle,
    }
}

fn draw_room(terms: &Terms, random: &mut Random) -> usize {
    if random.chance(500) { 0 } else { random.below(terms.rooms.len()) }
}

fn draw_post(who: usize, room: usize, terms: &Terms, random: &mut Random) -> Deed {
    let kinds = match terms.cast[who].gateway {
        "v1" => &[BodyKind::Text, BodyKind::Json, BodyKind::Both][..],
        "raw" => &[BodyKind::Text, BodyKind::Binary, BodyKind::Demo],
        "socketio" => &[BodyKind::Text, BodyKind::Json, BodyKind::Binary],
        _ => &[BodyKind::Text],
    };
    let count = if random.chance(100) { random.between(10, 60) } else { random.between(1, 3) };
    Deed::Post { who, room, count, bytes: draw_bytes(terms, random), kind: *random.pick(kinds) }
}

fn draw_bytes(terms: &Terms, random: &mut Random) -> usize {
    // A mark and what stands around it must fit too.
    let most = terms.settings.gateways.max_message_bytes - 300;
    if random.chance(800) { random.below(100) } else { random.below(most / 2) }
}

fn draw_intrusion(terms: &Terms, random: &mut Random) -> Deed {
    let manners = [
        Manner::Noise,
        Manner::Half,
        Manner::Requests,
        Manner::NoiseInside,
        Manner::Damaged,
        Manner::Damaged,
        Manner::Cheek,
    ];
    Deed::Intrude { shard: random.below(terms.places()), manner: *random.pick(&manners) }
}
