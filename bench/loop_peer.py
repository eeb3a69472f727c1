"""The work of bench_loop done the way it is usually done: Python, asyncio, answers into a JSONL file.

The requests are those that `bench_loop requests FILE` wrote; each is sent --votes times. Shapes:

  openai    AsyncOpenAI, one process, so many calls in flight at any time (a semaphore)
  httpx     the same with httpx alone
  batches   DeepSeek-Math-V2's inference/generate.py: --processes processes, each taking batches of
            --batch items from a queue, one asyncio.run(gather(...)) a batch, answers returned
            through a queue to the main process, which appends them to the file and rewrites the
            pickle of finished batches

Needs `pip install openai httpx`; no part of the project does. Prints one line of JSON.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import pickle
import resource
import sys
import time


def read_requests(path, votes, calls):
    """(body, seed) for each call, the votes on one proof one after another as generate.py has it."""
    with open(path, encoding="utf-8") as file:
        bodies = [json.loads(line) for line in file]
    items = []
    for number, body in enumerate(bodies):
        body["stream"] = False
        body.pop("seed", None)
        items.extend((body, number * votes + vote) for vote in range(votes))
    return items[:calls]


def openai_client(url, in_flight):
    import httpx
    from openai import AsyncOpenAI, DefaultAsyncHttpxClient

    # Without these limits the package opens 1,000 connections and keeps 100 of them.
    limits = httpx.Limits(max_connections=in_flight, max_keepalive_connections=in_flight)
    http = DefaultAsyncHttpxClient(limits=limits, timeout=300_000)
    return AsyncOpenAI(api_key="none", base_url=url, timeout=300_000, http_client=http)


async def ask_openai(client, body, seed):
    answer = await client.chat.completions.create(**body, seed=seed)
    message = answer.choices[0].message
    return message.reasoning_content.strip(), message.content.strip(), answer.choices[0].finish_reason


async def ask_httpx(client, body, seed):
    response = await client.post("/chat/completions", json={**body, "seed": seed})
    response.raise_for_status()
    choice = response.json()["choices"][0]
    message = choice["message"]
    return message["reasoning_content"].strip(), message["content"].strip(), choice["finish_reason"]


def to_line(body, answer):
    reasoning, content, finish = answer
    output = f"<think>\n{reasoning}"
    if content:
        output = reasoning + f"\n</think>\n{content}"
    return {"messages": body["messages"], "output": output, "finish_reason": finish.lower()}


async def run_single(arguments, items, file):
    """One process: tasks for all items, so many of them in flight."""
    if arguments.shape == "openai":
        client, ask = openai_client(arguments.url, arguments.in_flight), ask_openai
    else:
        import httpx

        limits = httpx.Limits(max_connections=arguments.in_flight, max_keepalive_connections=arguments.in_flight)
        client, ask = httpx.AsyncClient(base_url=arguments.url, limits=limits, timeout=300_000), ask_httpx
    turns = asyncio.Semaphore(arguments.in_flight)
    done = 0

    async def one(body, seed):
        nonlocal done
        async with turns:
            answer = await ask(client, body, seed)
        print(json.dumps(to_line(body, answer), ensure_ascii=False), file=file, flush=True)
        done += 1

    await asyncio.gather(*(one(body, seed) for body, seed in items))
    return done


def work_on_batches(url, batch_size, inputs, outputs):
    # generate.py makes one client for all its event loops; closed connections of an earlier loop
    # make the package fail now and then, so here each batch makes its own.
    async def all_of(batch):
        client = openai_client(url, batch_size)
        answers = await asyncio.gather(*(ask_openai(client, body, seed) for body, seed in batch))
        await client.close()
        return answers

    while True:
        number, batch = inputs.get()
        if batch is None:
            usage = resource.getrusage(resource.RUSAGE_SELF)
            outputs.put((None, usage.ru_utime + usage.ru_stime))
            return
        answers = asyncio.run(all_of(batch))
        outputs.put((number, [to_line(body, answer) for (body, _), answer in zip(batch, answers)]))


def run_batches(arguments, items, file):
    inputs, outputs = multiprocessing.Queue(), multiprocessing.Queue()
    processes = [
        multiprocessing.Process(target=work_on_batches, args=(arguments.url, arguments.batch, inputs, outputs))
        for _ in range(arguments.processes)
    ]
    for process in processes:
        process.start()
    for number in range(0, len(items), arguments.batch):
        inputs.put((number, items[number : number + arguments.batch]))
    for _ in processes:
        inputs.put((None, None))
    done, running, finished, cpu = 0, len(processes), set(), 0.0
    while running:
        number, lines = outputs.get()
        if number is None:
            running -= 1
            cpu += lines
            continue
        for line in lines:
            print(json.dumps(line, ensure_ascii=False), file=file, flush=True)
            done += 1
        finished.add(number)
        with open(f"{arguments.out}.meta", "wb") as meta:
            pickle.dump({"complete_batches": finished}, meta)
    for process in processes:
        process.join()
    return done, cpu


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shape", choices=["openai", "httpx", "batches"])
    parser.add_argument("--url", required=True, help="http://127.0.0.1:PORT/v1")
    parser.add_argument("--requests", required=True)
    parser.add_argument("--out", required=True, help="JSONL; replaced")
    parser.add_argument("--calls", type=int, required=True)
    parser.add_argument("--votes", type=int, default=64)
    parser.add_argument("--in-flight", type=int, default=256)
    parser.add_argument("--processes", type=int, default=16)
    parser.add_argument("--batch", type=int, default=16)
    arguments = parser.parse_args()

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    items = read_requests(arguments.requests, arguments.votes, arguments.calls)
    # Start-up is not measured; processes that are forked have it from here.
    __import__("httpx" if arguments.shape == "httpx" else "openai")
    if os.path.exists(arguments.out):
        os.remove(arguments.out)
    cpu_before = time.process_time()
    start = time.perf_counter()
    with open(arguments.out, "a+", encoding="utf-8") as file:
        if arguments.shape == "batches":
            done, cpu_of_children = run_batches(arguments, items, file)
        else:
            done, cpu_of_children = asyncio.run(run_single(arguments, items, file)), 0.0
    seconds = time.perf_counter() - start
    cpu = time.process_time() - cpu_before + cpu_of_children
    in_flight = arguments.processes * arguments.batch if arguments.shape == "batches" else arguments.in_flight
    figures = {
        "client": f"python {arguments.shape}",
        "calls": done,
        "failed": len(items) - done,
        "in_flight": in_flight,
        "seconds": seconds,
        "calls_per_second": done / seconds,
        "cpu_us_per_call": cpu / done * 1e6,
    }
    print(json.dumps(figures))
    return 0 if done == len(items) else 1


if __name__ == "__main__":
    sys.exit(main())
