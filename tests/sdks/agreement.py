"""Random rules that were accepted without a warning, and random identities: SDKs and our API must agree on who is in.

`python -m tests.sdks.agreement` tries 20,000 pairs of a rule and an identity with all four SDKs.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from activities.store.database import Database
from activities.store.migrate import migrate
from tests.http import OWNER_KEY, Api
from tests.ports import free_port
from tests.sdks.engines import ALL, Answer, Engine, started
from tests.sdks.shop import People, Rules, Shop
from tests.sdks.strategies import people, rules_alike_in

RULES_AT_ONCE, PEOPLE_AT_ONCE = 50, 50

MOST_SEEDS = 200


def disagreements(shop: Shop, engines: Mapping[str, Engine], cases: Sequence[Rules], identities: People) -> list[str]:
    """Return a line for each rule and identity about which the answers differ."""
    shop.write(cases)
    answers = shop.answers(engines, identities)
    found = []
    for position, (_, traits) in enumerate(identities):
        for number, rules in enumerate(cases):
            verdicts = {name: _is_in(answer[position], shop.name_of(number)) for name, answer in answers.items()}
            if len(set(map(str, verdicts.values()))) > 1:
                found.append(f"{json.dumps(rules)} with {json.dumps(traits)}: {verdicts}")
    return found


@contextmanager
def api_process() -> Iterator[Api]:
    """Run an API process on a new SQLite database, without Temporal."""
    with tempfile.TemporaryDirectory() as folder:
        url, port = f"sqlite:///{Path(folder) / 'flaghoist.db'}", free_port()
        database = Database(url)
        migrate(database)
        database.close()
        environment = os.environ | {
            "FLAGHOIST_DATABASE_URL": url,
            "FLAGHOIST_PORT": str(port),
            "FLAGHOIST_BOOTSTRAP_KEY": OWNER_KEY,
            "FLAGHOIST_LOG_LEVEL": "error",
            "TEMPORAL_ADDRESS": f"127.0.0.1:{free_port()}",
        }
        with subprocess.Popen([sys.executable, "-m", "api.app"], env=environment, stderr=subprocess.DEVNULL) as process:
            api = Api(f"http://127.0.0.1:{port}", OWNER_KEY)
            try:
                api.wait_until_ready()
                yield api
            finally:
                api.close()
                process.kill()


def search(pairs: int, start: int, names: Sequence[str]) -> int:
    """Try at least that many pairs, and return the number of disagreements. Each is printed.

    Hypothesis gives up examples that become too large, so a seed may yield fewer than it is asked for. Then the next seed follows.
    """
    rounds, tried, total = -(-pairs // (RULES_AT_ONCE * PEOPLE_AT_ONCE)), 0, 0
    cases = st.lists(rules_alike_in(*names), min_size=RULES_AT_ONCE, max_size=RULES_AT_ONCE)
    with api_process() as api:
        shop = Shop(api, RULES_AT_ONCE)
        with started(names, shop.address, shop.server_key) as engines:

            @settings(max_examples=rounds, phases=[Phase.generate], deadline=None, database=None, suppress_health_check=list(HealthCheck))
            @given(cases, people(PEOPLE_AT_ONCE))
            def attempt(rules: list[Rules], identities: People) -> None:
                nonlocal tried, total
                if tried >= pairs:
                    return
                found = disagreements(shop, engines, rules, identities)
                tried, total = tried + len(rules) * len(identities), total + len(found)
                print(*found, f"{tried} pairs: {total} disagreements", sep="\n", flush=True)

            for number in range(start, start + MOST_SEEDS):
                if tried < pairs:
                    seed(number)(attempt)()
    if tried < pairs:
        raise RuntimeError(f"only {tried} pairs were tried")
    return total


def _is_in(answer: Answer, flag: str) -> bool | str:
    return answer if isinstance(answer, str) else flag in answer


def main() -> None:
    """Search, and exit with 1 if there was a disagreement."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--pairs", type=int, default=20_000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--sdks", nargs="+", choices=ALL, default=ALL)
    chosen = options.parse_args()
    print(f"seed {chosen.seed}, {', '.join(chosen.sdks)}")
    total = search(chosen.pairs, chosen.seed, chosen.sdks)
    print(f"{total} disagreements")
    sys.exit(bool(total))


if __name__ == "__main__":
    main()
