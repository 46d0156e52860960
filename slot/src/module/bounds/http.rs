//! The POSTs that a module may send.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;

use crate::host::Answer;
use crate::host::http::{Http, Post, PostAnswer, PostFailure};
use crate::host::under_way::{Limit, UnderWay};

/// POSTs at once, and the bytes of their bodies. The driver has 2,048 attempts in flight, and the test
/// events of its operators beside them; a body has 17 KB at most.
const POSTS: Limit = Limit {
    calls: 4096,
    bytes: 64 << 20,
};
/// Checks of a URL at once: each request may want one.
const CHECKS: Limit = Limit {
    calls: 4096,
    bytes: 32 << 20,
};
/// Bytes of a URL. A webhook's has 2,048.
const URL: usize = 8192;
/// Bytes of a body.
const BODY: usize = 1 << 20;
/// Headers of a POST, and their bytes. The driver sends four, whose longest is a signature.
const HEADERS: usize = 32;
const HEADER_BYTES: usize = 16 << 10;
/// Headers of an answer that may be asked for. The driver wants one.
const WANTED: usize = 16;
/// The longest that an answer is waited for; the driver waits for ten seconds.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The way out, within its bounds.
pub(super) struct BoundedHttp {
    http: Arc<dyn Http>,
    posts: UnderWay,
    checks: UnderWay,
}

impl BoundedHttp {
    pub(super) fn new(http: Arc<dyn Http>) -> Self {
        Self {
            http,
            posts: UnderWay::new(POSTS),
            checks: UnderWay::new(CHECKS),
        }
    }
}

impl Http for BoundedHttp {
    fn post(&self, mut post: Post) -> Answer<Result<PostAnswer, PostFailure>> {
        let refused = |why: &str| {
            let failure = PostFailure::Other(why.to_owned());
            async { Err(failure) }.boxed()
        };
        if let Some(why) = over_limit(&post) {
            return refused(why);
        }
        let Some(place) = self.posts.begin(post.body.len()) else {
            return refused("the module has too many POSTs under way");
        };
        post.timeout = post.timeout.min(TIMEOUT);
        let posted = self.http.post(post);
        // To let go of a POST ends it.
        posted.inspect(move |_| drop(place)).boxed()
    }

    fn check(&self, url: String) -> Answer<Result<(), String>> {
        let refused = |why: &str| {
            let why = why.to_owned();
            async { Err(why) }.boxed()
        };
        if url.len() > URL {
            return refused(LONG_URL);
        }
        let Some(place) = self.checks.begin(url.len()) else {
            return refused("the module checks too many URLs at once");
        };
        self.http.check(url).inspect(move |_| drop(place)).boxed()
    }
}

const LONG_URL: &str = "the URL is too long";

fn over_limit(post: &Post) -> Option<&'static str> {
    let headers = post.headers.iter();
    let head: usize = headers.map(|(name, value)| name.len() + value.len()).sum();
    let wanted: usize = post.wanted.iter().map(String::len).sum();
    if post.url.len() > URL {
        Some(LONG_URL)
    } else if post.body.len() > BODY {
        Some("the body is too large")
    } else if post.headers.len() > HEADERS || head > HEADER_BYTES {
        Some("the headers are too large")
    } else if post.wanted.len() > WANTED || wanted > HEADER_BYTES {
        Some("too many headers of the answer are wanted")
    } else {
        None
    }
}
