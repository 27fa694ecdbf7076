"""What Prometheus reads."""

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse

from api.dependencies import MetricsDep
from api.prometheus import CONTENT_TYPE

router = APIRouter(tags=["health"])


@router.get("/metrics", response_class=PlainTextResponse)
def read_metrics(metrics: MetricsDep) -> PlainTextResponse:
    """The metrics of this process, as Prometheus reads them. It asks for no key and names no project: keep it from the outside."""
    return PlainTextResponse(metrics.page(), media_type=CONTENT_TYPE)
