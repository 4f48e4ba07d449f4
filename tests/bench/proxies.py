"""The proxies under comparison: what each is told, and how it is started.

All have the same number of workers, keep-alive on both sides and no access log. The `tuned` ones have larger buffers.
"""

import dataclasses
import os

import processes

NGINX_TUNING = """
    proxy_buffer_size 32k;
    proxy_buffers 8 32k;
    proxy_busy_buffers_size 64k;
    client_body_buffer_size 64k;
"""

# A client connection must outlive the run: nginx would end it after 1,000 requests.
NGINX = """
{user}
daemon off;
worker_processes {workers};
pid {directory}/nginx.pid;
error_log {directory}/error.log warn;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    {tuning}
    upstream origin {{
        server 127.0.0.1:{origin_port};
        keepalive 128;
        keepalive_requests 1000000000;
    }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://origin;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $host;
        }}
    }}
}}
"""

HAPROXY = """
global
    nbthread {workers}
    maxconn 8192
    {tuning}
defaults
    mode http
    option http-keep-alive
    http-reuse always
    timeout connect 5s
    timeout client 75s
    timeout server 75s
frontend clients
    bind 127.0.0.1:{port}
    default_backend origin
backend origin
    server origin 127.0.0.1:{origin_port}
"""

BANYAN = """
listen: [{{address: "127.0.0.1:{port}"}}]
admin: {{address: "127.0.0.1:{admin_port}"}}
data_dir: {directory}/var
store: none
proxy: {{threads: {workers}}}
access_log: {access_log}
upstreams:
  legacy: {{endpoints: ["http://127.0.0.1:{origin_port}"]}}
functions:
"""


@dataclasses.dataclass(frozen=True)
class Setup:
    """What a proxy is started with."""

    banyan: str
    workers: int
    functions: int
    origin_port: int
    directory: str  # for its files; created for each proxy


def start_nginx(name, setup, tuning):
    port = processes.free_port()
    directory = make_directory(setup, name)
    settings = NGINX.format(
        user="user root;" if os.geteuid() == 0 else "",
        workers=setup.workers,
        directory=directory,
        tuning=tuning,
        origin_port=setup.origin_port,
        port=port,
    )
    file = write(directory, "nginx.conf", settings)
    command = ["nginx", "-p", directory, "-e", f"{directory}/error.log", "-c", file]
    return started(processes.Process(name, command, f"{directory}/log"), port)


def start_haproxy(name, setup, tuning):
    port = processes.free_port()
    directory = make_directory(setup, name)
    settings = HAPROXY.format(workers=setup.workers, tuning=tuning, origin_port=setup.origin_port, port=port)
    file = write(directory, "haproxy.cfg", settings)
    return started(processes.Process(name, ["haproxy", "-db", "-f", file], f"{directory}/log"), port)


def start_banyan(name, setup, access_log):
    port, admin_port = processes.free_port(), processes.free_port()
    directory = make_directory(setup, name)
    settings = BANYAN.format(
        port=port,
        admin_port=admin_port,
        workers=setup.workers,
        directory=directory,
        origin_port=setup.origin_port,
        access_log=access_log.format(directory=directory),
    )
    file = write(directory, "banyan.yaml", settings + functions(setup.functions))
    command = [setup.banyan, "serve", "--config", file]
    return started(processes.Process(name, command, f"{directory}/log"), port)


def functions(count):
    """A catalog of `count` functions of the usual shapes; two of them recognise the requests of the benchmark."""
    lines = [
        "  - {name: data.read, effect: read, match: {method: GET, path: '/data/{size}'}}",
        "  - {name: data.write, match: {method: POST, path: /upload}}",
    ]
    for i in range(count - len(lines)):
        match = (
            f"{{method: GET, path: '/app/area{i % 40}/{{id}}/f{i}'}}",
            f"{{method: POST, path: '/rpc/', jsonrpc: model.m{i}.read}}",
            f"{{method: POST, path: '/soap', header: {{X-Operation: op{i}}}}}",
            f"{{path: '/files/f{i}/{{rest...}}'}}",
        )[i % 4]
        lines.append(f"  - {{name: f{i}, match: {match}}}")
    return "\n".join(lines) + "\n"


def make_directory(setup, name):
    directory = os.path.join(setup.directory, name.replace(" ", "-"))
    os.makedirs(directory)
    return directory


def write(directory, name, text):
    path = os.path.join(directory, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def started(process, port):
    try:
        process.wait_for_port(port)
    except processes.Broken:
        process.stop()
        raise
    process.port = port
    return process


# Name -> how to start it. The order is that of the report.
PEERS = {
    "nginx": lambda name, setup: start_nginx(name, setup, ""),
    "nginx tuned": lambda name, setup: start_nginx(name, setup, NGINX_TUNING),
    "haproxy": lambda name, setup: start_haproxy(name, setup, ""),
    "haproxy tuned": lambda name, setup: start_haproxy(name, setup, "tune.bufsize 65536"),
}
BANYAN_PLAIN = "banyan"
BANYANS = {
    BANYAN_PLAIN: lambda name, setup: start_banyan(name, setup, "off"),
    "banyan + log": lambda name, setup: start_banyan(name, setup, "{{path: {directory}/access.log}}"),
}
