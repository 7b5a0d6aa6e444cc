use std::cell::Cell;
use std::rc::Rc;

use super::*;
use crate::authorization_server::NoHooks;
use crate::authorization_server::client::{AuthenticationMethod, GrantType};
use crate::authorization_server::compile::compile;
use crate::authorization_server::config::Config;
use crate::authorization_server::storage::Storage;
use crate::capability::{
    Host, HttpError, HttpRequest, HttpResponse, Pending, PrivateKeyHandle, PrivateKeySource,
    PublicKeyHandle, SignatureError,
};
use crate::jose::Algorithm;
use crate::secret::Secret;
use crate::store::{MemoryStore, Store};
use crate::task::{Progress, Scheduler, Task};

/// A host with a clock and random numbers.
struct Clock {
    seconds: Cell<u64>,
    random: Cell<u8>,
}

impl Host for Clock {
    fn now(&self) -> u64 {
        self.seconds.get() * 1000
    }

    fn random(&self, out: &mut [u8]) {
        self.random.set(self.random.get().wrapping_add(1));
        out.fill(self.random.get());
    }

    fn send(&self, _: HttpRequest) -> Box<dyn Pending<Result<HttpResponse, HttpError>>> {
        panic!("this host has no network")
    }

    fn verifying_algorithms(&self) -> Vec<Algorithm> {
        Vec::new()
    }

    fn signing_algorithms(&self) -> Vec<Algorithm> {
        Vec::new()
    }

    fn import_verifying_key(
        &self,
        _: Algorithm,
        _: &str,
    ) -> Result<Box<dyn PublicKeyHandle>, SignatureError> {
        Err(SignatureError::Unsupported)
    }

    fn import_signing_key(
        &self,
        _: PrivateKeySource<'_>,
    ) -> Result<Box<dyn PrivateKeyHandle>, SignatureError> {
        Err(SignatureError::Unsupported)
    }
}

struct World {
    clock: Rc<Clock>,
    store: Rc<MemoryStore>,
    server: Rc<Server>,
}

const LIFETIME: u64 = 1000;

impl World {
    fn new() -> Self {
        let clock = Rc::new(Clock {
            seconds: Cell::new(100_000),
            random: Cell::new(0),
        });
        let store = Rc::new(MemoryStore::new());
        let config = Config {
            issuer: "https://auth.example".to_owned(),
            secrets: vec![Secret::new("a deployment secret of 32 bytes!")],
            ..Config::default()
        };
        let settings = compile(&config, &[]).expect("a good configuration");
        let scheduler = Scheduler::new(Rc::<Clock>::clone(&clock));
        let storage = Storage::new(Rc::<MemoryStore>::clone(&store), scheduler);
        Self {
            clock,
            store,
            server: Rc::new(Server::new(settings, storage, Rc::new(NoHooks))),
        }
    }

    fn run<T: 'static>(&self, work: impl AsyncFnOnce(&Server) -> T + 'static) -> T {
        let server = Rc::clone(&self.server);
        let scheduler = Rc::clone(server.scheduler());
        let mut task = Task::new(scheduler, async move { work(&server).await });
        match task.poll() {
            Progress::Ready(result) => result,
            Progress::Pending(_) => panic!("the store in memory answers at once"),
        }
    }

    fn client(&self, id: &str) -> Client {
        let now = self.clock.seconds.get();
        Client {
            id: id.to_owned(),
            origin: crate::authorization_server::ClientOrigin::Registered,
            epoch: self.server.new_epoch(),
            redirect_uris: Vec::new(),
            grant_types: vec![GrantType::ClientCredentials],
            authentication: AuthenticationMethod::ClientSecret,
            secrets: Vec::new(),
            keys: None,
            scopes: None,
            serves: Vec::new(),
            exchanges_tokens_of_others: false,
            name: None,
            metadata: None,
            registered_at: Some(now),
            expires_at: Some(now + LIFETIME),
            lifetime: Some(LIFETIME),
        }
    }

    fn insert(&self, client: &Client) -> Result<(), Rejection> {
        let client = client.clone();
        self.run(async move |server| server.insert_client(&client).await)
    }

    fn find(&self, id: &'static str) -> Result<Client, Rejection> {
        self.run(async move |server| server.client(id).await)
    }

    fn renew(&self, client: &Client) {
        let client = client.clone();
        self.run(async move |server| server.renew_registration(&client).await);
    }

    fn ids(&self) -> Vec<String> {
        let found = self.run(async |server| server.clients_from(Place::default(), 100).await);
        let clients = found.expect("a list").clients;
        clients.into_iter().map(|client| client.id).collect()
    }
}

