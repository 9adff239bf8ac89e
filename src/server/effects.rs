//! Carrying out what sessions ask for: the shell's half of the boundary.

use std::net::SocketAddr;
use std::time::Instant;

use super::logins::Admission;
use super::peer::{CLOSING, DataLink, Peer};
use super::services::Services;
use crate::config::PartialUploads;
use crate::fs::{PartialKeep, Refusal};
use crate::net::{Key, Link, Role};
use crate::proto::command::Secret;
use crate::session::{Answer, DataEvent, Effect, FileDone, FileOp, Listing, Verdict};
use crate::transfer::{ListingLines, Pump};

impl Peer {
    /// Carries out effects until there are none.
    pub(super) fn carry_out(&mut self, key: Key, services: &mut Services, now: Instant) {
        while let Some(effect) = self.session.effect() {
            match effect {
                Effect::Verify { name, secret } => {
                    if let Some(verdict) = self.verify(key, services, &name, secret) {
                        self.session.answer(Answer::Login(verdict), now);
                    }
                }
                Effect::File(operation) => {
                    let result = self.file(operation, services);
                    self.session.answer(Answer::File(result), now);
                }
                Effect::Listen => {
                    let address = self.listen(key, services, now);
                    self.session.answer(Answer::Listening(address), now);
                }
                Effect::Connect(address) => self.connect(key, services, address, now),
                Effect::Start => self.start(services, now),
                Effect::Abort => self.drop_transfer(services, now),
                Effect::HangUp => self.closing = Some(now + CLOSING),
            }
        }
    }

    /// The worker's verdict on the login that is being checked.
    pub(super) fn judged(&mut self, services: &mut Services, right: bool, now: Instant) {
        let Some(claim) = self.claim.take() else { return };
        let verdict = match claim.grant.filter(|_| right) {
            Some(grant) => match services.root(grant.root.as_deref()) {
                Ok(root) => {
                    self.root = root;
                    Verdict::Granted(grant.access)
                }
                Err(message) => {
                    log::error!("#{} cannot log in: {message}", self.session.id());
                    Verdict::Denied(services.logins.failed(self.session.client(), now))
                }
            },
            None => Verdict::Denied(services.logins.failed(self.session.client(), now)),
        };
        self.session.answer(Answer::Login(verdict), now);
    }

    fn verify(
        &mut self,
        key: Key,
        services: &mut Services,
        name: &[u8],
        secret: Secret,
    ) -> Option<Verdict> {
        match services.logins.admit(key, name, secret) {
            Admission::Granted(access) => {
                self.root = services.own_root();
                Some(Verdict::Granted(access))
            }
            Admission::Checking(claim) => {
                self.claim = Some(claim);
                None
            }
            Admission::Busy => Some(Verdict::Busy),
        }
    }

    fn listen(&mut self, key: Key, services: &mut Services, now: Instant) -> Option<SocketAddr> {
        let (local, client) = (self.session.local(), self.session.client());
        let lease = services.lease(local, client, key, now)?;
        let address = lease.address();
        self.data = DataLink::Leased(lease);
        Some(address)
    }

    fn connect(&mut self, key: Key, services: &mut Services, to: SocketAddr, now: Instant) {
        let connecting = Link::connect(self.session.local(), to).and_then(|mut link| {
            link.register(&mut services.poller, key.slot(), Role::Data)?;
            Ok(link)
        });
        match connecting {
            Ok(link) => self.data = DataLink::Connecting(link),
            Err(error) => {
                log::info!("#{} cannot connect to {to}: {error}", self.session.id());
                self.session.data(DataEvent::Broken, now);
            }
        }
    }

    fn start(&mut self, services: &mut Services, now: Instant) {
        let begun = match &mut self.pump {
            Some(pump) => pump.begin(),
            None => {
                debug_assert!(false, "a transfer starts with nothing opened");
                Err(Refusal::NotFound)
            }
        };
        match begun {
            Ok(()) => self.running = true,
            Err(refusal) => {
                self.drop_transfer(services, now);
                self.session.data(DataEvent::Refused(refusal), now);
            }
        }
    }

    fn file(&mut self, operation: FileOp, services: &Services) -> Result<FileDone, Refusal> {
        let root = &self.root;
        let opened = match operation {
            FileOp::Facts(path) => return root.facts(&path).map(FileDone::Facts),
            FileOp::Exists(path) => return root.link_facts(&path).map(|_| FileDone::Done),
            FileOp::Enter(path) => return root.enter(&path).map(|()| FileDone::Done),
            FileOp::MakeDir(path) => return root.make_dir(&path).map(|()| FileDone::Done),
            FileOp::RemoveDir(path) => return root.remove_dir(&path).map(|()| FileDone::Done),
            FileOp::RemoveFile(path) => return root.remove_file(&path).map(|()| FileDone::Done),
            FileOp::Rename(from, to) => return root.rename(&from, &to).map(|()| FileDone::Done),
            FileOp::FreeSpace(path) => return root.free_space(&path).map(FileDone::Free),
            FileOp::NextLines => return self.next_lines(),
            FileOp::FinishUpload => {
                let pump = self.pump.take();
                return pump.map_or(Ok(()), Pump::finish).map(|()| FileDone::Done);
            }
            FileOp::OpenDownload(path, from, representation) => {
                Pump::download(root.download(&path, from)?, representation)
            }
            FileOp::OpenUpload(path, how, representation) => {
                let keep = match services.partial_uploads {
                    PartialUploads::Keep => PartialKeep::Keep,
                    PartialUploads::Discard => PartialKeep::Discard,
                };
                Pump::upload(root.upload(&path, how, keep)?, representation)
            }
            FileOp::OpenListing(listing) => {
                let Listing { path, spelled, style } = listing;
                let now = services.wall_clock;
                Pump::listing(ListingLines::open(root, &path, &spelled, style, now)?)
            }
        };
        self.pump = Some(opened);
        Ok(FileDone::Done)
    }

    fn next_lines(&mut self) -> Result<FileDone, Refusal> {
        let lines = self.pump.as_mut().map_or(Ok(Vec::new()), Pump::lines);
        if lines.as_ref().map_or(true, Vec::is_empty) {
            self.pump = None;
        }
        lines.map(FileDone::Lines)
    }
}
