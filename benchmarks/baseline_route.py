"""The baseline of serving flags: a FastAPI route that returns JSON it was given, and does nothing else."""

import json
import sys
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI


def baseline(contents: dict[str, Any]) -> FastAPI:
    """Return an application with a route for each content, to GET and to POST to."""
    app = FastAPI()

    @app.get("/{name}")
    async def read(name: str) -> Any:
        return contents[name]

    @app.post("/{name}")
    async def evaluate(name: str, body: dict[str, Any]) -> Any:
        return contents[name] if body else None

    return app


if __name__ == "__main__":
    uvicorn.run(baseline(json.loads(Path(sys.argv[1]).read_text())), port=int(sys.argv[2]), log_config=None, access_log=False)
