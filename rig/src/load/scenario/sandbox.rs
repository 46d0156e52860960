//! What WebAssembly costs: the work of an event in each engine beside native code, and what a call of the
//! driver takes to get into its sandbox and out.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use micro_orders::{Order, Sample};

use crate::load::report::{Figure, Section, Target, Whom};
use crate::load::stage::Stage;
use crate::load::worker::Worker;

/// How long the shortest sample takes.
const ENOUGH: Duration = Duration::from_millis(20);
/// The parts of an event, and the whole: functions of `micro::work`.
const WORKS: [(&str, &str); 5] = [
    ("parse", "an event is read"),
    ("serialise", "a notification is written"),
    ("sign", "a notification's two signatures"),
    ("notify", "a notification is written and signed"),
    (
        "event",
        "an event is read, its notification written and signed",
    ),
];
/// Where modules are run.
const ENGINES: [&str; 3] = ["wasmtime", "Node", "Chrome"];
/// The calls that are made: by the slot, and of the package's class.
const CALLERS: [&str; 3] = ["by the slot", "in Node", "in Chrome"];
/// Bytes that go with a call that has much to carry.
const BYTES: usize = 64 << 10;
/// What an event in a module may cost: in nanoseconds, and to what it costs natively.
const EVENT: [Target; 2] = [
    Target::AtMost(5_000.0),
    Target::RatioAtMost(Whom::Native, 3.0),
];

/// # Panics
///
/// The stage has nothing to do it with; or what came out is not everywhere the same.
pub(in crate::load) async fn sandbox(stage: &Stage) -> Section {
    let Some(folder) = &stage.micro else {
        panic!("--micro says where that is which does the work");
    };
    let mut workers = workers(folder);
    let mut figures = Vec::new();
    for (name, what) in WORKS {
        figures.extend(works(stage, &mut workers, name, what).await);
    }
    // A native driver that is called has no border to get across.
    let callers = &mut workers[1..];
    figures.extend(calls(stage, callers).await);
    Section {
        name: "sandbox",
        title: "The price of the sandbox",
        how: vec![
            "The work of one event with one subscriber, without what waits for others: no store, no network. \
             Native code is compiled as the module is, with the profile `module`, for any processor of the \
             architecture; where it finds instructions for SHA-256 it uses them, which a module cannot. The same \
             file of WebAssembly is run by wasmtime, configured and compiled as the slot's, by Node and by Chrome. \
             All of them must come to the same sum.",
            "A call asks the driver for a function that there is not, and is refused: it goes through the slot's \
             queue into the component and back, all on one thread, or by the class of the package for JavaScript. \
             Its argument is a text; a copy of it that the caller makes is counted.",
        ],
        figures,
        ..Section::default()
    }
}

/// Natively, and then in each engine.
fn workers(folder: &Path) -> [Worker; 4] {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../micro/js/micro.mjs");
    let module = folder.join("micro.wasm");
    let node = |place| {
        let mut command = Command::new("node");
        command.args([script, place]).arg(&module);
        Worker::start(&mut command)
    };
    let mut slot = Command::new(folder.join("micro-slot"));
    slot.arg(folder.join("micro.cwasm"));
    [
        Worker::start(&mut Command::new(folder.join("micro-native"))),
        Worker::start(&mut slot),
        node("node"),
        node("chrome"),
    ]
}

async fn works(stage: &Stage, workers: &mut [Worker], name: &str, what: &str) -> Vec<Figure> {
    let order = long_enough(stage, workers, name, 0);
    let samples = stage
        .in_turn(stage.effort.rounds, workers, async |worker| {
            worker.sample(&order)
        })
        .await;
    assert_same_sums(&order, &samples);
    let [native, in_engines @ ..] = &samples[..] else {
        unreachable!("there are workers");
    };
    let native = each(&order, native);
    let figure = |(engine, samples): (&str, &Vec<Sample>)| {
        let own = each(&order, samples);
        let mut figure = Figure::new(format!("{what}, in {engine}"), "ns", &own).beside(
            Whom::Native,
            &own,
            &native,
        );
        if name == "event" {
            figure.targets.extend(EVENT);
        }
        figure
    };
    ENGINES.into_iter().zip(in_engines).map(figure).collect()
}

async fn calls(stage: &Stage, callers: &mut [Worker]) -> Vec<Figure> {
    let orders = [0, BYTES].map(|bytes| long_enough(stage, callers, "call", bytes));
    let samples = stage
        .in_turn(stage.effort.rounds, callers, async |caller| {
            orders.each_ref().map(|order| caller.sample(order))
        })
        .await;
    let mut figures = Vec::new();
    for (caller, samples) in CALLERS.into_iter().zip(samples) {
        let of = |size: usize| -> Vec<_> { samples.iter().map(|both| both[size]).collect() };
        let [empty, full] = [0, 1].map(|size| each(&orders[size], &of(size)));
        let kib = (BYTES / 1024) as f64;
        let across: Vec<_> = empty
            .iter()
            .zip(&full)
            .map(|(empty, full)| (full - empty) / kib)
            .collect();
        figures.extend([
            Figure::new(
                format!("a call without an argument, {caller}"),
                "ns",
                &empty,
            ),
            Figure::new(format!("a call with 64 KiB, {caller}"), "ns", &full),
            Figure::new(format!("each KiB of it, {caller}"), "ns", &across),
        ]);
    }
    figures
}

/// An order that keeps even the fastest of them busy for a while. They do it until then, and so engines
/// learn what to make fast.
fn long_enough(stage: &Stage, workers: &mut [Worker], work: &str, bytes: usize) -> Order {
    let enough = ENOUGH / stage.effort.divisor as u32;
    let mut order = Order {
        work: work.to_owned(),
        bytes,
        times: 1,
    };
    for worker in workers {
        while worker.sample(&order).took < enough {
            order.times *= 2;
        }
    }
    order
}

/// What each time took, in nanoseconds.
fn each(order: &Order, samples: &[Sample]) -> Vec<f64> {
    let of_one = |sample: &Sample| sample.took.as_secs_f64() * 1e9 / f64::from(order.times);
    samples.iter().map(of_one).collect()
}

fn assert_same_sums(order: &Order, samples: &[Vec<Sample>]) {
    let mut sums: Vec<_> = samples.iter().flatten().map(|sample| sample.sum).collect();
    sums.dedup();
    assert_eq!(sums.len(), 1, "{order} comes to {sums:?}");
}
