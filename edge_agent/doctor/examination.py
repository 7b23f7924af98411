"""The order of the checks: what others build on comes first; what cannot be tried is left out."""

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime

from edge_agent.doctor import network
from edge_agent.doctor.bundle import check_bundle
from edge_agent.doctor.certificates import check_certificates, spans
from edge_agent.doctor.clock import check_clock
from edge_agent.doctor.finding import Finding, Status
from edge_agent.doctor.interpreter import check_interpreter
from edge_agent.doctor.rights import check_rights
from edge_agent.doctor.secret import check_secret
from edge_agent.options import Options
from edge_agent.wire import SessionOptions, Wire
from fluid.bus.mqtt import BrokerAddress, Credentials, MqttBus, credentials, parse_addresses
from fluid.errors import FluidError
from fluid.topics import Topics

OPTIONS = "options"


def examine(options: Options) -> Iterator[Finding]:
    """Each finding as soon as it is there."""
    found, bundle = check_bundle(options.bundle_folder)
    yield found
    found, package = check_interpreter(bundle)
    yield found
    try:
        addresses, topics = parse_addresses(options.broker_urls), Topics(options.base_topic)
        if bundle is not None and package is not None:
            options.settings(bundle, package, brokers=len(addresses))
    except ValueError as error:
        yield Finding(OPTIONS, Status.FAILED, str(error))
        return
    yield Finding(OPTIONS, Status.OK, f"{options.agent_id}, a {options.role} below '{topics.base}'")
    files, now = credentials(*options.tls), datetime.now(UTC)
    yield from check_certificates(files, options.agent_id, now=now)
    yield check_clock(spans(files), now=now)
    guarded = any(each.tls for each in addresses)
    found, secret = check_secret(options.session_secret_file, guarded=guarded)
    yield found
    wire = Wire(topics, options.agent_id, SessionOptions(), secret=secret)
    for address in addresses:
        yield from _broker(address, files, wire, files_work=_loads(files))


def _loads(files: Credentials) -> bool:
    try:
        files.context()
    except FluidError:
        return False
    return True


def _broker(
    address: BrokerAddress, files: Credentials, wire: Wire, *, files_work: bool
) -> Iterator[Finding]:
    """Down to the first that fails: what comes after it would fail of the same."""
    yield (found := network.check_name(address))
    if found.status is Status.FAILED:
        return
    yield (found := network.check_port(address))
    if found.status is Status.FAILED or (address.tls and not files_work):
        return
    yield (found := network.check_tls(address, files))
    if found.status is Status.FAILED:
        return
    try:
        bus = MqttBus(address, files)
    except ValueError as error:
        yield Finding(network.TLS, Status.FAILED, str(error), str(address))
        return
    yield from check_rights(bus, wire, tag=secrets.token_hex(4))
