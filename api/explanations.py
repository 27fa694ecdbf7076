"""The meaning and the remedy of every problem code: served at /problems, and kept in docs/problems.md."""

import sys
from typing import NamedTuple

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse

router = APIRouter(tags=["health"])


class Explanation(NamedTuple):
    """The meaning of a code, and what a client can do about it. No status if several are possible."""

    status: int | None
    meaning: str
    remedy: str


EXPLANATIONS: dict[str, Explanation] = {
    "address_refused": Explanation(
        422,
        "The webhook URL does not use https, or its host is a private, loopback or similar address, or can't be resolved.",
        "Use an https URL of a public server. To allow other addresses, set FLAGHOIST_WEBHOOKS_ALLOW_PRIVATE.",
    ),
    "already_approved": Explanation(
        409, "This person has already approved exactly this.", "Another person must approve: `approval.needed` says how many are required."
    ),
    "already_releasing": Explanation(
        409,
        "The flag already has an unfinished release; `details.release` is its id.",
        "Wait until that release has finished, or remove it first.",
    ),
    "approval_moved": Explanation(
        409,
        "The change to be approved is no longer the one that was shown: the stage would apply something else, or the flag has changed.",
        "Read `approval` of the release again, and decide on that.",
    ),
    "no_decision": Explanation(
        409,
        "A stage ships the winner of an experiment, and no experiment of the release has decided.",
        "Restart the release from the experiment's stage, skip this stage, or roll back.",
    ),
    "approval_timed_out": Explanation(
        409,
        "A stage was not approved within its `timeout`. This blocks the release.",
        "Retry the stage, which restarts the timeout, and have it approved. Or skip the stage, or remove the release.",
    ),
    "body_too_large": Explanation(413, "The request body is too large.", "Send at most 256 KiB; a pipeline definition has at most 64 KiB."),
    "conflict": Explanation(
        409,
        "The request contradicts the current state, for example because a key already exists.",
        "Read the current state. If the key exists, choose another one.",
    ),
    "control_not_allowed": Explanation(
        409, "The status of the release does not allow this control.", "Use one of the controls in `details.allowed`."
    ),
    "cursor_invalid": Explanation(
        422, "The cursor is invalid.", "Use the `next` of the previous page. Leave it out to get the first page."
    ),
    "database_unavailable": Explanation(
        503,
        "The database can't be reached, or is overloaded. The request was carried out completely or not at all.",
        "Try again after `Retry-After`, with the same `Idempotency-Key`.",
    ),
    "draft_changed": Explanation(
        412,
        "The draft has changed since the ETag in If-Match was read.",
        "Read the draft again, then repeat the request with its new ETag.",
    ),
    "draft_exists": Explanation(
        409,
        "The pipeline already has a draft; `details.draft` is its id.",
        "Publish or delete that draft first, or clone onto a new key.",
    ),
    "environment_not_found": Explanation(404, "The project has no such environment.", "Create the environment, or correct its key."),
    "feature_not_found": Explanation(404, "The project has no such feature.", "Create the feature, or correct its key."),
    "flag_changed_by_hand": Explanation(
        409,
        "Somebody else changed a field that a stage is about to change; `details` shows both values. This blocks the release.",
        'Restore the field and retry, retry with `"overwrite": true`, or remove the release.',
    ),
    "flags_kept_elsewhere": Explanation(
        409,
        "The flags of the project are kept in another flag system, where people change its features, flags, segments and environments.",
        "Change them there, or change the flag through a pipeline.",
    ),
    "http_error": Explanation(None, "The HTTP server rejected the request.", "Read `detail`."),
    "idempotency_key_reused": Explanation(
        422,
        "The `Idempotency-Key` was used for a different body on this path within the last 24 hours.",
        "Use a new key for a new request. To repeat a request, send the same body.",
    ),
    "in_use": Explanation(409, "The object is still in use; `details.used_by` lists where.", "Remove those uses first."),
    "internal_error": Explanation(
        500, "Internal error. Please report it, including the request_id.", "Attach the log lines that have this `request_id`."
    ),
    "invalid": Explanation(
        422,
        "The request is invalid. Unknown fields and query parameters are also invalid.",
        "Correct every mistake that `errors` points at.",
    ),
    "json_invalid": Explanation(
        400,
        "The body is not valid JSON (RFC 8259): it is malformed, contains NaN or Infinity, repeats a name in one object, or is nested "
        "too deeply.",
        "Send one JSON document.",
    ),
    "kept_by_others": Explanation(
        409,
        "A part of the flag that others made in its flag system is in the way. Flaghoist never changes it. This blocks the release.",
        "Change or delete that part in the flag system and retry, skip the stage, or remove the release.",
    ),
    "key_revoked": Explanation(409, "The API key was revoked, which can't be undone.", "Create a new key for the same owner."),
    "lowers_share": Explanation(
        409,
        "The flag would be taken from people who have it now: a stage serves it to a smaller share. `errors` names the stages.",
        'Choose a later starting stage or another pipeline. To add it anyway, send `"accept": ["lowers_share"]`.',
    ),
    "method_not_allowed": Explanation(405, "The path does not support this method.", "Use one of the methods in the `Allow` header."),
    "not_a_draft": Explanation(409, "A published pipeline version can't be changed.", "Clone the version, and change the draft."),
    "not_allowed": Explanation(
        403, "The API key is valid but lacks the required role.", "Ask an admin of the project for the role in `detail`."
    ),
    "not_authenticated": Explanation(
        401,
        "The request has no API key, or the key is unknown or revoked.",
        "Send `Authorization: Bearer <key>` with a valid key.",
    ),
    "not_found": Explanation(
        404,
        "The path or the object does not exist, or this key may not see it.",
        "Check the path. Keys may contain only a-z, 0-9, `-` and `_`.",
    ),
    "not_published": Explanation(
        409,
        "The pipeline version is a draft. Only published versions accept releases and can be archived.",
        "Publish the draft first. To discard it, delete it.",
    ),
    "nothing_to_approve": Explanation(
        409,
        "The current stage of the release does not require approval, or was already approved before its first step.",
        "Read the release: a later stage may require approval.",
    ),
    "own_release": Explanation(
        403,
        "The person who added the flag may neither approve nor reject it, unless the gate has `allow_requester`.",
        "Ask another person to decide.",
    ),
    "owner_unknown": Explanation(
        403,
        "A control was sent to Temporal directly, with the id of an owner that does not exist. Nothing was changed.",
        "Send the control through the API, which identifies the owner by the API key.",
    ),
    "pipeline_archived": Explanation(
        409,
        "The pipeline is archived: it accepts no new releases and no new versions. Releases under way continue.",
        "Use another pipeline, or clone the archived one onto a new key and publish that.",
    ),
    "provider_refused": Explanation(
        409,
        "The flag system refuses the request: its credential was revoked, lacks a right, or the request is not accepted. "
        "This blocks a release.",
        "Check the connection: `POST /api/v1/projects/{project}/connection/check` names everything that is missing.",
    ),
    "publishing_refused": Explanation(
        422, "The pipeline would not work; `errors` lists every reason.", "Correct and replace the draft, then publish it again."
    ),
    "rejected": Explanation(
        409,
        "A person rejected what the stage would apply; `details.by` is their name. This blocks the release.",
        "Talk to them. Then retry, which requires all approvals again, or skip the stage, roll back, or remove the release.",
    ),
    "release_not_found": Explanation(404, "The project has no such release.", "Look for the release in the list of releases."),
    "released_since": Explanation(
        409,
        "The flag has a newer release, so this one can no longer be rolled back; `details.release` is the id of the newer one.",
        "Roll back the newer release, or change the flag by hand.",
    ),
    "resource_changed": Explanation(
        412,
        "The resource has changed since the ETag in If-Match was read. Nothing was changed.",
        "Read the resource again, decide again, then repeat the request with its new ETag.",
    ),
    "right_missing": Explanation(
        403,
        "The owner on whose behalf the release acts no longer has the right to change flags in the environment. This blocks the release.",
        "Have somebody with that right retry the release.",
    ),
    "secret_shown_once": Explanation(
        409,
        "A request with this `Idempotency-Key` has already created a key or a webhook, or rotated its secret. The secret was in that "
        "answer and is not shown again; `details` has the id.",
        "If that answer was lost, rotate the secret: `POST /api/v1/keys/{key}/rotate`, or the same path of the webhook.",
    ),
    "segment_not_found": Explanation(404, "The project has no such segment.", "Create the segment, or correct its key."),
    "variant_not_found": Explanation(404, "The feature has no such variant.", "Add the variant to the feature, or correct its key."),
    "service_cannot_approve": Explanation(
        403, "The API key belongs to a service, and only people may approve or reject.", "Use a key whose owner is a person."
    ),
    "stage_moved": Explanation(
        409,
        "The release is no longer at the stage, visit or step that the request expects.",
        "Read the release again before deciding.",
    ),
    "superseded": Explanation(
        409, "The record of the release has changed since this writer read it, so nothing was written.", "Read the release again."
    ),
    "temporal_unavailable": Explanation(
        503,
        "Temporal, or every worker, can't be reached. Adding, pausing, approving, rejecting, rolling back and removing still work.",
        "Try again after `Retry-After`, with the same `Idempotency-Key`.",
    ),
    "too_many_requests": Explanation(
        429, "The API key exceeded FLAGHOIST_RATE_LIMIT.", "Wait for `Retry-After`, then send requests less often."
    ),
    "unsupported_media_type": Explanation(415, "The body is not declared as JSON.", "Send `Content-Type: application/json`."),
    "value_type_wrong": Explanation(
        422,
        "The value does not have the feature's type.",
        "Send a value of the type in `details.expected`, or null for no value.",
    ),
}

_HEAD = """# Problems

Every error is an `application/problem+json` document (RFC 9457). `type` links to this page, `code` is one of the codes below,
`detail` is a sentence, and `errors` lists every mistake: `in` (`body`, `query`, `path` or `header`),
`pointer` (a JSON pointer into it), `code` and `message`. `request_id`, also in the header `X-Request-Id`, identifies the request in logs.

| code | status | meaning | remedy |
|---|---|---|---|
"""


def page() -> str:
    """Return all explanations as Markdown."""
    lines = (f'| <a id="{code}"></a>`{code}` | {e.status or ""} | {e.meaning} | {e.remedy} |' for code, e in sorted(EXPLANATIONS.items()))
    return _HEAD + "\n".join(lines) + "\n"


class MarkdownResponse(PlainTextResponse):
    """A page in Markdown."""

    media_type = "text/markdown"


@router.get("/problems", response_class=MarkdownResponse)
def explain_problems() -> MarkdownResponse:
    """Return the meaning and the remedy of every problem code, in Markdown."""
    return MarkdownResponse(page())


if __name__ == "__main__":
    sys.stdout.write(page())
