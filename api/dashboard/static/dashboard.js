"use strict";
// Times in the viewer's zone, and pages that look again when something has changed. Every page works without this script.

const UNITS = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
const absolute = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

function relative(moment) {
  const seconds = Math.round((moment - Date.now()) / 1000);
  if (seconds === 0) return "now";
  let left = Math.abs(seconds);
  const parts = [];
  for (const [unit, length] of UNITS) {
    if (left >= length) {
      parts.push(`${Math.floor(left / length)} ${unit}`);
      left %= length;
    } else if (parts.length) break;
  }
  const text = parts.slice(0, 2).join(" ");
  return seconds > 0 ? `in ${text}` : `${text} ago`;
}

function showTimes() {
  for (const time of document.querySelectorAll(".when time")) {
    const moment = new Date(time.dateTime);
    const local = absolute.format(moment);
    if (time.textContent !== local) time.textContent = local;
    const distance = time.parentElement.querySelector(".relative");
    const text = relative(moment);
    if (distance.textContent !== text) distance.textContent = text;
  }
}

// The page as the server sent it last, because the times that this script writes are no changes.
const sent = new Map();

function remember(page) {
  for (const fragment of page.querySelectorAll("[data-fragment]")) sent.set(fragment.id, fragment.innerHTML);
}

function withoutDistances(html) {
  return html.replace(/<span class="relative">[^<]*<\/span>/g, "");
}

function isBusy(fragment) {
  const focused = document.activeElement;
  return fragment.contains(focused) && focused.matches("input, select, textarea");
}

const FOCUSABLE = "a[href], button, summary, [tabindex]";

function describe(element) {
  const form = element.form?.getAttribute("action");
  const words = element.matches("summary") ? element.textContent : "";
  return [element.tagName, element.getAttribute("href"), form, element.getAttribute("aria-label"), words].join(" ");
}

// The same element as before, if there is exactly one. The focus must not move to a button that does something else.
function findAgain(fragment, description) {
  const found = [...fragment.querySelectorAll(FOCUSABLE)].filter((each) => describe(each) === description);
  return found.length === 1 ? found[0] : document.getElementById("main");
}

function swap(fragment, fresh) {
  const focused = fragment.contains(document.activeElement) ? describe(document.activeElement) : null;
  const open = [...fragment.querySelectorAll("details")].map((each) => each.open);
  const scrolled = [...fragment.querySelectorAll(".scroll")].map((each) => each.scrollLeft);
  fragment.innerHTML = fresh;
  fragment.querySelectorAll("details").forEach((each, index) => { each.open = Boolean(open[index]); });
  fragment.querySelectorAll(".scroll").forEach((each, index) => { each.scrollLeft = scrolled[index] ?? 0; });
  if (focused) findAgain(fragment, focused).focus({ preventScroll: true });
}

function sessionOf(page) {
  return page.querySelector(".person [name=csrf]")?.value;
}

// A page that somebody is leaving must not load itself again, which would keep them here. Leaving may be called off, so it is soon forgotten.
const LEAVING = 10_000;
let leftAt = -LEAVING;
addEventListener("beforeunload", () => { leftAt = performance.now(); });

function reload() {
  if (performance.now() - leftAt >= LEAVING) location.reload();
}

let isLooking = false;
let mustLookAgain = false;

async function look() {
  if (isLooking) { mustLookAgain = true; return; }
  isLooking = true;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (answer.redirected && new URL(answer.url).pathname === "/sign-in") { reload(); return; }
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (sessionOf(page) !== sessionOf(document)) { reload(); return; } // Somebody else has signed in in another tab.
    let changed = 0;
    for (const fresh of page.querySelectorAll("[data-fragment]")) {
      const fragment = document.getElementById(fresh.id);
      if (!fragment || isBusy(fragment)) continue;
      if (withoutDistances(sent.get(fresh.id) ?? "") === withoutDistances(fresh.innerHTML)) continue;
      sent.set(fresh.id, fresh.innerHTML);
      swap(fragment, fresh.innerHTML);
      changed += 1;
    }
    if (changed) {
      showTimes();
      document.getElementById("announcement").textContent = "The page was updated.";
    }
  } catch {
    // The server can't be reached. The stream reconnects by itself, and its first event makes the page look again.
  } finally {
    isLooking = false;
    if (mustLookAgain) { mustLookAgain = false; look(); }
  }
}

