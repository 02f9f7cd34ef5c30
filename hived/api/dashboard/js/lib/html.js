/* The view library, bound once: everything else imports it from here. */
const { h, render, Fragment } = window.preact;
const { useEffect, useLayoutEffect, useMemo, useRef, useState, useCallback } = window.preactHooks;

export const html = window.htm.bind(h);
export { render, Fragment, useEffect, useLayoutEffect, useMemo, useRef, useState, useCallback };
