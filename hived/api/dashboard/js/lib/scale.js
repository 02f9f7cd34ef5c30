/* From a value to a colour: short lists of stops, mixed in between, readable ink on top. */

const HEAT = ["#2f6db5", "#6fb1dc", "#d3e6d5", "#f6d55c", "#ee8a3a", "#c4302b"];
const AMOUNT = ["#46206b", "#40508f", "#2f7d8e", "#3aae8b", "#93d35f", "#f4e64a"];
const CALM = ["#e3e7ec", "#f4d58a", "#ee9b4a", "#c4302b"];

export const SCALES = { __proto__: null, heat: HEAT, amount: AMOUNT, calm: CALM };
export const GRADES = { __proto__: null, grey: "#8b97a6", orange: "#f0a030", red: "#d03a34" };

const parse = (hex) => [1, 3, 5].map((i) => Number.parseInt(hex.slice(i, i + 2), 16));

/* The colour at `share` (0..1) of a scale, as [r, g, b]. */
export function mix(stops, share) {
  const at = Math.max(0, Math.min(1, share)) * (stops.length - 1);
  const low = Math.min(stops.length - 2, Math.floor(at));
  const [a, b] = [parse(stops[low]), parse(stops[low + 1])];
  return a.map((channel, i) => Math.round(channel + (b[i] - channel) * (at - low)));
}

export const css = ([r, g, b]) => `rgb(${r},${g},${b})`;
export const fromHex = parse;

function luminance(rgb) {
  const [r, g, b] = rgb.map((channel) => {
    const part = channel / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/* Black or white, whichever reads better on this colour. */
export function ink(rgb) {
  const light = luminance(rgb);
  return (light + 0.05) / 0.05 > 1.05 / (light + 0.05) ? "#000" : "#fff";
}

/* [low, high] of the values. `trim` leaves out that share at both ends, so that one dead chip does not flatten the
   rest; `spread` is the least difference worth showing as a difference. */
export function extent(values, { trim = 0, spread = 0 } = {}) {
  if (!values.length) return [0, 1];
  const sorted = [...values].sort((a, b) => a - b);
  const cut = Math.floor(sorted.length * trim);
  let [low, high] = [sorted[cut], sorted[sorted.length - 1 - cut]];
  if (high - low < spread) {
    const middle = (low + high) / 2;
    [low, high] = [middle - spread / 2, middle + spread / 2];
  }
  return [low, high];
}
