//! `helio serve` as a child process, and HTTP to it.

use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Mutex;
use std::thread::JoinHandle;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// A server that is killed when the test ends.
pub(crate) struct Process {
    child: Mutex<Child>,
    pub(crate) address: SocketAddr,
    data: PathBuf,
    log: Option<JoinHandle<String>>,
    stdout: Option<JoinHandle<String>>,
}

/// A port that was free a moment ago. The origin must outlive restarts, so it is fixed.
pub(crate) fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("bound")
}

fn helio(data: &Path, address: SocketAddr) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_helio"));
    command.env_clear().env("HELIOGRAPH_DATA_DIR", data);
    for (key, value) in [
        ("HTTP__LISTEN", format!("[\"{address}\"]")),
        ("HTTP__TLS", "off".to_owned()),
        ("TURN__LISTEN", "[]".to_owned()),
        ("TURN__TLS_LISTEN", "[]".to_owned()),
        ("MEDIA__LISTEN", "[\"127.0.0.1:0\"]".to_owned()),
        ("METRICS__LISTEN", "\"\"".to_owned()),
        ("LIMITS__CONNECTS_PER_IP_PER_MINUTE", "100000".to_owned()),
    ] {
        command.env(format!("HELIOGRAPH_{key}"), value);
    }
    command
}

impl Process {
    /// Starts it and waits until it says that it runs.
    pub(crate) fn start(data: &Path, address: SocketAddr, flags: &[&str]) -> Self {
        let mut command = helio(data, address);
        command.arg("serve").args(flags);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("helio runs");
        let stderr = child.stderr.take().expect("piped");
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        let log = read_to_end(stderr);
        let mut first = String::new();
        stdout.read_line(&mut first).expect("text");
        assert!(first.contains("is running"), "{first:?}");
        Self {
            child: Mutex::new(child),
            address,
            data: data.to_owned(),
            log: Some(log),
            stdout: Some(read_to_end(stdout)),
        }
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://localhost:{}", self.address.port())
    }

    /// Another command on the same data directory.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        run(&self.data, self.address, arguments)
    }

    /// `kill -9`, at any moment.
    pub(crate) fn kill(&self) {
        let mut child = self.child.lock().expect("nobody panics with it");
        child.kill().expect("it runs");
        child.wait().expect("it ends");
    }

    /// SIGTERM; its exit code, standard output after the first line, and log.
    pub(crate) fn stop(mut self) -> (Option<i32>, String, String) {
        let child = self.child.get_mut().expect("nobody panics with it");
        let pid = child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(sent.expect("kill exists").success());
        let status = child.wait().expect("it ends");
        let text = |thread: Option<JoinHandle<String>>| {
            thread.expect("read once").join().expect("no panic")
        };
        let (stdout, log) = (text(self.stdout.take()), text(self.log.take()));
        (status.code(), stdout, log)
    }

    /// One request; `None` where the connection was cut.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: &Value,
    ) -> Option<(u16, Value)> {
        call(self.address, method, path, token, body).await
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be gone already.
        if let Ok(child) = self.child.get_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A command on a data directory, whether a server runs or not.
pub(crate) fn run(data: &Path, address: SocketAddr, arguments: &[&str]) -> Output {
    let mut command = helio(data, address);
    command.args(arguments).output().expect("helio runs")
}

fn read_to_end(mut from: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut text = String::new();
        from.read_to_string(&mut text).expect("utf-8");
        text
    })
}

pub(crate) async fn call(
    address: SocketAddr,
    method: Method,
    path: &str,
    token: &str,
    body: &Value,
) -> Option<(u16, Value)> {
    let stream = TcpStream::connect(address).await.ok()?;
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut requests, driver) = handshake.ok()?;
    let driver = tokio::spawn(driver);
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", address.to_string())
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {token}"))
        .body(Full::new(Bytes::from(body.to_string())))
        .expect("a request");
    let response = requests.send_request(request).await.ok()?;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.ok()?.to_bytes();
    driver.abort();
    Some((status, serde_json::from_slice(&body).unwrap_or_default()))
}
