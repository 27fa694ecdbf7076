"""The API documentation as a page that loads nothing from other hosts, so that it works without internet access."""

from importlib.resources import files

from fastapi import APIRouter, FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

ASSETS = "/docs/assets"

NO_FRAMES = {"Content-Security-Policy": "frame-ancestors 'none'", "X-Frame-Options": "DENY"}
"""The headers that keep other sites from showing the page in a frame. Its inline script allows no stricter policy."""

router = APIRouter()


@router.get("/docs", include_in_schema=False)
def read_documentation() -> HTMLResponse:
    """Return Swagger UI, which shows /openapi.json and can call every route."""
    page = get_swagger_ui_html(
        openapi_url="openapi.json",
        title="Flaghoist",
        swagger_js_url="docs/assets/swagger-ui-bundle.js",
        swagger_css_url="docs/assets/swagger-ui.css",
        swagger_favicon_url="docs/assets/favicon.png",
        swagger_ui_parameters={"validatorUrl": None},  # The validator would send our address to swagger.io.
    )
    page.headers.update(NO_FRAMES)
    return page


def serve_documentation(app: FastAPI) -> None:
    """Register the page and its assets."""
    app.mount(ASSETS, StaticFiles(directory=str(files("fastapi_offline") / "static")), name="assets")
    app.include_router(router)
