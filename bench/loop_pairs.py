"""Runs bench_loop and its Python peers in turn against one endpoint, and appends what came of it.

    python3 bench/loop_pairs.py --build build/release --python /tmp/peer/bin/python \\
        --calls 4096 --in-flight 256 --rounds 3 --csv bench/results/loop.csv

In turn, because the machine may be busy with other things: a slow minute then meets all alike.
"""

import argparse
import csv
import datetime
import json
import os
import platform
import statistics
import subprocess
import tempfile

FIELDS = ["date", "machine", "load", "case", "client", "calls", "in_flight", "n", "figure", "median", "low", "high"]
ELENCHUS = {"elenchus-whole": ["--whole"], "elenchus-streamed": []}


def machine():
    model = platform.processor() or platform.machine()
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores {model}; {memory:.0f} GiB; shared with other work"


def start_endpoint(arguments, directory):
    program = os.path.join(arguments.build, "tests", "scripted_endpoint")
    process = subprocess.Popen([program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=directory)
    return process, process.stdout.readline().split()[-1]


def command_of(client, arguments, url, directory):
    requests = os.path.join(directory, "requests.jsonl")
    common = ["--calls", str(arguments.calls), "--in-flight", str(arguments.in_flight)]
    bench = os.path.join(arguments.build, "bench", "bench_loop")
    if client in ELENCHUS:
        return [bench, *common, "--url", url, *ELENCHUS[client], "throughput"]
    peer = os.path.join(os.path.dirname(os.path.abspath(__file__)), "loop_peer.py")
    batch = str(max(1, arguments.in_flight // arguments.processes))
    files = ["--requests", requests, "--out", os.path.join(directory, "answers.jsonl")]
    processes = ["--processes", str(arguments.processes), "--batch", batch]
    return [arguments.python, peer, client, "--url", url, *common, *files, *processes]


def rows_of(results, arguments, loads):
    stamp = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%MZ")
    load = f"{min(loads):.1f}-{max(loads):.1f}"
    for client, lines in results.items():
        for figure in ("calls_per_second", "cpu_us_per_call"):
            values = [line[figure] for line in lines]
            yield [stamp, machine(), load, "throughput", client, lines[0]["calls"], arguments.in_flight,
                   len(values), figure, *(f"{f(values):.1f}" for f in (statistics.median, min, max))]  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release", type=os.path.abspath)
    parser.add_argument("--python", default="python3", help="one that has openai and httpx")
    parser.add_argument("--clients", default="elenchus-whole,openai,elenchus-streamed,httpx,batches")
    parser.add_argument("--calls", type=int, default=4096, help="of each measurement; a multiple of 64")
    parser.add_argument("--in-flight", type=int, default=256)
    parser.add_argument("--processes", type=int, default=16, help="of `batches`")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--csv", required=True, help="rows are appended")
    arguments = parser.parse_args()

    clients = arguments.clients.split(",")
    results, loads = {client: [] for client in clients}, []
    with tempfile.TemporaryDirectory() as directory:
        bench = os.path.join(arguments.build, "bench", "bench_loop")
        requests = os.path.join(directory, "requests.jsonl")
        subprocess.run([bench, "--calls", str(arguments.calls), "requests", requests], check=True)
        endpoint, url = start_endpoint(arguments, directory)
        try:
            for client in clients * arguments.rounds:
                command = command_of(client, arguments, url, directory)
                output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
                line = json.loads(output.splitlines()[-1])
                if line["calls"] != arguments.calls or line["failed"]:
                    raise SystemExit(f"{client} did not complete all calls: {output}")
                results[client].append(line)
                loads.append(os.getloadavg()[0])
                print(client, f"{line['calls_per_second']:.0f} calls/s, {line['cpu_us_per_call']:.0f} us of CPU each", flush=True)
        finally:
            endpoint.kill()
            endpoint.wait()
    is_new = not os.path.exists(arguments.csv) or os.path.getsize(arguments.csv) == 0
    with open(arguments.csv, "a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        if is_new:
            writer.writerow(FIELDS)
        writer.writerows(rows_of(results, arguments, loads))


if __name__ == "__main__":
    main()
