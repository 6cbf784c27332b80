// Requests to the program. Nothing here throws: a request that fails is an answer with an error.

const csrf = document.querySelector('meta[name="csrf"]').content;

// Milliseconds after which an answer is given up: the disk of a laboratory's machine may be slow, but not that slow.
const GIVE_UP_MS = 20000;

// An error of the program as a sentence.
function sentence(text) {
  const words = text.trim();
  return words.charAt(0).toUpperCase() + words.slice(1) + (/[.!?]$/.test(words) ? "" : ".");
}

async function ask(path, options) {
  try {
    const response = await fetch(path, { ...options, credentials: "same-origin", signal: AbortSignal.timeout(GIVE_UP_MS) });
    const isJson = (response.headers.get("content-type") || "").includes("json");
    if (!isJson) {
      const error = response.redirected || response.status === 403
        ? "Your session has ended. Load the page again and say who reads."
        : `The program answered with ${response.status}.`;
      return { status: response.redirected ? 403 : response.status || 0, answer: { error } };
    }
    const answer = await response.json();
    if (answer.error) answer.error = sentence(answer.error);
    return { status: response.status, answer };
  } catch {
    return { status: 0, answer: { error: "The program does not answer." } };
  }
}

export function get(path) {
  return ask(path, {});
}

export function post(path, body) {
  const headers = { "Content-Type": "application/json", "X-CSRF-Token": csrf };
  return ask(path, { method: "POST", headers, body: JSON.stringify(body) });
}
