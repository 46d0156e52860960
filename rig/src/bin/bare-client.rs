//! `bare-client`: the limit that the driver is measured against. It posts and does nothing else.

#[tokio::main]
async fn main() {
    rig::load::bare_client().await;
}
