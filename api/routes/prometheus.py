"""The endpoint that Prometheus scrapes."""

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse

from api.dependencies import MetricsDep
from api.prometheus import CONTENT_TYPE

router = APIRouter(tags=["health"])


@router.get("/metrics", response_class=PlainTextResponse)
def read_metrics(metrics: MetricsDep) -> PlainTextResponse:
    """Return the metrics of this process for Prometheus. They need no key and name no project. Do not expose this path publicly."""
    return PlainTextResponse(metrics.page(), media_type=CONTENT_TYPE)
