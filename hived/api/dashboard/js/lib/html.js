/* The view library, bound once: everything else imports it from here. */
const { h, render } = window.preact;
const { useEffect, useLayoutEffect, useMemo, useRef, useState } = window.preactHooks;

export const html = window.htm.bind(h);
export { render, useEffect, useLayoutEffect, useMemo, useRef, useState };
