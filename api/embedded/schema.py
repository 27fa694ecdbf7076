"""Migration of the database to this version's schema: `flaghoist migrate`, and a step of starting the embedded stack."""

import sys
from pathlib import Path

from rich.console import Console
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from activities.store.database import Database
from activities.store.migrate import migrate
from api.embedded.errors import CannotStart
from settings import Settings


def prepare_database(settings: Settings) -> None:
    """Run the missing migrations. Create the folder of a SQLite file first. Raises CannotStart."""
    try:
        url = make_url(settings.database)
        if url.get_backend_name() == "sqlite" and url.database:
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        database = Database(settings.database)
    except (SQLAlchemyError, OSError, ImportError) as error:
        raise CannotStart(f"Invalid FLAGHOIST_DATABASE_URL: {error}") from error
    try:
        migrate(database)
    except SQLAlchemyError as error:
        raise CannotStart(f"Could not migrate the database {url!r}: {error}") from error
    finally:
        database.close()


def main() -> None:
    """Migrate the database in the settings."""
    settings = Settings()
    try:
        prepare_database(settings)
    except CannotStart as error:
        Console(stderr=True, highlight=False, markup=False, soft_wrap=True).print(str(error))
        sys.exit(1)
    url = make_url(settings.database)
    Console(highlight=False, markup=False, soft_wrap=True).print(f"The database {url!r} has this version's schema.")


if __name__ == "__main__":
    main()
