//! How many instructions the driver takes, counted by callgrind: figures that no other work of the machine
//! changes. `cargo xtask test` holds them to limits.

#![expect(
    missing_docs,
    reason = "the library's macros make public functions of these"
)]

use gungraun::prelude::*;
use gungraun::{Callgrind, LibraryBenchmarkConfig};
use micro::{Site, work};
use rhombus_driver::webhook::Response;

#[library_benchmark]
#[bench::a_hundred_times(100)]
fn parse(times: u32) -> u32 {
    work::parse(times)
}

#[library_benchmark]
#[bench::a_hundred_times(100)]
fn notify(times: u32) -> u32 {
    work::notify(times)
}

// From the offer until it is settled for every subscriber.
#[library_benchmark]
#[bench::to_1_subscriber(args = (1), setup = at_work)]
#[bench::to_100_subscribers(args = (100), setup = at_work)]
fn event(mut site: Site) -> Site {
    site.accept(1);
    site
}

#[library_benchmark]
#[bench::beside_10_subscribers(args = (10), setup = at_work)]
fn post(mut site: Site) -> (Site, Response) {
    let response = site.post(10);
    (site, response)
}

#[library_benchmark]
#[bench::beside_10_subscribers(args = (10), setup = subscribed)]
fn delete(mut site: Site) -> (Site, Response) {
    let response = site.delete(10);
    (site, response)
}

#[library_benchmark]
#[bench::of_30_doors(args = (1), setup = at_work)]
fn get(mut site: Site) -> (Site, Response) {
    let response = site.get();
    (site, response)
}

#[library_benchmark]
#[bench::of_30_doors(args = (1), setup = at_work)]
fn put(mut site: Site) -> (Site, Response) {
    let response = site.put(29);
    (site, response)
}

/// A site that has done everything once: what is made when it is needed first is there.
fn at_work(subscribers: u64) -> Site {
    let mut site = Site::new(subscribers);
    site.accept(1);
    site.post(subscribers + 1);
    site.delete(subscribers + 1);
    site.get();
    site.put(0);
    site
}

/// The same, and one more has subscribed.
fn subscribed(subscribers: u64) -> Site {
    let mut site = at_work(subscribers);
    site.post(subscribers);
    site
}

library_benchmark_group!(
    name = driver,
    benchmarks = [parse, notify, event, post, delete, get, put]
);

// Caches are simulated by default: they cost time, and depend on where things happen to lie.
main!(
    config = LibraryBenchmarkConfig::default().tool(Callgrind::with_args(["--cache-sim=no"])),
    library_benchmark_groups = driver
);
