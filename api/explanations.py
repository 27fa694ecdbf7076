"""What every problem code means and what helps: served at /problems, and kept in docs/problems.md."""

import sys
from typing import NamedTuple

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse

router = APIRouter(tags=["health"])


class Explanation(NamedTuple):
    """What a code means, and what the one who gets it can do."""

    status: int | None
    meaning: str
    remedy: str


EXPLANATIONS: dict[str, Explanation] = {
    "address_refused": Explanation(
        422,
        "The URL of a webhook leads where none may lead: to a private or loopback address and the like, or nowhere; or it is not https.",
        "Give an https URL of a server on the public internet, or let ops set FLAGHOIST_WEBHOOKS_ALLOW_PRIVATE.",
    ),
    "already_approved": Explanation(
        409, "The person's yes counts already.", "Somebody else has to approve: `approval` says how many are needed."
    ),
    "already_releasing": Explanation(
        409,
        "The flag is in an unfinished release already; `details.release` names it.",
        "Wait until that release is finished, or remove it first.",
    ),
    "approval_moved": Explanation(
        409,
        "What the stage would apply, or what is there now, is no longer what was shown.",
        "Look at `approval` of the release again, and decide on that.",
    ),
    "approval_timed_out": Explanation(
        409,
        "A stage was not approved within its `timeout`. It blocks a release.",
        "Retry it, which asks again for as long, and have it approved; or skip it, or remove the release.",
    ),
    "body_too_large": Explanation(413, "The request's body is larger than is taken.", "Send less: a definition has at most 64 KiB."),
    "conflict": Explanation(
        409, "The request contradicts what is there now, such as a key that is taken.", "Read what is there; choose another key."
    ),
    "control_not_allowed": Explanation(
        409,
        "The release's status does not allow this control.",
        "Look at the release: `details.allowed` lists the controls that make sense.",
    ),
    "cursor_invalid": Explanation(422, "The cursor is none that a list gave out.", "Take `next` of the page before, or leave it out."),
    "database_unavailable": Explanation(
        503, "The database can't be reached, or is too busy.", "Nothing is half done: try again after `Retry-After`."
    ),
    "internal_error": Explanation(500, "A defect of Flaghoist.", "Report it, with the log of the request."),
    "draft_changed": Explanation(
        412, "The draft is not the one whose ETag was sent in If-Match.", "Read the draft again, and decide on what it is now."
    ),
    "draft_exists": Explanation(
        409,
        "The next version of the pipeline is being drafted already; `details.draft` names it.",
        "Publish that draft or delete it first, or clone onto a new key.",
    ),
    "environment_not_found": Explanation(
        404, "There is no such environment in the project.", "Create the environment, or correct its key."
    ),
    "flag_changed_by_hand": Explanation(
        409,
        "A field that a stage is about to change was changed by somebody else; `details` shows both sides. It blocks a release.",
        'Put the field back and retry, retry with `"overwrite": true`, or remove the release.',
    ),
    "idempotency_key_reused": Explanation(
        422,
        "The `Idempotency-Key` came with another body on this route within the last 24 hours.",
        "Take a new key for a new request; send the same body to ask again.",
    ),
    "in_use": Explanation(409, "Something still uses it; `details.used_by` lists what.", "Take it out of use there first."),
    "invalid": Explanation(
        422,
        "The request does not make sense as it was sent.",
        "Correct what `errors` points at; unknown fields and parameters are refused.",
    ),
    "json_invalid": Explanation(
        400,
        "The body is not JSON (RFC 8259): not well-formed, NaN or Infinity, one name twice in an object, or nested too deep.",
        "Send one JSON document.",
    ),
    "key_revoked": Explanation(409, "The key was revoked, which is for good.", "Make another key for the same owner."),
    "method_not_allowed": Explanation(405, "The path has no such method.", "Use a method that the header `Allow` lists."),
    "not_a_draft": Explanation(409, "A published pipeline version can't be changed in any way.", "Clone it, and change the draft."),
    "not_allowed": Explanation(403, "The key is known and lacks the right.", "Ask an admin of the project for the role that is named."),
    "not_authenticated": Explanation(
        401, "There is no key in the request, or one that is unknown or revoked.", "Send `Authorization: Bearer <key>` with a living key."
    ),
    "not_found": Explanation(
        404, "There is no such thing or path, or none that this key may see.", "Check the path; keys in it are slugs."
    ),
    "not_published": Explanation(
        409,
        "Only published pipeline versions take releases, and only they are archived.",
        "Publish the draft first; to be rid of it, delete it.",
    ),
    "nothing_to_approve": Explanation(
        409, "The stage where the release stands asks for no approval.", "Look at the release: a later stage may ask."
    ),
    "owner_unknown": Explanation(
        403,
        "A control that was sent straight to Temporal names an owner whom nobody knows; nothing was done.",
        "Send it through the API, which knows who you are.",
    ),
    "own_release": Explanation(
        403, "Whoever added the flag neither approves nor rejects it, unless the gate says `allow_requester`.", "Somebody else decides."
    ),
    "pipeline_archived": Explanation(
        409,
        "The pipeline is archived: it takes no new releases and no new versions. Releases under way go on.",
        "Use another pipeline, or clone the archived one onto a new key and publish that.",
    ),
    "publishing_refused": Explanation(
        422, "The pipeline could not work; `errors` names every reason.", "Correct the draft, replace it, and publish again."
    ),
    "refused": Explanation(None, "The HTTP server refused the request.", "Read `detail`."),
    "rejected": Explanation(
        409,
        "A person said no to what a stage would apply; `details.by` names them. It blocks a release.",
        "Talk to them. A retry asks everybody anew; or skip the stage, roll back, or remove the release.",
    ),
    "right_missing": Explanation(
        403,
        "The owner on whose behalf a release acts has lost the right on the environment. It blocks a release.",
        "Somebody who has the right retries the release.",
    ),
    "feature_not_found": Explanation(404, "There is no such feature in the project.", "Create the feature, or correct its key."),
    "released_since": Explanation(
        409,
        "A newer release has been added on the flag, so that an older one can't be rolled back any more; `details.release` names it.",
        "Roll that one back, or change the flag by hand.",
    ),
    "release_not_found": Explanation(404, "There is no such release in the project.", "Look for it in the list of releases."),
    "secret_shown_once": Explanation(
        409,
        "The request, by its `Idempotency-Key`, made a key or a webhook before; `details` names it, and its secret is shown once.",
        "If the answer was lost, rotate it: `POST /api/v1/keys/{key}/rotate`, or the same of the webhook.",
    ),
    "segment_not_found": Explanation(404, "There is no such segment in the project.", "Create the segment, or correct its key."),
    "service_cannot_approve": Explanation(
        403, "The key belongs to a service, and a gate asks people.", "Approve with a key whose owner is a person."
    ),
    "stage_moved": Explanation(409, "The release is no longer where the caller last saw it.", "Look at the release again before deciding."),
    "superseded": Explanation(
        409, "The record of a release has gone on without this writer, so nothing was written.", "Look at the release again."
    ),
    "temporal_unavailable": Explanation(
        503,
        "Temporal, or every worker, can't be reached. Adding, pausing, rolling back and removing work all the same.",
        "Try again after `Retry-After`, with the same `Idempotency-Key`.",
    ),
    "too_many_requests": Explanation(
        429,
        "The key has sent more requests than FLAGHOIST_RATE_LIMIT allows it.",
        "Wait as long as `Retry-After` says, then go on more slowly.",
    ),
    "unsupported_media_type": Explanation(415, "The body is not declared to be JSON.", "Send `Content-Type: application/json`."),
    "value_type_wrong": Explanation(
        422, "A value that the feature's type does not take.", "Give a value of the type in `details.expected`, or null for no value."
    ),
}

_HEAD = """# Problems

Every error is answered as `application/problem+json` (RFC 9457). `type` leads here, `code` is the word below,
`detail` says it in a sentence, and `errors` lists what is wrong: `in` (`body`, `query`, `path` or `header`),
`pointer` (a JSON pointer into it), `code` and `message`. `request_id`, also in the header `X-Request-Id`, finds the request in the log.

| code | status | meaning | remedy |
|---|---|---|---|
"""


def page() -> str:
    """All explanations, as Markdown."""
    lines = (f'| <a id="{code}"></a>`{code}` | {e.status or ""} | {e.meaning} | {e.remedy} |' for code, e in sorted(EXPLANATIONS.items()))
    return _HEAD + "\n".join(lines) + "\n"


class MarkdownResponse(PlainTextResponse):
    """A page to be read as it is."""

    media_type = "text/markdown"


@router.get("/problems", response_class=MarkdownResponse)
def explain_problems() -> MarkdownResponse:
    """What every problem code means, and what helps."""
    return MarkdownResponse(page())


if __name__ == "__main__":
    sys.stdout.write(page())
