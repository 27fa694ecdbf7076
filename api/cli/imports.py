"""The commands that copy flags and segments from another flag system."""

from api.cli.help_panels import CHANGE, command_group
from api.cli.import_flagsmith import import_flagsmith
from api.cli.import_unleash import import_unleash

app = command_group(
    "Copy flags and segments from another flag system.",
    "flaghoist import unleash https://unleash.example --dry-run",
    "flaghoist import unleash https://unleash.example --environment qa=staging",
    "flaghoist import flagsmith https://api.flagsmith.com --from Shop --dry-run",
)
app.command("unleash", rich_help_panel=CHANGE)(import_unleash)
app.command("flagsmith", rich_help_panel=CHANGE)(import_flagsmith)
