//! `sestinad export` and `sestinad import`: through the running server if there is one, else straight
//! on the store.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::atomic::Ordering,
};

use sestina::{
    core::{AccountError, Export, Server},
    stanza::Jid,
};
use sestina_archive::{Intake, Limits, Options, Reader, Verdict, Writer};
use sestina_foreign::Encoding;
use tokio::sync::mpsc;

use crate::{
    assemble::Unattended,
    cli,
    config::{Config, StoreKind},
    control::{Beside, Reply, Request},
    failure::Failure,
    files::PrivateFile,
    print, run, sources, users,
};

/// The most bytes of a document that travel at once.
const PIECE: usize = 64 << 10;

/// Writes the document that is imported (XEP-0227); how, is its own affair. Whoever reads the files of
/// another server writes one with [`sestina_archive::Writer`], and fails with [`Failure::Unread`] where
/// it cannot write.
type Source = Box<dyn FnOnce(&mut dyn Write) -> Result<(), Failure> + Send>;

/// Writes accounts to a file, or to standard output. The file is there when all were written.
pub(crate) fn export(config: &Config, what: cli::Export) -> Result<(), Failure> {
    let cli::Export { account: accounts, file: path } = what;
    let mut file = match &path {
        Some(path) => Some(PrivateFile::begin(path).map_err(|error| wrong(path, error))?),
        None => None,
    };
    let hear = |said| match (said, &mut file, &path) {
        (Reply::Piece(piece), Some(file), Some(path)) => {
            file.write_all(piece.as_bytes()).map_err(|error| wrong(path, error))
        }
        (Reply::Piece(piece), ..) => print(&piece),
        _ => Err(strange()),
    };
    let nothing: Source = Box::new(|_| Ok(()));
    match converse(config, Request::Export { accounts }, nothing, hear)? {
        Reply::Exported(accounts) => {
            let (Some(file), Some(path)) = (file, path) else { return Ok(()) };
            file.keep().map_err(|error| wrong(&path, error))?;
            let noun = if accounts == 1 { "account" } else { "accounts" };
            print(&format!("{accounts} {noun} exported to {}\n", path.display()))
        }
        Reply::Failed(why) => Err(why.into()),
        _ => Err(strange()),
    }
}

/// Takes accounts from a file, or from standard input.
pub(crate) fn import(config: &Config, what: cli::Import) -> Result<(), Failure> {
    let cli::Import { file, from, latin1, replace, dry_run } = what;
    let options = Options { replace, dry_run };
    match from {
        None => take(config, document(&file)?, options, str::to_owned),
        Some(server) => foreign(config, server, file, latin1, options),
    }
}

/// Takes the accounts of another server.
fn foreign(
    config: &Config,
    server: cli::Server,
    path: PathBuf,
    latin1: bool,
    options: Options,
) -> Result<(), Failure> {
    let encoding = if latin1 { Encoding::Latin1 } else { Encoding::Utf8 };
    let files = sources::Files { server, path, encoding };
    let unread = sources::Unread::default();
    let counted = unread.clone();
    let source: Source = Box::new(move |out| files.write(out, &counted));
    // Lines are those of a document that nobody sees.
    take(config, source, options, without_line)?;
    match unread.load(Ordering::Relaxed) {
        0 => Ok(()),
        1 => Err("1 account or file could not be read".to_owned().into()),
        unread => Err(format!("{unread} accounts or files could not be read").into()),
    }
}

fn without_line(note: &str) -> String {
    let rest = note.strip_prefix("line ").and_then(|rest| rest.split_once(": "));
    rest.map_or(note, |(_, rest)| rest).to_owned()
}

