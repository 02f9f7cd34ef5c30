/* The arguments of each verb. `onChange(args)` is told null as long as they are not complete. */
import { hashrate, known, number, power, stamp } from "../lib/format.js";
import { html, useState } from "../lib/html.js";
import { NumberField } from "../lib/number-field.js";
import { Pending, useRead, When } from "../lib/ui.js";

const stepWords = (step) => [step.preset, [known(step.power_w) && power(step.power_w).join(" "), known(step.hashrate_th) && hashrate(step.hashrate_th).join(" ")].filter(Boolean).join(", ")].filter(Boolean).join(" - ");

/* The ladders of the models that are among the rows. */
export function PresetForm({ rows, args, onChange }) {
  const read = useRead("/api/models");
  if (!read.data) return html`<${Pending} read=${read} what="Presets" />`;
  const wanted = new Set(rows.map((row) => row.model));
  const models = read.data.filter((model) => wanted.has(model.alias) && model.presets_power?.length);
  if (models.length === 0) return html`<p class="note muted">No preset of these miners is known yet.</p>`;
  const choose = (event) => onChange(event.target.value ? { untuned: false, ...args, name: event.target.value } : null);
  const options = (model) => model.presets_power.map((step) => html`<option key=${step.preset} value=${step.preset} selected=${step.preset === args?.name}>${stepWords(step)}</option>`);
  return html`<label>Preset <select name="preset" required onChange=${choose}><option value="" selected=${!args?.name}>choose</option>
      ${models.length === 1 ? options(models[0]) : models.map((model) => html`<optgroup key=${model.alias} label=${model.name ?? model.alias}>${options(model)}</optgroup>`)}</select></label>
    ${args?.name && html`<${Untuned} args=${args} onChange=${onChange} />`}`;
}

function Untuned({ args, onChange }) {
  return html`<label class="tick"><input type="checkbox" checked=${args.untuned} onChange=${(event) => onChange({ ...args, untuned: event.target.checked })} /> Also on miners that have not tuned it: they then tune for hours</label>`;
}

export function PowerForm({ args, onChange }) {
  return html`<${NumberField} label="Watts for each miner" name="watts" low=${100} high=${50000} value=${args?.watts} autofocus
      onChange=${(watts) => onChange(watts === null ? null : { untuned: false, ...args, watts })} />
    <p class="small">A miner with presets takes the highest that needs no more.</p>
    ${args && html`<${Untuned} args=${args} onChange=${onChange} />`}`;
}

export function DimmerForm({ args, onChange }) {
  return html`<${NumberField} label="Per cent of full power" name="percent" low=${20} high=${100} value=${args?.percent} autofocus
    onChange=${(percent) => onChange(percent === null ? null : { percent })} />`;
}

export function CoolingForm({ onChange }) {
  const [mode, setMode] = useState("auto");
  const choose = (event) => {
    setMode(event.target.value);
    onChange(event.target.value === "manual" ? null : { mode: event.target.value });
  };
  return html`<label>Cooling <select name="mode" value=${mode} onChange=${choose}>${["auto", "manual", "immersion"].map((one) => html`<option key=${one} value=${one} selected=${one === mode}>${one}</option>`)}</select></label>
    ${mode === "manual" && html`<${NumberField} label="Fans, per cent" name="percent" low=${0} high=${100} onChange=${(percent) => onChange(percent === null ? null : { mode, percent })} />`}`;
}

export function LocateForm({ onChange }) {
  const [on, setOn] = useState(true);
  const choose = ({ target }) => {
    setOn(target.value === "on");
    onChange(target.value === "on" ? { on: true, seconds: 120 } : { on: false });
  };
  return html`<label>Lights <select name="lights" onChange=${choose}><option value="on" selected=${on}>flash</option><option value="off" selected=${!on}>stop flashing</option></select></label>
    ${on && html`<${NumberField} label="Seconds" name="seconds" low=${1} high=${3600} value=${120} onChange=${(seconds) => onChange(seconds === null ? null : { on: true, seconds })} />`}`;
}

/* Of one miner: a version of its settings that was kept. */
export function RestoreForm({ rows, args, onChange }) {
  const read = useRead(rows.length ? `/api/v1/miners/${rows[0].id}/settings/versions` : null);
  if (!read.data) return html`<${Pending} read=${read} what="Versions" />`;
  if (read.data.length === 0) return html`<p class="note muted">No version of its settings is kept yet.</p>`;
  return html`<fieldset><legend>Version</legend>${read.data.map(({ version, read_at: at }) => html`<label class="tick" key=${version}>
    <input type="radio" name="version" checked=${args?.version === version} onChange=${() => onChange({ version })} /> ${number(version)}, read <${When} ms=${stamp(at)} /></label>`)}</fieldset>`;
}
