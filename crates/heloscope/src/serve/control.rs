//! `STATE/control`: how `heloscope list` reaches a list that runs.
//!
//! In: one [`Request`] a line of JSON, from whoever may open the socket: mode 0600, the list's own user and
//! root. Out: one [`Answer`] a line. Refused, with a word, and the connection closed: what is no request, and
//! lines over [`LINE`]. A few connections at once, each with its time; a peer that is slow, silent or broken
//! costs a place for that time and nothing else.
//!
//! The socket is made in a folder that is closed to others and moved into its place, so there is no moment
//! at which anybody else could connect, and a socket left by a list that was killed is replaced.

use super::clock;
use super::histories::Histories;
use crate::list::order::{Answer, Request, carry_out};
use anyhow::{Context, Result};
use heloscope_ledger::Ledger;
use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// The longest line of a request.
pub(crate) const LINE: usize = 1024 * 1024;
/// Connections at once; who comes then waits to be let in.
const CONNECTIONS: usize = 8;
/// How long a line may take to come, and an answer to go.
const TIME: Duration = Duration::from_secs(5);
/// The longest path of a socket (`sun_path`, with its end).
const PATH: usize = 100;
const NAME: &str = "control";
/// And where it is made, with the number of the process.
const CLOSED: &str = ".control-";

/// The socket, bound.
pub(crate) struct Control {
    socket: std::os::unix::net::UnixListener,
    place: PathBuf,
    closed: Closed,
}

/// A folder of this process, closed to others; gone with it.
struct Closed(PathBuf);

impl Drop for Closed {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

impl Control {
    /// Makes the socket and listens, where nobody sees it yet: before privileges are given up, and before it
    /// is known whether the list is ours.
    pub(crate) fn bind(state: &Path) -> Result<Self> {
        let place = state.join(NAME);
        let closed = Closed(state.join(format!("{CLOSED}{}", std::process::id())));
        let bind = || -> io::Result<_> {
            match fs::remove_dir_all(&closed.0) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => DirBuilder::new().mode(0o700).create(&closed.0)?,
            }
            let socket = short(&closed.0, std::os::unix::net::UnixListener::bind)?;
            fs::set_permissions(closed.0.join(NAME), Permissions::from_mode(0o600))?;
            socket.set_nonblocking(true)?;
            Ok(socket)
        };
        let socket = bind().with_context(|| format!("making the socket {}", place.display()))?;
        Ok(Self { socket, place, closed })
    }

    /// Moves it into its place. The ledger must be ours by then: whoever was there before is gone.
    pub(crate) fn open(&self) -> Result<()> {
        fs::rename(self.closed.0.join(NAME), &self.place)
            .with_context(|| format!("putting the socket into {}", self.place.display()))?;
        // Left by processes that were killed while they started.
        let state = self.place.parent().unwrap_or(Path::new("."));
        for entry in fs::read_dir(state).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(CLOSED) {
                drop(fs::remove_dir_all(entry.path()));
            }
        }
        Ok(())
    }

    /// Answers until `stop`; what has been asked by then is still answered.
    pub(crate) async fn run(
        self,
        ledger: Ledger,
        histories: Arc<Histories>,
        stop: CancellationToken,
    ) -> Result<()> {
        let socket = UnixListener::from_std(self.socket).context("the control socket")?;
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        let mut talks = JoinSet::new();
        loop {
            let accepted = async {
                let place = Arc::clone(&places).acquire_owned().await;
                (place, socket.accept().await)
            };
            let (place, accepted) = tokio::select! {
                () = stop.cancelled() => break,
                Some(_) = talks.join_next() => continue,
                both = accepted => both,
            };
            match accepted {
                Ok((stream, _)) => {
                    let (ledger, stop) = (ledger.clone(), stop.clone());
                    let histories = histories.clone();
                    talks.spawn(async move {
                        // Who goes away in the middle has done nothing worse than that.
                        drop(talk(stream, &ledger, &histories, &stop).await);
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "the control socket");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
        // The place is empty before the files are free.
        drop(fs::remove_file(&self.place));
        while talks.join_next().await.is_some() {}
        Ok(())
    }
}

/// One connection.
async fn talk(
    stream: tokio::net::UnixStream,
    ledger: &Ledger,
    histories: &Arc<Histories>,
    stop: &CancellationToken,
) -> io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    loop {
        let mut line = Vec::new();
        let mut bounded = (&mut reader).take(LINE as u64 + 1);
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            read = timeout(TIME, bounded.read_until(b'\n', &mut line)) => read??,
        };
        let (answer, goes_on) = if line.is_empty() {
            return Ok(());
        } else if !line.ends_with(b"\n") {
            (Answer::Refused(format!("a request is one line, {LINE} bytes at most")), false)
        } else {
            match serde_json::from_slice::<Request>(&line) {
                Ok(request) => {
                    if request.is_order() {
                        tracing::info!(?request, "an order through the control socket");
                    }
                    let (ledger, histories) = (ledger.clone(), histories.clone());
                    let forget = move |prefix| histories.erase(prefix);
                    let carried = move || carry_out(&ledger, &forget, request, clock::now());
                    (tokio::task::spawn_blocking(carried).await?, true)
                }
                Err(error) => (Answer::Refused(format!("not a request: {error}")), false),
            }
        };
        let mut answer = serde_json::to_vec(&answer)?;
        answer.push(b'\n');
        timeout(TIME, writer.write_all(&answer)).await??;
        if !goes_on {
            return Ok(());
        }
    }
}

/// Connects to the list that runs on a state folder.
pub(crate) fn connect(state: &Path) -> io::Result<UnixStream> {
    short(state, UnixStream::connect)
}

/// Does something with the socket's path in a folder. A longer path than sockets may have goes by way of the
/// folder's descriptor.
fn short<T>(folder: &Path, act: impl FnOnce(PathBuf) -> io::Result<T>) -> io::Result<T> {
    let path = folder.join(NAME);
    if path.as_os_str().len() < PATH {
        return act(path);
    }
    let folder = File::open(folder)?;
    act(PathBuf::from(format!("/proc/self/fd/{}/{NAME}", folder.as_raw_fd())))
}