/// Takes accounts from a source, and tells what became of each.
fn take(
    config: &Config,
    source: Source,
    options: Options,
    shown: fn(&str) -> String,
) -> Result<(), Failure> {
    let Options { replace, dry_run } = options;
    let hear = |said| match said {
        Reply::Note(note) => print(&format!("{}\n", shown(&note))),
        _ => Err(strange()),
    };
    match converse(config, Request::Import { replace, dry_run }, source, hear)? {
        Reply::Imported { sums, good: true } => print(&format!("{sums}\n")),
        Reply::Imported { sums, good: false } => Err(sums.into()),
        Reply::Failed(why) => Err(why.into()),
        _ => Err(strange()),
    }
}

/// A document as it lies in a file.
fn document(path: &Path) -> Result<Source, Failure> {
    let mut input: Box<dyn Read + Send> = if path == Path::new("-") {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(path).map_err(|error| wrong(path, error))?)
    };
    let path = path.to_owned();
    Ok(Box::new(move |out| {
        let mut piece = vec![0; PIECE];
        loop {
            let read = input.read(&mut piece).map_err(|error| wrong(&path, error))?;
            match piece.get(..read) {
                None | Some([]) => return Ok(()),
                Some(bytes) => out.write_all(bytes).map_err(|_| Failure::Unread)?,
            }
        }
    }))
}

fn wrong(path: &Path, error: io::Error) -> Failure {
    Failure::because(path.display(), error)
}

fn strange() -> Failure {
    "the server has answered something else".to_owned().into()
}

/// Has a request carried out, by the running server or here.
fn converse(
    config: &Config,
    request: Request,
    source: Source,
    mut hear: impl FnMut(Reply) -> Result<(), Failure>,
) -> Result<Reply, Failure> {
    #[cfg(unix)]
    let source = {
        let mut source = Some(source);
        let feed = |out: &mut dyn Write| source.take().map_or(Ok(()), |source| source(out));
        if let Some(reply) = crate::control::converse(&config.data, &request, feed, &mut hear)? {
            return Ok(reply);
        }
        source.unwrap_or_else(|| Box::new(|_| Ok(())))
    };
    straight(config, request, source, hear)
}

fn straight(
    config: &Config,
    request: Request,
    source: Source,
    mut hear: impl FnMut(Reply) -> Result<(), Failure>,
) -> Result<Reply, Failure> {
    if config.store == StoreKind::Memory {
        let why = "no server runs here, and accounts in memory are gone with it: start it first";
        return Err(why.to_owned().into());
    }
    run::runtime(1)?.block_on(async {
        let opened = Unattended::open(config).await?;
        let (beside, put, mut heard) = Beside::new();
        let fed = tokio::task::spawn_blocking(move || source(&mut Pipe(put)));
        let work = carry_out(&opened.servers, config.domain(), request, beside);
        let listen = async {
            let mut told = Ok(());
            while let (Ok(()), Some(said)) = (&told, heard.recv().await) {
                told = hear(said);
            }
            // Whoever is at work hears that nobody listens.
            drop(heard);
            told
        };
        let (reply, told) = tokio::join!(work, listen);
        opened.close().await?;
        told?;
        match fed.await {
            // What is wrong with the input says more than what came of it.
            Ok(Err(failure)) if !matches!(failure, Failure::Unread) => Err(failure),
            _ => Ok(reply),
        }
    })
}

/// The way of a source's bytes within this process.
struct Pipe(mpsc::Sender<Vec<u8>>);

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.0.blocking_send(bytes.to_owned());
        sent.map(|()| bytes.len()).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Carries out a request to move accounts. A name without a domain is one at `home`.
pub(crate) async fn carry_out(
    servers: &[Server],
    home: &str,
    request: Request,
    beside: Beside,
) -> Reply {
    let done = match request {
        Request::Export { accounts } => write_down(servers, home, &accounts, beside.said).await,
        Request::Import { replace, dry_run } => {
            read(servers, Options { replace, dry_run }, beside).await
        }
        _ => Err("this moves no account".to_owned()),
    };
    done.unwrap_or_else(Reply::Failed)
}

