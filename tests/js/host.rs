//! The world of a scenario, as a JavaScript host: a plain object of functions that return promises.

use std::cell::Cell;
use std::future::pending;
use std::rc::Rc;

use js_sys::{Array, Object, Promise, Reflect, Uint8Array};
use rhombus_replay::{Change, CommitError, Post, Unlock, World};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

/// A host over `world`. Once it is not alive, it does nothing and answers nothing.
pub(super) fn object(world: &World, is_alive: &Rc<Cell<bool>>) -> JsValue {
    let link = Link {
        world: world.clone(),
        is_alive: Rc::clone(is_alive),
    };
    members([
        ("storage", storage(&link)),
        ("http", http(&link)),
        ("doors", doors(&link)),
        ("status", status(&link)),
        ("settings", settings(&link)),
        ("log", Closure::<dyn Fn()>::new(|| {}).into_js_value()),
    ])
}

/// An object with these members.
pub(super) fn members<const N: usize>(members: [(&str, JsValue); N]) -> JsValue {
    let object = Object::new();
    for (name, value) in members {
        Reflect::set(&object, &name.into(), &value).unwrap();
    }
    object.into()
}

#[derive(Clone)]
struct Link {
    world: World,
    is_alive: Rc<Cell<bool>>,
}

impl Link {
    /// Asks the world, if the host is alive; and answers, if it still is when there is an answer.
    fn ask<F>(&self, ask: impl FnOnce(World) -> F + 'static) -> Promise
    where
        F: Future<Output = Result<JsValue, JsValue>> + 'static,
    {
        let Self { world, is_alive } = self.clone();
        future_to_promise(async move {
            if !is_alive.get() {
                pending::<()>().await;
            }
            let answer = ask(world).await;
            if !is_alive.get() {
                pending::<()>().await;
            }
            answer
        })
    }
}

fn storage(link: &Link) -> JsValue {
    let [getting, scanning, committing] = [link.clone(), link.clone(), link.clone()];
    let get = Closure::<dyn Fn(String) -> Promise>::new(move |key: String| {
        getting.ask(move |world| async move {
            let value = world.get(&key).map_err(failed)?;
            Ok(value.map(|value| bytes(&value)).into())
        })
    });
    let scan = Closure::<dyn Fn(String, Option<String>, u32) -> Promise>::new(
        move |prefix: String, after: Option<String>, limit: u32| {
            scanning.ask(move |world| async move {
                let page = world.scan(&prefix, after.as_deref(), limit as usize);
                let page = page.map_err(failed)?;
                let record =
                    |(key, value): (String, Vec<u8>)| Array::of2(&key.into(), &bytes(&value));
                Ok(page.into_iter().map(record).collect::<Array>().into())
            })
        },
    );
    let commit = Closure::<dyn Fn(Array) -> Promise>::new(move |changes: Array| {
        committing.ask(move |world| async move {
            let committed = world.commit(changes.iter().map(|each| change(&each)).collect());
            match committed.await {
                Ok(()) => Ok("committed".into()),
                Err(CommitError::Exists(key)) => Ok(members([("exists", key.into())])),
                Err(CommitError::Failed(why)) => Err(failed(why)),
            }
        })
    });
    members([
        ("get", get.into_js_value()),
        ("scan", scan.into_js_value()),
        ("commit", commit.into_js_value()),
    ])
}

fn http(link: &Link) -> JsValue {
    let [posting, checking] = [link.clone(), link.clone()];
    let post = Closure::<dyn Fn(JsValue) -> Promise>::new(move |request: JsValue| {
        posting.ask(move |world| async move {
            let sent = world.post(post(&request));
            Ok(match sent.await {
                Ok((status, retry_after)) => {
                    let header = |value: String| Array::of2(&"Retry-After".into(), &value.into());
                    let headers: Array = retry_after.into_iter().map(header).collect();
                    members([("status", status.into()), ("headers", headers.into())])
                }
                Err(failure) => {
                    let reason = failure.name();
                    let failure = reason.replace('_', "-");
                    members([("failure", failure.into()), ("reason", reason.into())])
                }
            })
        })
    });
    let check = Closure::<dyn Fn(String) -> Promise>::new(move |url: String| {
        checking.ask(move |world| async move {
            let refusal = world.check(&url).err();
            Ok(refusal.into())
        })
    });
    members([
        ("post", post.into_js_value()),
        ("check", check.into_js_value()),
    ])
}

fn doors(link: &Link) -> JsValue {
    let [mapping, listing, unlocking] = [link.clone(), link.clone(), link.clone()];
    let systems = Closure::<dyn Fn() -> Promise>::new(move || {
        mapping.ask(move |world| async move {
            let names = world.systems();
            let names = names?.into_iter().map(JsValue::from);
            Ok(names.collect::<Array>().into())
        })
    });
    let list = Closure::<dyn Fn(String) -> Promise>::new(move |system: String| {
        listing.ask(move |world| async move {
            let listed = world.doors(&system);
            let door = |(id, description): (String, Option<String>)| {
                members([("id", id.into()), ("description", description.into())])
            };
            Ok(listed
                .await?
                .into_iter()
                .map(door)
                .collect::<Array>()
                .into())
        })
    });
    let unlock = Closure::<dyn Fn(String, String, Option<String>) -> Promise>::new(
        move |system: String, door: String, caller: Option<String>| {
            unlocking.ask(move |world| async move {
                let unlocked = world.unlock(&system, &door, caller.as_deref());
                Ok(match unlocked.await? {
                    Unlock::Unlocked => "unlocked".into(),
                    Unlock::Refused => "refused".into(),
                    Unlock::Unsupported => "unsupported".into(),
                    Unlock::Fails => return Err("the system fails".into()),
                })
            })
        },
    );
    members([
        ("systems", systems.into_js_value()),
        ("list", list.into_js_value()),
        ("unlock", unlock.into_js_value()),
    ])
}

fn status(link: &Link) -> JsValue {
    let link = link.clone();
    let set = Closure::<dyn Fn(String, String)>::new(move |key: String, json: String| {
        if link.is_alive.get() {
            link.world.set_status(&key, &json);
        }
    });
    members([("set", set.into_js_value())])
}

fn settings(link: &Link) -> JsValue {
    let link = link.clone();
    let save =
        Closure::<dyn Fn(String, String) -> Promise>::new(move |name: String, json: String| {
            link.ask(move |world| async move {
                world.save_setting(&name, &json);
                Ok(JsValue::UNDEFINED)
            })
        });
    members([("save", save.into_js_value())])
}

fn failed(why: String) -> JsValue {
    js_sys::Error::new(&why).into()
}

fn change(change: &JsValue) -> Change {
    let key = text(change, "key");
    let value = || {
        let value = member(change, "value").dyn_into::<Uint8Array>();
        value.expect("bytes").to_vec()
    };
    match text(change, "kind").as_str() {
        "put" => Change::Put(key, value()),
        "put-if-absent" => Change::PutIfAbsent(key, value()),
        "delete" => Change::Delete(key),
        kind => panic!("there is no change {kind}"),
    }
}

fn post(request: &JsValue) -> Post {
    let headers: Array = member(request, "headers").dyn_into().expect("pairs");
    let pair = |pair: JsValue| {
        let pair: Array = pair.dyn_into().expect("a pair");
        let text = |at| pair.get(at).as_string().expect("text");
        (text(0), text(1))
    };
    Post {
        url: text(request, "url"),
        headers: headers.iter().map(pair).collect(),
        body: text(request, "body"),
        timeout: member(request, "timeout_ms").as_f64().expect("a number") as u64,
    }
}

fn text(object: &JsValue, name: &str) -> String {
    member(object, name).as_string().expect("text")
}

fn member(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &name.into()).unwrap()
}

fn bytes(value: &[u8]) -> JsValue {
    Uint8Array::from(value).into()
}
