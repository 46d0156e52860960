//! What the real program sends, verified by the libraries that Standard Webhooks gives to receivers.

use foreign::{Count, Secret, secrets};
use rig::program::Place;
use serde_json::json;

use crate::library::{Library, Received};
use crate::receiver::{Post, Receiver};

/// The program.
const PROGRAM: &str = env!("CARGO_BIN_EXE_placeos-slot");

/// Who is at the door: what is signed is bytes, so names of more than ASCII have to come through.
const PEOPLE: [&str; 2] = ["Alex Specimen", "Zoë Größe 李 🔑"];

/// The headers that Standard Webhooks has.
const HEADERS: [&str; 3] = ["webhook-id", "webhook-timestamp", "webhook-signature"];

pub(crate) fn the_libraries_accept_what_is_signed_and_nothing_else() -> Result<String, String> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let secrets = secrets();
    let posts = runtime.block_on(posts(&secrets));
    let claims: Vec<Claim> = posts.iter().flat_map(claims).collect();
    let given: Vec<&Received> = claims.iter().map(|claim| &claim.post).collect();
    let mut count = Count::default();
    for library in Library::all() {
        let accepted = library.accepted(&given);
        assert_eq!(accepted.len(), claims.len());
        for (claim, is_accepted) in claims.iter().zip(accepted) {
            count.add(claim.judge(library.name, is_accepted));
        }
    }
    count.line("standardwebhooks from the slot")
}

/// What comes of an event for each of [`PEOPLE`], where every secret has a subscription.
async fn posts(secrets: &[Secret]) -> Vec<(String, Received)> {
    let place = Place::new(PROGRAM);
    let gateway = place.start(&["--allow", "127.0.0.1"]).await;
    let mut receiver = Receiver::start().await;
    for (nth, secret) in secrets.iter().enumerate() {
        let url = receiver.url(&format!("/{nth}"));
        let status = gateway.subscribe(&url, &secret.secret).await;
        assert_eq!(status, 201, "{}", secret.about);
    }
    let mut posts = Vec::new();
    for name in PEOPLE {
        let event = json!({ "door_id": "lobby", "action": "granted", "user_name": name });
        assert_eq!(gateway.signal(event).await.status, 200);
        for _ in secrets {
            let post = receiver.next().await;
            assert!(post.body.contains(name), "{}", post.body);
            let nth: usize = post.path[1..].parse().unwrap();
            let secret = &secrets[nth];
            let about = format!("{}, {name}", secret.about);
            posts.push((about, received(secret, post)));
        }
    }
    posts
}

fn received(secret: &Secret, post: Post) -> Received {
    let header = |name: &str| {
        let value = post.headers[name].to_str().unwrap();
        (name.to_owned(), value.to_owned())
    };
    Received {
        secret: secret.secret.clone(),
        is_text: secret.is_text(),
        headers: HEADERS.into_iter().map(header).collect(),
        body: post.body,
    }
}

/// A POST, and whether it is what was sent.
struct Claim {
    about: String,
    post: Received,
    is_right: bool,
}

impl Claim {
    fn judge(&self, library: &str, is_accepted: bool) -> Result<(), String> {
        if is_accepted == self.is_right {
            return Ok(());
        }
        let what = if is_accepted { "accepts" } else { "refuses" };
        Err(format!("{library} {what} {}", self.about))
    }
}

/// A POST as it came, which must be accepted, and with each thing changed that is signed.
fn claims((about, post): &(String, Received)) -> [Claim; 5] {
    let changed = |how: &str, change: &dyn Fn(&mut Received)| {
        let mut post = post.clone();
        change(&mut post);
        Claim {
            about: format!("{about}, {how}"),
            post,
            is_right: false,
        }
    };
    let header = |post: &mut Received, name: &str, value: String| {
        post.headers.insert(name.to_owned(), value);
    };
    [
        Claim {
            about: about.clone(),
            post: post.clone(),
            is_right: true,
        },
        changed("with another byte", &|post| {
            post.body = post.body.replacen("lobby", "lobbz", 1);
        }),
        changed("with another id", &|post| {
            header(post, "webhook-id", "evt_another".to_owned());
        }),
        changed("of another second", &|post| {
            let time: u64 = post.headers["webhook-timestamp"].parse().unwrap();
            header(post, "webhook-timestamp", (time - 1).to_string());
        }),
        changed("with another secret", &|post| {
            post.secret = if post.is_text {
                format!("{}.", post.secret)
            } else {
                "whsec_YW5vdGhlciBrZXkgb2YgMjQgYnl0ZXM=".to_owned()
            };
        }),
    ]
}