async fn write_down(
    servers: &[Server],
    home: &str,
    named: &[String],
    said: mpsc::Sender<Reply>,
) -> Result<Reply, String> {
    let mut accounts = Vec::new();
    for name in named {
        accounts.push(users::address(servers, home, name)?);
    }
    if named.is_empty() {
        for server in servers {
            let listed = server.accounts().list().await;
            let listed = listed.map_err(|error| format!("the accounts cannot be read: {error}"))?;
            accounts.extend(listed.into_iter().map(|account| (server, account)));
        }
    }
    // Each host is to be there once.
    accounts.sort_by(|(_, a), (_, b)| (a.domain(), a.local()).cmp(&(b.domain(), b.local())));
    accounts.dedup_by(|(_, a), (_, b)| a == b);
    let (mut out, mut written) = (Vec::new(), 0);
    let mut writer = Writer::start(&mut out);
    for (server, account) in &accounts {
        let failed = |error| users::explain(account.as_str(), &error);
        let export = match server.accounts().export(account).await {
            // It has gone since it was listed.
            Err(AccountError::Unknown) if named.is_empty() => continue,
            export => export.map_err(failed)?,
        };
        let Some(name) = account.local() else { continue };
        writer.user(&mut out, account.domain().as_ref(), name.as_ref(), None);
        elements(export, &mut writer, &mut out, &said).await?;
        written += 1;
    }
    writer.end(&mut out);
    send(&mut out, &said).await?;
    Ok(Reply::Exported(written))
}

async fn elements(
    mut export: Export,
    writer: &mut Writer,
    out: &mut Vec<u8>,
    said: &mpsc::Sender<Reply>,
) -> Result<(), String> {
    let account: Jid = export.account().clone();
    let failed = |error| users::explain(account.as_str(), &error);
    while let Some(element) = export.next().await.map_err(failed)? {
        writer.element(out, &element);
        if out.len() >= PIECE {
            send(out, said).await?;
        }
    }
    Ok(())
}

/// Sends what was written, in pieces.
async fn send(out: &mut Vec<u8>, said: &mpsc::Sender<Reply>) -> Result<(), String> {
    let text = String::from_utf8(std::mem::take(out)).map_err(|error| error.to_string())?;
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (piece, more) = rest.split_at(boundary(rest, PIECE));
        rest = more;
        let sent = said.send(Reply::Piece(piece.to_owned())).await;
        sent.map_err(|_| "nobody takes what is exported".to_owned())?;
    }
    Ok(())
}

/// Where to cut a text, so that so many bytes are in front at most.
fn boundary(text: &str, most: usize) -> usize {
    (0..=most.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

async fn read(servers: &[Server], options: Options, beside: Beside) -> Result<Reply, String> {
    let Beside { mut input, said } = beside;
    let (mut reader, mut intake) =
        (Reader::new(Limits::default()), Intake::among(servers, options));
    let told_so_far = |intake: &Intake, why: String| {
        let within = intake.under_way().map(|account| format!(", within {account}"));
        format!("{why}{}; so far {}", within.unwrap_or_default(), intake.sums())
    };
    while let Some(bytes) = input.recv().await {
        let mut rest = bytes.as_slice();
        loop {
            let part = match reader.next(&mut rest) {
                Ok(Some(part)) => part,
                Ok(None) => break,
                Err(error) => return Err(told_so_far(&intake, error.to_string())),
            };
            if let Some(note) = intake.take(&part, Some(reader.line())).await {
                if let Verdict::Failed(why) = &note.verdict {
                    tracing::warn!(account = note.account, why, "an account was not imported");
                }
                let told = said.send(Reply::Note(note.to_string())).await;
                told.map_err(|_| told_so_far(&intake, "nobody listens".to_owned()))?;
            }
        }
    }
    reader.end().map_err(|error| told_so_far(&intake, error.to_string()))?;
    let sums = intake.sums();
    let sums_told = if options.dry_run { format!("dry run: {sums}") } else { sums.to_string() };
    Ok(Reply::Imported { sums: sums_told, good: sums.failed == 0 })
}
