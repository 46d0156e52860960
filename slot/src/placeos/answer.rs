//! An answer that is owed to core: it is given exactly once, whatever happens to whoever owes it.

use placeos_wire::{Command, Message};

use super::link::Link;

/// The answer to one `exec`. Dropped without a word, it tells core of a failure: core waits for an
/// answer without a limit.
pub(super) struct Owed {
    link: Link,
    /// The result, but for its payload; `None` once it is given.
    result: Option<Message>,
    otherwise: Option<String>,
}

impl Owed {
    /// The answer to `exec`.
    pub(super) fn to(exec: &Message, link: Link) -> Self {
        let result = Message {
            id: exec.id.clone(),
            cmd: Command::Result,
            user_id: exec.user_id.clone(),
            seq: exec.seq,
            reply: exec.reply.clone(),
            ..Message::default()
        };
        Self {
            link,
            result: Some(result),
            otherwise: None,
        }
    }

    /// What is answered if nothing else is.
    pub(super) fn otherwise(&mut self, json: String) {
        self.otherwise = Some(json);
    }

    /// Answers with what the function returned, as JSON.
    pub(super) fn give(mut self, json: String) {
        self.send(200, json, None);
    }

    /// Answers that the function failed, with an error of the class `class`.
    pub(super) fn fail(mut self, class: &str, text: &str) {
        self.send(500, text.to_owned(), Some(class.to_owned()));
    }

    fn send(&mut self, code: i32, payload: String, error: Option<String>) {
        if let Some(result) = self.result.take() {
            self.link.tell(&Message {
                code: Some(code),
                payload: Some(payload),
                error,
                ..result
            });
        }
    }
}

impl Drop for Owed {
    fn drop(&mut self) {
        match self.otherwise.take() {
            Some(json) => self.send(200, json, None),
            None => self.send(
                500,
                "the module's process failed".to_owned(),
                Some("Exception".to_owned()),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::net::UnixStream;

    use super::*;

    /// What core gets to read.
    fn told(answer: impl FnOnce(Owed)) -> String {
        let (mut core, host) = UnixStream::pair().unwrap();
        let link = Link::new(host).unwrap();
        let exec = Message {
            id: "mod-1".to_owned(),
            cmd: Command::Exec,
            user_id: Some("user-x".to_owned()),
            seq: Some(12),
            ..Message::default()
        };
        answer(Owed::to(&exec, link));
        let mut told = String::new();
        core.read_to_string(&mut told).unwrap();
        told
    }

    #[test]
    fn an_answer_carries_what_core_knows_the_call_by() {
        assert_eq!(
            told(|answer| answer.give("true".to_owned())),
            "\0\u{2}{\"id\":\"mod-1\",\"cmd\":\"result\",\"user_id\":\"user-x\",\"seq\":12,\
             \"code\":200,\"payload\":\"true\"}\0\u{3}"
        );
        let failed = told(|answer| answer.fail("KeyError", "none"));
        assert!(
            failed.contains(r#""code":500,"payload":"none","error":"KeyError""#),
            "{failed}"
        );
    }

    #[test]
    fn one_that_is_dropped_is_given_all_the_same() {
        let failed = told(drop);
        assert!(failed.contains(r#""seq":12,"code":500"#), "{failed}");
        let otherwise = told(|mut answer| answer.otherwise("[403,{},\"\"]".to_owned()));
        assert!(
            otherwise.contains(r#""code":200,"payload":"[403,{},\"\"]""#),
            "{otherwise}"
        );
        let panicked = told(|answer| {
            let thread = std::thread::spawn(move || {
                let _answer = answer;
                panic!("as a fault of the program would");
            });
            assert!(thread.join().is_err());
        });
        assert_eq!(panicked.matches("\"seq\":12").count(), 1, "{panicked}");
    }
}
