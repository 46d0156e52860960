//! Ways to Redis: a password, TLS.

use std::fs;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rig::placeos::{CHANNEL, Core, MODULE, Redis};
use rig::program::until;
use rig::wire::Port;
use serde_json::json;
use tempfile::TempDir;

use crate::program::a_core_with;
use crate::receiver::Receiver;

/// Subscribes a receiver, and has an event published by `publish` come to it.
async fn works(core: &Core, publish: impl AsyncFn(&str)) {
    let receiver = Receiver::start().await;
    core.load(MODULE, json!({})).await;
    until("the module's start", async || {
        let body = json!({ "webhook": receiver.url() });
        (core.hook(MODULE, "POST", body).await.0 == 201).then_some(())
    })
    .await;
    publish(r#"{"door_id":"1","action":"granted"}"#).await;
    receiver.wait_for(1).await;
}

#[tokio::test]
async fn a_password_may_stand_in_either_place() {
    let redis = Redis::with(&["--requirepass", "s3cret"]).await;
    for user in ["s3cret", ":s3cret", "default:s3cret"] {
        let url = format!("redis://{user}@127.0.0.1:{}", redis.port());
        let core = a_core_with(&[("REDIS_URL", &url)]).await;
        works(&core, async |event| {
            assert_eq!(redis.publish(CHANNEL, event).await, 1)
        })
        .await;
        assert!(core.terminate().await.success());
        let flush: String = redis.query(&redis::cmd("FLUSHALL")).await;
        assert_eq!(flush, "OK");
    }
    let url = format!("redis://wrong@127.0.0.1:{}", redis.port());
    let core = a_core_with(&[("REDIS_URL", &url)]).await;
    core.load(MODULE, json!({})).await;
    assert_eq!(core.hook(MODULE, "GET", json!({})).await.0, 503);
    assert!(!core.log().contains("wrong"), "{}", core.log());
    assert!(core.terminate().await.success());
}

/// A server's certificate, its key, and the certificate of who signed it.
fn certificates() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &authority).unwrap();
    for (name, text) in [
        ("ca.pem", authority.pem()),
        ("cert.pem", certificate.pem()),
        ("key.pem", key.serialize_pem()),
    ] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

#[tokio::test]
async fn a_server_with_tls_must_prove_itself() {
    let certificates = certificates();
    let path = |name: &str| certificates.path().join(name).to_str().unwrap().to_owned();
    let tls = Port::new();
    let redis = Redis::with(&[
        "--tls-port",
        &tls.address().port().to_string(),
        "--tls-cert-file",
        &path("cert.pem"),
        "--tls-key-file",
        &path("key.pem"),
        "--tls-ca-cert-file",
        &path("ca.pem"),
        "--tls-auth-clients",
        "no",
    ])
    .await;
    let url = format!("rediss://localhost:{}", tls.address().port());
    let ca = path("ca.pem");
    for environment in [
        [("REDIS_URL", url.as_str()), ("SSL_CERT_FILE", ca.as_str())],
        [("REDIS_URL", url.as_str()), ("RHOMBUS_REDIS_INSECURE", "1")],
    ] {
        let core = a_core_with(&environment).await;
        works(&core, async |event| {
            assert_eq!(redis.publish(CHANNEL, event).await, 1)
        })
        .await;
        assert!(core.terminate().await.success());
        let flush: String = redis.query(&redis::cmd("FLUSHALL")).await;
        assert_eq!(flush, "OK");
    }
    let core = a_core_with(&[("REDIS_URL", &url)]).await;
    core.load(MODULE, json!({})).await;
    assert_eq!(core.hook(MODULE, "GET", json!({})).await.0, 503);
    assert!(core.log().contains("certificate"), "{}", core.log());
    assert!(core.terminate().await.success());
}
