"""A busy part of a test in a process of its own, which answers questions over a pipe."""

import asyncio
import multiprocessing

CONTEXT = multiprocessing.get_context("spawn")
# How long an answer may take, seconds; the process is busy.
PATIENCE = 120


class Beside:
    """Runs `make(*arguments)` in another process; each method called here is called there."""

    def __init__(self, make, *arguments):
        self.pipe, theirs = CONTEXT.Pipe()
        self.process = CONTEXT.Process(target=_serve, args=(theirs, make, arguments), daemon=True)
        self.process.start()
        theirs.close()

    def ask(self, method, *arguments):
        self.pipe.send((method, arguments))
        assert self.pipe.poll(PATIENCE), f"{method} was not answered within {PATIENCE} s"
        fault, answer = self.pipe.recv()
        assert not fault, fault
        return answer

    def close(self):
        self.pipe.close()
        self.process.join(timeout=10)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def _serve(pipe, make, arguments):
    asyncio.run(_answer(pipe, make, arguments))


async def _answer(pipe, make, arguments):
    part, loop, over = make(*arguments), asyncio.get_running_loop(), asyncio.Event()

    def question():
        try:
            method, given = pipe.recv()
        except EOFError:
            over.set()
            return
        try:
            pipe.send((None, getattr(part, method)(*given)))
        except Exception as error:
            pipe.send((repr(error), None))

    loop.add_reader(pipe.fileno(), question)
    await over.wait()
