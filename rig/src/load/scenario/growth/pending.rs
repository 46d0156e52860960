//! More and more pending deliveries.

use std::time::Instant;

use crate::load::contestant::DOORS;
use crate::load::receivers::{Manner, Receivers};
use crate::load::report::Curve;
use crate::load::site::{Process, cpu, memory};
use crate::load::stage::Stage;
use crate::placeos::Redis;

/// Events between two points; all subscribers that do not answer have them pending then.
const STEP: usize = 5_000;
/// Starts that are measured. At the last one as many deliveries are pending as the driver keeps.
const STARTS: usize = 5;
/// Subscribers that do not answer.
const HANGING: usize = 10;
/// Events that are accepted at a time.
const AT_A_TIME: usize = 64;
pub(super) async fn curves(stage: &Stage) -> Vec<Curve> {
    let mut curves = super::curves(
        "deliveries pending",
        [
            (
                "Spawn to a new event's delivery by deliveries pending",
                "ms",
            ),
            ("Memory after a start by deliveries pending", "MB"),
            (
                "Cost of an event by deliveries pending",
                "µs of the processor",
            ),
        ],
    );
    let hanging = Receivers::start(Manner::Never);
    let healthy = Receivers::start(Manner::AtOnce);
    let mut urls = hanging.urls(HANGING);
    urls.extend(healthy.urls(1));
    let subject = stage.process();
    let step = stage.effort.of(STEP);
    let mut redis = Redis::start().await;
    let [ref mut to_delivery, ref mut memories, ref mut costs] = curves;
    for start in 0..STARTS {
        let pending = (start * step * HANGING) as f64;
        let begun = Instant::now();
        let mut process = Process::start(&subject, redis, &urls, 0).await;
        process.publish(stage.numbers(1), DOORS).await;
        healthy.wait_for(1).await;
        let took = healthy.take()[0].at - begun;
        let pid = process.core.pid();
        to_delivery
            .points
            .push((pending, took.as_secs_f64() * 1000.0));
        memories.points.push((pending, memory(pid)));
        if start + 1 < STARTS {
            let events = step - 1;
            let before = cpu(pid).await;
            process
                .accept(stage.numbers(events), DOORS, AT_A_TIME)
                .await;
            healthy.wait_for(events).await;
            healthy.take();
            let used = cpu(pid).await - before;
            let cost = used.as_secs_f64() * 1e6 / events as f64;
            costs.points.push((pending, cost));
        }
        redis = process.kill().await;
    }
    curves.into()
}