#[test]
fn a_registration_is_renewed_when_less_than_half_of_it_is_left() {
    let world = World::new();
    let client = world.client("app");
    let end = client.expires_at.expect("it ends");
    world.insert(&client).expect("new");
    world.clock.seconds.set(end - LIFETIME / 2);
    world.renew(&client);
    assert_eq!(world.find("app").expect("valid").expires_at, Some(end));
    world.clock.seconds.set(end - LIFETIME / 2 + 1);
    world.renew(&client);
    let renewed = world.find("app").expect("valid");
    let expected = end + LIFETIME / 2 + 1;
    assert_eq!(renewed.expires_at, Some(expected));
    // What was read before is no reason to write again.
    world.clock.seconds.set(end - LIFETIME / 2 + 2);
    world.renew(&client);
    assert_eq!(world.find("app"), Ok(renewed));
    // The directory's entry lives as long.
    world.clock.seconds.set(expected - 1);
    world.store.sweep(expected - 1);
    assert_eq!(world.ids(), ["app"]);
    world.clock.seconds.set(expected);
    assert_eq!(world.find("app"), Err(Rejection::RegistrationExpired));
    assert_eq!(world.ids(), [""; 0]);
}

#[test]
fn a_renewal_does_not_bring_a_deleted_client_back() {
    let world = World::new();
    let client = world.client("app");
    world.insert(&client).expect("new");
    world.clock.seconds.set(100_000 + LIFETIME - 1);
    let removed = world.run(async |server| server.remove_client("app").await);
    assert_eq!(removed, Ok(()));
    world.renew(&client);
    assert_eq!(world.find("app"), Err(Rejection::UnknownClient));
    // Nor does it renew another client of the same id.
    let mut other = world.client("app");
    other.expires_at = Some(world.clock.seconds.get() + 10);
    world.insert(&other).expect("new");
    world.renew(&client);
    assert_eq!(world.find("app"), Ok(other));
}

#[test]
fn clients_without_an_end_are_not_renewed() {
    let world = World::new();
    let client = Client {
        expires_at: None,
        ..world.client("app")
    };
    world.insert(&client).expect("new");
    world.clock.seconds.set(1_000_000_000);
    world.renew(&client);
    assert_eq!(world.find("app"), Ok(client));
}

#[test]
fn an_id_that_comes_back_is_another_client() {
    let world = World::new();
    let first = world.client("app");
    world.insert(&first).expect("new");
    let second = world.client("app");
    assert_eq!(world.insert(&second), Err(Rejection::ClientExists));
    assert_eq!(world.find("app"), Ok(first.clone()));
    let removed = world.run(async |server| server.remove_client("app").await);
    assert_eq!(removed, Ok(()));
    world.insert(&second).expect("new");
    assert_ne!(first.epoch, second.epoch);
    assert_ne!(second.epoch, 0);
    assert_eq!(world.ids(), ["app"]);
}

#[test]
fn the_entry_of_a_newer_client_stays() {
    let world = World::new();
    let (old, new) = (world.client("app"), world.client("app"));
    world.insert(&new).expect("new");
    // The end of a deletion that was slow.
    let epoch = Some(old.epoch);
    let deleted = world.run(async move |server| server.delete_entry("app", epoch).await);
    assert_eq!(deleted, Ok(()));
    assert_eq!(world.ids(), ["app"]);
}

#[test]
fn a_record_under_another_id_is_not_used() {
    let world = World::new();
    let client = world.client("other");
    let stored = world.run(async move |server| {
        let partition = server.keys().await?.partitions.client("app");
        let put = server.storage.put(CLIENT, client.to_record(), None);
        let commit = Commit {
            conditions: vec![(CLIENT.to_owned(), Condition::Absent)],
            puts: vec![put],
            deletes: Vec::new(),
        };
        Ok::<_, Rejection>(server.storage.commit(&partition, commit).await?)
    });
    assert_eq!(stored, Ok(Committed::Done));
    assert_eq!(world.find("app"), Err(Rejection::StoredRecord));
}

#[test]
fn names_in_the_store_tell_nothing() {
    let world = World::new();
    world.insert(&world.client("app")).expect("new");
    let named = world.run(async |server| {
        let keys = server.keys().await.expect("keys");
        [
            keys.partitions.client("app"),
            keys.partitions.directory("app"),
        ]
    });
    let [client, directory] = named;
    assert!(!client.contains("app"));
    let read = world.store.read(&client, &[CLIENT], 0).poll();
    assert!(matches!(read, Some(Ok(records)) if records[0].is_some()));
    assert!(directory.starts_with("d-"));
}

#[test]
fn places_survive_their_text_and_others_are_refused() {
    for place in [
        Place::default(),
        Place {
            partition: 15,
            after: Some(Entry::key("app")),
        },
    ] {
        assert_eq!(Place::from_text(&place.text()), Some(place));
    }
    let long = format!("1 client/{}", "a".repeat(128));
    for text in [
        "",
        " ",
        "1",
        "256 ",
        "1 grant/x",
        "1 client/\n",
        "-1 ",
        &long,
    ] {
        let text = base64url::encode(text.as_bytes());
        assert_eq!(Place::from_text(&text), None, "{text}");
    }
    assert_eq!(Place::from_text("*"), None);
}
