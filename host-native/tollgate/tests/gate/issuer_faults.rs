//! Faults of issuers in the log.

use std::io;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};

use tollgate::Gate;
use tollgate_dev::issuer::{Outage, OutageMode};
use tracing_subscriber::fmt::MakeWriter;

use crate::support::{ask, config, issuer, mint};

/// A log that can be read.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("the log").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn an_outage_is_logged_once_by_all_stores() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(log.clone())
        .finish();
    // The only test here that reads the log; other tests' lines name other issuers.
    tracing::subscriber::set_global_default(subscriber).expect("the first");
    let issuer = issuer().await;
    let gate = Gate::builder(config(&issuer))
        .stores(NonZeroUsize::new(4).expect("not zero"))
        .build()
        .await
        .expect("a gate");
    issuer.set_outage(Outage::everywhere(OutageMode::WrongIssuer));
    for _ in 0..20 {
        let token = mint(&issuer, &[]).await;
        assert_eq!(ask(&gate, "/", Some(&token)).await.status, 503);
    }
    let text = String::from_utf8(log.0.lock().expect("the log").clone()).expect("UTF-8");
    let lines: Vec<_> = text
        .lines()
        .filter(|line| line.contains(issuer.url()))
        .collect();
    let [line] = lines[..] else {
        panic!("one line: {lines:#?}");
    };
    assert!(
        line.contains("WARN") && line.contains("issuer-mismatch"),
        "{line}"
    );
    assert!(line.contains("Configure the issuer exactly"), "{line}");
}
