"""The documentation of the API as a page that asks no other host for anything, so that networks without the internet have it too."""

from importlib.resources import files

from fastapi import APIRouter, FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

ASSETS = "/docs/assets"

router = APIRouter()


@router.get("/docs", include_in_schema=False)
def read_documentation() -> HTMLResponse:
    """Swagger UI, which reads /openapi.json and can try each route."""
    return get_swagger_ui_html(
        openapi_url="openapi.json",
        title="Flaghoist",
        swagger_js_url="docs/assets/swagger-ui-bundle.js",
        swagger_css_url="docs/assets/swagger-ui.css",
        swagger_favicon_url="docs/assets/favicon.png",
        swagger_ui_parameters={"validatorUrl": None},  # It would send our address to validator.swagger.io.
    )


def serve_documentation(app: FastAPI) -> None:
    """Serve the page, and what it needs."""
    app.mount(ASSETS, StaticFiles(directory=str(files("fastapi_offline") / "static")), name="assets")
    app.include_router(router)