function showLost(isLost) {
  document.body.classList.toggle("stale", isLost);
  document.getElementById("lost").hidden = !isLost;
}

function follow() {
  const stream = document.querySelector('meta[name="live"]')?.content;
  if (!stream || !document.querySelector("[data-fragment]")) return;
  let source = null;
  const open = () => {
    source?.close();
    source = new EventSource(stream);
    source.onopen = () => showLost(false);
    source.onerror = () => {
      showLost(true);
      if (source.readyState !== EventSource.CLOSED) return;
      setTimeout(followIfSeen, 5000);
      look(); // The stream is refused if the session has ended, and so is the page.
    };
    source.onmessage = look;
  };
  // A page in a hidden tab costs the server nothing. The first event of a new stream makes it look.
  const followIfSeen = () => {
    if (document.hidden) source?.close();
    else open();
  };
  addEventListener("visibilitychange", followIfSeen);
  followIfSeen();
  addEventListener("pagehide", () => source?.close());
  addEventListener("pageshow", (event) => { if (event.persisted) followIfSeen(); });
}

// What was sent with a form, without passwords. The sign-in page runs no script, so it is still kept there if the session had ended.
function keepTyped(form) {
  const page = location.pathname + location.search;
  const kept = JSON.parse(sessionStorage.getItem("typed"));
  sessionStorage.removeItem("typed");
  if (!form) return;
  const hasSignedIn = document.referrer && new URL(document.referrer).pathname === "/sign-in";
  if (kept?.page === page && hasSignedIn) showAgain(form, kept.fields);
  form.addEventListener("submit", () => {
    const fields = [...new FormData(form)].filter(([name]) => form.elements[name]?.type !== "password");
    sessionStorage.setItem("typed", JSON.stringify({ page, fields }));
  });
}

// The server adds rows to some forms. It shows those with all their rows if they are sent with this button.
function showAgain(form, fields) {
  if (form.dataset.again) sendAgain(form, fields);
  else fillIn(form, new Map(fields));
}

function sendAgain(form, fields) {
  const again = document.createElement("form");
  again.method = "post";
  const typed = fields.filter(([name]) => name !== "csrf");
  for (const [name, value] of [...typed, ["csrf", form.elements.csrf.value], ...new URLSearchParams(form.dataset.again)]) {
    const field = document.createElement("input");
    Object.assign(field, { type: "hidden", name, value });
    again.append(field);
  }
  document.body.append(again);
  again.submit();
}

// The entity tag is that of the page on which it was typed, so that a change by somebody else in between is noticed.
function fillIn(form, typed) {
  const fields = [...form.elements].filter((each) => each.matches("input:not([type=hidden]), select, textarea"));
  for (const field of fields) {
    if (field.type === "checkbox") field.checked = typed.get(field.name) === field.value;
    else if (typed.has(field.name)) field.value = typed.get(field.name);
  }
  if (form.elements.etag && typed.has("etag")) form.elements.etag.value = typed.get("etag");
  const note = document.createElement("p");
  note.className = "alert";
  note.setAttribute("role", "status");
  note.textContent = "Your session had ended, so nothing was done.";
  if (fields.length) note.textContent += " What you had entered is in the form again.";
  form.before(note);
}

keepTyped(document.querySelector("form.editor, form.act"));
for (const zone of document.querySelectorAll("[data-timezone]")) {
  zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone;
}
remember(document);
showTimes();
setInterval(showTimes, 1000);
follow();
