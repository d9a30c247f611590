"""Processes run on uvloop, whose transports are not those of asyncio."""

import uvloop


def pytest_asyncio_loop_factories(config, item):
    return {"uvloop": uvloop.new_event_loop}
