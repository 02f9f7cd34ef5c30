/* What a reader chose, kept in this browser; it may refuse to keep anything. */

export function chosen(key) {
  try {
    return window.localStorage.getItem(key);
  } catch (refused) {
    return null;
  }
}

/* Keep a choice, or forget it for null; false when it lasts no longer than the page. */
export function choose(key, value) {
  try {
    if (value === null) window.localStorage.removeItem(key);
    else window.localStorage.setItem(key, value);
    return true;
  } catch (refused) {
    return false;
  }
}
